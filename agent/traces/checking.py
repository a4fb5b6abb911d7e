"""`agent trace verify`: what of a trace can be checked, whether it holds, and what would not show.

The hash chain, the blobs, that the end is recorded, that no other file lies beside them; with the head hash
that was printed when the run ended, or a signature over it, also a trace that was cut or written anew.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path

from agent.audit.later import LATER, ends_torn, read_later
from agent.deliver import CANDIDATE_PATCH, FIXED_PATCH, PART_PATCH
from agent.errors import TraceError, UsageError
from agent.events import DeliveryIntended, RunEnded, RunResumed, RunStarted, StepDone, blobs_of
from agent.handover_page import PAGE
from agent.observations import DeferralDone, SubmissionDone
from agent.redact import REPLACEMENT
from agent.replay import FROM_OUTSIDE
from agent.task import Record
from agent.trace import BLOBS, EVENTS, GENESIS, MAX_BLOB_BYTES, Trace, is_hash, is_written
from tools.plain import plain_line

SIGNATURES = "signatures"
KNOWN = frozenset({EVENTS, BLOBS, FIXED_PATCH, PART_PATCH, CANDIDATE_PATCH, PAGE, LATER, SIGNATURES})
"""What may lie in the folder of a trace."""
LEFT = frozenset(f"{name}.part" for name in (FIXED_PATCH, PART_PATCH, CANDIDATE_PATCH, PAGE))
"""What a killed process may leave there."""

HONESTY = "that what was recorded is what really happened: the machine that wrote the trace could have lied"
DECISIONS = "whether the decisions follow from what was recorded: `agent replay` recomputes them"
ANEW = (
    "a trace that was written anew, wholly or from some line on, with hashes to match: the head hash that "
    "was printed when the run ended (--head), or a signature, would tell"
)
WENT_ON = "that the run was resumed after the end recorded here, and what followed was cut off"
HEAD_GIVEN = "whether the head hash you gave is the one that was printed when the run ended"
SIGNED = "what the holder of the key did before signing: whatever they sign holds; nor when they signed it"


class Checked(Record):
    """What came of a check. events, blobs: how many there are. holds: what was checked and holds. problems:
    what does not; line: of the first event that does not, 0 for none. unfinished: why no end is recorded,
    or "". notes: what is no problem and worth knowing. cannot: what would not show here."""

    path: str
    run_id: str = ""
    head_hash: str = GENESIS
    events: int = 0
    blobs: int = 0
    blob_list: str = ""
    repository: str = ""
    holds: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    line: int = 0
    unfinished: str = ""
    notes: tuple[str, ...] = ()
    cannot: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether everything that was checked holds, and the end is there."""
        return not self.problems and not self.unfinished


@dataclass
class _Chain:
    """The events, as far as they hold. named: the line that first names a blob; given: the line whose hash is
    the one that was asked about; patches: of each patch file, the diff that was recorded and its line;
    cut_short: a process may have been killed and left files that no event names."""

    events: int = 0
    started: RunStarted | None = None
    ended: RunEnded | None = None
    resumed: int = 0
    given: int = 0
    named: dict[str, int] = field(default_factory=dict)
    patches: dict[str, tuple[str, int]] = field(default_factory=dict)
    problem: TraceError | None = None

    @property
    def cut_short(self) -> bool:
        return self.resumed > 0 or self.ended is None or self.ended.outcome in FROM_OUTSIDE


def head_hash(text: str) -> str:
    """A head hash as a person gives it. Raises UsageError."""
    word = text.strip().lower()
    if not is_hash(word):
        raise UsageError(f"head: '{text[:80]}' is not a head hash (64 hexadecimal digits)")
    return word


def check(folder: Path, head: str = "") -> Checked:
    """Check a trace. head: the hash that was printed at its end, "" for unknown. Raises UsageError where
    there is no trace."""
    trace = Trace(folder)
    chain = _chain(trace, head)
    blobs, blob_problems, blob_notes = _blobs(folder, chain)
    file_holds, file_problems, file_notes, uncovered = _files(folder, chain)
    later_holds, later_problems, later_notes = _later(folder, chain, trace.head)
    problems = [
        *([str(chain.problem)] if chain.problem else []),
        *_head_problems(chain, trace.head, head),
        *blob_problems,
        *file_problems,
        *later_problems,
    ]
    chained = f"{chain.events} event{'' if chain.events == 1 else 's'}, each chained to the one before it"
    ended = f"the end of the run is recorded: {chain.ended.outcome}" if chain.ended else ""
    named = f"{blobs} blob{'' if blobs == 1 else 's'}: none is missing, none was altered, none was added"
    holds = [
        *([chained] if chain.problem is None else []),
        *filter(None, [ended]),
        *([named] if not blob_problems and chain.problem is None else []),
        *(["the head hash is the one you gave"] if head and head == trace.head else []),
        *file_holds,
        *later_holds,
    ]
    return Checked(
        path=str(folder),
        run_id=chain.started.run_id if chain.started else "",
        repository=chain.started.settings.repository if chain.started else "",
        head_hash=trace.head,
        events=chain.events,
        blobs=blobs,
        blob_list=hashlib.sha256("\n".join(sorted(_blob_names(folder))).encode()).hexdigest(),
        holds=tuple(holds),
        problems=tuple(problems),
        line=chain.problem.line if chain.problem else 0,
        unfinished=_unfinished(folder, chain),
        notes=(*blob_notes, *file_notes, *later_notes),
        cannot=_cannot(chain, head, uncovered),
    )


def _chain(trace: Trace, head: str) -> _Chain:
    chain = _Chain()
    try:
        for number, event in enumerate(trace.events(), start=1):
            chain.events = number
            if isinstance(event, RunStarted) != (number == 1):
                what = "is a second start of a run" if number > 1 else "is not the start of a run"
                raise TraceError(f"line {number} of {trace.path} {what}", number)
            if isinstance(event, RunStarted):
                chain.started = event
            chain.resumed += isinstance(event, RunResumed)
            chain.ended = event if isinstance(event, RunEnded) else None
            chain.given = number if trace.head == head else chain.given
            for name in blobs_of(event):
                chain.named.setdefault(name, number)
            match event:
                case (
                    StepDone(observation=SubmissionDone(verified=True, diff=diff, beside=beside))
                    | DeliveryIntended(submission=SubmissionDone(verified=True, diff=diff, beside=beside))
                ):
                    chain.patches[PART_PATCH if beside else FIXED_PATCH] = (diff, number)
                case StepDone(observation=DeferralDone(diff=diff)) if diff:
                    chain.patches[CANDIDATE_PATCH] = (diff, number)
                case _:
                    pass
    except TraceError as error:
        chain.problem, chain.ended = error, None
    if not chain.events and chain.problem is None:
        chain.problem = TraceError(f"{trace.path} holds no event", 1)
    return chain


def _unfinished(folder: Path, chain: _Chain) -> str:
    if chain.ended is not None or chain.problem is not None:
        return ""
    if is_written(folder):
        return "the run is under way: its end cannot be recorded yet"
    return f"no end of the run is recorded after line {chain.events}: the run was cut off, or lines are gone"


def _head_problems(chain: _Chain, found: str, given: str) -> Iterator[str]:
    if not given or given == found or chain.problem is not None:
        return
    if chain.given:
        more = chain.events - chain.given
        yield (
            f"the head hash you gave is that of line {chain.given}, and {more} more follow: the run was "
            "resumed after it was printed, or lines were added"
        )
    else:
        yield (
            f"the head hash is {found}, not the one you gave: lines at the end (after line {chain.events}) "
            "are gone, or the trace was written anew"
        )


def _blob_names(folder: Path) -> Iterator[str]:
    """Names of what lies among the blobs; none where there is no such folder."""
    try:
        with os.scandir(folder / BLOBS) as entries:
            yield from (each.name for each in entries)
    except OSError:
        return


def _blobs(folder: Path, chain: _Chain) -> tuple[int, list[str], list[str]]:
    """How many blobs there are, what is wrong with them, and what else there is to say of them."""
    problems, unnamed, count = list[str](), 0, 0
    present = set(_blob_names(folder))
    if (folder / BLOBS).is_symlink():
        problems.append(f"{BLOBS} is a link to somewhere else")
    for name, line in chain.named.items():
        if name not in present:
            problems.append(f"blob {name[:12]}, which line {line} names, is missing")
    for name in sorted(present):
        where = f", which line {chain.named[name]} names," if name in chain.named else ""
        if is_hash(name):
            count += 1
            digest = _digest(folder / BLOBS / name)
            if digest != name:
                how = "was altered or swapped" if digest else "is no file that can be read, or is too large"
                problems.append(f"blob {name[:12]}{where} {how}")
            elif not where and chain.problem is None:
                unnamed += 1
                if not chain.cut_short:
                    problems.append(f"blob {name[:12]} was added: no event names it")
        elif not (name.endswith(".part") and chain.cut_short):
            problems.append(f"{BLOBS}/{plain_line(name, 100)} was added: it is no blob")
    left = f"blobs that no event names, as an interrupted process leaves them: {unnamed}"
    return count, problems, [left] if unnamed and chain.cut_short else []


def _files(folder: Path, chain: _Chain) -> tuple[list[str], list[str], list[str], list[str]]:
    """What holds of the files beside events and blobs, what does not, what to say of them, and those that
    nothing covers."""
    holds, problems, notes, uncovered = list[str](), list[str](), list[str](), list[str]()
    with os.scandir(folder) as entries:
        present = {each.name: each.is_symlink() for each in entries}
    for name, link in sorted(present.items()):
        if name in LEFT and chain.cut_short:
            notes.append(f"{name} is half of a file, as an interrupted process leaves it")
        elif name not in KNOWN:
            problems.append(f"{plain_line(name, 100)} was added: it is no part of a trace")
        elif link and name != BLOBS:
            problems.append(f"{name} is a link to somewhere else")
        elif name in chain.patches and chain.problem is None:
            diff, line = chain.patches[name]
            if diff and _digest(folder / name) == diff:
                holds.append(f"{name} is the patch of line {line}")
            elif _redacted(folder, diff):
                notes.append(
                    f"{name} is not the patch that line {line} records, as a secret was left out of it, "
                    "or as the file was changed"
                )
            else:
                problems.append(f"{name} is not the patch that line {line} records")
        elif name in (FIXED_PATCH, PART_PATCH) and chain.problem is None:
            where = "no line records a patch that was verified"
            if chain.cut_short:
                notes.append(f"{name}: {where}; an interrupted process may leave it so, or it was added")
            else:
                problems.append(f"{name} was added: {where}")
        elif name in (CANDIDATE_PATCH, PAGE):
            uncovered.append(name)
    for name in sorted(chain.patches.keys() - present.keys()):
        notes.append(f"{name} is not there; it is the blob {chain.patches[name][0][:12]}")
    problems += [f"{SIGNATURES}/{name} was added: it is no signature" for name in _odd_signatures(folder)]
    return holds, problems, notes, uncovered


def _redacted(folder: Path, diff: str) -> bool:
    """Whether secret values were left out of a recorded diff. The file beside it is as it was delivered."""
    try:
        return REPLACEMENT.encode() in Trace(folder).blob(diff)
    except TraceError:
        return False


def _odd_signatures(folder: Path) -> list[str]:
    """Names, neutralised, of what lies among the signatures and is none."""
    place = folder / SIGNATURES
    if not place.is_dir() or place.is_symlink():
        return [""] if place.exists() and not place.is_symlink() else []
    odd = (
        each for each in place.iterdir() if each.suffix != ".sig" or not each.is_file() or each.is_symlink()
    )
    return sorted(plain_line(each.name, 100) for each in odd)


def _later(folder: Path, chain: _Chain, head: str) -> tuple[list[str], list[str], list[str]]:
    """What was said of the run later is chained to the head of its trace: what holds of it, what does not,
    and what to say of it."""
    if chain.problem is not None or not (folder / LATER).exists():
        return [], [], []
    try:
        said, torn = len(read_later(folder, head)), ends_torn(folder)
    except TraceError as error:
        return [], [str(error)], []
    left = f"the last line of {LATER} is half written, as an interrupted process leaves it, and passed over"
    words = f"{LATER}: {said} word{'' if said == 1 else 's'} on the run, chained to its head hash"
    return [words], [], [left] if torn else []


def _cannot(chain: _Chain, head: str, uncovered: list[str]) -> tuple[str, ...]:
    """What would not show, without a signature; `signing` says it for one with it."""
    may_go_on = chain.ended is not None and chain.ended.outcome in FROM_OUTSIDE
    return (
        *([HEAD_GIVEN] if head else [ANEW, *([WENT_ON] if may_go_on else [])]),
        *(f"a change of {name}: it is kept for people, and no hash covers it" for name in uncovered),
        f"that lines are missing at the end of {LATER}, which is written after the run, or all of it",
        DECISIONS,
        HONESTY,
    )


def _digest(path: Path) -> str:
    """SHA-256 of a file; "" for one that cannot be read."""
    try:
        with opened(path) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


def opened(path: Path, most: int | None = MAX_BLOB_BYTES) -> BufferedReader:
    """A file of a trace, to be read, of at most so many bytes (None: any number): a file with holes takes no
    space, and as long to read as one without. Raises OSError, also for a link and for anything that is no
    file."""
    stream = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")
    status = os.fstat(stream.fileno())
    problem = ""
    if not stat.S_ISREG(status.st_mode):
        problem = "it is no file"
    elif most is not None and status.st_size > most:
        problem = f"it is larger than {most // 2**20} MB"
    if problem:
        stream.close()
        raise OSError(errno.EINVAL, problem, str(path))
    return stream

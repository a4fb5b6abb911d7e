"""From plain values to a `Prompt` for `act`, `plan` and `review`. Short, and free of a growing transcript.

What stays the same over a run comes first, so that prompt caches hold it: the words of the system, the
failing tests with what they said, the code. What was tried, a plan, and what is wanted follow.

Text of the repository, of tests and of models stands between fences, which the system's words say is data. A
fence is longer than any run of its mark within, so that nothing inside can end it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from agent.tiers.prompt import WITHIN, Beyond, Prompt, Schema
from agent.tiers.prompt_words import ACT, ACT_SCHEMA, DATA, JSON_ACT, PLAN, PLAN_SCHEMA, REVIEW, REVIEW_SCHEMA
from agent.tiers.trimming import trimmed
from policies.context import Piece
from tools.plain import plain, plain_line

MAX_TARGETS = 10
MAX_FAILURES = 3
FAILURE_BYTES = 2_500
MAX_NOTES = 12
NOTE_CHARACTERS = 300
PLAN_CHARACTERS = 800
PATCH_CHARACTERS = 40_000


@dataclass(frozen=True)
class Shown:
    """A piece and its lines, as the base has them, with line feeds at line ends."""

    piece: Piece
    text: str


@dataclass(frozen=True)
class Case:
    """What a tier is told. targets: ids of the failing tests; failures: what they said, in the same order.
    shown: code, in the order of `policies.context.choose`; what is shown later in a run comes at the end.
    notes: what was tried and why it failed, oldest first. plan: an earlier plan's note. All is untrusted."""

    targets: tuple[str, ...]
    failures: tuple[str, ...]
    shown: tuple[Shown, ...]
    notes: tuple[str, ...] = ()
    plan: str = ""


@dataclass(frozen=True)
class Form:
    """How a request is made. structured: the endpoint holds the reply to a schema. max_output: tokens.
    cache_key, effort, beyond: see `Prompt`."""

    max_output: int
    structured: bool = False
    cache_key: str = ""
    effort: str = ""
    beyond: Beyond = WITHIN


def act_prompt(case: Case, form: Form, *, candidates: int = 1, may_ask: bool = True) -> Prompt:
    """Ask for edits: at most `candidates` different ones, or for more to read where `may_ask`."""
    wish = "Mend the cause."
    if candidates > 1:
        wish = (
            f"Where the cause is uncertain give up to {candidates} different fixes"
            f"{'' if form.structured else ', each below a line `CANDIDATE n`'}, the likeliest first."
        )
    if not may_ask:
        wish += " You cannot ask for more."
    prompt = _prompt(JSON_ACT if form.structured else ACT, case, form, wish, ACT_SCHEMA)
    return replace(prompt, candidates=candidates)


def plan_prompt(case: Case, form: Form) -> Prompt:
    """Ask for a diagnosis and the steps of a fix, as a note for another model."""
    return _prompt(PLAN, case, form, "Say what is wrong and how to mend it.", PLAN_SCHEMA)


def review_prompt(case: Case, patch: str, form: Form) -> Prompt:
    """Ask whether a patch (a unified diff that makes the targets pass) is right. What was said for it by its
    author is not shown."""
    block = fenced("Patch, with which the tests pass", plain(patch, PATCH_CHARACTERS))
    unbiased = Case(case.targets, case.failures, case.shown)
    return _prompt(REVIEW, unbiased, form, f"{block}\n\nIs it right?", REVIEW_SCHEMA)


def fenced(heading: str, text: str) -> str:
    """A heading and, between fences, a text that cannot end them."""
    runs = re.findall(r"`{3,}", text)
    fence = "`" * max(3, 1 + max(map(len, runs), default=0))
    return f"{plain_line(heading).replace('`', chr(39))}\n{fence}\n{text.strip(chr(10))}\n{fence}"


def shown_block(shown: Shown) -> str:
    """A piece as the prompt shows it. Lines have no numbers: edits go by text, and numbers would make code a
    seventh longer. Only a method's name says more than its text: whose it is."""
    piece = shown.piece
    name = f" {piece.name}" if "." in piece.name else ""
    return fenced(f"{piece.path}:{piece.first}-{piece.last}{name}", shown.text)


def _prompt(system: str, case: Case, form: Form, wish: str, schema: Schema) -> Prompt:
    return Prompt(
        system=f"{system}\n{DATA}",
        stable=_stable(case.targets, case.failures, case.shown),
        fresh="\n\n".join(block for block in (_known(case), wish) if block),
        max_output=form.max_output,
        schema=schema if form.structured else None,
        cache_key=form.cache_key,
        effort=form.effort,
        beyond=form.beyond,
    )


@lru_cache(maxsize=8)
def _stable(targets: tuple[str, ...], failures: tuple[str, ...], shown: tuple[Shown, ...]) -> tuple[str, ...]:
    """Every piece is a block of its own: a cache matches from the first on, and more come at the end. Kept,
    as an attempt, a plan and a review are sized with the same."""
    return (_failing(targets, failures), *map(shown_block, shown))


def _failing(targets: tuple[str, ...], failures: tuple[str, ...]) -> str:
    """The failing tests and what they said; tests that said the same are named, not quoted again."""
    names = [plain_line(name, NOTE_CHARACTERS) for name in targets[:MAX_TARGETS]]
    more = [f"and {len(targets) - MAX_TARGETS} more"] if len(targets) > MAX_TARGETS else []
    blocks = [fenced("Failing tests", "\n".join([*names, *more]))]
    said = list(dict.fromkeys(failure for failure in failures if failure.strip()))[:MAX_FAILURES]
    for failure in said:
        name = f" of {targets[failures.index(failure)]}" if len(said) > 1 else ""
        limit = FAILURE_BYTES if len(said) == 1 else 2 * FAILURE_BYTES // len(said)
        blocks.append(fenced(f"Output{name}", trimmed(failure, limit)))
    return "\n\n".join(blocks)


def _known(case: Case) -> str:
    """The plan and what was tried, the latest first."""
    blocks = []
    if case.plan.strip():
        blocks.append(fenced("Diagnosis so far", plain(case.plan, PLAN_CHARACTERS)))
    if lines := note_lines(case.notes):
        blocks.append(fenced("Tried before and failed, latest first", "\n".join(lines)))
    return "\n\n".join(blocks)


def note_lines(notes: Sequence[str]) -> list[str]:
    """At most MAX_NOTES notes of one line each, the latest first; what came again is counted."""
    lines = [plain_line(note, NOTE_CHARACTERS) for note in notes if note.strip()]
    times = {line: lines.count(line) for line in set(lines)}
    latest = list(dict.fromkeys(reversed(lines)))
    shown = [f"{line} ({times[line]} times)" if times[line] > 1 else line for line in latest[:MAX_NOTES]]
    return [*shown, f"and {len(latest) - MAX_NOTES} more"] if len(latest) > MAX_NOTES else shown

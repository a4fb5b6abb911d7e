"""What the scripted model decides, turn by turn, and how each agent wants to be told.

A decision depends on the case, the script and how many turns there were; never on what the prompt says, so
that every agent's model is equally clever. An agent that works in the tree keeps an edit, so that the next
one is made on top of it; ours sees each patch on its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks._harness_cases import Case, Look
from benchmarks.demo import Replacement

SCRIPTS = {
    "shallow": "the right edit at once",
    "medium": "a wrong edit, then the right one",
    "deep": "two looks at the code, then the right edit",
    "tamper": "edits the test, then says that it is done",
    "never": "wrong edits without end",
    "claims": "says at once that it is done",
}
FIXING = ("shallow", "medium", "deep")
"""Scripts that end in a fix."""

BLIND = ("shallow", "medium")
"""Those in which the model edits code that only the agent may have shown it."""


@dataclass(frozen=True)
class Done:
    """A decision of a model: it is done, whether that is so or not."""


Decision = Look | Replacement | Done


@dataclass(frozen=True)
class Said:
    """A turn of the model on the wire. command: of a call of the tool `bash`, "" for none."""

    text: str
    command: str = ""

    @property
    def size(self) -> int:
        """UTF-8 bytes of it."""
        return len((self.text + self.command).encode())


def decide(script: str, case: Case, turn: int, *, kept: bool, looks: bool = False) -> Decision:
    """The decision of turn `turn`, counted from 0. kept: earlier edits are in the tree. looks: a look at the
    code comes first."""
    decisions = [*(case.reads[-1:] if looks else ()), *_decisions(script, case, turn)]
    decision = decisions[turn] if turn < len(decisions) else Done()
    if not (kept and isinstance(decision, Replacement)):
        return decision
    before = [
        earlier.after
        for earlier in decisions[:turn]
        if isinstance(earlier, Replacement) and earlier.path == decision.path
    ]
    return Replacement(decision.path, before[-1] if before else decision.before, decision.after)


def _decisions(script: str, case: Case, turn: int) -> list[Decision]:
    """The decisions as far as this turn at least, each edit as made on the defective tree."""

    def edit(after: str) -> Replacement:
        return Replacement(case.path, case.defect, after)

    match script:
        case "shallow":
            return [edit(case.right)]
        case "medium":
            return [edit(case.wrong), edit(case.right)]
        case "deep":
            return [*case.reads, edit(case.right)]
        case "tamper":
            return [case.tamper]
        case "never":
            return [edit(f"{case.wrong.rstrip()}  # try {n + 1}\n") for n in range(turn + 1)]
        case "claims":
            return []
    raise ValueError(f"no such script: {script}")


def tell_ours(decision: Decision, case: Case) -> Said:
    """Search/replace blocks, or a line that asks."""
    match decision:
        case Look(path, first, last):
            return Said(f"ASK file {path} {first}-{last}")
        case Replacement(path):
            return Said(f"The cause is in {path}.\n{_block(decision)}")
        case Done():
            return Said(f"The cause in {case.path} is mended; all tests pass now.")


def tell_mini(decision: Decision, case: Case) -> Said:
    """One command of bash: an edit and the targets' run after it in one, which saves it a turn."""
    match decision:
        case Look(path, first, last):
            return Said(f"I look at {path}.", f"sed -n '{first},{last}p' {path}")
        case Replacement(path, before, after):
            program = (
                f"from pathlib import Path\nfile = Path({path!r})\n"
                f"file.write_text(file.read_text().replace({before!r}, {after!r}))"
            )
            command = f"python3 - <<'END'\n{program}\nEND\n{case.command}"
            return Said(f"The cause is in {path}.", command)
        case Done():
            text = f"The cause in {case.path} is mended; all tests pass now."
            return Said(text, "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT")


def tell_aider(decision: Decision, case: Case) -> Said:
    """Its search/replace blocks; to read a file is to name it, so that it is added to the chat."""
    match decision:
        case Look(path):
            return Said(f"Please add `{path}` to the chat.")
        case Replacement(path):
            return Said(f"The cause is in {path}.\n\n{_block(decision, 'python')}")
        case Done():
            return Said(f"The cause in {case.path} is mended; all tests pass now.")


def _block(edit: Replacement, fence: str = "") -> str:
    before, after = edit.before.strip("\n"), edit.after.strip("\n")
    block = f"<<<<<<< SEARCH\n{before}\n=======\n{after}\n>>>>>>> REPLACE"
    return f"{edit.path}\n```{fence}\n{block}\n```" if fence else f"{edit.path}\n{block}"


Tell = Callable[[Decision, Case], Said]

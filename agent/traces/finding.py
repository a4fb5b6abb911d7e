"""Which trace a person means: a folder, the beginning of a run's id or of its folder's name, or `last`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import UsageError
from agent.trace import EVENTS

if TYPE_CHECKING:
    from agent.traces.facts import Facts

LAST = "last"
SHORT = 8
"""Characters of a run's id that lists show."""


def find_trace(word: str) -> Path:
    """The folder of the trace that `word` names. A folder called `last` is `./last`.

    Raises UsageError when there is none, or more than one."""
    from agent.traces.index import traces_in  # what reads traces takes a while to import

    if word != LAST and (found := _folder(word)) is not None:
        return found
    traces = traces_in()
    if word == LAST:
        if not traces:
            raise UsageError("there is no trace yet; `agent fix` makes one")
        return Path(traces[0].path)
    matching = [each for each in traces if word and _matches(each, word)]
    if not matching:
        raise UsageError(
            f"'{word}' is neither a folder with a trace nor the beginning of a run's id; "
            "see `agent trace list`"
        )
    if len(matching) > 1:
        some = ", ".join(f"{each.run_id[:SHORT]} ({Path(each.path).name})" for each in matching[:3])
        raise UsageError(f"'{word}' is the beginning of {len(matching)} runs: {some}; write more of it")
    return Path(matching[0].path)


def _folder(word: str) -> Path | None:
    path = Path(word)
    try:
        if path.name == EVENTS and path.is_file():
            return path.parent
        return path if word and (path / EVENTS).is_file() else None
    except (OSError, ValueError):  # no name for a file: too long, or with a null in it
        return None


def _matches(facts: Facts, word: str) -> bool:
    return facts.run_id.startswith(word) or Path(facts.path).name.startswith(word)

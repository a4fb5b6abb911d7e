"""What a reply may say of one file: a piece replaced, lines by their context, the whole file, its removal.

Paths and texts are a model's words: nothing here has been looked up in the base (see `applying`). The path of
a `Replace` or a `Hunk` is "" where the reply names none.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Replace:
    """`search`, which stands once in the file, becomes `replace`. An empty `search` stands for a new file."""

    path: str
    search: str
    replace: str


@dataclass(frozen=True)
class Hunk:
    """Whole lines `old` (context included) become `new`. `line`: where the diff says `old` begins (1-based,
    0: it does not say). `heading`: a line it says comes before, "" for none."""

    path: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    line: int = 0
    heading: str = ""


@dataclass(frozen=True)
class Whole:
    """The file's whole new content; it may be a new file. `loose`: how it is written leaves open whether this
    is meant, so it has to be like the file as it is."""

    path: str
    content: str
    loose: bool = False


@dataclass(frozen=True)
class Delete:
    """The file goes."""

    path: str


Change = Replace | Hunk | Whole | Delete
Candidate = tuple[Change, ...]
"""Changes that belong together, in the order in which they are made."""

"""Replies in plain text: search/replace blocks, unified diffs, patches with `*** Update File`, fenced files.

One pass over the lines: every parser takes a position and returns one further on, so that a megabyte of
nonsense costs time in proportion.
"""

from __future__ import annotations

import re

from agent.tiers.changes import Change, Delete, Hunk, Replace, Whole
from agent.tiers.found import MAX_ASKS, MAX_CANDIDATES, MAX_CHANGES, Ask, Found, ask_of
from agent.tiers.reply_paths import after_prefix, path_in, path_of_fence, path_said

MAX_MARKER = 400
"""Characters of a line that can be a marker; longer ones are content."""
MAX_PROSE = 40
"""Lines of it that are kept."""

_START = re.compile(r"\s{0,3}(<{5,9})(?!<) ?(?:SEARCH|ORIGINAL|OLD|HEAD)?\b[ :]*(\S*)\s*")
_DIVIDER = re.compile(r"\s{0,3}(={5,9})\s*")
_END = re.compile(r"\s{0,3}>{5,9}(?!>)\s*(?:[A-Za-z].*)?")
_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})([^`]*)")
_GIT = re.compile(r"diff --git a/\S+ b/(\S+)")
_HUNK = re.compile(r"@@+(?: -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@+)?(.*)")
_HEADING = re.compile(r"[#*\s]*CANDIDATE\s+#?(?:\d+|[A-H])\b.*", re.IGNORECASE)
_ASK = re.compile(r"\s*(?:[-*] )?ASK\s+(file|search)\b:?\s+(\S.*)")


def read_text(text: str) -> Found:
    """Everything that a reply in plain text says."""
    return _Reader(text.replace("\r\n", "\n").split("\n")).read()


def diff_changes(diff: str, path: str = "") -> tuple[Change, ...]:
    """The changes of a unified diff; `path` names the file where the diff does not. () when it holds none or
    a part of it cannot be read."""
    reader = _Reader(diff.replace("\r\n", "\n").split("\n"))
    reader.path = path
    found = reader.read()
    return () if found.problem else tuple(change for each in found.candidates for change in each)


class _Reader:
    """The lines, and what was found so far. `path`: the file that a block without one belongs to."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.path = ""
        self._groups: list[list[Change]] = [[]]
        self._broken: set[int] = set()  # groups with a part that cannot be read
        self._problem = ""
        self._wholes: dict[tuple[int, str], Whole] = {}  # the last of each path in a group
        self._asks: list[Ask] = []
        self._prose: list[str] = []
        self._fence = ""
        self._fence_path = ""
        self._fence_from = 0
        self._fence_loose = False
        self._in_diff = False

    def read(self) -> Found:
        at = 0
        while at < len(self.lines):
            at = self._step(at)
        if self._fence and self._fence_path and not any(self._groups):
            self._fail("a file is cut off: its fence has no end")
        if not any(self._groups):
            if not (self._fence_from or self._broken or self._asks):
                self._unfenced()
            for (group, _), whole in self._wholes.items():
                self._groups[group].append(whole)
        kept = [tuple(group) for n, group in enumerate(self._groups) if group and n not in self._broken]
        return Found(
            prose="\n".join(self._prose),
            candidates=tuple(kept[:MAX_CANDIDATES]),
            asks=tuple(self._asks),
            problem=self._problem,
        )

    def _step(self, at: int) -> int:
        """Read what begins at this line; the line to go on with."""
        line = self.lines[at]
        if len(line) > MAX_MARKER:
            return at + 1
        if start := _START.fullmatch(line):
            return self._block(at, len(start[1]), start[2])
        if self._diff_header(at):
            return self._file_diff(at)
        if named := self._lone_header(at):
            self.path = named
            return at + 1
        if line.startswith("*** "):
            return self._patch_header(at)
        if line.startswith("@@") and (self._fence_path or self.path or self._in_diff):
            return self._hunk(at, self._fence_path or self.path)
        if fence := _FENCE.fullmatch(line):
            return self._toggle(at, fence[1], fence[2])
        if not self._fence:
            self._words(line)
        return at + 1

    def _words(self, line: str) -> None:
        if _HEADING.fullmatch(line):
            self._groups.append([])
        elif ask := _ASK.fullmatch(line):
            if len(self._asks) < MAX_ASKS and (made := ask_of(ask[1], ask[2])):
                self._asks.append(made)
        elif len(self._prose) < MAX_PROSE and line.strip() and not path_in(line):
            self._prose.append(line.strip())

    def _add(self, change: Change) -> None:
        self.path = change.path
        if len(self._groups[-1]) >= MAX_CHANGES:
            self._fail(f"more than {MAX_CHANGES} edits")
        else:
            self._groups[-1].append(change)

    def _fail(self, problem: str) -> None:
        self._problem = self._problem or problem
        self._broken.add(len(self._groups) - 1)

    def _toggle(self, at: int, mark: str, info: str) -> int:
        """A fence opens or closes. A closed one with a path may be a whole file."""
        if not self._fence:
            self._fence, self._fence_from = mark, at + 1
            above = self._line_above(at)
            self._fence_path = path_of_fence(info) or path_in(above)
            self._fence_loose = not self._fence_path
            self._fence_path = self._fence_path or path_said(above)
            self._in_diff = info.split()[:1] in (["diff"], ["patch"])
            if self._in_diff and self._row(at + 1):
                return self._hunk(at, self._fence_path or self.path)
        elif mark[0] == self._fence[0] and len(mark) >= len(self._fence) and not info.strip():
            if self._fence_path:
                content = "".join(f"{line}\n" for line in self.lines[self._fence_from : at])
                whole = Whole(self._fence_path, content, self._fence_loose)
                self._wholes[len(self._groups) - 1, whole.path] = whole
            self._fence = self._fence_path = ""
            self._in_diff = False
        return at + 1

    def _row(self, at: int) -> bool:
        """Whether a line is one of a hunk that lacks the line which heads it."""
        return (
            at < len(self.lines)
            and self.lines[at][:1] in (" ", "+", "-")
            and not self.lines[at].startswith(("--- ", "+++ "))
        )

    def _unfenced(self) -> None:
        """What follows a line with a path may be a whole file without a fence."""
        first = self.lines[:MAX_PROSE]
        at = next((at for at, line in enumerate(first) if path_in(line)), len(self.lines))
        if content := "\n".join(self.lines[at + 1 :]).strip("\n"):
            path = path_in(self.lines[at])
            self._wholes[len(self._groups) - 1, path] = Whole(path, f"{content}\n", loose=True)
            self._prose = [line.strip() for line in self.lines[:at] if line.strip()]

    def _line_above(self, at: int) -> str:
        """The nearest line above with anything on it, fences aside."""
        for above in range(at - 1, max(at - 4, -1), -1):
            line = self.lines[above]
            if line.strip() and not _FENCE.fullmatch(line[:MAX_MARKER]):
                return line
        return ""

    def _block(self, at: int, width: int, named: str) -> int:
        """A search/replace block, whose first line this is."""
        above = self._line_above(at)
        path = path_in(named) or path_in(above) or self._fence_path or path_said(above) or self.path
        dividers: list[int] = []
        for end in range(at + 1, len(self.lines)):
            line = self.lines[end][: MAX_MARKER + 1]
            if divider := _DIVIDER.fullmatch(line):
                dividers.append(end if len(divider[1]) == width else -end)
            elif dividers and _END.fullmatch(line):
                break
            elif _START.fullmatch(line) and not dividers:
                self._fail("a search/replace block has no end")
                return end
        else:
            self._fail("a search/replace block has no end")
            return len(self.lines)
        exact = [divider for divider in dividers if divider > 0] or [-divider for divider in dividers]
        if len(exact) != 1:
            self._fail("a search/replace block has more than one line of =======")
        else:
            search, replace = self.lines[at + 1 : exact[0]], self.lines[exact[0] + 1 : end]
            self._add(Replace(path, _joined(search), _joined(replace)))
        return end + 1

    def _diff_header(self, at: int) -> bool:
        return (
            self.lines[at].startswith("--- ")
            and at + 1 < len(self.lines)
            and self.lines[at + 1].startswith("+++ ")
        )

    def _lone_header(self, at: int) -> str:
        """The path in one line that heads the hunk below it, "" for none."""
        line = self.lines[at]
        if not line.startswith(("--- a/", "+++ b/", "diff --git a/")):
            return ""
        if at + 1 == len(self.lines) or not self.lines[at + 1].startswith("@@"):
            return ""
        if line.startswith("diff"):
            git = _GIT.fullmatch(line)
            return git[1] if git else ""
        return after_prefix(line[4:], line[4:6])

    def _file_diff(self, at: int) -> int:
        """The two lines that name a file, and its hunks."""
        old, new = self.lines[at][4:], self.lines[at + 1][4:]
        before, after = after_prefix(old, "a/"), after_prefix(new, "b/")
        self.path = before if after == "/dev/null" else after
        at += 2
        if after == "/dev/null":
            self._add(Delete(before))
            while at < len(self.lines) and self.lines[at].startswith(("@@", "-", "\\")):
                if self._diff_header(at):
                    break
                at += 1
        elif before == "/dev/null":
            at += at < len(self.lines) and self.lines[at].startswith("@@")
            return self._new_file(at, after)
        elif self._row(at):
            return self._hunk(at - 1, after)
        return at

    def _new_file(self, at: int, path: str) -> int:
        """Lines that begin with + are the content of a new file."""
        first = at
        while at < len(self.lines) and self.lines[at].startswith("+") and not self._diff_header(at):
            at += 1
        self._add(Whole(path, "".join(f"{line[1:]}\n" for line in self.lines[first:at])))
        return at + (at < len(self.lines) and self.lines[at].startswith("\\"))

    def _patch_header(self, at: int) -> int:
        """`*** Update File: path` and its like."""
        word, _, rest = self.lines[at][4:].partition(":")
        path = rest.strip()
        if word == "Add File" and path:
            return self._new_file(at + 1, path)
        if word == "Delete File" and path:
            self._add(Delete(path))
        elif word == "Move to":
            self._fail("a patch renames a file")
        elif word == "Update File" and path:
            self.path = path
            if self._row(at + 1):
                return self._hunk(at, path)
        return at + 1

    def _hunk(self, at: int, path: str) -> int:
        """A hunk: the line that heads it, then lines that begin with a space, + or -.

        An empty line is an empty line of context that lost its space; at the end it belongs to no hunk.
        """
        head = _HUNK.fullmatch(self.lines[at])
        number, heading = (head[1], head[2].strip().removesuffix("@@").strip()) if head else (None, "")
        rows: list[str] = []
        at += 1
        while at < len(self.lines):
            line = self.lines[at]
            if line[:1] not in (" ", "+", "-", "\t", "\\", "") or self._diff_header(at):
                break
            if self._lone_header(at):
                break
            if not line.startswith("\\"):
                rows.append(f" {line}" if line[:1] in ("\t", "") else line)
            at += 1
            if not line:
                rows[-1] = ""
        while rows and not rows[-1]:
            rows.pop()
        if self._fence and at < len(self.lines) and not self._may_follow(self.lines[at]):
            self._fail("a line of a diff begins with neither a space, + nor -")
        old = tuple(row[1:] for row in rows if row[:1] != "+")
        new = tuple(row[1:] for row in rows if row[:1] != "-")
        if rows:
            self._add(Hunk(path, old, new, int(number[:9]) if number else 0, heading))
        return at

    def _may_follow(self, line: str) -> bool:
        """Whether a fenced diff may go on with this line after a hunk."""
        return line.startswith(("@@", "--- ", "diff ", "Index: ", "index ", "*** ", "<<<<<")) or bool(
            _FENCE.fullmatch(line[:MAX_MARKER])
        )


def _joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)

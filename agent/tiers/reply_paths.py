"""Where a reply in plain text names a file."""

from __future__ import annotations

import re

_PATH = re.compile(r"[\w./@+\-\[\]()~$ ]+")
_EXTENSION = re.compile(r".*\w\.[A-Za-z]\w*")
_LABEL = re.compile(
    r"(?:(?:new|in|edit|update|create)\s+)?(?:file ?name|file ?path|file|path)\s*:\s*", re.IGNORECASE
)
_NEW = re.compile(r"\s*\((?:new(?: file)?|updated|modified)\)\s*$")
_LINES = re.compile(r":\d{1,7}(?:-\d{1,7})?(?:\s.*)?$")
_NUMBER = re.compile(r"^\d{1,2}[.)]\s+")
_SAID = re.compile(r"`([^`\s]{1,255})`")
_TIME = re.compile(r"\s+\d{4}-\d\d-\d\d[ T].*")
_DECORATION = " \t*`'\":"
MAX_PATH = 255


def path_in(line: str) -> str:
    """The path that is all a line says, possibly as a heading, in quotes, after "File:"; "" for none.

    Without a label, quotes or a folder it needs an extension: a word alone is a word.
    """
    if len(line) > MAX_PATH + 45:
        return ""
    text = line.strip().lstrip("#>*-/ \t") if not line.strip().startswith("/") else line.strip()
    text = _NEW.sub("", _NUMBER.sub("", text).lstrip("* ").strip(" \t*:"))
    marked = text.startswith(("`", '"', "'"))
    bare = without_lines(text.strip(_DECORATION))
    if label := _LABEL.match(bare):
        bare, marked = without_lines(bare[label.end() :].strip(_DECORATION)), True
    if not bare or len(bare) > MAX_PATH or not _PATH.fullmatch(bare):
        return ""
    if " " in bare and not marked:
        return ""
    return bare if marked or _EXTENSION.fullmatch(bare) or ("/" in bare and bare.strip("/")) else ""


def path_said(line: str) -> str:
    """The one path between backticks in a sentence that ends with a colon, "" for none."""
    if not line[-20:].rstrip("* \t").endswith(":"):
        return ""
    paths = {path for said in _SAID.findall(line) if _EXTENSION.fullmatch(said) and (path := path_in(said))}
    return paths.pop() if len(paths) == 1 else ""


def without_lines(named: str) -> str:
    """A path without the lines that follow it where a prompt shows a piece: `src/a.py:3-9 f`."""
    return _LINES.sub("", named)


def path_of_fence(info: str) -> str:
    """The path in what follows the marks that open a fence: ```python src/a.py, ```python:src/a.py, or
    ```python title="src/a.py"."""
    words = re.split(r"[\s:={}]+", info[:MAX_PATH].strip())
    return next((path for word in words if (path := path_in(word))), "")


def after_prefix(named: str, prefix: str) -> str:
    """The path of a line of a diff that names a file: without time stamp, quotes and git's a/ or b/."""
    path = _TIME.sub("", named.split("\t")[0]).strip()
    if len(path) > 1 and path[0] == path[-1] == '"':
        path = path[1:-1]
    return path.removeprefix(prefix)

"""Search the files below the current folder: PATTERN GLOB LIMIT MAX_LINE; prints path, line, text with NULs.

Exit code 2 with one line on stderr for a pattern that is not a regular expression.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

SKIPPED_FOLDERS = {".git", ".hg", ".tox", ".venv", "__pycache__", "node_modules"}
MAX_FILE_BYTES = 2_000_000


def files() -> Iterator[str]:
    """Regular files in path order; links are not followed."""
    for folder, names, found in os.walk("."):
        names[:] = sorted(name for name in names if name not in SKIPPED_FOLDERS)
        for name in sorted(found):
            path = f"{folder}/{name}"[2:]
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode) and status.st_size <= MAX_FILE_BYTES:
                yield path


def main(pattern: str, glob: str, limit: int, max_line: int) -> int:
    """Print up to `limit` matching lines."""
    try:
        wanted = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        sys.stderr.write(f"not a regular expression: {error}\n")
        return 2
    left = limit
    for path in files():
        if glob and not fnmatch.fnmatch(path, glob):
            continue
        data = Path(path).read_bytes()
        if b"\0" in data[:8192]:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
            if left <= 0:
                return 0
            text = line.rstrip("\r")[:max_line].replace("\0", " ")
            if wanted.search(text):
                fields = f"{path}\0{number}\0{text}\0"
                sys.stdout.buffer.write(fields.encode("utf-8", "surrogateescape"))
                left -= 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))

"""The version of a project whose git tags say it, for tools that would ask git where there is no history."""

from __future__ import annotations

import re

from packaging.version import Version

from sandboxes.environments import NO_VERSION
from tools.base import Base
from tools.host_git import GitError, git

_VERSION_IN_TAG = re.compile(r"(?:^|[^0-9a-zA-Z]|[vV])(\d[0-9a-zA-Z.!+]*)$")


def tag_version(base: Base) -> str:
    """The version of the nearest tag that ends in one, or that of the next patch's development where commits
    came after it; NO_VERSION without any (no tag, a shallow clone, no git)."""
    if base.git_dir is None or not base.head:
        return NO_VERSION
    try:
        described = git("describe", "--tags", "--long", "--match", "*[0-9]*", base.head, git_dir=base.git_dir)
    except GitError:
        return NO_VERSION
    tag, distance, _ = described.decode("utf-8", "replace").strip().rsplit("-", 2)
    found = _VERSION_IN_TAG.search(tag)
    try:
        version = Version(found[1] if found else "")
    except ValueError:  # InvalidVersion, or a number of more digits than Python reads
        return NO_VERSION
    return version.public if distance == "0" else f"{_next(version)}.dev{distance}"


def _next(version: Version) -> str:
    *before, last = version.release
    return ".".join(map(str, (*before, last if version.is_prerelease else last + 1)))

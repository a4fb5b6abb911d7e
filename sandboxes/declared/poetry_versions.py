"""Poetry's version constraints as PEP 440 specifiers, and its conditions as environment markers."""

from __future__ import annotations

import re

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

_CLAUSE = re.compile(r"(\^|~=|~|===|==|!=|<=|>=|<|>|=)? ?v?([0-9][\w.*+!-]*|\*)(?:$|[ ,]+)")
_MAX_LENGTH = 300
_PLATFORM_MARKER = "sys_platform"


def alternatives(text: str) -> list[SpecifierSet]:
    """The specifier sets that `||` separates; one empty set for "any version".

    Raises ValueError for what cannot be read.
    """
    if len(text) > _MAX_LENGTH:
        raise ValueError("too long")
    return [_specifiers(" ".join(part.split())) for part in re.split(r"\|\|?", text)]


def python_marker(text: str) -> str:
    """The marker of a condition on the interpreter's version, "" for any. Raises ValueError."""
    parts = []
    for specifiers in alternatives(text):
        if not specifiers:
            return ""
        parts.append(" and ".join(sorted(_python_clause(item.operator, item.version) for item in specifiers)))
    return _joined(parts, " or ")


def platform_marker(text: str) -> str:
    """The marker of a condition on the platform: `linux`, `!=win32`, `linux || darwin`. Raises ValueError."""
    parts = []
    for part in re.split(r"\|\|?", text[:_MAX_LENGTH]):
        match = re.fullmatch(r"(==|!=)? ?([\w-]+)", part.strip())
        if not match:
            raise ValueError("not a condition on the platform")
        parts.append(f'{_PLATFORM_MARKER} {match[1] or "=="} "{match[2]}"')
    return _joined(parts, " or ")


def all_of(markers: list[str]) -> str:
    """The markers that must all hold, as one."""
    return _joined([marker for marker in markers if marker], " and ")


def _joined(parts: list[str], word: str) -> str:
    return parts[0] if len(parts) == 1 else word.join(f"({part})" for part in parts)


def _python_clause(operator: str, version: str) -> str:
    short = version.removesuffix(".*")
    # `python_version` has two parts, so a comparison with more needs the full version.
    name = "python_version" if short.count(".") == 1 else "python_full_version"
    if short.count(".") == 0:
        name, short = "python_version", f"{short}.0"
        if version.endswith(".*"):
            short = version
    elif name == "python_full_version":
        short = version
    return f'{name} {operator} "{short}"'


def _specifiers(text: str) -> SpecifierSet:
    clauses: list[str] = []
    position = 0
    while position < len(text):
        match = _CLAUSE.match(text, position)
        if not match:
            raise ValueError("not a version constraint")
        clauses += _clause(match[1] or "", match[2])
        position = match.end()
    try:
        return SpecifierSet(",".join(clauses))
    except InvalidSpecifier:
        raise ValueError("not a version constraint") from None


def _clause(operator: str, version: str) -> list[str]:
    if version == "*":
        return []
    if "*" in version:
        if operator not in ("", "=", "==", "!="):
            raise ValueError("a wildcard where none can be")
        return [f"{'!=' if operator == '!=' else '=='}{version}"]
    if operator in ("^", "~"):
        try:
            above = _next(operator, Version(version))
        except InvalidVersion:
            raise ValueError("not a version") from None
        return [f">={version}", f"<{above}"]
    return [f"{'==' if operator in ('', '=') else operator}{version}"]


def _next(operator: str, version: Version) -> str:
    """The first version that `^` or `~` excludes."""
    release = version.release
    if operator == "~":
        step = min(1, len(release) - 1)
    else:
        # The first part that is not zero; where all are, the last that was written.
        step = next((index for index, part in enumerate(release) if part), len(release) - 1)
    return ".".join(str(part) for part in (*release[:step], release[step] + 1))

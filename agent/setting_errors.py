"""What is wrong with a setting, in one line: of which tier it is, its name, and which was likely meant."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches

from pydantic import ValidationError

Known = Mapping[tuple[str, ...], Collection[str]]
"""The settings there are, by where they stand: () for the top, ("tiers", "price") for a tier's price."""

_UNKNOWN = "extra_forbidden"
_PLAIN = {
    "missing": "it is missing",
    "union_tag_not_found": "provider: it is missing",
    "union_tag_invalid": "provider: {tag!r} is none of {expected_tags}",
}


def where_and_why(error: ValidationError, known: Known, tiers: object) -> tuple[str, str]:
    """The top-level setting at fault and the line, of the first problem; a name that is unknown goes before
    others, since what is missing is likely that. tiers: as they were read, for their names."""
    problems = error.errors(include_url=False)
    problem = next((each for each in problems if each["type"] == _UNKNOWN), problems[0])
    loc = list(problem["loc"])
    of_tier = ""
    if loc[:1] == ["tiers"] and len(loc) > 1:
        of_tier = f"{_tier(tiers, int(loc[1]))}: "
        del loc[1:3]  # its number, and the provider by which pydantic tells the kinds of tiers apart
    names = [part for part in loc if isinstance(part, str)]
    if problem["type"] == _UNKNOWN:
        why = "no such setting" + _meant(names[-1], known.get(tuple(names[:-1]), ()))
    else:
        plain = _PLAIN.get(problem["type"])
        why = plain.format(**problem.get("ctx", {})) if plain else problem["msg"]
    shown = names[1:] if of_tier else names
    return (names or [""])[0], of_tier + ": ".join([*filter(None, [".".join(shown)]), why])


def _tier(tiers: object, position: int) -> str:
    tier = tiers[position] if isinstance(tiers, list) and position < len(tiers) else None
    name = tier.get("name") if isinstance(tier, Mapping) else None
    return f"tier '{name}'" if isinstance(name, str) and name.isprintable() else f"tier number {position + 1}"


def _meant(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name.replace("-", "_"), known, 1)
    return f"; did you mean {near[0]}?" if near else ""

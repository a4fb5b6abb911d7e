"""Settings from several places, the later ones over the earlier."""

from __future__ import annotations

from typing import Any

Settings = dict[str, Any]


def over(lower: Settings, upper: Settings) -> Settings:
    """Both together, table by table; a value of None in the upper one takes a setting away."""
    result = dict(lower)
    for name, value in upper.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict) and isinstance(result.get(name), dict):
            result[name] = over(result[name], value)
        else:
            result[name] = value
    return result


def layered(*layers: Settings) -> Settings:
    result: Settings = {}
    for layer in layers:
        result = over(result, layer)
    return result


def lookup(settings: Settings, path: str, default: Any = None) -> Any:
    """The value at "table.inner.name"."""
    found: Any = settings
    for part in path.split("."):
        if not isinstance(found, dict) or part not in found:
            return default
        found = found[part]
    return found

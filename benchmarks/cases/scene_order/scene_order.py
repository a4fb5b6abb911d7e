"""In which order scenes of a film can be shot when some have to be shot after others."""

from __future__ import annotations


def shooting_order(scenes: dict[str, set[str]]) -> list[str]:
    """Each scene after those it needs; of several that could be next, the first by name."""
    missing = {scene: set(needs) for scene, needs in scenes.items()}
    order: list[str] = []
    while missing:
        ready = sorted(scene for scene, needs in missing.items() if not needs)
        if not ready:
            raise ValueError(f"{', '.join(sorted(missing))} need each other")
        scene = ready[0]
        order.append(scene)
        del missing[scene]
        for needs in missing.values():
            needs.discard(scene)
    return order


def days(scenes: dict[str, set[str]], per_day: int) -> list[list[str]]:
    """The order cut into days."""
    order = shooting_order(scenes)
    return [order[start : start + per_day] for start in range(0, len(order), per_day)]

"""A timer for work on projects; only one runs at a time."""

from __future__ import annotations


class WorkTimer:
    """All times in minutes, as the caller's clock shows them."""

    def __init__(self) -> None:
        self.minutes: dict[str, int] = {}
        self.project: str | None = None
        self.since = 0

    def start(self, project: str, now: int) -> None:
        """Starting another project stops the one that runs; starting the same goes on."""
        if project == self.project:
            return
        self.stop(now)
        self.project = project
        self.since = now

    def stop(self, now: int) -> None:
        if self.project is None:
            return
        self.minutes[self.project] = self.minutes.get(self.project, 0) + now - self.since
        self.project = None

    def report(self) -> list[str]:
        """The longest first."""
        ranked = sorted(self.minutes.items(), key=lambda item: (-item[1], item[0]))
        return [f"{project}: {minutes // 60}:{minutes % 60:02}" for project, minutes in ranked]

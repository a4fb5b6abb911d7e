"""An answer as it comes in, piece by piece."""

from __future__ import annotations

import time

from agent.tiers.bodies import MOST_TEXT, Bounded
from agent.tiers.prompt import CallFailed, Stop, Usage


class Answer:
    """What has come of an answer so far. working: the server has said that work on it has begun. called: it
    calls a tool. body: the bytes it is read from."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.accounts: list[object] = []
        self.stop: Stop | None = None
        self.complete = False
        self.working = False
        self.called = False
        self.model = ""
        self.identity = ""
        self.first_token: float | None = None
        self.body: Bounded | None = None
        self._parts: list[str] = []
        self._size = 0

    def began(self) -> None:
        """The first token has come, shown or not."""
        self.working = True
        if self.first_token is None:
            self.first_token = time.monotonic()

    def write(self, text: object) -> None:
        """Another piece of the text."""
        if isinstance(text, str) and text:
            self.began()
            self._parts.append(text)
            self._size += len(text)
            if self._size > MOST_TEXT:
                raise CallFailed("malformed", "the answer is longer than 8 MiB", maybe_billed=True)

    def rewrite(self, text: str) -> None:
        """The text as a whole, in place of its pieces."""
        self._parts, self._size = [], 0
        self.write(text)

    @property
    def worked_on(self) -> bool:
        """Whether it may be billed whatever comes now: work on it has begun, or tokens are counted."""
        return self.working or self.usage is not None

    @property
    def text(self) -> str:
        """All text so far."""
        return "".join(self._parts)

"""A small text buffer that can take back its changes."""

from __future__ import annotations


class Buffer:
    def __init__(self, text: str = "") -> None:
        self.text = text
        self._past: list[str] = []
        self._future: list[str] = []

    def _change(self, text: str) -> None:
        self._past.append(self.text)
        self._future.clear()
        self.text = text

    def insert(self, position: int, text: str) -> None:
        self._change(self.text[:position] + text + self.text[position:])

    def delete(self, start: int, length: int) -> str:
        gone = self.text[start : start + length]
        if gone:
            self._change(self.text[:start] + self.text[start + length :])
        return gone

    def undo(self) -> bool:
        if not self._past:
            return False
        self._future.append(self.text)
        self.text = self._past.pop()
        return True

    def redo(self) -> bool:
        if not self._future:
            return False
        self._past.append(self.text)
        self.text = self._future.pop()
        return True

"""Reports of our code inside the sandbox: JSON lines on the report pipe (or stdout, where there is none)."""

from __future__ import annotations

import json
import os
from typing import Any


class Reporter:
    """Writes one JSON object per line. The descriptor is kept from programs that the tests start."""

    def __init__(self, descriptor: int | None = None) -> None:
        if descriptor is None:
            announced = os.environ.pop("AGENT_REPORT_FD", None)
            descriptor = int(announced) if announced else os.dup(1)
        self.descriptor = descriptor
        os.set_inheritable(self.descriptor, False)

    def send(self, event: str, **fields: Any) -> None:
        write_all(
            self.descriptor, json.dumps({"event": event, **fields}, separators=(",", ":")).encode() + b"\n"
        )


def write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]

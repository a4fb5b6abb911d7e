"""An engine that can die: a socket that passes everything on to the real one until it is cut."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path

from sandboxes.engine import candidate_addresses


class EngineProxy:
    """Listens on a Unix socket at `path`; what connects there talks to the real engine, until `cut`."""

    def __init__(self, path: Path) -> None:
        self.address = f"unix://{path}"
        self._engine = candidate_addresses()[0].removeprefix("unix://")
        self._open: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """The engine is gone: connections break, new ones are refused."""
        for end in (self._listener, *self._open):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                engine = socket.socket(socket.AF_UNIX)
                engine.connect(self._engine)
                self._open += [client, engine]
                for source, sink in ((client, engine), (engine, client)):
                    threading.Thread(target=_pass_on, args=(source, sink), daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)

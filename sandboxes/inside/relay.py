"""The way out of a sandbox without network: connections to a port of its own loopback, carried as channels.

`main` runs in the sandbox, as the unprivileged user and as the parent of the program that wants to connect.
Channels travel in frames, out through the report pipe and in through standard input. The other end is on the
host (`sandboxes.fetching`), which decides where a channel leads. `Link` and `Channel` serve both ends; the
host must expect anything from its peer, so whatever breaks the protocol raises ValueError.

Standard library only, Python 3.9 or later, and no import of ours: the sandbox gets this file as text.
"""

from __future__ import annotations

import asyncio
import os
import struct
import sys
from collections import deque
from typing import Awaitable, Callable, Deque, Dict, List, Optional

FRAME = struct.Struct(">BII")
"""A kind, the number of a channel, and a size: of the DATA that follows, or how much MORE may be sent."""
OPEN, DATA, MORE, CLOSE = range(4)
PIECE = 1 << 17  # bytes of DATA in one frame at most
WINDOW = 1 << 20  # bytes of a channel that may be on their way, not yet taken by their reader
MAX_CHANNELS = 64  # at a time
MAX_NUMBER = 20_000  # channels in all

Send = Callable[[bytes], Awaitable[None]]


class Channel:
    """One connection. DATA of no bytes ends a direction; CLOSE ends all."""

    def __init__(self, number: int, send: Send) -> None:
        self.number = number
        self.closed = False
        self._send = send
        self._arrived: Deque[bytes] = deque()
        self._ended = False  # the peer has sent its last
        self._unread = 0
        self._may_send = WINDOW
        self._changed = asyncio.Event()

    async def read(self) -> bytes:
        """What has arrived, at least a byte; nothing at the end. Raises ConnectionError when closed."""
        while not self._arrived:
            if self._ended:
                return b""
            if self.closed:
                raise ConnectionResetError("closed")
            await self._change()
        data = self._arrived.popleft()
        self._unread -= len(data)
        if not self.closed:
            await self._send(FRAME.pack(MORE, self.number, len(data)))
        return data

    async def write(self, data: bytes) -> None:
        """Send all of it, waiting while the peer does not read. Raises ConnectionError when closed."""
        while data:
            while self._may_send == 0 and not self.closed:
                await self._change()
            if self.closed:
                raise ConnectionResetError("closed")
            piece = data[: min(self._may_send, PIECE)]
            data = data[len(piece) :]
            self._may_send -= len(piece)
            await self._send(FRAME.pack(DATA, self.number, len(piece)) + piece)

    async def end(self) -> None:
        """Say that nothing more will be written."""
        if not self.closed:
            await self._send(FRAME.pack(DATA, self.number, 0))

    def arrive(self, data: bytes) -> None:
        """DATA from the peer. Raises ValueError when it was not allowed to send."""
        self._unread += len(data)
        if self._ended or self._unread > WINDOW:
            raise ValueError("data that was not allowed")
        self._ended = not data
        if data:
            self._arrived.append(data)
        self._changed.set()

    def allow(self, size: int) -> None:
        """The peer has taken `size` bytes. Raises ValueError when it was not sent that many."""
        self._may_send += size
        if self._may_send > WINDOW:
            raise ValueError("more taken than was sent")
        self._changed.set()

    def drop(self) -> None:
        """Everything is over: who reads or writes is woken and raises."""
        self.closed = True
        self._changed.set()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


class Link:
    """All channels over one pair of byte streams. `accept` takes those the peer opens."""

    def __init__(self, send: Send, accept: Optional[Callable[[Channel], None]] = None) -> None:
        self.channels: Dict[int, Channel] = {}
        self._send = send
        self._accept = accept
        self._buffer = bytearray()
        self._last = 0

    async def open(self) -> Channel:
        """A new channel to the peer."""
        self._last += 1
        channel = self.channels[self._last] = Channel(self._last, self._send)
        await self._send(FRAME.pack(OPEN, channel.number, 0))
        return channel

    async def close(self, channel: Channel) -> None:
        """End a channel, unless the peer has done so."""
        if self.channels.pop(channel.number, None) is not None:
            channel.drop()
            await self._send(FRAME.pack(CLOSE, channel.number, 0))

    def arrive(self, received: bytes) -> None:
        """Bytes from the peer, however they are cut. Raises ValueError when they break the protocol."""
        self._buffer += received
        start = 0
        while len(self._buffer) - start >= FRAME.size:
            kind, number, size = FRAME.unpack_from(self._buffer, start)
            body = start + FRAME.size
            end = body + (size if kind == DATA else 0)
            if end - body > PIECE:
                raise ValueError("a frame that is too large")
            if end > len(self._buffer):
                break
            with memoryview(self._buffer) as view:  # slices would copy twice
                data = bytes(view[body:end])
            self._handle(kind, number, size, data)
            start = end
        del self._buffer[:start]

    def _handle(self, kind: int, number: int, size: int, data: bytes) -> None:
        channel = self.channels.get(number)
        if kind == OPEN:
            self._opened(number)
        elif kind > CLOSE or not 0 < number <= self._last:
            raise ValueError("a frame nobody can expect")
        elif channel is None:
            return  # closed at this end before the peer knew
        elif kind == DATA:
            channel.arrive(data)
        elif kind == MORE:
            channel.allow(size)
        else:
            del self.channels[number]
            channel.drop()

    def _opened(self, number: int) -> None:
        if (
            self._accept is None
            or not self._last < number <= MAX_NUMBER
            or len(self.channels) >= MAX_CHANNELS
        ):
            raise ValueError("a channel that may not be opened")
        self._last = number
        channel = self.channels[number] = Channel(number, self._send)
        self._accept(channel)


async def carry(
    channel: Channel,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    moved: Callable[[int], None],
) -> None:
    """Move bytes both ways until both have ended, or one breaks. `moved` is told how many at a time."""

    async def outwards() -> None:
        while True:
            data = await reader.read(PIECE)
            if not data:
                return await channel.end()
            moved(len(data))
            await channel.write(data)

    async def inwards() -> None:
        while True:
            data = await channel.read()
            if not data:
                return writer.write_eof()
            moved(len(data))
            writer.write(data)
            await writer.drain()

    tasks = [asyncio.ensure_future(outwards()), asyncio.ensure_future(inwards())]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def run(argv: List[str], report: int) -> int:
    """Run a program with the way out as its proxy; its exit code."""

    async def send(frame: bytes) -> None:
        # This may block: the runner at the other end of the pipe never waits for this process.
        left = memoryview(frame)
        while left:
            left = left[os.write(report, left) :]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if len(link.channels) < MAX_CHANNELS:
                channel = await link.open()
                try:
                    await carry(channel, reader, writer, lambda _: None)
                finally:
                    await link.close(channel)
        except OSError:
            pass  # either side may break a connection at any time
        finally:
            writer.close()

    async def listen() -> None:
        stdin = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
        while True:
            data = await stdin.read(WINDOW)
            if not data:
                return child.terminate()  # the host has had enough
            link.arrive(data)

    link = Link(send)
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    environment = with_proxy(server.sockets[0].getsockname()[1])
    child = await asyncio.create_subprocess_exec(*argv, stdin=asyncio.subprocess.DEVNULL, env=environment)
    listening = asyncio.ensure_future(listen())
    code = await child.wait()
    listening.cancel()
    return 128 - code if code < 0 else code


def with_proxy(port: int) -> Dict[str, str]:
    """This environment, with the way out as the only proxy and for every address."""
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    for name in ("PIP_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        environment[name] = f"http://127.0.0.1:{port}"
    return environment


def main() -> None:
    try:
        sys.exit(asyncio.run(run(sys.argv[1:], int(os.environ.pop("AGENT_REPORT_FD")))))
    except OSError as error:
        sys.exit(f"cannot run {sys.argv[1]}: {error}")


if __name__ == "__main__":
    main()

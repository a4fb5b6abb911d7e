"""The proxy on the host that connects for a sandbox without network: a request per channel, each decided."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sandboxes.fetch_policy import FetchPolicy, Upstream, canonical, is_public
from sandboxes.inside.relay import MAX_CHANNELS, PIECE, WINDOW, Channel, Link, Send, carry
from sandboxes.proxy_requests import MAX_HEAD, BadRequest, ProxyRequest, parse

_MAX_NOTES = 50

Resolver = Callable[[str, int], Sequence[str]]
"""Host and port to IP addresses; raises OSError. Called in a thread."""
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def resolve(host: str, port: int) -> list[str]:
    """The addresses the system's resolver gives. Raises OSError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"{host} cannot be a host") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True)
class FetchLimits:
    """Bytes that one fetch may move, both ways together; seconds that a request, finding and connecting a
    server, and silence on a connection may take."""

    max_bytes: int = 8 * 2**30
    head_seconds: float = 30.0
    connect_seconds: float = 20.0
    idle_seconds: float = 120.0


class Refused(Exception):
    """A request is not served; `status` is that of the answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class FetchProxy:
    """All connections of one fetch, on one event loop. `refused`: in words, what was not allowed."""

    def __init__(self, policy: FetchPolicy, limits: FetchLimits, resolver: Resolver, send: Send) -> None:
        self.refused: dict[str, None] = {}  # in order, each once
        self._policy = policy
        self._limits = limits
        self._resolver = resolver
        self._link = Link(send, self._accept)
        self._tasks: set[asyncio.Task[None]] = set()
        self._moved = 0

    def arrive(self, data: bytes) -> None:
        """Bytes from the relay. Raises ValueError when they are not of its protocol."""
        self._link.arrive(data)

    def stop(self) -> None:
        """Break every connection."""
        for task in self._tasks:
            task.cancel()

    def note(self, text: str) -> None:
        """Add to what was refused."""
        if len(self.refused) < _MAX_NOTES:
            self.refused[text] = None

    def _accept(self, channel: Channel) -> None:
        # A channel that was closed may still be connecting.
        busy = len(self._tasks) >= MAX_CHANNELS
        work = self._link.close(channel) if busy else self._serve(channel)
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, channel: Channel) -> None:
        try:
            async with asyncio.timeout(self._limits.head_seconds) as patience:
                try:
                    await self._handle(channel, patience)
                except Refused as refusal:
                    await _answer(channel, refusal.status, str(refusal))
        except OSError:
            pass  # too slow, or broken off: the channel is closed, and pip says what it makes of it
        finally:
            await self._link.close(channel)

    async def _handle(self, channel: Channel, patience: asyncio.Timeout) -> None:
        loop = asyncio.get_running_loop()

        def moved(size: int) -> None:
            patience.reschedule(loop.time() + self._limits.idle_seconds)
            self._moved += size
            if self._moved > self._limits.max_bytes:
                self.note(f"fetch tried to move more than {self._limits.max_bytes} bytes")
                raise ConnectionAbortedError("too much")

        request, rest = await _read_request(channel)
        patience.reschedule(loop.time() + self._limits.idle_seconds)
        (reader, writer), authorization = await self._connect(request)
        try:
            if request.method == "CONNECT":
                await channel.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                writer.write(rest)
                await carry(channel, reader, writer, moved)
            else:
                writer.write(request.head(authorization))
                await _download(channel, reader, moved)
        finally:
            writer.close()

    async def _connect(self, request: ProxyRequest) -> tuple[Streams, str | None]:
        """Connect to where the request leads, or to the user's proxy, whose authorization comes with it."""
        scheme = "https" if request.method == "CONNECT" else "http"
        try:
            upstream = self._policy.upstream(scheme, request.host, request.port)
        except ValueError as error:
            raise Refused(502, str(error)) from error
        addresses, trusted = await self._allowed(request, upstream is None)
        if upstream is not None:
            return await self._through(upstream, request), upstream.authorization
        for address in addresses:
            try:
                async with asyncio.timeout(self._limits.connect_seconds):
                    streams = await asyncio.open_connection(address, request.port, limit=WINDOW)
            except OSError:
                continue
            if trusted or not _is_own(streams[1]):
                return streams, None
            streams[1].close()
            raise self._refusal(request, "an address of this machine")
        raise Refused(502, f"{request.place} does not answer")

    async def _allowed(self, request: ProxyRequest, direct: bool) -> tuple[list[str], bool]:
        """Addresses that may be connected to, and whether the settings name them. Raises Refused.

        A proxy of the user's looks names up itself: then none of the addresses may be a forbidden one, and a
        name unknown here is left to the proxy.
        """
        named = (request.host, request.port) in self._policy.named
        if not named and request.port not in self._policy.ports:
            raise self._refusal(request, "a port that no index of the settings has")
        try:
            found = await self._look_up(request.host, request.port)
        except OSError as error:
            if direct:
                raise Refused(502, f"{request.host} cannot be found") from error
            return [], named
        if named:
            return found, True
        # Where the settings name a server, its address and port are allowed under any name.
        known = await self._named_addresses(request.port)
        for good, trusted in (
            ([a for a in found if is_public(a)], False),
            ([a for a in found if a in known], True),
        ):
            if good and (direct or len(good) == len(found)):
                return good, trusted
        raise self._refusal(request, "not a public address")

    async def _named_addresses(self, port: int) -> set[str]:
        addresses: set[str] = set()
        for host, its_port in self._policy.named:
            if its_port == port:
                try:
                    addresses.update(await self._look_up(host, port))
                except OSError:
                    continue
        return addresses

    async def _look_up(self, host: str, port: int) -> list[str]:
        async with asyncio.timeout(self._limits.connect_seconds):
            return [canonical(found) for found in await asyncio.to_thread(self._resolver, host, port)]

    async def _through(self, upstream: Upstream, request: ProxyRequest) -> Streams:
        """A connection by way of the user's proxy, ready for what the client sends."""
        context = _trusting(self._policy.certificates) if upstream.tls else None
        try:
            async with asyncio.timeout(self._limits.connect_seconds):
                reader, writer = await asyncio.open_connection(
                    upstream.host, upstream.port, ssl=context, limit=WINDOW
                )
                if request.method == "CONNECT":
                    writer.write(request.head(upstream.authorization))
                    answer = await reader.readuntil(b"\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise Refused(502, "the proxy in the settings does not answer") from error
        if request.method == "CONNECT":
            status = re.match(rb"HTTP/1\.[01] (\d{3})\b", answer)
            if status is None or not status[1].startswith(b"2"):
                writer.close()
                said = status[1].decode() if status else "something unreadable"
                raise Refused(502, f"the proxy in the settings answered {said} for {request.place}")
        return reader, writer

    def _refusal(self, request: ProxyRequest, why: str) -> Refused:
        self.note(f"fetch tried to reach {request.place} ({why})")
        return Refused(403, f"refused: {request.place} ({why})")


async def _read_request(channel: Channel) -> tuple[ProxyRequest, bytes]:
    """The request and what came after its head, which only CONNECT may have. Raises Refused."""
    received = b""
    while b"\r\n\r\n" not in received:
        data = await channel.read()
        received += data
        if not data or len(received) > MAX_HEAD:
            raise Refused(400, "a request without an end")
    head, _, rest = received.partition(b"\r\n\r\n")
    try:
        request = parse(head)
    except BadRequest as error:
        raise Refused(400, str(error)) from error
    if rest and request.method != "CONNECT":
        raise Refused(400, "more than one request, or one with a body")
    return request, rest


async def _download(channel: Channel, reader: asyncio.StreamReader, moved: Callable[[int], None]) -> None:
    """Pass an answer on. A client that says more, or is gone, ends it: one request per connection."""

    async def copy() -> None:
        while data := await reader.read(PIECE):
            moved(len(data))
            await channel.write(data)
        await channel.end()

    copying = asyncio.ensure_future(copy())
    speaking = asyncio.ensure_future(channel.read())
    try:
        await asyncio.wait((copying, speaking), return_when=asyncio.FIRST_COMPLETED)
    finally:
        copying.cancel()
        speaking.cancel()
        await asyncio.gather(copying, speaking, return_exceptions=True)


async def _answer(channel: Channel, status: int, reason: str) -> None:
    """Refuse, with the reason where pip shows it."""
    body = f"{reason}\n"
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    await channel.write((head + body).encode("ascii", "replace"))
    await channel.end()


def _is_own(writer: asyncio.StreamWriter) -> bool:
    """Whether the connection leads to this very machine, whatever its addresses are."""
    return bool(writer.get_extra_info("sockname")[0] == writer.get_extra_info("peername")[0])


def _trusting(certificates: bytes) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if certificates:
        context.load_verify_locations(cadata=certificates.decode("ascii", "ignore"))
    return context

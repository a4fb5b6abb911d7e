"""Requests to an HTTP proxy, read strictly: what is not plainly well formed is refused, not mended."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address

from sandboxes.fetch_policy import canonical

MAX_HEAD = 65_536
"""Bytes of a request's first line and headers."""

_REQUEST_LINE = re.compile(r"(CONNECT|GET|HEAD) (\S+) HTTP/1\.[01]")
_HOST = r"([A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])"
_AUTHORITY = re.compile(_HOST + r":([0-9]{1,5})")
_ADDRESS = re.compile("http://" + _HOST + r"(?::([0-9]{1,5}))?(/[\x21-\x7e]*)?")
_HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([\x20-\x7e\t]*)")
_NOT_PASSED_ON = re.compile(
    "connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|content-length|expect|host", re.I
)


class BadRequest(ValueError):
    """The request is none that this proxy serves; the message says why."""


@dataclass(frozen=True)
class ProxyRequest:
    """`path` and `headers` are empty for CONNECT. `host` is lower case, an IPv6 address without brackets."""

    method: str
    host: str
    port: int
    path: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def place(self) -> str:
        """Host and port, in an address's own form."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def head(self, authorization: str | None) -> bytes:
        """The request to send on: to the server itself, or to a proxy (authorization not None, may be "")."""
        if self.method == "CONNECT":
            target = self.place
        else:
            target = self.path if authorization is None else f"http://{self.place}{self.path}"
        lines = [f"{self.method} {target} HTTP/1.1", f"Host: {self.place}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if authorization:
            lines.append(f"Proxy-Authorization: {authorization}")
        if self.method != "CONNECT":
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode("ascii")


def parse(head: bytes) -> ProxyRequest:
    """A request from its first line and headers, without the empty line. Raises BadRequest."""
    try:
        first, *rest = head.decode("ascii").split("\r\n")
    except UnicodeDecodeError as error:
        raise BadRequest("a request that is not ASCII") from error
    line = _REQUEST_LINE.fullmatch(first)
    if line is None:
        raise BadRequest("a request line other than CONNECT, GET or HEAD")
    headers = []
    for text in rest:
        header = _HEADER.fullmatch(text)
        if header is None:
            raise BadRequest("a malformed header")
        headers.append((header[1], header[2]))
    if line[1] == "CONNECT":
        found = _AUTHORITY.fullmatch(line[2])
        if found is None:
            raise BadRequest("CONNECT to something other than a host and a port")
        return ProxyRequest("CONNECT", *_place(found[1], found[2]))
    found = _ADDRESS.fullmatch(line[2])
    if found is None:
        raise BadRequest("an address other than one of http")
    passed_on = tuple((name, value) for name, value in headers if not _NOT_PASSED_ON.fullmatch(name))
    return ProxyRequest(line[1], *_place(found[1], found[2] or "80"), found[3] or "/", passed_on)


def _place(host: str, port: str) -> tuple[str, int]:
    if not 0 < int(port) < 65_536:
        raise BadRequest("a port that cannot be")
    if host.startswith("[") and not _is_ipv6(host[1:-1]):
        raise BadRequest("an IPv6 address that is none")
    return canonical(host.strip("[]")), int(port)


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True

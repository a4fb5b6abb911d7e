"""Where the fetch phase may connect to, and by which proxy of the user's.

Public addresses are allowed on the ports an index is served on. Anything else (this machine, its network, the
metadata service of a cloud) only where the user's own pip settings name it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, unquote, urlsplit

from sandboxes.interface import RunRequest, Runtime
from sandboxes.pip_settings import PipSettings

PORTS = {"http": 80, "https": 443}

_ADDRESSES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS")
_ASK_PIP = ("python3", "-I", "-m", "pip", "download", "--help")
_ASK_SECONDS = 60.0
# COLUMNS: unbroken lines. PATH: folders of the image, where what was fetched cannot have put a `python3`.
_ASK_VARIABLES = {"COLUMNS": "1000", "PATH": "/usr/local/bin:/usr/bin:/bin"}
_DEFAULT_INDEX = re.compile(r"--index-url <url> .*?\(default:? (\S+?)\)")
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
# Formally public: the platform service of one cloud, and a block for protocols that holds another's metadata.
_NOT_PUBLIC = (IPv4Network("168.63.129.16/32"), IPv4Network("192.0.0.0/24"))


@dataclass(frozen=True)
class Upstream:
    """A proxy of the user's. `authorization`: the value of its header, "" for none."""

    host: str
    port: int
    tls: bool
    authorization: str


@dataclass(frozen=True)
class FetchPolicy:
    """What the user's settings allow beyond the public network.

    `named`: hosts (lower case, or an IP address) with ports, allowed whatever their address. `proxies`: the
    variables PIP_PROXY, HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, in upper or lower case.
    `certificates`: authorities (PEM) that a proxy spoken to by TLS may have its certificate from.
    """

    named: frozenset[tuple[str, int]] = frozenset()
    proxies: Mapping[str, str] = field(default_factory=dict)
    certificates: bytes = b""

    @property
    def ports(self) -> frozenset[int]:
        """Ports that may be reached at public addresses."""
        return frozenset({*PORTS.values(), *(port for _, port in self.named)})

    def upstream(self, scheme: str, host: str, port: int) -> Upstream | None:
        """The proxy to go through, as pip chooses it. Raises ValueError for one that cannot be used."""
        proxy = self.proxies.get("PIP_PROXY", "")
        if not proxy and not _is_exempt(self._variable("NO_PROXY"), host, port):
            proxy = self._variable(f"{scheme.upper()}_PROXY") or self._variable("ALL_PROXY")
        return _upstream(proxy) if proxy else None

    def _variable(self, name: str) -> str:
        return self.proxies.get(name.lower()) or self.proxies.get(name, "")


def fetch_policy(sandbox: Runtime, settings: PipSettings) -> FetchPolicy:
    """The policy of the user's settings. Where they name no index, pip in the sandbox says which it uses.

    Make it before anything that was fetched can run in the sandbox. Raises SandboxError when it is gone.
    """
    variables = settings.environment
    addresses = [word for name in _ADDRESSES for word in variables.get(name, "").split()]
    if "PIP_INDEX_URL" not in variables:
        addresses += _default_index(sandbox)
    named = {place for address in addresses for place in _places(address)}
    for host in variables.get("PIP_TRUSTED_HOST", "").split():
        named |= {place for scheme in PORTS for place in _places(f"{scheme}://{host}")}
    proxies = {name: value for name, value in variables.items() if name.upper().endswith("_PROXY")}
    return FetchPolicy(frozenset(named), proxies, settings.certificates)


def is_public(address: str) -> bool:
    """Whether an IP address leads to the public network, also where it wraps an IPv4 address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        special = parsed.is_multicast or parsed.is_reserved or any(parsed in block for block in _NOT_PUBLIC)
        return parsed.is_global and not special
    if parsed in _NAT64:
        return is_public(str(IPv4Address(int(parsed) & 0xFFFFFFFF)))
    wrapped = parsed.ipv4_mapped or parsed.sixtofour
    if wrapped is not None:
        return is_public(str(wrapped))
    return parsed in _GLOBAL_UNICAST and parsed.is_global


def canonical(host: str) -> str:
    """A host as policies name it: lower case without a final dot, or an IP address in its usual form."""
    try:
        return str(ip_address(host))
    except ValueError:
        return host.lower().rstrip(".")


def _default_index(sandbox: Runtime) -> list[str]:
    """The address pip itself says it uses (none if it cannot be understood: then only its public addresses
    can be reached)."""
    result = sandbox.run(RunRequest(_ASK_PIP, timeout=_ASK_SECONDS, env=_ASK_VARIABLES))
    found = _DEFAULT_INDEX.search(" ".join(result.stdout.decode(errors="replace").split()))
    return [found[1]] if found else []


def _places(address: str) -> Iterator[tuple[str, int]]:
    """Host and port of an address, if it is one of the web."""
    parts, port = _split(address)
    if parts is not None and parts.hostname and port:
        yield canonical(parts.hostname), port


def _split(address: str) -> tuple[SplitResult | None, int]:
    try:
        parts = urlsplit(address)
        return parts, parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        return None, 0


def _upstream(proxy: str) -> Upstream:
    parts, port = _split(proxy if "://" in proxy else f"http://{proxy}")
    if parts is None or not parts.hostname or parts.scheme not in PORTS:
        raise ValueError("the proxy in the settings is not one of HTTP")
    authorization = ""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(pair.encode()).decode()
    return Upstream(parts.hostname, port, parts.scheme == "https", authorization)


def _is_exempt(no_proxy: str, host: str, port: int) -> bool:
    """Whether NO_PROXY lists the host: *, a domain, with or without port, or a network of addresses."""
    for entry in no_proxy.replace(",", " ").split():
        name, _, only = entry.rpartition(":") if re.search(r"[^:]:\d+$", entry) else (entry, "", "")
        name = canonical(name).lstrip(".")
        if only and int(only) != port:
            continue
        if name in ("*", host) or host.endswith(f".{name}") or _is_within(host, name):
            return True
    return False


def _is_within(host: str, network: str) -> bool:
    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False

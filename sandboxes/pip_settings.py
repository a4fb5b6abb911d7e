"""The user's own pip settings (never the repository's): index, certificates, proxies."""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_OPTIONS = ("index-url", "extra-index-url", "find-links", "trusted-host", "proxy", "timeout")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_CERTIFICATES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


@dataclass(frozen=True)
class PipSettings:
    """Environment variables for pip in the fetch sandbox, and the bytes of a CA bundle (may be empty)."""

    environment: Mapping[str, str] = field(default_factory=dict)
    certificates: bytes = b""


def read_pip_settings(environment: Mapping[str, str] | None = None) -> PipSettings:
    """Settings as pip itself would find them: variables first, then configuration files.

    Indexes and links at file: addresses and paths are left out: the fetch sandbox sees no file of this host.
    """
    variables = os.environ if environment is None else environment
    configured = _configured(variables)
    cased = [name for upper in _PROXIES for name in (upper, upper.lower())]
    found = {name: variables[name] for name in cased if variables.get(name)}
    for option in _OPTIONS:
        name = "PIP_" + option.upper().replace("-", "_")
        words = (variables.get(name) or configured.get(option, "")).split()
        value = " ".join(word for word in words if not _is_local(option, word))
        if value:
            found[name] = value
    named = [variables.get(name, "") for name in _CERTIFICATES] + [configured.get("cert", "")]
    bundles = [Path(path) for path in named if path and Path(path).is_file()]
    return PipSettings(found, bundles[0].read_bytes() if bundles else b"")


def _is_local(option: str, word: str) -> bool:
    return word.startswith("file:") or (option == "find-links" and "://" not in word)


def _configured(variables: Mapping[str, str]) -> dict[str, str]:
    home = Path(variables.get("HOME") or "/")
    config_home = Path(variables.get("XDG_CONFIG_HOME") or home / ".config")
    files = [Path("/etc/pip.conf"), home / ".pip" / "pip.conf", config_home / "pip" / "pip.conf"]
    if variables.get("PIP_CONFIG_FILE"):
        files.append(Path(variables["PIP_CONFIG_FILE"]))
    parser = configparser.RawConfigParser()
    try:
        parser.read(files)
    except configparser.Error:
        return {}
    values: dict[str, str] = {}
    for section in ("global", "download"):
        if parser.has_section(section):
            values.update(parser.items(section))
    return values

"""The base image: from a registry where one answers, otherwise from the distribution's own packages."""

from __future__ import annotations

import hashlib
import io
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from docker import DockerClient
from docker.errors import BuildError, DockerException, ImageNotFound
from requests.exceptions import RequestException

from sandboxes.engine import connect, engine_errors
from sandboxes.host import ProgramFailed, Progress, apt_install, may_install, run_program
from sandboxes.interface import UID, ImageError

ENV = "/opt/env"
"""Where the virtual environment of a repository lies in its image; made empty in the base image."""
WHEELS = "/opt/wheels"
"""Where fetched wheels are mounted while an environment is built."""
REPOSITORY = "marginal-agent/base"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

_REGISTRY_SECONDS = 5
_PACKAGES = "python3,python3-venv,python3-pip,git,ripgrep,ca-certificates"
_USER = f"agent:x:{UID}:{UID}::/tmp:/bin/sh"
_ENVIRONMENT = "ENV LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1"

_DOCKERFILE = f"""
FROM python:{PYTHON}-slim
RUN apt-get update && apt-get install -y --no-install-recommends git ripgrep && rm -rf /var/lib/apt/lists/*
RUN echo '{_USER}' >> /etc/passwd && mkdir -p {ENV} {WHEELS} && chown {UID}:{UID} {ENV} {WHEELS}
{_ENVIRONMENT}
"""

_BOOTSTRAP_OPTIONS = (
    "--variant=essential",
    f"--include={_PACKAGES}",
    # A mirror may be a snapshot whose lists have expired.
    '--aptopt=Acquire::Check-Valid-Until "false"',
    '--aptopt=Acquire::Check-Date "false"',
    '--aptopt=APT::Install-Recommends "false"',
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/info/*",
    f'--customize-hook=echo "{_USER}" >> "$1/etc/passwd"',
    f'--customize-hook=mkdir -p "$1{ENV}" "$1{WHEELS}" && chown {UID}:{UID} "$1{ENV}" "$1{WHEELS}"',
)


def ensure_base(client: DockerClient, progress: Progress) -> str:
    """Name of a base image the engine has, made now if need be.

    It holds python3 with venv and pip, git, ripgrep and empty ENV and WHEELS folders of the unprivileged
    user.
    Raises ImageError with the tail of what failed.
    """
    release = _release()
    from_registry = f"{REPOSITORY}:{PYTHON}-{_digest(_DOCKERFILE)}"
    from_packages = f"{REPOSITORY}:{release}-{_digest(*_BOOTSTRAP_OPTIONS, release)}"
    for name in (from_registry, from_packages):
        if _has(client, name):
            return name
    if _registry_answers():
        _build(client, from_registry, progress)
        return from_registry
    _bootstrap(client, from_packages, release, progress)
    return from_packages


def distribution_sources(texts: Iterable[str], release: str) -> dict[str, str]:
    """Of apt sources, those of the distribution itself (suites of `release` with component main), as
    files by name: apt.list in the one-line form, apt.sources in stanzas. Third-party sources stay out."""
    lines, stanzas = [], []
    for text in texts:
        for line in text.splitlines():
            parts = (line.split("]", 1)[-1] if "[" in line else line.removeprefix("deb ")).split()
            if line.startswith("deb ") and "main" in parts[2:] and parts[1].startswith(release):
                lines.append(line)
        for stanza in text.split("\n\n"):
            fields = [line.split(":", 1) for line in stanza.splitlines() if _is_field(line)]
            words = {key.strip().lower(): value.split() for key, value in fields}
            suites = words.get("suites", [])
            if suites and suites[0].startswith(release) and "main" in words.get("components", []):
                stanzas.append(stanza.strip())
    found = {"apt.list": "\n".join(lines), "apt.sources": "\n\n".join(stanzas)}
    return {name: text + "\n" for name, text in found.items() if text}


def _is_field(line: str) -> bool:
    return ":" in line and not line.startswith((" ", "#", "deb"))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def _has(client: DockerClient, name: str) -> bool:
    with engine_errors("looking for the base image"):
        try:
            client.images.get(name)
        except ImageNotFound:
            return False
        return True


def _registry_answers() -> bool:
    """Ask the engine, which does the pulling and may know a mirror; a few seconds at most."""
    probe = connect(timeout=_REGISTRY_SECONDS)
    try:
        probe.images.get_registry_data(f"python:{PYTHON}-slim")
    except (DockerException, RequestException):
        return False
    finally:
        probe.close()
    return True


def _build(client: DockerClient, name: str, progress: Progress) -> None:
    progress(f"building the base image from python:{PYTHON}-slim")
    try:
        client.images.build(fileobj=io.BytesIO(_DOCKERFILE.encode()), tag=name, rm=True, forcerm=True)
    except BuildError as error:
        lines = "".join(str(entry.get("stream", "")) for entry in error.build_log)
        raise ImageError(f"the base image could not be built: {error.msg}", lines[-4000:]) from error
    except (DockerException, RequestException) as error:
        raise ImageError(f"the base image could not be built: {error}") from error


def _bootstrap(client: DockerClient, name: str, release: str, progress: Progress) -> None:
    """Make a root file system of the distribution's packages and import it."""
    sources = distribution_sources(_apt_sources(), release) if release else {}
    if not sources:
        raise ImageError("no registry answers and this is no Debian family: name an image with --image")
    if shutil.which("mmdebstrap") is None and not may_install("mmdebstrap", progress):
        raise ImageError("no registry answers: install mmdebstrap, or name an image with --image")
    progress(f"no registry answers: making the base image from the packages of {release}")
    try:
        if shutil.which("mmdebstrap") is None:
            apt_install("mmdebstrap")
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder, "base.tar")
            for file, text in sources.items():
                Path(folder, file).write_text(text)
            mirrors = [str(Path(folder, file)) for file in sources]
            run_program(["mmdebstrap", *_BOOTSTRAP_OPTIONS, release, str(archive), *mirrors])
            repository, _, tag = name.partition(":")
            client.api.import_image(str(archive), repository=repository, tag=tag, changes=[_ENVIRONMENT])
    except ProgramFailed as error:
        raise ImageError(f"the base image could not be made: {error}", error.tail) from error
    except (DockerException, RequestException) as error:
        raise ImageError(f"the base image could not be imported: {error}") from error
    if not _has(client, name):
        raise ImageError("the engine did not keep the imported base image")


def _release() -> str:
    """Code name of this host's distribution release, such as bookworm; empty where it has none."""
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return ""
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    return values.get("VERSION_CODENAME", "").strip('"')


def _apt_sources() -> list[str]:
    folder = Path("/etc/apt/sources.list.d")
    files = [Path("/etc/apt/sources.list"), *sorted(folder.glob("*.list")), *sorted(folder.glob("*.sources"))]
    return [file.read_text(errors="replace") for file in files if file.is_file()]

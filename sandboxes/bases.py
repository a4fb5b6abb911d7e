"""Base images: which interpreter they bring, and how one is made of the distribution's own packages."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from packaging.specifiers import SpecifierSet

from sandboxes.host import Progress, apt_install, may_install, run_program
from sandboxes.interface import UID, WORK, ImageError

ENV = "/opt/env"
"""Where the virtual environment of a repository lies in its image; made empty in the base image."""
WHEELS = "/opt/wheels"
"""Where wheels are fetched to while an environment is built; made empty in the base image."""
HOST_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

USER = f"agent:x:{UID}:{UID}::/tmp:/bin/sh"
LOCALES = ("en_US", "de_DE", "fr_FR")
VARIABLES = {"LANG": "C.UTF-8"}

# The python3 of a release, of the families whose packages mmdebstrap can fetch.
_FAMILIES = (
    {"bullseye": "3.9", "bookworm": "3.11", "trixie": "3.13"},
    {"jammy": "3.10", "noble": "3.12"},
)
_PACKAGES = "python3,python3-venv,python3-pip,git,ripgrep,ca-certificates,locales,tzdata,libstdc++6,libgomp1"
_OPTIONS = (
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
    f'--customize-hook=echo "{USER}" >> "$1/etc/passwd"',
    f'--customize-hook=mkdir -p "$1{ENV}" "$1{WHEELS}" && chown {UID}:{UID} "$1{ENV}" "$1{WHEELS}"',
    # runc gives what it mounts the mode of the folder it finds.
    f'--customize-hook=mkdir -m 0777 "$1{WORK}"',
    # The address of a mirror may hold a password.
    '--customize-hook=rm -rf "$1/etc/apt/sources.list" "$1/etc/apt/sources.list.d"',
    *(f'--customize-hook=chroot "$1" localedef -i {name} -f UTF-8 {name}.UTF-8' for name in LOCALES),
)


class PythonMissing(ImageError):
    """No base image could have an interpreter that the repository accepts."""


def choose_python(wanted: SpecifierSet, offered: Sequence[str]) -> str | None:
    """Of versions such as "3.11", the first of `offered` that `wanted` allows.

    A specifier speaks of full versions (`>=3.11.4`), an offer of a series, whose latest members count.
    """
    for version in offered:
        if any(wanted.contains(f"{version}.{micro}", prereleases=True) for micro in (0, 99)):
            return version
    return None


def choose_release(wanted: SpecifierSet) -> str:
    """Code name of the release whose python3 is within `wanted`: this host's if it can be, or the newest of
    its family. Raises PythonMissing where there is none, ImageError on a host of another family."""
    here = host_release()
    family = next((family for family in _FAMILIES if here in family), {})
    if not family:
        raise ImageError("this is no Debian or Ubuntu release we know: name an image with --image")
    by_version = {version: release for release, version in family.items()}
    newest_first = sorted(by_version, key=lambda version: -int(version.partition(".")[2]))
    version = choose_python(wanted, [family[here], *newest_first])
    if version is None:
        raise PythonMissing(
            f"the repository requires Python {wanted}, and the packages of this host have only "
            f"{', '.join(sorted(by_version, key=lambda each: int(each.partition('.')[2])))}: "
            "name an image with --image or --dockerfile"
        )
    return by_version[version]


def recipe_digest(*parts: str) -> str:
    """Short digest for the tag of an image that is made as `parts` say."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def packages_tag(release: str) -> str:
    """Tag of the base image made of a release's packages."""
    return f"{release}-{recipe_digest(*_OPTIONS, release, str(VARIABLES))}"


def base_in_words(image: str) -> str:
    """What the name of a base image says: its interpreter, and what it is made of."""
    origin = image.rpartition(":")[2].rpartition("-")[0]
    for family in _FAMILIES:
        if origin in family:
            return f"Python {family[origin]} from the packages of {origin}"
    version = origin.removeprefix("python")
    return f"Python {version} from the image python:{version}-slim"


def bootstrap(release: str, archive: Path, progress: Progress) -> None:
    """Write a root file system of the release's packages to `archive`, a tar.

    Raises ImageError where this host cannot, ProgramFailed with the tail of what failed.
    """
    here = host_release()
    sources = distribution_sources(_apt_sources(), here) if here else {}
    if not sources:
        raise ImageError("this host has no package sources of its distribution: name an image with --image")
    if shutil.which("mmdebstrap") is None:
        if not may_install("mmdebstrap", progress):
            raise ImageError("no registry answers: install mmdebstrap, or name an image with --image")
        apt_install("mmdebstrap")
    progress(f"making the base image from the packages of {release}")
    mirrors = []
    for name, text in sources.items():
        file = archive.parent / name
        file.write_text(re.sub(rf"\b{here}\b", release, text))
        mirrors.append(str(file))
    run_program(["mmdebstrap", *_OPTIONS, release, str(archive), *mirrors])


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


def host_release() -> str:
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

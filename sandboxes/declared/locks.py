"""Lock files: the versions they hold, as constraints."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from sandboxes.declared.formats import listing, string, table
from sandboxes.declared.lines import Line
from sandboxes.declared.named import normal
from sandboxes.declared.project import Project
from sandboxes.declared.reader import MAX_LOCK_BYTES, Reader

LOCKS = ("pylock.toml", "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock")
"""In order of precedence: the first that locks a package decides."""

_NAMED_PYLOCK = re.compile(r"pylock\.[\w-]+\.toml")


@dataclass(frozen=True)
class _Locked:
    """One entry. `registry`: where from, "" for the usual place, None for none (path, git, address)."""

    name: str
    version: str
    registry: str | None
    local: bool = False
    """The project itself, a member of its workspace, or another folder."""


def locked_versions(reader: Reader, project: Project) -> list[Line]:
    """`name==version` for what is locked at one version from the registry most packages come from."""
    found: list[Line] = []
    decided: set[str] = set()
    named = sorted(path for path in reader.files if _NAMED_PYLOCK.fullmatch(path))
    for path in [LOCKS[0], *named, *LOCKS[1:]]:
        entries = [entry for entry in _entries(reader, path) if entry.name not in {*decided, project.name}]
        decided.update(entry.name for entry in entries)
        found += _constraints(reader, path, [entry for entry in entries if not entry.local])
    return found


def _constraints(reader: Reader, path: str, entries: list[_Locked]) -> list[Line]:
    registries = Counter(entry.registry for entry in entries if entry.registry is not None)
    usual = registries.most_common(1)[0][0] if registries else ""
    versions: dict[str, set[str]] = {}
    for entry in entries:
        # "" stands for what cannot be a constraint.
        plain = entry.registry == usual and _plain(entry.version)
        versions.setdefault(entry.name, set()).add(entry.version if plain else "")
    single = {name: next(iter(known)) for name, known in versions.items() if len(known) == 1}
    pinned = {name: version for name, version in single.items() if version}
    if left := sorted(versions.keys() - pinned.keys()):
        some = ", ".join(name[:60] for name in left[:5])
        reader.note(f"{path}: no one version from the usual index, so no constraint, for {len(left)}: {some}")
    return [Line(path, f"{name}=={version}") for name, version in sorted(pinned.items())]


def _plain(version: str) -> bool:
    try:
        return Version(version).local is None
    except InvalidVersion:
        return False


def _entries(reader: Reader, path: str) -> list[_Locked]:
    if path not in reader:
        return []
    if path == "Pipfile.lock":
        return list(_of_pipenv(reader.json(path)))
    data = reader.toml(path, MAX_LOCK_BYTES)
    if path.startswith("pylock."):
        return list(_of_pylock(listing(data.get("packages"))))
    read = {"uv.lock": _of_uv, "poetry.lock": _of_poetry, "pdm.lock": _of_pdm}[path]
    return list(read(listing(data.get("package"))))


def _of_pylock(packages: Iterable[object]) -> Iterator[_Locked]:
    for package in map(table, packages):
        elsewhere = package.keys() & {"vcs", "directory", "archive"}
        registry = None if elsewhere else string(package.get("index"))
        yield _locked(package, registry, local="directory" in package)


def _of_uv(packages: Iterable[object]) -> Iterator[_Locked]:
    for package in map(table, packages):
        source = table(package, "source")
        registry = source.get("registry")
        local = bool(source.keys() & {"editable", "virtual", "directory"})
        yield _locked(package, registry if isinstance(registry, str) else None, local=local)


def _of_poetry(packages: Iterable[object]) -> Iterator[_Locked]:
    for package in map(table, packages):
        source = table(package, "source")
        kind = source.get("type", "")
        registry = string(source.get("url")) if kind in ("", "legacy") else None
        yield _locked(package, registry, local=kind == "directory")


def _of_pdm(packages: Iterable[object]) -> Iterator[_Locked]:
    for package in map(table, packages):
        elsewhere = package.keys() & {"path", "url", "git", "hg", "svn"}
        yield _locked(package, None if elsewhere else "", local="path" in package)


def _of_pipenv(data: object) -> Iterator[_Locked]:
    sources = [table(source) for source in listing(table(data, "_meta").get("sources"))]
    addresses = {string(source.get("name")): string(source.get("url")) for source in sources}
    first = next(iter(addresses.values()), "")
    for section in ("default", "develop"):
        for name, entry in table(data, section).items():
            package = table(entry)
            elsewhere = package.keys() & {"git", "hg", "svn", "path", "file"}
            registry = addresses.get(string(package["index"]), "?") if "index" in package else first
            version = string(package.get("version")).removeprefix("==")
            found: dict[str, object] = {"name": name, "version": version}
            yield _locked(found, None if elsewhere else registry, local="path" in package)


def _locked(package: dict[str, object], registry: str | None, *, local: bool) -> _Locked:
    return _Locked(normal(string(package.get("name"))), string(package.get("version")), registry, local)

"""Pipfile: what Pipenv installs."""

from __future__ import annotations

from sandboxes.declared.formats import string, strings, table
from sandboxes.declared.lines import Itself
from sandboxes.declared.named import from_another_index, normal, shorten
from sandboxes.declared.project import Project
from sandboxes.declared.reader import Reader

_PIPFILE = "Pipfile"
_ELSEWHERE = ("git", "hg", "svn", "bzr", "path", "file")
_MARKERS = (
    "os_name",
    "sys_platform",
    "platform_machine",
    "platform_python_implementation",
    "platform_release",
    "platform_system",
    "platform_version",
    "python_version",
    "python_full_version",
    "implementation_name",
    "implementation_version",
)


def read_pipfile(reader: Reader, project: Project) -> None:
    """[packages] and [dev-packages] as the groups of that name, and the interpreter."""
    data = reader.toml(_PIPFILE)
    for section in ("packages", "dev-packages"):
        for name, entry in table(data, section).items():
            _read_entry(reader, project, section, name, entry)
    version = table(data, "requires").get("python_version")
    if isinstance(version, str):
        project.say_python("Pipfile python_version", f"=={version}.*")


def _read_entry(reader: Reader, project: Project, section: str, name: str, entry: object) -> None:
    details = {"version": entry} if isinstance(entry, str) else table(entry)
    extras = strings(details.get("extras"))
    if details.get("path") in (".", "./"):
        project.say_group(_PIPFILE, section, [Itself(tuple(extras))])
        return
    found = [key for key in _ELSEWHERE if key in details]
    found += ["another index"] if from_another_index(details, "index") else []
    if found or not details:
        project.elsewhere.add(normal(name))
        reader.note(f"Pipfile: refused {shorten(name)}: {f'from {found[0]}' if found else 'not a version'}")
        return
    version = string(details.get("version", "*")).strip()
    markers = [f"{key} {string(details[key])}" for key in _MARKERS if key in details]
    markers += [string(details["markers"])] if "markers" in details else []
    text = name + (f"[{','.join(extras)}]" if extras else "") + ("" if version == "*" else version)
    if markers:
        text += "; " + " and ".join(f"({marker})" for marker in markers)
    project.say_group(_PIPFILE, section, [text])

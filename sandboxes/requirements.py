"""What a repository declares to need, read as data: nothing of it is executed.

Only named requirements (PEP 508) are taken. Addresses, paths, version control and options for pip could
make the fetch step reach where the repository likes; they are refused and named in `notes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packaging.requirements import Requirement

from sandboxes.declared.hatch import hatch_hint
from sandboxes.declared.interpreter import read_python_version, required_python
from sandboxes.declared.lines import Line, RequirementsFile, lines
from sandboxes.declared.locks import locked_versions
from sandboxes.declared.named import WANTED_NAMES, normal
from sandboxes.declared.nox import nox_hint
from sandboxes.declared.pipfile import read_pipfile
from sandboxes.declared.poetry import read_poetry
from sandboxes.declared.project import Project
from sandboxes.declared.pyproject import read_pdm, read_setuptools_dynamic, read_standard, read_uv
from sandboxes.declared.pytest_settings import needed_plugins
from sandboxes.declared.reader import Reader
from sandboxes.declared.requirement_files import Purpose, requirement_files
from sandboxes.declared.selection import Selection
from sandboxes.declared.setuptools_files import read_setup_cfg, read_setup_py
from sandboxes.declared.tox import tox_hint

_DEFAULT_BUILD = ("setuptools", "wheel")
_GATHERED = (
    read_standard,
    read_setuptools_dynamic,
    read_poetry,
    read_setup_cfg,
    read_setup_py,
    read_uv,
    read_pdm,
    read_pipfile,
    read_python_version,
)
"""The most standard first: what one says, none after it changes."""

_PIPFILE_GROUPS = ("packages", "dev-packages")


@dataclass(frozen=True)
class Declarations:
    """What a repository declares: PEP 508 strings, sorted and without repeats.

    `constraints`: bounds on versions that require nothing, for pip's `--constraint`; from lock files always
    `name==version`. `requires_python`: a PEP 440 specifier set, "" for any interpreter. `installable`: it
    says how to build itself. `digest`: hash of the bytes of every file that was read. `notes`: one line for
    each thing that was refused or could not be read.
    """

    requirements: tuple[str, ...] = ()
    build_requirements: tuple[str, ...] = ()
    installable: bool = False
    digest: str = ""
    notes: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    requires_python: str = ""


def read_declarations(files: Mapping[str, bytes]) -> Declarations:
    """Read what the root of a repository declares out of `files` (path -> bytes).

    Never raises for what the files hold: what cannot be read is a note.
    """
    reader, project = Reader(files), Project()
    for gather in _GATHERED:
        gather(reader, project)
    selection = Selection(reader, project)
    _take_declared(selection)
    _take_hints(selection)
    if project.installable:
        selection.take_build(lines("", _DEFAULT_BUILD) if project.build is None else project.build)
        selection.take_build(project.setup_requires)
    selection.constrain([*project.constraints, *locked_versions(reader, project)])
    python = required_python(reader, project.pythons)
    return Declarations(
        requirements=_texts(selection.requirements.values()),
        build_requirements=_texts(selection.build.values()),
        installable=project.installable,
        digest=reader.digest(),
        notes=tuple(reader.notes),
        constraints=_texts(selection.constraints.values()),
        requires_python=python,
    )


def _take_declared(selection: Selection) -> None:
    """What the project needs to run, then what it names for tests, then its requirements files."""
    project = selection.project
    selection.take(project.needs or [], for_tests=False)
    selection.take_extras(WANTED_NAMES)
    selection.take_groups([*WANTED_NAMES, *map(normal, project.default_groups), *_PIPFILE_GROUPS])
    for path, purpose in requirement_files(selection.reader.files):
        before = selection.count
        selection.take([Line(path, RequirementsFile(path))])
        selection.tests_named |= purpose is Purpose.TESTS and selection.count > before


def _take_hints(selection: Selection) -> None:
    """Until one names something: what Hatch, tox or nox install for tests. Then plugins that are missing."""
    for read_hint in (hatch_hint, tox_hint, nox_hint):
        if selection.tests_named:
            break
        hint = read_hint(selection.reader)
        before = selection.count
        selection.take(hint.lines)
        selection.take_extras(hint.extras)
        selection.take_groups(hint.groups)
        selection.tests_named |= selection.count > before
    selection.take_missing(needed_plugins(selection.reader))


def _texts(found: Iterable[list[Requirement]]) -> tuple[str, ...]:
    return tuple(sorted({str(requirement) for same in found for requirement in same}))

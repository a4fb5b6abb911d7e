"""The environment of a repository as its user asks for it: an image, a Dockerfile, or one built for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from packaging.specifiers import SpecifierSet

from agent.errors import UsageError
from agent.task import SandboxSettings
from sandboxes.backend import Backend
from sandboxes.bases import PythonMissing, base_in_words
from sandboxes.dockerfile import dockerfile_image
from sandboxes.environments import Environment, build_environment
from sandboxes.given import given_environment
from sandboxes.host import Progress
from sandboxes.inside.checkpoints import LIMIT as MOST_KEPT
from sandboxes.interface import RecipeError, SandboxLimits
from sandboxes.requirements import read_declarations
from tools.base import PAGE, Base, BaseError, take_base
from tools.tag_version import tag_version

MEMORY_SHARE = 0.6
"""Share of the sandbox's memory that one test process may take; the rest is for the work area and us."""


def fitting_base(folder: Path, limits: SandboxLimits, leave_out: Sequence[Path] = ()) -> Base:
    """The base of the repository that holds `folder`, if it fits into a sandbox. Raises UsageError.

    It lies there in memory twice, as work area and as checkpoint, beside the tests.
    """
    beside_tests = int(limits.memory_bytes * (1 - MEMORY_SHARE))
    try:
        return take_base(
            folder,
            leave_out=leave_out,
            max_bytes=min(limits.disk_bytes // 2, beside_tests // 2, MOST_KEPT),
            max_files=limits.disk_bytes // PAGE // 2,
        )
    except BaseError as error:
        raise UsageError(str(error)) from None


def environment_of(
    backend: Backend, base: Base, settings: SandboxSettings, seconds: float, progress: Progress
) -> Environment:
    """The environment of this base, found or made within `seconds`.

    Raises ImageError with the tail of what failed, SandboxError; UsageError for a Dockerfile that cannot be
    followed.
    """
    if settings.image:
        return given_environment(backend, settings.image, progress)
    if settings.dockerfile:
        try:
            image = dockerfile_image(backend, Path(settings.dockerfile), base.root, base.tar(), progress)
        except RecipeError as error:
            raise UsageError(str(error)) from None
        return given_environment(backend, image, progress)
    declarations = read_declarations(
        {path: file.data for path, file in base.files.items() if file.mode != "120000"}
    )
    try:
        image = backend.base(SpecifierSet(declarations.requires_python), progress)
    except PythonMissing as missing:
        # A pin for development is often narrower than what the code works with.
        note = f"{missing}; trying with what is here"
        declarations = replace(declarations, notes=(*declarations.notes, note))
        image = backend.base(SpecifierSet(), progress)
    wanted = f" (requires-python: {declarations.requires_python})" if declarations.requires_python else ""
    interpreter = f"{base_in_words(image)}{wanted}"
    progress(interpreter)
    built = build_environment(
        backend,
        declarations,
        base=image,
        tree_tar=base.tar(),
        made_for=base.root.name,
        version=tag_version(base),
        setup_command=settings.setup_command or None,
        allow_source_distributions=settings.source_distributions,
        seconds=seconds,
        progress=progress,
    )
    return replace(built, notes=(interpreter, *built.notes))

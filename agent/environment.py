"""The environment of a repository as its user asks for it: an image, a Dockerfile, or one built for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from packaging.specifiers import SpecifierSet

from agent.task import SandboxSettings
from sandboxes.backend import Backend
from sandboxes.bases import PythonMissing
from sandboxes.dockerfile import dockerfile_image
from sandboxes.environments import Environment, build_environment
from sandboxes.given import given_environment
from sandboxes.host import Progress
from sandboxes.requirements import read_declarations
from tools.base import Base
from tools.tag_version import tag_version


def environment_of(
    backend: Backend, base: Base, settings: SandboxSettings, seconds: float, progress: Progress
) -> Environment:
    """The environment of this base, found or made within `seconds`.

    Raises ImageError with the tail of what failed, SandboxError.
    """
    if settings.image:
        return given_environment(backend, settings.image, progress)
    if settings.dockerfile:
        image = dockerfile_image(backend, Path(settings.dockerfile), base.root, base.tar(), progress)
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
    return build_environment(
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

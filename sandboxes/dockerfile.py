"""An image built from a Dockerfile or a devcontainer.json that the user names (a repository cannot).

Building runs what the file says, with network and as root in the engine's build containers: the user's
explicit word. The build context is the base of the repository, never files that git ignores.
"""

from __future__ import annotations

import hashlib
import io
import json
import posixpath
import re
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandboxes.backend import Backend, ImageBuild
from sandboxes.host import Progress
from sandboxes.interface import ImageError, RecipeError

MAX_BYTES = 2**20
REPOSITORY = "marginal-agent/dockerfile"
_NAME = ".marginal-agent.Dockerfile"
_NOT_APPLIED = (
    "features",
    "postCreateCommand",
    "onCreateCommand",
    "updateContentCommand",
    "postStartCommand",
)
# A string, or a comment outside of one; then commas before a closing bracket.
_JSON_PARTS = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', re.DOTALL)


@dataclass(frozen=True)
class ImageRecipe:
    """How to come to an image: its name, or the text of a Dockerfile with the folder of the repository that
    is its context and its arguments. `notes` say what of the file is not applied."""

    image: str = ""
    dockerfile: bytes = b""
    context: str = ""
    arguments: tuple[tuple[str, str], ...] = ()
    target: str = ""
    notes: tuple[str, ...] = field(default=())


def dockerfile_image(backend: Backend, file: Path, root: Path, tree_tar: bytes, progress: Progress) -> str:
    """Name of the image that the file describes, built unless it was before for the same tree.

    `root` is the repository's folder, `tree_tar` its base. Raises RecipeError where the file is at fault,
    ImageError where something else is.
    """
    recipe = read_recipe(file, root)
    for note in recipe.notes:
        progress(note)
    if recipe.image:
        if backend.name == "bubblewrap":  # to which it would be a folder of this host
            raise ImageError(f"{file} names an image, which needs an engine: --sandbox docker")
        return recipe.image
    context = _context(tree_tar, recipe)
    key = context + repr((recipe.arguments, recipe.target)).encode()
    name = f"{REPOSITORY}:{hashlib.sha256(key).hexdigest()[:24]}"
    build = ImageBuild(name, context, _NAME, dict(recipe.arguments), recipe.target, root.name)
    try:
        backend.build(build, progress)
    except RecipeError as error:
        raise RecipeError(f"{file}: {error}".replace(_NAME, file.name)) from error
    return name


def read_recipe(file: Path, root: Path) -> ImageRecipe:
    """Read a Dockerfile, or a devcontainer.json by its ending. Raises RecipeError for what cannot be done."""
    data = _read(file)
    return _devcontainer(file, data, root) if file.suffix == ".json" else ImageRecipe(dockerfile=data)


def _read(file: Path) -> bytes:
    try:
        if not file.is_file():
            raise RecipeError(f"{file} is not a file")
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise RecipeError(f"cannot read {file}: {error}") from None
    if len(data) > MAX_BYTES:
        raise RecipeError(f"{file} is larger than {MAX_BYTES // 2**20} MB")
    return data


def _devcontainer(file: Path, data: bytes, root: Path) -> ImageRecipe:
    try:
        text = _JSON_PARTS.sub(lambda part: part[1] or " ", data.decode())
        found = json.loads(_TRAILING.sub(lambda part: part[1] or "", text))
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"{file} is not readable JSON: {str(error)[:200]}") from None
    if not isinstance(found, dict):
        raise RecipeError(f"{file} holds no object")
    notes = tuple(f"{file.name}: {name} is not applied" for name in _NOT_APPLIED if found.get(name))
    if isinstance(found.get("image"), str):
        return ImageRecipe(image=found["image"], notes=notes)
    build = found.get("build")
    build = build if isinstance(build, dict) else {}
    named = build.get("dockerfile", found.get("dockerFile"))
    if not isinstance(named, str):
        raise RecipeError(f"{file} names neither an image nor a Dockerfile (compose files are not supported)")
    dockerfile = _within(root, file.parent, named, "Dockerfile")
    context = _within(root, file.parent, str(build.get("context", found.get("context", "."))), "context")
    arguments = build.get("args")
    return ImageRecipe(
        dockerfile=_read(dockerfile),
        context=str(context.relative_to(root.resolve())),
        arguments=tuple(sorted(_texts(arguments if isinstance(arguments, dict) else {}).items())),
        target=str(build.get("target", "")),
        notes=notes,
    )


def _within(root: Path, folder: Path, named: str, what: str) -> Path:
    try:
        path = (folder / named).resolve()
    except (OSError, ValueError):
        raise RecipeError(f"the devcontainer's {what} is no path") from None
    if not path.is_relative_to(root.resolve()):
        raise RecipeError(f"the devcontainer's {what} lies outside of the repository: {named}")
    return path


def _texts(table: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in table.items() if isinstance(value, str)}


def _context(tree_tar: bytes, recipe: ImageRecipe) -> bytes:
    """The build context: the base below the context folder, and the Dockerfile under a name of ours."""
    below = "" if recipe.context in ("", ".") else recipe.context + "/"
    out = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(tree_tar), mode="r:") as tree,
        tarfile.open(fileobj=out, mode="w:", format=tarfile.PAX_FORMAT) as context,
    ):
        for member in tree:
            name = posixpath.normpath(member.name)
            if name.startswith(below):
                member.name = name[len(below) :]
                context.addfile(member, tree.extractfile(member) if member.isreg() else None)
        entry = tarfile.TarInfo(_NAME)
        entry.size = len(recipe.dockerfile)
        context.addfile(entry, io.BytesIO(recipe.dockerfile))
    return out.getvalue()

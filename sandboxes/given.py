"""An image that the user names: taken as it is, with whatever Python and packages it has."""

from __future__ import annotations

from sandboxes.backend import Backend
from sandboxes.building import PYTHON
from sandboxes.environments import Environment
from sandboxes.host import Progress
from sandboxes.interface import ImageError, RunRequest

_FIND_PYTHON = f"for python in {PYTHON} python3 python; do command -v $python && exit; done; exit 1"


def given_environment(backend: Backend, image: str, progress: Progress) -> Environment:
    """The environment that `image` is, pulled if the backend can and does not have it.

    Raises ImageError when it cannot be had or has no Python that the sandbox's runner could use.
    """
    backend.take(image, progress)
    with backend.sandbox(image) as sandbox:
        result = sandbox.run(RunRequest(("sh", "-c", _FIND_PYTHON), timeout=30))
    if result.exit_code != 0:
        raise ImageError(f"image '{image}' has no python3; the sandbox needs one")
    return Environment(
        backend=backend.name,
        image=image,
        digest=backend.digest(image),
        python=result.stdout.decode().strip(),
        cached=True,
        project_installed=False,
        notes=(f"image {image} was given: nothing was installed",),
    )

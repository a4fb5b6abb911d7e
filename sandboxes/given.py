"""An image that the user names: taken as it is, with whatever Python and packages it has."""

from __future__ import annotations

from sandboxes.backend import Backend
from sandboxes.building import PYTHON
from sandboxes.environments import Environment
from sandboxes.host import Progress
from sandboxes.interface import ImageError, RunRequest

_LOOK_SECONDS = 30.0
_FIND_PYTHON = f"for python in {PYTHON} python3 python; do command -v $python && exit; done; exit 1"

_ASK_PYTHON = (
    "import importlib.util, platform\n"
    "print(platform.python_version(), 'pytest' if importlib.util.find_spec('pytest') else '')\n"
)


def given_environment(backend: Backend, image: str, progress: Progress) -> Environment:
    """The environment that `image` is, pulled if the backend can and does not have it.

    Raises ImageError when it cannot be had or has no Python that the sandbox's runner could use.
    """
    backend.take(image, progress)
    with backend.sandbox(image) as sandbox:
        result = sandbox.run(RunRequest(("sh", "-c", _FIND_PYTHON), timeout=_LOOK_SECONDS))
        if result.exit_code != 0:
            raise ImageError(f"image '{image}' has no python3; the sandbox needs one")
        python = result.stdout.decode().strip()
        asked = sandbox.run(RunRequest((python, "-c", _ASK_PYTHON), timeout=_LOOK_SECONDS))
    if asked.exit_code != 0:
        raise ImageError(f"image '{image}' has a {python} that does not work")
    version, _, pytest = asked.stdout.decode(errors="replace").strip().partition(" ")
    return Environment(
        backend=backend.name,
        image=image,
        digest=backend.digest(image),
        python=python,
        cached=True,
        project_installed=False,
        notes=(
            f"Python {version} and {pytest or 'no pytest'} of the image",
            f"image {image} was given: nothing was installed",
        ),
        has_pytest=bool(pytest),
    )

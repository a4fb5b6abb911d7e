"""An image that the user names: taken as it is, with whatever Python and packages it has."""

from __future__ import annotations

from docker import DockerClient
from docker.errors import DockerException, ImageNotFound
from requests.exceptions import RequestException

from sandboxes.docker import DockerSandbox
from sandboxes.environments import PYTHON, Environment
from sandboxes.host import Progress
from sandboxes.interface import ImageError, RunRequest

_FIND_PYTHON = f"for python in {PYTHON} python3 python; do command -v $python && exit; done; exit 1"


def given_environment(client: DockerClient, image: str, progress: Progress) -> Environment:
    """The environment that `image` is, pulled if the engine does not have it.

    Raises ImageError when it cannot be had or has no Python that the sandbox's runner could use.
    """
    try:
        try:
            found = client.images.get(image)
        except ImageNotFound:
            progress(f"pulling {image}")
            client.images.pull(image)
            found = client.images.get(image)
    except (DockerException, RequestException) as error:
        reason = str(error).splitlines()[0]
        raise ImageError(f"image '{image}' is not here and cannot be pulled: {reason}") from None
    with DockerSandbox(image, client=client) as sandbox:
        result = sandbox.run(RunRequest(("sh", "-c", _FIND_PYTHON), timeout=30))
    if result.exit_code != 0:
        raise ImageError(f"image '{image}' has no python3; the sandbox needs one")
    return Environment(
        image=image,
        digest=str(found.id),
        python=result.stdout.decode().strip(),
        cached=True,
        project_installed=False,
        notes=(f"image {image} was given: nothing was installed",),
        generated=b"",
        log_tail="",
    )

"""Environment images on the real engine: two phases, kept by hash, never a dead end without a word."""

from __future__ import annotations

import io
import os
import tarfile
import uuid

import pytest
from docker import DockerClient

from sandboxes.docker import PID_LABEL, DockerSandbox
from sandboxes.environments import Environment, build_environment
from sandboxes.generated import generated_files
from sandboxes.interface import REPO, ImageError, RunRequest
from sandboxes.requirements import read_declarations

pytestmark = [pytest.mark.docker, pytest.mark.fetch]

PYPROJECT = """
# {unique}
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"
[project]
name = "small"
version = "1.2"
dependencies = ["iniconfig"]
[project.optional-dependencies]
test = ["pytest<9", "private @ https://example.org/private.whl"]
"""


def tree(files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


def build(client: DockerClient, base: str, files: dict[str, str], **more: object) -> Environment:
    declarations = read_declarations({name: text.encode() for name, text in files.items()})
    return build_environment(
        client,
        declarations,
        base=base,
        tree_tar=tree(files),
        progress=print,
        **more,  # type: ignore[arg-type]
    )


def test_a_small_project_is_installed_once(docker_client: DockerClient, base_image: str) -> None:
    files = {
        "pyproject.toml": PYPROJECT.format(unique=uuid.uuid4()),
        "src/small/__init__.py": "value = 41\n",
        "tests/test_small.py": "import small\n\ndef test_value():\n    assert small.value == 41\n",
    }
    built = build(docker_client, base_image, files, setup_command="echo made > made.txt")
    try:
        assert not built.cached and built.project_installed
        assert "Successfully installed" in built.log_tail
        assert any("private" in note and "refused" in note for note in built.notes)
        again = build(docker_client, base_image, files, setup_command="echo made > made.txt")
        assert again == Environment(**{**vars(built), "cached": True, "log_tail": ""})
        with DockerSandbox(built.image, client=docker_client, python=built.python) as sandbox:
            sandbox.put_tar(REPO, tree(files))
            sandbox.put_tar(REPO, built.generated)
            assert sandbox.read(f"{REPO}/made.txt") == b"made\n"
            result = sandbox.run(RunRequest((built.python, "-m", "pytest", "-q"), timeout=60, cwd=REPO))
            assert result.exit_code == 0 and b"1 passed" in result.stdout
            versions = (
                "from importlib.metadata import version as v; print(v('small'), v('pytest').split('.')[0])"
            )
            result = sandbox.run(RunRequest((built.python, "-c", versions), timeout=60, cwd="/"))
            assert result.stdout == b"1.2 8\n", "the pin of the repository holds"
    finally:
        docker_client.images.remove(built.image, force=True)
    mine = {"label": f"{PID_LABEL}={os.getpid()}"}
    assert docker_client.volumes.list(filters=mine) == []


def test_a_project_that_cannot_be_built_is_put_on_the_path(
    docker_client: DockerClient, base_image: str
) -> None:
    files = {"setup.py": f"raise SystemExit('{uuid.uuid4()}')", "small.py": "value = 41\n"}
    built = build(docker_client, base_image, files)
    try:
        assert not built.project_installed
        assert any("could not be installed" in note for note in built.notes)
        with DockerSandbox(built.image, client=docker_client, python=built.python) as sandbox:
            sandbox.put_tar(REPO, tree(files))
            result = sandbox.run(
                RunRequest((built.python, "-c", "import small; print(small.value)"), timeout=60)
            )
            assert result.stdout == b"41\n"
    finally:
        docker_client.images.remove(built.image, force=True)


def test_what_cannot_be_fetched_is_an_error_with_its_reason(
    docker_client: DockerClient, base_image: str
) -> None:
    with pytest.raises(ImageError, match="could not be fetched as wheels") as caught:
        build(docker_client, base_image, {"requirements.txt": "pytest<8\npytest>=8\n"})
    assert "conflict" in caught.value.tail.lower()


def test_failing_setup_command_is_an_error_with_its_output(
    docker_client: DockerClient, base_image: str
) -> None:
    command = "echo reason >&2; exit 3"
    with pytest.raises(ImageError, match="exit code 3") as caught:
        build(docker_client, base_image, {"requirements.txt": ""}, setup_command=command)
    assert caught.value.tail.endswith("reason\n")


def test_setup_has_no_network(docker_client: DockerClient, base_image: str) -> None:
    command = "python -c \"import socket; socket.create_connection(('1.1.1.1', 53), 5)\""
    with pytest.raises(ImageError) as caught:
        build(docker_client, base_image, {"requirements.txt": ""}, setup_command=command)
    assert "Network is unreachable" in caught.value.tail


def test_generated_files_are_the_new_ones_only() -> None:
    before = tree({"a": "1", "b": "2"})
    after = tree({"a": "changed", "b": "2", "x.egg-info/PKG-INFO": "new", "c/__pycache__/x.pyc": "no"})
    generated = generated_files(before, after)
    assert generated is not None
    with tarfile.open(fileobj=io.BytesIO(generated)) as archive:
        assert archive.getnames() == ["x.egg-info/PKG-INFO"]
    assert generated_files(before, tree({"big": "x" * (21 * 2**20)})) is None

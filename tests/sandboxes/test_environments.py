"""Environment images on every backend: two phases, kept by hash, never a dead end without a word."""

from __future__ import annotations

import io
import json
import re
import tarfile
import uuid
from collections.abc import Callable, Iterator

import pytest

from sandboxes.backend import Backend
from sandboxes.environments import Environment, build_environment
from sandboxes.generated import generated_files
from sandboxes.interface import REPO, ImageError, RunRequest
from sandboxes.requirements import read_declarations

pytestmark = pytest.mark.fetch

Build = Callable[..., Environment]
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


@pytest.fixture(scope="module")
def build(backend: Backend, base: str) -> Iterator[Build]:
    """Builds environments, which are forgotten in the end."""
    mine = f"test-{uuid.uuid4()}"

    def build(files: dict[str, str], **more: object) -> Environment:
        declarations = read_declarations({name: text.encode() for name, text in files.items()})
        return build_environment(
            backend,
            declarations,
            base=base,
            tree_tar=tree(files),
            made_for=mine,
            progress=print,
            **more,  # type: ignore[arg-type]
        )

    yield build
    for kept in backend.kept():
        if kept.facts.made_for == mine:
            backend.forget(kept.name)


def test_a_small_project_is_installed_once(build: Build, backend: Backend) -> None:
    files = {
        "pyproject.toml": PYPROJECT.format(unique=uuid.uuid4()),
        "src/small/__init__.py": "value = 41\n",
        "tests/test_small.py": "import small\n\ndef test_value():\n    assert small.value == 41\n",
    }
    built = build(files, setup_command="echo made > made.txt")
    assert not built.cached and built.project_installed
    assert "Successfully installed" in built.log_tail
    assert any("private" in note and "refused" in note for note in built.notes)
    again = build(files, setup_command="echo made > made.txt")
    assert again == Environment(**{**vars(built), "cached": True, "log_tail": ""})
    kept = backend.find(built.image)
    assert kept is not None and kept.digest == built.digest and kept in backend.kept()
    assert kept.facts.kind == "environment" and kept.facts.project_installed and kept.size > 0
    with backend.sandbox(built.image, python=built.python) as sandbox:
        sandbox.put_tar(REPO, tree(files))
        sandbox.run(RunRequest(("tar", "-xf", built.generated, "-C", REPO), timeout=60))
        assert sandbox.read(f"{REPO}/made.txt") == b"made\n"
        result = sandbox.run(RunRequest((built.python, "-m", "pytest", "-q"), timeout=60, cwd=REPO))
        assert result.exit_code == 0 and b"1 passed" in result.stdout
        versions = "from importlib.metadata import version as v; print(v('small'), v('pytest').split('.')[0])"
        result = sandbox.run(RunRequest((built.python, "-c", versions), timeout=60, cwd="/"))
        assert result.stdout == b"1.2 8\n", "the pin of the repository holds"
    backend.forget(built.image)
    assert backend.find(built.image) is None


def test_a_project_that_cannot_be_built_is_put_on_the_path(build: Build, backend: Backend) -> None:
    reason = f"no such thing: {uuid.uuid4()}"
    files = {
        "setup.py": f"print('before\\n' * 100)\nraise SystemExit('{reason}')",
        "small.py": "value = 41\n",
    }
    built = build(files)
    assert not built.project_installed
    first, *tail = built.notes[0].splitlines()
    assert first == "the project could not be installed; its source folder is on the path"
    assert tail[-1].strip() == reason, "the end of the output is the reason, not what pip says of all reasons"
    assert 5 < len(tail) <= 15
    assert build(files).notes == built.notes, "and is kept"
    with backend.sandbox(built.image, python=built.python) as sandbox:
        sandbox.put_tar(REPO, tree(files))
        result = sandbox.run(RunRequest((built.python, "-c", "import small; print(small.value)"), timeout=60))
        assert result.stdout == b"41\n"


def test_notes_without_end_are_kept_within_bounds(build: Build) -> None:
    long = chr(0x20000) * 290
    files = {
        "setup.py": f"print(('{long}' + chr(10)) * 30)\nraise SystemExit('{uuid.uuid4()}')",
        "requirements.txt": "".join(f"-e {number}{long}\n" for number in range(70)),
    }
    built = build(files)
    assert built.notes[0].startswith("the project could not be installed")
    assert "refused" in built.notes[1]
    assert built.notes[-1] == "more was noted, not kept"
    assert len(json.dumps(built.notes, ensure_ascii=False).encode()) < 21_000


def test_what_cannot_be_fetched_is_an_error_with_its_reason(build: Build) -> None:
    with pytest.raises(ImageError, match="could not be fetched as wheels") as caught:
        build({"requirements.txt": "pytest<8\npytest>=8\n"})
    assert "conflict" in caught.value.tail.lower()


def test_failing_setup_command_is_an_error_with_its_output(build: Build) -> None:
    command = "echo reason >&2; exit 3"
    said = f"^the setup command '{re.escape(command)}' failed with exit code 3$"
    with pytest.raises(ImageError, match=said) as caught:
        build({"requirements.txt": ""}, setup_command=command)
    assert caught.value.tail.endswith("reason\n")


def test_setup_has_no_network(build: Build) -> None:
    command = "python -c \"import socket; socket.create_connection(('1.1.1.1', 53), 5)\""
    with pytest.raises(ImageError) as caught:
        build({"requirements.txt": ""}, setup_command=command)
    assert "Network is unreachable" in caught.value.tail


def test_generated_files_are_the_new_ones_only() -> None:
    before = tree({"a": "1", "b": "2"})
    after = tree({"a": "changed", "b": "2", "x.egg-info/PKG-INFO": "new", "c/__pycache__/x.pyc": "no"})
    generated = generated_files(before, after)
    with tarfile.open(fileobj=io.BytesIO(generated)) as archive:
        assert archive.getnames() == ["x.egg-info/PKG-INFO"]
    with pytest.raises(ValueError, match="more than 20 MB"):
        generated_files(before, tree({"big": "x" * (21 * 2**20)}))


def test_what_cannot_be_had_is_left_out_in_words(build: Build, backend: Backend) -> None:
    missing = f"no-such-package-of-ours-{uuid.uuid4().hex}"
    built_with = f"no-such-backend-of-ours-{uuid.uuid4().hex}"
    pyproject = f'[build-system]\nrequires = ["{built_with}"]\n[project]\nname = "x"\nversion = "1"\n'
    requirements = {"requirements.txt": f"iniconfig\n{missing}\n"}
    built = build({**requirements, "pyproject.toml": pyproject, "x.py": ""})
    assert sorted(built.notes) == [
        f"left out: pip finds no wheel of {missing} here (is the name right?); "
        "--allow-source-distributions also looks for sources",
        f"what the project is built with could not be had ({built_with}); it is used uninstalled; "
        "--allow-source-distributions also looks for sources",
    ]
    again = build(requirements, allow_source_distributions=True)
    assert again.notes == (f"left out: pip finds no source or wheel of {missing} here (is the name right?)",)
    with backend.sandbox(built.image, python=built.python) as sandbox:
        result = sandbox.run(RunRequest((built.python, "-c", "import iniconfig"), timeout=60))
        assert result.exit_code == 0

"""`agent fix` on libraries it was not made for: source distributions, with one defect seeded by hand."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from docker import DockerClient

from benchmarks.demo import Replacement

AGENT = Path(sys.executable).with_name("agent")
FETCH_SECONDS = 120


@dataclass(frozen=True)
class Library:
    """A source distribution, a defect in it, the tests that show it, and what running its tests needs.

    `named`: the failing tests are named with --test; otherwise the suite is run and what fails is taken.
    `settled`: a change of the suite's settings, made before all else.
    """

    requirement: str
    defect: Replacement
    failing: frozenset[str]
    source: str
    needs: tuple[str, ...]
    named: bool
    settled: Replacement | None = None


LIBRARIES = [
    Library(
        "cachetools==8.0.0",
        Replacement(
            "src/cachetools/__init__.py",
            before="if len(link.keys) == 1:",
            after="if len(link.keys) != 1:",
        ),
        failing=frozenset(
            {
                "tests/test_lfu.py::LFUCacheTest::test_lfu_clear",
                "tests/test_lfu.py::LFUCacheTest::test_lfu_tie",
                "tests/test_lfu.py::LFUCacheTest::test_lfu_update_existing",
            }
        ),
        source="src",
        needs=("pytest",),
        named=False,
    ),
    # Some of natsort's tests need locales that a slim image lacks: they fail before and after.
    Library(
        "natsort==8.4.0",
        Replacement(
            "natsort/utils.py",
            before="if _d_match(suffix) or i > 1 or len(suffix) > 5:",
            after="if _d_match(suffix) or i > 1 and len(suffix) > 5:",
        ),
        failing=frozenset(
            {
                "tests/test_utils.py::test_path_splitter_splits_path_string_by_sep_and_removes_extension_example"
                "[/this/is/a/path/file.x1.threethousand.tar-expected2]"
            }
        ),
        source=".",
        needs=("pytest", "pytest-mock", "hypothesis"),
        named=True,
        # A hundred examples of each property take a minute when every line is traced.
        settled=Replacement(
            "tests/conftest.py",
            before='"slow-tests", suppress_health_check=[hypothesis.HealthCheck.too_slow]\n)',
            after='"few", suppress_health_check=[hypothesis.HealthCheck.too_slow], max_examples=10\n)\n'
            'hypothesis.settings.load_profile("few")',
        ),
    ),
]


def pip(*arguments: object) -> None:
    """Run pip, and skip the test where the index cannot be reached or lacks what is asked for."""
    command = (sys.executable, "-m", "pip", "--quiet", "--no-input", "--disable-pip-version-check")
    try:
        done = subprocess.run(
            [*command, *map(str, arguments)], capture_output=True, text=True, timeout=FETCH_SECONDS
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"the package index did not answer within {FETCH_SECONDS} s")
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
        pytest.skip(f"cannot be fetched from the package index: {reason}")


def git(repository: Path, *arguments: str) -> str:
    """Run git there, with an identity and without the user's configuration."""
    identity = {
        f"GIT_{role}_{what}": "tester@example.com"
        for role in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    env = {**os.environ, **identity, "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(["git", *arguments], cwd=repository, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def unpack(library: Library, folder: Path) -> Path:
    """Fetch the source distribution and unpack it; returns its top folder."""
    pip("download", "--no-binary", ":all:", "--no-deps", "--dest", folder, library.requirement)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    top = folder / archive.name.removesuffix(".tar.gz")
    if library.settled is not None:
        library.settled.apply(top)
    return top


def make_repository(original: Path, library: Library, path: Path) -> Path:
    """A repository whose only commit already has the defect, and a file that is not committed."""
    shutil.copytree(original, path)
    library.defect.apply(path)
    (path / "requirements-test.txt").write_text("\n".join(library.needs) + "\n")
    git(path, "init", "--quiet", "--initial-branch=main")
    git(path, "add", "--all")
    git(path, "commit", "--quiet", "--message=Import")
    (path / "NOTES.txt").write_text("not committed\n")
    return path


def state_of(repository: Path) -> tuple[str, str, dict[str, bytes]]:
    """Status, references and every file of the work tree."""
    files = {
        path.relative_to(repository).as_posix(): path.read_bytes()
        for path in sorted(repository.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(repository).parts
    }
    return git(repository, "status", "--porcelain"), git(repository, "for-each-ref"), files


def passing(python: Path, tree: Path, library: Library) -> set[str]:
    """Node ids of the library's tests that pass in `tree`, run by `python` outside any sandbox."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON"))}
    env |= {"PYTHONPATH": str(tree / library.source), "PYTHONDONTWRITEBYTECODE": "1"}
    command = (python, "-m", "pytest", "-q", "--tb=no", "-rp", "-p", "no:cacheprovider")
    done = subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return set(re.findall(r"^PASSED (.+)$", done.stdout, re.MULTILINE))


def make_environment(library: Library, path: Path) -> Path:
    """A fresh environment with what the library's tests need; returns its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", path], check=True)
    python = path / "bin" / "python"
    pip("--python", python, "install", *library.needs)
    return python


@pytest.mark.docker
@pytest.mark.fetch
@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.requirement)
def test_a_seeded_defect_is_fixed_and_the_tree_left_alone(
    library: Library, tmp_path: Path, docker_client: DockerClient
) -> None:
    original = unpack(library, tmp_path / "fetched")
    repository = make_repository(original, library, tmp_path / "repository")
    before = state_of(repository)

    patch, report, trace = tmp_path / "fix.patch", tmp_path / "report.json", tmp_path / "trace"
    named = [part for test in sorted(library.failing) for part in ("--test", test)] if library.named else []
    outputs = ("--json", report, "--trace", trace, "--patch-out", patch)
    worth = ("--value", "$200")  # the time that a search takes on a busy machine, too
    env = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    fixed = subprocess.run(
        [AGENT, "fix", repository, *named, *worth, *outputs],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert fixed.returncode == 0, fixed.stdout + fixed.stderr
    assert json.loads(report.read_text())["outcome"] == "fixed"
    assert state_of(repository) == before

    replayed = subprocess.run([AGENT, "replay", trace], env=env, capture_output=True, text=True)
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr

    python = make_environment(library, tmp_path / "environment")
    expected = passing(python, original, library)
    assert expected - passing(python, repository, library) == library.failing
    patched = shutil.copytree(repository, tmp_path / "patched")
    git(patched, "apply", str(patch))
    assert git(patched, "diff", "--name-only") == f"{library.defect.path}\n"
    assert passing(python, patched, library) == expected

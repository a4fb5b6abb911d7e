"""The distribution: what the wheel holds, whose code its command imports, and the shape of the repository."""

import os
import site
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("agent", "tools", "policies", "sandboxes")
TOP_LEVEL = {
    *PACKAGES,
    *("tests", "benchmarks"),
    *("pyproject.toml", "README.md", "Makefile", "LICENSE", "CHANGELOG.md"),
}


def run(
    *command: object, cwd: Path = ROOT, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True)


def repository_files() -> list[Path]:
    """Files of the repository, committed or about to be: relative to ROOT, ignored ones left out."""
    listed = run(
        *("git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"),
        *("--cached", "--others", "--exclude-standard"),
    )
    assert listed.returncode == 0, listed.stderr
    return [Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
    assert built.returncode == 0, built.stdout + built.stderr
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts folder of a fresh environment with the wheel in it, and our dependencies in its path."""
    folder = tmp_path_factory.mktemp("installed")
    assert run(sys.executable, "-m", "venv", "--without-pip", folder).returncode == 0
    scripts = folder / Path(sysconfig.get_path("scripts")).name
    options = ("--quiet", "--no-deps", "--no-index", "--disable-pip-version-check")
    done = run(sys.executable, "-m", "pip", "--python", scripts / "python", "install", *options, wheel)
    assert done.returncode == 0, done.stderr
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return scripts


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder whose packages have our names and write a marker when they are imported."""
    for name in (*PACKAGES, "typer", "docker"):
        package = tmp_path / name
        package.mkdir()
        code = f"import pathlib\npathlib.Path({str(tmp_path)!r}, 'imported-{name}').touch()\n"
        (package / "__init__.py").write_text(code)
    return tmp_path


def markers(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("imported-*")}


def test_the_wheel_holds_our_packages_whole_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    contents = {name for name in names if ".dist-info/" not in name and ".data/" not in name}
    assert contents == {path.as_posix() for path in repository_files() if path.parts[0] in PACKAGES}
    assert any(name.endswith(".data/scripts/agent") for name in names)


@pytest.mark.parametrize("folder", ["tools/inside", "sandboxes/inside"])
def test_the_wheel_holds_the_files_that_run_inside_the_sandbox(wheel: Path, folder: str) -> None:
    inside = {path.as_posix() for path in repository_files() if path.is_relative_to(folder)}
    assert len(inside) > 1
    with zipfile.ZipFile(wheel) as archive:
        assert inside <= set(archive.namelist())


def test_the_installed_command_says_its_version(installed: Path, tmp_path: Path) -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    said = run(installed / "agent", "--version", cwd=tmp_path)
    assert (said.returncode, said.stderr) == (0, "")
    assert declared in said.stdout


@pytest.mark.parametrize("arguments", [("--version",), ("fix", "--help"), ("fix", "missing")], ids=" ".join)
@pytest.mark.parametrize("path", [None, ".", "HERE"])
def test_the_command_never_imports_the_packages_of_the_folder_it_starts_in(
    installed: Path, hostile: Path, arguments: tuple[str, ...], path: str | None
) -> None:
    env = {**os.environ, "HOME": str(hostile / "home"), "XDG_STATE_HOME": str(hostile / "home")}
    if path is not None:
        env["PYTHONPATH"] = str(hostile) if path == "HERE" else path
    said = run(installed / "agent", *arguments, cwd=hostile, env=env)
    assert markers(hostile) == set()
    assert "Traceback" not in said.stderr
    assert said.returncode == (2 if "missing" in arguments else 0), said.stderr


def test_without_our_guard_the_folders_packages_would_be_imported(installed: Path, hostile: Path) -> None:
    # The control for the test above: its trap works.
    env = {**os.environ, "PYTHONPATH": "."}
    run(installed / "python", "-c", "import " + ", ".join(PACKAGES), cwd=hostile, env=env)
    assert markers(hostile) == {f"imported-{name}" for name in PACKAGES}


def test_the_top_level_holds_what_is_listed_and_nothing_else() -> None:
    assert {path.parts[0] for path in repository_files() if not path.parts[0].startswith(".")} == TOP_LEVEL


def test_every_folder_of_tests_is_run() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    folders = {path.parent for path in repository_files() if path.match("tests/**/test_*.py")}
    assert {path.as_posix() for path in folders} == set(settings["testpaths"])


def test_the_layers_import_one_way() -> None:
    checked = run(Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_no_file_names_a_path_of_this_machine_or_a_package_host() -> None:
    # Put together here, so that this file does not trip over itself.
    forbidden = ["/".join(("", "work", "shared")), "." + "library", "bash" + "_jobs", "npmjs" + ".org"]
    forbidden += [f"{name}.org" for name in ("py" + "pi", "python" + "hosted")]
    forbidden += [str(path) for path in (ROOT, Path.home()) if len(path.parts) > 2]
    found = [
        f"{path}: {text}"
        for path in repository_files()
        for text in forbidden
        if text.encode() in (ROOT / path).read_bytes()
    ]
    assert found == []

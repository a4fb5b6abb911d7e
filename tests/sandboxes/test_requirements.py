"""Reading what a repository declares: as data, named requirements only, never an exception."""

from __future__ import annotations

from sandboxes.requirements import Declarations, read_declarations


def read(**files: str) -> Declarations:
    """Declarations of files given as keywords; `__` stands for a dot or, doubled, a slash."""
    return read_declarations(
        {name.replace("____", "/").replace("__", "."): text.encode() for name, text in files.items()}
    )


PYPROJECT = """
[build-system]
requires = ["hatchling>=1"]
[project]
name = "My.Pkg"
dependencies = ["attrs>=22", "tomli; python_version < '3.11'"]
[project.optional-dependencies]
test = ["pytest>=7", "my_pkg[speed]"]
speed = ["orjson", "my-pkg[test]"]
docs = ["sphinx"]
[dependency-groups]
dev = [{include-group = "shared"}, {include-group = "lint"}, {include-group = "none"}, "tox"]
shared = ["trustme", {include-group = "dev"}]
lint = ["ruff"]
"""


def test_pyproject_with_extras_groups_and_self_references() -> None:
    found = read(pyproject__toml=PYPROJECT)
    assert found.requirements == (
        "attrs>=22",
        "orjson",
        "pytest>=7",
        'tomli; python_version < "3.11"',
        "tox",
        "trustme",
    )
    assert found.build_requirements == ("hatchling>=1",)
    assert found.installable
    assert found.notes == ("[dependency-groups]: cannot include the group 'none'",)


def test_requirements_files_follow_each_other_within_the_repository() -> None:
    hashed = "flask==3.0 \\\n  --hash=sha256:aa --hash=sha256:bb\n"
    found = read(
        requirements__txt=hashed + "# a comment\n\nclick>=8 # why\n",
        requirements____dev__txt="-r ../requirements.txt\n-r tools.in\n-r ../../out.txt\n-r dev.txt\n",
        requirements____tools__in="mypy\n",
        docs____requirements__txt="sphinx\n",
    )
    assert found.requirements == ("click>=8", "flask==3.0", "mypy")
    assert found.notes == ("requirements/dev.txt: cannot include ../out.txt",)
    assert not found.installable and found.build_requirements == ()


def test_whatever_reaches_elsewhere_is_refused() -> None:
    lines = [
        "evil @ https://example.org/evil.whl",
        "git+https://example.org/evil",
        "https://example.org/evil.whl",
        "./vendored",
        "-e ./vendored",
        "--index-url https://example.org",
        "--extra-index-url=https://example.org",
        "-f https://example.org",
        "good; python_version > '${PIP_INDEX_URL}'",
        "good; python_version > 'x --config-settings=a \"y'",
        "good===../vendored",
        "vendored.whl",
    ]
    found = read(requirements__txt="\n".join([*lines, "good>=1"]))
    assert found.requirements == ("good>=1",)
    assert len(found.notes) == len(lines)
    assert all(": refused " in note for note in found.notes)


def test_a_requirement_cannot_smuggle_in_another_line() -> None:
    marker = "good; python_version > '3\\n--index-url=https://example.org'"
    found = read(pyproject__toml=f'[project]\nname = "x"\ndependencies = ["{marker}", 7]\n')
    assert found.requirements == ()
    assert len(found.notes) == 2


def test_the_project_itself_in_a_requirements_file_asks_for_its_extras() -> None:
    found = read(
        pyproject__toml='[project]\nname = "x"\n[project.optional-dependencies]\nci = ["nox"]\n',
        requirements__txt="-e .[ci]\n",
    )
    assert found.requirements == ("nox",) and found.notes == ()


def test_setup_cfg() -> None:
    found = read(
        setup__cfg="[metadata]\nname = x\n[options]\ninstall_requires =\n  six\n  attrs\n"
        "[options.extras_require]\ntest =\n  mock # for old tests\ndocs = sphinx\n"
    )
    assert found.requirements == ("attrs", "mock", "six")
    assert found.installable and found.build_requirements == ("setuptools", "wheel")
    assert not read(setup__cfg="[tool:pytest]\naddopts = -q\n").installable


def test_broken_files_become_notes() -> None:
    found = read_declarations(
        {
            "pyproject.toml": b"x = " + b"[" * 100_000,
            "setup.cfg": b"no section",
            "requirements.txt": b"\xff\xfe\xff",
            "Pipfile": b"\xff",
            "Pipfile.lock": b'{"default": ' * 100_000,
        }
    )
    assert found.requirements == found.constraints == ()
    assert [note.split(" cannot")[0].split(":")[0] for note in found.notes] == [
        "pyproject.toml",
        "setup.cfg",
        "Pipfile",
        "requirements.txt",
        "Pipfile.lock",
    ]
    assert read(pyproject__toml="project = 1\nbuild-system = []\ndependency-groups = 'x'").notes == ()


def test_digest_hangs_on_declaring_files_only() -> None:
    one, same, other = (
        read(setup__py="1", readme__md="a"),
        read(setup__py="1", readme__md="b"),
        read(setup__py="2", readme__md="a"),
    )
    assert one.digest == same.digest != other.digest

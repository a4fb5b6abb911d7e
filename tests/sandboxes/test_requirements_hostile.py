"""Hostile declarations: whatever bytes they are, nothing raises and only named requirements come out."""

from __future__ import annotations

import configparser
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from sandboxes.declared.formats import load_ini
from sandboxes.declared.named import parse_requirement
from sandboxes.requirements import Declarations, read_declarations
from sandboxes.toml import load_toml

FILES = st.sampled_from(
    (
        "pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "tox.toml", "noxfile.py", "hatch.toml",
        "Pipfile", "Pipfile.lock", "uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "pylock.dev.toml",
        "pytest.ini", ".python-version", "requirements.txt", "requirements-dev.txt", "requirements/test.in",
        "a.txt",
    )
)  # fmt: skip
PIECES = st.sampled_from(
    (
        "[project]\n", "[options]\n", "[testenv]\n", "[tool.poetry.dependencies]\n", "[packages]\n",
        "[[package]]\n", "[tool.uv]\n", "[dependency-groups]\n", "[tool.hatch.envs.test]\n", "[pytest]\n",
        "[dev-packages]\n", "dependencies = [", "]\n", "\"attrs\"", "-r ", "-c a.txt\n", "requirements.txt",
        "\n", "=", "'", "\"", "[", "{", "}", "-e .[dev]\n", "--index-url https://example.org\n", "dev = ",
        "deps = ", "install_requires", "=[", "def tests(session):\n", "session.install(", ")", ",",
        "name = ", "\"1.0\"", "version = ", "^1.2", "~3", "||", " @ https://example.org/x.whl",
        "; python_version > '3'", "\\\n", "#", "$HOME", "python = ", "git", "path",
        "{\"default\": {\"six\": {\"version\": \"==1.0\"}}}", "test: x\n", "asyncio_mode = auto\n",
        " --hash=sha256:0", "six", "requires-python = ", "\">=3.8\"",
        "[requires]\npython_version = '3.9'\n", "{toxinidir}/", "{[testenv]deps}",
        "six; python_version > 'x --index-url=https://example.org \"y'\n", "../x", "file:///etc", "\0", "é",
        "\t",
    )
)  # fmt: skip
CONTENTS = st.lists(PIECES, max_size=20).map("".join).map(str.encode)
ANYTHING = CONTENTS | st.binary(max_size=60) | st.text(string.printable, max_size=60).map(str.encode)


def assert_only_names(found: Declarations) -> None:
    for line in (*found.requirements, *found.build_requirements, *found.constraints):
        requirement = Requirement(line)
        assert requirement.url is None and str(requirement) == line
        assert line.isprintable() and line[0].isalnum()
        assert not set(line) & set("$\\#/") and " -" not in line
    assert not any(Requirement(line).extras for line in found.constraints)
    SpecifierSet(found.requires_python)
    assert all(len(note) <= 300 and note.isprintable() for note in found.notes)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(FILES, ANYTHING, max_size=6))
def test_any_files_give_declarations_pip_can_only_read_as_names(files: dict[str, bytes]) -> None:
    assert_only_names(read_declarations(files))


@settings(max_examples=300)
@given(st.lists(PIECES | st.text(string.printable, max_size=8), max_size=6).map("".join))
def test_a_named_requirement_is_a_line_that_pip_reads_back_the_same(line: str) -> None:
    requirement = parse_requirement(line)
    if isinstance(requirement, Requirement):
        again = parse_requirement(str(requirement))
        assert isinstance(again, Requirement) and again == requirement


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from(["[a]", "[b]\n", "k", "L", " ", "\n", "\n  ", "=", ":", "#", "; ", "v"])).map(
        "".join
    )
)
def test_sections_are_those_of_configparser(text: str) -> None:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    expected = {name: dict(parser.items(name)) for name in parser.sections()}
    found = load_ini(text)
    blank_free = {
        name: {key: "\n".join(filter(None, value.split("\n"))) for key, value in options.items()}
        for name, options in expected.items()
    }
    assert {
        name: {key: "\n".join(filter(None, value.split("\n"))) for key, value in options.items()}
        for name, options in found.items()
    } == blank_free


@pytest.mark.parametrize(
    "text",
    [
        "a" + ".a" * 10_000 + " = 1\n",
        "[a" + ".a" * 400 + "]\n" + "".join(f"k{number} = 1\n" for number in range(60_000)),
        # To a scan that does not know escapes, the dots of this key lie in a string.
        'x = {a = "\\"", b' + ".b" * 10_000 + ' = "\\""}\n',
    ],
)
def test_keys_that_would_take_very_long_are_refused_before_they_are_read(text: str) -> None:
    with pytest.raises(ValueError, match="dots"):
        load_toml(text.encode())


def test_what_takes_more_than_linear_time_elsewhere_is_read_at_once() -> None:
    """Each of these takes minutes where a pattern or a parser backtracks; here they end."""
    for files in (
        {"setup.cfg": "[options]\nkey" + " " * 1_000_000 + "x\n"},
        {"setup.cfg": "[options]\n" + "x\n" * 500_000},
        {"requirements.txt": "-r" + "=" * 1_000_000 + " x y\n"},
        {"requirements.txt": "-e .[" + "a," * 500_000},
        {"setup.py": "install_requires" + " " * 1_000_000 + "x"},
        {"setup.py": "extras_require={" + "'a': x," * 100_000},
        {"noxfile.py": "def tests(session):\n" + "session.install('a', " * 40_000},
        {"tox.ini": "[testenv]\ndeps =\n  " + "{env:a:" * 140_000},
        {f"requirements/{number}.txt": "# nothing\n" * 100_000 for number in range(100)},
        {f"requirements/{one}.txt": f"-r {(one + 1) % 50}.txt\n" * 1000 for one in range(50)},
    ):
        assert_only_names(read_declarations({path: text.encode() for path, text in files.items()}))


def test_lines_and_notes_are_bounded() -> None:
    many = "".join(f"package{number}\n" for number in range(20_000))
    found = read_declarations({"requirements.txt": many.encode()})
    assert len(found.requirements) == 5000 and len(found.notes) == 1
    refused = "".join(f"./package{number}\n" for number in range(500))
    found = read_declarations({"requirements.txt": refused.encode()})
    assert found.requirements == () and len(found.notes) == 61
    assert found.notes[-1] == "more was left out, not listed here"


def test_large_lock_files_are_read_and_larger_ones_refused() -> None:
    entry = (
        '[[package]]\nname = "p{0}"\nversion = "{0}.0"\nsource = {{ registry = "r" }}\n'
        + "# "
        + "x" * 2000
        + "\n"
    )
    lock = "".join(entry.format(number) for number in range(1500)).encode()
    assert 3_000_000 < len(lock) < 8 * 2**20
    assert len(read_declarations({"uv.lock": lock}).constraints) == 1500
    found = read_declarations({"uv.lock": lock * 3})
    assert found.constraints == () and found.notes == ("uv.lock cannot be read: too large",)

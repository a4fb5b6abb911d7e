"""Poetry's declarations: its operators as PEP 440, groups, extras, conditions."""

from __future__ import annotations

import pytest

from sandboxes.declared.poetry_versions import alternatives, platform_marker, python_marker
from sandboxes.requirements import Declarations, read_declarations

PYPROJECT = """
[build-system]
requires = ["poetry-core>=1.5"]
build-backend = "poetry.core.masonry.api"
[tool.poetry]
name = "poetic"
version = "1.0"
[tool.poetry.dependencies]
python = "^3.8"
cachecontrol = { version = "^0.14.0", extras = ["filecache"] }
importlib-metadata = { version = ">=4.4", python = "<3.10" }
keyring = "^24.0.0"
pexpect = "~4.7"
xattr = { version = "^1.0.0", markers = "sys_platform == 'darwin'", platform = "darwin" }
numpy = [
  { version = "<=1.19", python = ">=3.6,<3.8" },
  { version = "^1.20", python = ">=3.8" },
]
orjson = { version = "*", optional = true }
redis = { version = "^5", optional = true }
ours = { path = "../ours", develop = true }
theirs = { git = "https://example.org/theirs.git" }
either = "^1.0 || ^2.0"
[tool.poetry.extras]
test = ["orjson"]
cache = ["redis"]
[tool.poetry.dev-dependencies]
black = "*"
[tool.poetry.group.test.dependencies]
pytest = "^8.0"
ours = "*"
[tool.poetry.group.docs]
optional = true
[tool.poetry.group.docs.dependencies]
sphinx = "*"
"""


def read(text: str) -> Declarations:
    return read_declarations({"pyproject.toml": text.encode()})


def test_a_poetry_project() -> None:
    found = read(PYPROJECT)
    assert found.requirements == (
        "black",
        "cachecontrol[filecache]<0.15,>=0.14.0",
        "either<3,>=2.0",
        'importlib-metadata>=4.4; python_version < "3.10"',
        "keyring<25,>=24.0.0",
        'numpy<2,>=1.20; python_version >= "3.8"',
        'numpy<=1.19; python_version < "3.8" and python_version >= "3.6"',
        "orjson",
        "pexpect<4.8,>=4.7",
        "pytest<9,>=8.0",
        'xattr<2,>=1.0.0; sys_platform == "darwin" and sys_platform == "darwin"',
    )
    assert found.build_requirements == ("poetry-core>=1.5",)
    assert found.requires_python == "<4,>=3.8" and found.installable
    assert found.notes == (
        "[tool.poetry]: refused 'ours': from path",
        "[tool.poetry]: refused 'theirs': from git",
        "[tool.poetry]: 'either': of '^1.0 || ^2.0' only the last alternative counts",
        "[tool.poetry]: left out ours: the project does not take it from an index",
    )


def test_standard_dependencies_go_before_poetrys_own() -> None:
    found = read(
        '[project]\nname = "poetic"\ndependencies = ["requests>=2", "ours"]\n'
        "[tool.poetry]\npackage-mode = false\n"
        '[tool.poetry.dependencies]\nrequests = "^1"\nours = {path = "o"}\n'
        '[tool.poetry.group.test]\ninclude-groups = ["shared"]\n'
        '[tool.poetry.group.shared.dependencies]\nmock = "*"\n'
    )
    assert found.requirements == ("mock", "requests>=2")
    assert not found.installable and found.build_requirements == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("^1.2.3", "<2,>=1.2.3"),
        ("^1", "<2,>=1"),
        ("^0.2.3", "<0.3,>=0.2.3"),
        ("^0.2", "<0.3,>=0.2"),
        ("^0.0.3", "<0.0.4,>=0.0.3"),
        ("^0.0", "<0.1,>=0.0"),
        ("^0", "<1,>=0"),
        ("^1.0b2", "<2,>=1.0b2"),
        ("~1.2.3", "<1.3,>=1.2.3"),
        ("~1.2", "<1.3,>=1.2"),
        ("~1", "<2,>=1"),
        ("~=1.2", "~=1.2"),
        ("1.*", "==1.*"),
        ("!= 1.2.*", "!=1.2.*"),
        ("*", ""),
        ("1.2.3", "==1.2.3"),
        ("=1.2", "==1.2"),
        (">= 1.2 <2", "<2,>=1.2"),
        (">=1.2,<2,!=1.5", "!=1.5,<2,>=1.2"),
    ],
)
def test_operators(text: str, expected: str) -> None:
    (found,) = alternatives(text)
    assert ",".join(sorted(map(str, found))) == expected


@pytest.mark.parametrize("text", ["^x", "1.2 and", ">>1", "^1.*", "git+https://example.org", "^" + "1" * 400])
def test_what_is_no_constraint_costs_the_bound_and_leaves_a_note(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a version|too long|wildcard"):
        alternatives(text)
    found = read(f'[tool.poetry.dependencies]\nattrs = "{text}"\n')
    assert found.requirements == ("attrs",) and len(found.notes) == 1


def test_alternatives_become_markers_where_a_marker_can_say_them() -> None:
    assert python_marker("^2.7 || >=3.6.1") == (
        '(python_version < "3.0" and python_version >= "2.7") or (python_full_version >= "3.6.1")'
    )
    assert python_marker("*") == ""
    assert python_marker("3.8.*") == 'python_version == "3.8"'
    assert platform_marker("linux || !=win32") == '(sys_platform == "linux") or (sys_platform != "win32")'
    found = read(
        '[tool.poetry.dependencies]\nsix = {version = "*", python = "<3 || >3.8", platform = "linux"}\n'
    )
    assert found.requirements == (
        'six; (python_version < "3.0" or python_version > "3.8") and sys_platform == "linux"',
    )


def test_a_package_of_another_index_is_not_fetched_from_the_public_one() -> None:
    pipfile = b'[packages]\nmine = {version = "*", index = "corp"}\nsix = {version = "*", index = "pypi"}\n'
    poetry = (
        b'[tool.poetry]\nname = "x"\n[tool.poetry.dependencies]\n'
        b'mine = {version = "*", source = "corp"}\nsix = "*"\n'
    )
    uv = (
        b'[project]\nname = "x"\ndependencies = ["mine", "six"]\n[tool.uv.sources]\nmine = {index = "corp"}\n'
    )
    for files in ({"Pipfile": pipfile}, {"pyproject.toml": poetry}, {"pyproject.toml": uv}):
        found = read_declarations(files)
        assert found.requirements == ("six",), files
        assert any("mine" in note for note in found.notes), found.notes

"""Lock files become constraints: one version from the usual index, or none."""

from __future__ import annotations

import json

from sandboxes.requirements import Declarations, read_declarations

UV = """
version = 1
requires-python = ">=3.11"
[[package]]
name = "My_App"
source = { editable = "." }
dependencies = [{ name = "anyio" }]
[[package]]
name = "member"
version = "0.1"
source = { virtual = "packages/member" }
[[package]]
name = "anyio"
version = "4.4.0"
source = { registry = "https://index.example.org/simple" }
wheels = [{ url = "https://files.example.org/anyio-4.4.0-py3-none-any.whl", hash = "sha256:aa" }]
[[package]]
name = "sniffio"
version = "1.3.1"
source = { registry = "https://index.example.org/simple" }
[[package]]
name = "numpy"
version = "1.26.4"
source = { registry = "https://index.example.org/simple" }
resolution-markers = ["python_full_version < '3.12'"]
[[package]]
name = "numpy"
version = "2.1.0"
source = { registry = "https://index.example.org/simple" }
[[package]]
name = "torch"
version = "2.3.1+cpu"
source = { registry = "https://other.example.org/whl/cpu" }
[[package]]
name = "forked"
version = "1.0"
source = { git = "https://example.org/forked.git#abc" }
"""


def read(files: dict[str, str]) -> Declarations:
    return read_declarations({path: text.encode() for path, text in files.items()})


def test_uv() -> None:
    found = read({"uv.lock": UV, "pyproject.toml": '[project]\nname = "my-app"\ndependencies = ["anyio"]\n'})
    assert found.requirements == ("anyio",)
    assert found.constraints == ("anyio==4.4.0", "sniffio==1.3.1")
    assert found.notes == (
        "uv.lock: no one version from the usual index, so no constraint, for 3: forked, numpy, torch",
    )


def test_poetry() -> None:
    entry = '[[package]]\nname = "{}"\nversion = "{}"\n'
    source = '[package.source]\ntype = "{}"\nurl = "{}"\n'
    lock = (
        entry.format("Attrs", "23.2.0")
        + '[package.dependencies]\nsix = "*"\n'
        + entry.format("six", "1.16.0")
        + entry.format("private", "1.0")
        + source.format("legacy", "https://other.example.org/simple")
        + entry.format("ours", "0")
        + source.format("directory", "../ours")
        + entry.format("theirs", "0")
        + source.format("git", "https://example.org/theirs.git")
        + '[metadata]\nlock-version = "2.0"\n'
    )
    found = read({"poetry.lock": lock})
    assert found.constraints == ("attrs==23.2.0", "six==1.16.0")
    assert found.notes == (
        "poetry.lock: no one version from the usual index, so no constraint, for 2: private, theirs",
    )


def test_a_mirror_that_everything_comes_from_is_the_usual_index() -> None:
    entry = '[[package]]\nname = "{}"\nversion = "1.0"\n[package.source]\ntype = "legacy"\nurl = "https://m.example.org"\n'
    found = read({"poetry.lock": entry.format("one") + entry.format("two")})
    assert found.constraints == ("one==1.0", "two==1.0") and found.notes == ()


def test_pdm_names_a_package_once_for_each_of_its_extras() -> None:
    entry = '[[package]]\nname = "{}"\nversion = "{}"\n'
    lock = entry.format("httpx", "0.27.0") + entry.format("httpx", "0.27.0") + 'extras = ["http2"]\n'
    lock += entry.format("local", "1.0") + 'path = "./local"\n'
    found = read({"pdm.lock": lock})
    assert found.constraints == ("httpx==0.27.0",) and found.notes == ()


def test_pipenv() -> None:
    lock = {
        "_meta": {
            "sources": [
                {"name": "first", "url": "https://index.example.org/simple"},
                {"name": "other", "url": "https://other.example.org/simple"},
            ]
        },
        "default": {
            "django": {"version": "==4.2.11", "index": "first", "hashes": ["sha256:aa"]},
            "sqlparse": {"version": "==0.4.4"},
            "private": {"version": "==1.0", "index": "other"},
            "app": {"path": ".", "editable": True},
            "theirs": {"git": "https://example.org/theirs.git", "ref": "abc"},
        },
        "develop": {"pytest": {"version": "==8.1.1"}, "sqlparse": {"version": "==0.4.4"}},
    }
    found = read({"Pipfile.lock": json.dumps(lock)})
    assert found.constraints == ("django==4.2.11", "pytest==8.1.1", "sqlparse==0.4.4")
    assert found.notes == (
        "Pipfile.lock: no one version from the usual index, so no constraint, for 2: private, theirs",
    )


def test_pylock_goes_before_the_locks_of_tools() -> None:
    standard = (
        'lock-version = "1.0"\n[[packages]]\nname = "attrs"\nversion = "25.1.0"\nindex = "https://index.example.org"\n'
        '[[packages]]\nname = "here"\n[packages.directory]\npath = "."\n'
        '[[packages]]\nname = "theirs"\nversion = "1"\n[packages.vcs]\ntype = "git"\n'
    )
    poetry = (
        '[[package]]\nname = "attrs"\nversion = "23.2.0"\n[[package]]\nname = "six"\nversion = "1.16.0"\n'
    )
    found = read({"pylock.toml": standard, "poetry.lock": poetry})
    assert found.constraints == ("attrs==25.1.0", "six==1.16.0")
    assert read({"pylock.test.toml": standard, "docs/pylock.toml": poetry}).constraints == ("attrs==25.1.0",)


def test_a_lock_that_is_out_of_step_does_not_block_what_is_required() -> None:
    lock = "".join(
        f'[[package]]\nname = "{name}"\nversion = "1.0"\nsource = {{ registry = "r" }}\n'
        for name in ("attrs", "hatchling", "pip", "six")
    )
    pyproject = (
        '[build-system]\nrequires = ["hatchling>=1.20"]\n[project]\ndependencies = ["attrs>=22", "six"]\n'
    )
    found = read({"uv.lock": lock, "pyproject.toml": pyproject})
    assert found.constraints == ("six==1.0",)
    assert found.notes == ("uv.lock: contradicts the requirements, left out for: attrs, hatchling",)


def test_versions_and_names_that_are_none_are_no_constraints() -> None:
    lock = '[[package]]\nname = "{}"\nversion = "{}"\n'
    found = read(
        {"pdm.lock": lock.format("a b", "1") + lock.format("six", "1; x") + lock.format("--pre", "1")}
    )
    assert found.constraints == ()
    assert len(found.notes) == 3

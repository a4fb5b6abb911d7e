"""Which recipe a repository asks for, and what is run for it."""

from __future__ import annotations

import json

import pytest

from tools.detection import detect, recipe_named
from tools.recipes import RECIPES, Recipe


def chosen(files: dict[str, str]) -> Recipe | None:
    return detect(files, {path: text.encode() for path, text in files.items()}.get)


def package(**sections: object) -> str:
    return json.dumps(sections)


NODE = package(scripts={"test": "node --test"})
CASES: dict[str, tuple[dict[str, str], str | None]] = {
    "go": ({"go.mod": "", "package.json": NODE}, "go"),
    "vitest": (
        {"package.json": package(devDependencies={"vitest": "^2"}, scripts={"test": "vitest"})},
        "vitest",
    ),
    "node": ({"package.json": NODE}, "node"),
    "node in another script": ({"package.json": package(scripts={"unit": "node --test x"})}, "node"),
    "mocha": ({"package.json": package(scripts={"test": "mocha"})}, None),
    "phpunit": ({"phpunit.xml.dist": "", "package.json": package()}, "phpunit"),
    "unittest is pytest's": ({"tests/test_a.py": "import unittest", "setup.py": ""}, None),
    "pytest beside go": ({"go.mod": "", "tests/conftest.py": ""}, None),
    "pytest declared": ({"go.mod": "", "pyproject.toml": "[project]\n[tool.pytest.ini_options]\n"}, None),
    "python beside go": ({"go.mod": "", "pyproject.toml": "[project]\n"}, "go"),
    "broken": ({"package.json": "{"}, None),
    "deep": ({"package.json": "[" * 100_000}, None),
    "other types": ({"package.json": '{"scripts": [], "devDependencies": 3}'}, None),
    "a list": ({"package.json": "[]"}, None),
    "in a subfolder": ({"web/package.json": NODE}, None),
    "nothing": ({}, None),
}


@pytest.mark.parametrize("name", CASES)
def test_detection(name: str) -> None:
    files, expected = CASES[name]
    found = chosen(files)
    assert (found.name if found else None) == expected


@pytest.mark.parametrize(
    ("script", "start", "end"),
    [
        ("node --test", "exec env  node --test  --test-reporter='data:", "stdout "),
        ("node --test test/*.js", "exec env  node --test  --test-reporter='data:", "stdout test/*.js"),
        (
            "A=b node --import tsx --test --test-reporter spec --watch 'x y.js'",
            "exec env A=b node --test --import tsx --test-reporter='data:",
            "stdout 'x y.js'",
        ),
    ],
)
def test_a_call_of_node_keeps_its_options(script: str, start: str, end: str) -> None:
    recipe = recipe_named("node", {"package.json": package(scripts={"test": script}).encode()}.get)
    assert recipe is not None
    last = recipe.shell(None).splitlines()[-1]
    assert last.startswith(start)
    assert last.endswith(end)


@pytest.mark.parametrize(
    "script", ["node --test; rm -rf /", "node --test $(x)", "node build && node --test", "node x"]
)
def test_a_script_that_needs_a_shell_is_not_taken(script: str) -> None:
    recipe = recipe_named("node", {"package.json": package(scripts={"test": script}).encode()}.get)
    assert recipe == RECIPES["node"]


def test_names() -> None:
    assert recipe_named("pytest", {}.get) is None
    for name, recipe in RECIPES.items():
        assert recipe_named(name, {}.get) == recipe
    with pytest.raises(ValueError, match="known are pytest, unittest, node, vitest, go, phpunit"):
        recipe_named("jest", {}.get)


def test_ids_are_quoted_for_the_shell() -> None:
    evil = "$(touch x)'; echo"
    assert RECIPES["vitest"].shell([f"{evil}::a"]).endswith("""'$(touch x)'"'"'; echo'""")
    assert "-run '^(T\\$\\(x\\))$'" in RECIPES["go"].shell(["p::T$(x)/sub"])
    assert "--filter '/^(A\\\\T)::/'" in RECIPES["phpunit"].shell(["tests/T.php::A\\T::test"])

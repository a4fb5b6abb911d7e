"""Which files a fix may not touch in repositories whose tests are not run by pytest."""

from __future__ import annotations

import pytest

from tools.protected import Protection, protected_reason
from tools.verdicts import SuiteRun

TESTS = (
    "calc_test.go", "pkg/calc_test.go", "a.test.js", "src/a.test.ts", "src/a.spec.tsx", "a.test.mjs",
    "a.spec.cjs", "a-test.js", "a_test.mjs", "test.js", "test-a.cjs", "src/CalcTest.php",
    "src/MyTestCase.php", "a.phpt", "lib/calc_spec.rb", "spec/spec_helper.rb",
)  # fmt: skip
FOLDERS = (
    "pkg/testdata/a.json",
    "src/__tests__/a.js",
    "src/__mocks__/fs.js",
    "src/__snapshots__/a.snap",
    "test/a.js",
)
SETTINGS = (
    "vitest.config.ts", "web/vitest.config.mts", "vitest.workspace.json", "vite.config.js", "jest.config.js",
    "jest.setup.ts", "src/setupTests.js", ".mocharc.yml", "phpunit.xml", "phpunit.xml.dist", ".rspec",
)  # fmt: skip
INSTALLED = (
    "node_modules/vitest/vitest.mjs",
    "web/node_modules/a/index.js",
    "vendor/bin/phpunit",
    "vendor/lib/a.go",
    "vendor/autoload.php",
)
SOURCES = (
    "calc.go", "src/calc.ts", "src/latest.js", "src/contest.mjs", "src/testing-tools.ts", "src/Latest.php",
    "src/Contest.php", "lib/calc.rb", "go.mod", "go.sum", "openapi.spec.yaml", "pkg.spec",
    "src/attest.py", "composer.json", "tsconfig.json",
)  # fmt: skip


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (TESTS, "is a test file"),
        (FOLDERS, "test"),
        (SETTINGS, "configures"),
        (INSTALLED, "an installed package"),
    ],
)
def test_protected(paths: tuple[str, ...], words: str) -> None:
    for path in paths:
        assert words in (protected_reason(path, b"a", b"b") or f"{path} is not protected")


@pytest.mark.parametrize("path", SOURCES)
def test_sources_are_free(path: str) -> None:
    assert protected_reason(path, b"a", b"b") is None


PACKAGE = (
    b'{"name": "a", "scripts": {"test": "node --test"}, "dependencies": {"x": "1"}, "jest": {"bail": 1}}'
)


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (PACKAGE.replace(b"node --test", b"true"), "[scripts]"),
        (PACKAGE.replace(b', "jest": {"bail": 1}', b""), "[jest]"),
        (PACKAGE.replace(b'"name"', b'"vitest": {"x": 1}, "name"'), "[vitest]"),
        (b"{", "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
        (b"[]", "cannot be read"),
        (b"\xff", "cannot be read"),
        (PACKAGE.replace(b'"x": "1"', b'"x": "2"'), None),
        (PACKAGE.replace(b'"node --test"', b' "node --test" '), None),
    ],
)
def test_sections_of_package_json(after: bytes, words: str | None) -> None:
    found = protected_reason("web/package.json", PACKAGE, after)
    assert found is None if words is None else words in (found or "")


def test_collected_files_and_files_that_do_not_load_are_protected() -> None:
    baseline = SuiteRun(
        ("checks/a.check.js::adds > 1", "example.com/calc::TestAdd", r"src/Odd.php::App\Odd::testX"),
        {},
        complete=True,
        collection_errors={"checks/b.check.js": "SyntaxError"},
    )
    files = Protection.of(baseline).test_files
    assert {"checks/a.check.js", "checks/b.check.js", "src/Odd.php"} <= files

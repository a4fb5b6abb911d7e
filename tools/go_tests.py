"""Reads the events of `go test -json`: packages, tests and subtests, builds that fail, panics, time limits.

An id is `package::Test/subtest`. The go command writes the events; what a test prints is quoted in them, and
is used only where older versions leave out an event.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.reading import Reading
from tools.verdicts import Verdict, VerdictOutcome

MAX_NAME = 4_000
MAX_MESSAGE = 20_000
MAX_LINE = 10_000
"""How much of a printed line is looked at."""
_OUTCOMES = {
    "pass": VerdictOutcome.PASSED,
    "fail": VerdictOutcome.FAILED,
    "skip": VerdictOutcome.SKIPPED,
}
# Before go 1.20 there is no event for a result that follows printed text without a line feed.
_RESULT = re.compile(r"--- (PASS|FAIL|SKIP): (.+) \(\d+\.\d+s\)\n$")
_NOT_BUILT = re.compile(r"FAIL\t(\S+)(?: \[.*\])? \[(?:build|setup) failed\]\n?$")
_OUT_OF_TIME = "panic: test timed out after"


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True)
    action: str = Field(alias="Action", max_length=100)
    package: str = Field("", alias="Package", max_length=MAX_NAME)
    import_path: str = Field("", alias="ImportPath", max_length=MAX_NAME)
    failed_build: str = Field("", alias="FailedBuild", max_length=MAX_NAME)
    test: str = Field("", alias="Test", max_length=MAX_NAME)
    elapsed: float = Field(0.0, alias="Elapsed", ge=0, allow_inf_nan=False)
    output: str = Field("", alias="Output")


@dataclass
class _Test:
    outcome: VerdictOutcome | None = None
    seconds: float = 0.0
    said: list[str] = field(default_factory=list)


@dataclass
class _Package:
    """`closed`: it printed its own PASS or FAIL, which a process that ends early does not. `build` names the
    build that failed."""

    outcome: VerdictOutcome | None = None
    built: bool = True
    closed: bool = False
    build: str = ""
    said: list[str] = field(default_factory=list)
    tests: dict[str, _Test] = field(default_factory=dict)


def read_go_report(data: bytes, stderr: str) -> Reading:
    """What `go test -json` wrote to its standard output; `stderr` explains builds that failed.

    A package whose tests did not all run (it does not build; a test panicked, exited or took too long) is
    among the errors, and has verdicts for the tests that began.
    """
    try:
        packages, builds = _packages(data)
    except ValidationError as error:
        words = f"{error.error_count()} errors in a line that should be an event of go test"
        return Reading(problem=f"the test report cannot be read: {words}")
    verdicts: dict[str, Verdict] = {}
    errors: dict[str, str] = {}
    problem = ""
    for name, package in sorted(packages.items()):  # packages run side by side, in any order
        if package.built and package.outcome is None:
            problem = problem or f"the test report does not say how {name} ended"
        if not package.built:
            errors[name] = (
                _text(builds.get(package.build, [])) or _build_output(name, stderr) or _text(package.said)
            )
        elif not package.closed and (package.tests or package.outcome is VerdictOutcome.FAILED):
            errors[name] = f"not all of its tests were run: {_text(package.said)}"
        for test, state in package.tests.items():
            verdicts[f"{name}::{test}"] = _verdict(f"{name}::{test}", state)
    return Reading(verdicts, errors, problem)


def _packages(data: bytes) -> tuple[dict[str, _Package], dict[str, list[str]]]:
    """Packages by name, and what each build printed (in events since go 1.24)."""
    packages: dict[str, _Package] = {}
    builds: dict[str, list[str]] = {}
    for event in _events(data):
        if event.action == "build-output":
            builds.setdefault(event.import_path, []).append(event.output)
        elif event.package:
            _of_package(packages.setdefault(event.package, _Package()), event)
    return packages, builds


def _of_package(package: _Package, event: _Event) -> None:
    if not event.test and _NOT_BUILT.match(event.output[:MAX_LINE]):
        package.built = False
    if event.output.endswith(("PASS\n", "FAIL\n")):
        package.closed = True
    if event.test:
        _of_test(package.tests.setdefault(event.test, _Test()), event)
    elif event.action in _OUTCOMES:
        package.outcome, package.build = _OUTCOMES[event.action], event.failed_build
    else:
        package.said.append(event.output)


def _events(data: bytes) -> Iterator[_Event]:
    """The events, and one for each line of plain text by which go before 1.24 says that a build failed."""
    for line in data.splitlines():
        if line.startswith(b"{"):
            yield _Event.model_validate_json(line)
        elif found := _NOT_BUILT.match(line[:MAX_LINE].decode("utf-8", "replace")):
            yield _Event.model_validate({"Action": "output", "Package": found[1], "Output": found[0]})


def _of_test(test: _Test, event: _Event) -> None:
    if event.action in _OUTCOMES:
        test.outcome, test.seconds = _OUTCOMES[event.action], event.elapsed
    elif event.action == "output" and not event.output.startswith("=== "):
        test.said.append(event.output)
        if (
            (found := _RESULT.search(event.output[-MAX_LINE:]))
            and found[2] == event.test
            and test.outcome is None
        ):
            test.outcome = _OUTCOMES[found[1].lower()]


def _verdict(name: str, test: _Test) -> Verdict:
    said = "".join(test.said)
    message = "" if test.outcome is VerdictOutcome.PASSED else _text(test.said)
    if _OUT_OF_TIME in said and test.outcome in (None, VerdictOutcome.FAILED):
        return Verdict(name, VerdictOutcome.TIMEOUT, test.seconds, message)
    if test.outcome is None:
        return Verdict(name, VerdictOutcome.ERROR, test.seconds, f"it began and did not end\n{message}")
    return Verdict(name, test.outcome, test.seconds, message)


def _build_output(package: str, stderr: str) -> str:
    """The paragraph about a package: it begins `# package` and ends before the next one."""
    kept, ours = [], False
    for line in stderr.splitlines(keepends=True):
        if line.startswith("# "):
            ours = line.split()[1:2] == [package]
        if ours:
            kept.append(line)
    return _text(kept)


def _text(parts: list[str]) -> str:
    text = "".join(parts).strip()
    half = MAX_MESSAGE // 2
    return text if len(text) <= MAX_MESSAGE else f"{text[:half]}\n[...]\n{text[-half:]}"

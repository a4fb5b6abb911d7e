"""The events of `go test -json`, of older and newer versions, whole, cut off and forged."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.go_tests import MAX_MESSAGE, read_go_report

P = "example.com/calc"


def event(action: str, test: str = "", output: str = "", package: str = P, **more: object) -> str:
    fields = {"Action": action, "Package": package, "Test": test, "Output": output, **more}
    return json.dumps({name: value for name, value in fields.items() if value != ""})


def report(*lines: str) -> bytes:
    return ("\n".join(lines) + "\n").encode()


PASSED = (
    event("start"),
    event("run", "TestA"),
    event("output", "TestA", "=== RUN   TestA\n"),
    event("pass", "TestA", Elapsed=0.25),
    event("output", output="PASS\n"),
    event("pass", Elapsed=0.3),
)


def outcomes(data: bytes, stderr: str = "") -> dict[str, str]:
    return {test: str(v.outcome) for test, v in read_go_report(data, stderr).verdicts.items()}


def test_a_test_with_its_time() -> None:
    found = read_go_report(report(*PASSED), "")
    assert (found.problem, dict(found.errors)) == ("", {})
    verdict = found.verdicts[f"{P}::TestA"]
    assert (str(verdict.outcome), verdict.seconds, verdict.message) == ("passed", 0.25, "")


def test_packages_come_in_the_order_of_their_names() -> None:
    lines = [line.replace(P, f"{P}/{name}") for name in "ba" for line in PASSED]
    assert list(outcomes(report(*lines))) == [f"{P}/a::TestA", f"{P}/b::TestA"]


BUILD_EVENTS = (
    event("build-output", ImportPath=f"{P} [{P}.test]", output="calc.go:3: undefined: x\n", package=""),
    event("build-fail", ImportPath=f"{P} [{P}.test]", package=""),
    event("start"),
    event("output", output=f"FAIL\t{P} [build failed]\n"),
    event("fail", FailedBuild=f"{P} [{P}.test]"),
)


@pytest.mark.parametrize(
    ("lines", "stderr"),
    [
        (
            (f"FAIL\t{P} [build failed]",),
            f"# other\nno\n# {P} [{P}.test]\ncalc.go:3: undefined: x\n# last\nno\n",
        ),
        (BUILD_EVENTS, ""),
    ],
)
def test_a_build_that_fails(lines: tuple[str, ...], stderr: str) -> None:
    found = read_go_report(report(*lines), stderr)
    assert found.problem == ""
    assert list(found.errors) == [P]
    assert "undefined: x" in found.errors[P]
    assert "no\n" not in found.errors[P]


def test_what_a_test_prints_is_no_failed_build() -> None:
    printed = event("output", "TestA", f"FAIL\t{P} [build failed]\n")
    assert read_go_report(report(*PASSED[:3], printed, *PASSED[3:]), "").errors == {}


def test_set_up_that_fails() -> None:
    assert list(read_go_report(report(f"FAIL\t{P} [setup failed]"), "").errors) == [P]


def test_a_time_limit_in_newer_versions() -> None:
    lines = (
        event("run", "TestA"),
        event("output", "TestA", "panic: test timed out after 1s\n\trunning tests:\n\t\tTestA (1s)\n"),
        event("fail", "TestA", Elapsed=1.0),
        event("fail", Elapsed=1.0),
    )
    found = read_go_report(report(*lines), "")
    assert outcomes(report(*lines)) == {f"{P}::TestA": "timeout"}
    assert "not all of its tests were run" in found.errors[P]


@pytest.mark.parametrize("kept", range(1, 6))
def test_a_report_that_is_cut_off_is_not_complete(kept: int) -> None:
    found = read_go_report(report(*PASSED[:kept]), "")
    assert "does not say how" in found.problem
    half = report(*PASSED)[: -len(PASSED[-1]) // 2]
    assert "cannot be read" in read_go_report(half, "").problem


def test_a_package_that_passes_without_its_own_last_word_is_an_error() -> None:
    found = read_go_report(report(*PASSED[:4], PASSED[5]), "")
    assert list(found.errors) == [P]


def test_a_package_without_tests() -> None:
    lines = (event("start"), event("output", output=f"?   \t{P}\t[no test files]\n"), event("skip"))
    found = read_go_report(report(*lines), "")
    assert (dict(found.verdicts), dict(found.errors), found.problem) == ({}, {}, "")


@pytest.mark.parametrize(
    "line",
    [
        "{",
        '{"Action": 3}',
        "{}",
        '{"Action":"pass","Elapsed":-1}',
        '{"Action":"pass","Elapsed":NaN}',
        "{" * 9999,
    ],
)
def test_lines_that_are_no_events(line: str) -> None:
    assert "cannot be read" in read_go_report(report(line), "").problem


def test_long_output_is_bounded() -> None:
    lines = [event("run", "TestA"), *[event("output", "TestA", "x" * 1000)] * 200, event("fail", "TestA")]
    found = read_go_report(report(*lines, event("output", output="FAIL\n"), event("fail")), "")
    assert len(found.verdicts[f"{P}::TestA"].message) < MAX_MESSAGE + 10


@given(st.binary(max_size=300))
def test_any_bytes_give_a_reading(data: bytes) -> None:
    found = read_go_report(b"{" + data, "")
    assert found.problem or not found.verdicts

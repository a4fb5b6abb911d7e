"""JUnit XML from a CI job or a test command: untrusted, parsed safely and bounded.

Documents with a DTD, entities or external references are refused, and so is anything over the size bound.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser
from junitparser import Attr, Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from tools.verdicts import VerdictOutcome

MAX_BYTES = 50_000_000
MAX_CASES = 200_000
MAX_DEPTH = 50
MAX_MESSAGE = 20_000
MAX_NAME = 4_000


@dataclass(frozen=True)
class JUnitFailure:
    """A test that failed or ended in an error according to a report (all fields untrusted)."""

    classname: str
    name: str
    file: str
    message: str


@dataclass(frozen=True)
class JUnitCase:
    """One test of a report (all fields untrusted). `kind` is the type that its failure or error names."""

    classname: str
    name: str
    file: str
    outcome: VerdictOutcome
    seconds: float
    message: str
    kind: str = ""

    @property
    def id(self) -> str:
        """`classname::name`, or the name alone."""
        return f"{self.classname}::{self.name}" if self.classname else self.name


def failing_tests(data: bytes) -> tuple[JUnitFailure, ...]:
    """The tests that failed or ended in an error, in the order of the report.

    Raises ValueError, in one clear line, for anything that is not a harmless JUnit XML document.
    """
    bad = (VerdictOutcome.FAILED, VerdictOutcome.ERROR)
    return tuple(
        JUnitFailure(case.classname, case.name, case.file, case.message)
        for case in junit_cases(data)
        if case.outcome in bad
    )


def junit_cases(data: bytes) -> tuple[JUnitCase, ...]:
    """Every test of the report. Raises ValueError as `failing_tests` does."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"the JUnit report is larger than {MAX_BYTES // 10**6} MB")
    try:
        root = _parse(data)
    except DefusedXmlException as error:
        raise ValueError("the JUnit report declares a DTD or entities, which are refused") from error
    except (ParseError, LookupError, ValueError) as error:
        raise ValueError(f"not a readable JUnit report: {str(error)[:200]}") from error
    cases = [case for suite in _Report.fromroot(root) for case in suite]
    if len(cases) > MAX_CASES:
        raise ValueError(f"the JUnit report holds more than {MAX_CASES} tests")
    return tuple(_case(case) for case in cases)


class _Case(TestCase):
    file = Attr()


class _Suite(TestSuite):
    testcase = _Case


class _Report(JUnitXml):
    testsuite = _Suite


class _Builder(TreeBuilder):
    """Refuses deep nesting, which would exhaust the stack of whoever walks the tree."""

    depth = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self.depth -= 1
        return super().end(tag)


def _parse(data: bytes) -> Any:
    parser = DefusedXMLParser(target=_Builder(), forbid_dtd=True, forbid_entities=True, forbid_external=True)
    parser.feed(data)
    root = parser.close()
    if root.tag not in ("testsuite", "testsuites"):
        raise ValueError(f"its root is <{root.tag[:50]}>, not <testsuites> or <testsuite>")
    return root


def _case(case: Any) -> JUnitCase:
    results = case.result
    outcome = VerdictOutcome.PASSED
    if any(isinstance(result, Error) for result in results):
        outcome = VerdictOutcome.ERROR
    elif any(isinstance(result, Failure) for result in results):
        outcome = VerdictOutcome.FAILED
    elif any(isinstance(result, Skipped) for result in results):
        outcome = VerdictOutcome.SKIPPED
    message = "\n".join(part for result in results for part in (result.message, result.text) if part)
    return JUnitCase(
        classname=(case.classname or "")[:MAX_NAME],
        name=(case.name or "")[:MAX_NAME],
        file=(case.file or "")[:MAX_NAME],
        outcome=outcome,
        seconds=_seconds(case),
        message=message[:MAX_MESSAGE],
        kind=next((str(result.type)[:MAX_NAME] for result in results if result.type), ""),
    )


def _seconds(case: Any) -> float:
    try:
        seconds = float(case.time or 0.0)
    except ValueError:  # for example "1,234.5"
        return 0.0
    return seconds if math.isfinite(seconds) and seconds >= 0 else 0.0


def match_node_ids(
    failures: Sequence[JUnitFailure], collected: Sequence[str]
) -> tuple[dict[str, JUnitFailure], tuple[JUnitFailure, ...]]:
    """Node ids of the failures among the collected ids, and the failures that match none or several.

    pytest's report holds a dotted class name (`tests.test_a.TestB`) and the test's name; the node id is
    `tests/test_a.py::TestB::test_c`. A shorter class name matches as a suffix (the report may have been
    made in another folder), but only when it names one test.
    """
    by_name: dict[str, list[tuple[str, str]]] = {}
    for test in collected:
        where, name = dotted(test)
        by_name.setdefault(name, []).append((where, test))
    known = frozenset(collected)
    matched: dict[str, JUnitFailure] = {}
    unmatched: list[JUnitFailure] = []
    for failure in failures:
        match = _one_match(failure, by_name.get(failure.name, []), known)
        if match is None:
            unmatched.append(failure)
        else:
            matched[match] = failure
    return matched, tuple(unmatched)


def _one_match(
    failure: JUnitFailure, candidates: Sequence[tuple[str, str]], known: frozenset[str]
) -> str | None:
    if f"{failure.classname}::{failure.name}" in known:
        return f"{failure.classname}::{failure.name}"
    if not failure.classname and failure.name in known:
        return failure.name
    if failure.file:
        of_file = [test for _, test in candidates if test.startswith(f"{failure.file}::")]
        candidates = [pair for pair in candidates if pair[1] in of_file] or candidates
    name = failure.classname
    exact = [test for dotted, test in candidates if dotted == name]
    if len(exact) == 1:
        return exact[0]
    close = [
        test
        for dotted, test in candidates
        if name and (dotted.endswith(f".{name}") or name.endswith(f".{dotted}"))
    ]
    return close[0] if not exact and len(close) == 1 else None


def dotted(test: str) -> tuple[str, str]:
    """A node id as class name and name of a report: `a/b.py::C::test[x::y]` -> (`a.b.C`, `test[x::y]`)."""
    head, bracket, parameters = test.partition("[")
    path, *names = head.split("::")
    module = re.sub(r"\.py$", "", path).replace("/", ".")
    if not names:  # a file that does not collect is named as its module
        return "", module if path.endswith(".py") else test
    return ".".join([module, *names[:-1]]), names[-1] + bracket + parameters


def near_matches(test: str, collected: Sequence[str], count: int = 3) -> tuple[str, ...]:
    """Collected ids that look like `test`: same name in another place first, then similar spelling."""
    name = dotted(test)[1]
    same = [other for other in collected if dotted(other)[1] == name]
    unparametrised = [
        other for other in collected if other.startswith(f"{test}[") or f"{other}[" in f"{test}["
    ]
    # difflib is quadratic in the length of its input; ids beyond these bounds are no typing mistakes.
    short = [other[:300] for other in collected[:20_000]]
    similar = difflib.get_close_matches(test[:300], short, n=count, cutoff=0.6)
    return tuple(dict.fromkeys([*same, *unparametrised, *similar]))[:count]

"""Which failing tests fail for one cause: told by where they raise, and by the suspicious code they share.

Two tests are as alike as the larger of two likenesses: 1 where the innermost line of source code that an
exception passed through is the same and so is the exception; else the weighted Jaccard index of what they
execute, in which a statement counts the less the more passing tests execute it, too: those exonerate it.
Groups are joined as long as their members are alike on average (average linkage), so that a helper which many
tests pass through does not chain them together.

Erring towards more groups is cheap: a patch for one is run against the tests of the others. Erring towards
fewer is dear, since no single patch makes such a group pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import combinations

from tools.repair.localise import Statement, TestTrace

ALIKE = 0.5
"""Average likeness from which on two groups are one."""

MUCH_ALIKE = 0.9
"""The same, once a group was found to be too large."""

MOST_TESTS = 150
"""That are compared one with another; further ones join the first they raise alike with, or stand alone."""


def grouped(
    traces: Sequence[TestTrace], failing: Collection[str], alike: float = ALIKE
) -> tuple[tuple[str, ...], ...]:
    """The failing tests in groups of one likely cause each, in the order of their first test. A test that was
    not traced stands alone."""
    asked = list(dict.fromkeys(failing))
    failures = {trace.id: trace for trace in traces if trace.id in set(asked)}
    exonerated = _exonerated(traces, failures)
    compared = [test for test in asked if test in failures][:MOST_TESTS]
    profiles = {test: _profile(failures[test], exonerated) for test in compared}
    likeness = {pair: _likeness(*pair, failures, profiles) for pair in combinations(compared, 2)}
    groups = _joined(compared, likeness, alike)
    for test in asked:
        if test not in profiles:
            _place(groups, test, failures)
    order = {test: number for number, test in enumerate(asked)}
    ordered = [tuple(sorted(group, key=order.__getitem__)) for group in groups]
    return tuple(sorted(ordered, key=lambda group: order[group[0]]))


def finer(traces: Sequence[TestTrace], tests: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """A group for which no patch was found in smaller ones, as it may have several causes: what is much more
    alike together; where all is, each test alone."""
    groups = grouped(traces, tests, MUCH_ALIKE)
    return groups if len(groups) > 1 else tuple((test,) for test in tests)


def explained(
    traces: Sequence[TestTrace], targets: Collection[str], others: Collection[str]
) -> tuple[str, ...]:
    """Those of the other failing tests whose failure the cause of a target would explain, most so first: at
    least half of the suspicious code that the one executes is executed by the other, too, or both raise at
    the same place.

    Not likeness: where a helper is known to be wrong, its callers need no defect of their own to fail."""
    failures = {trace.id: trace for trace in traces if trace.id in {*targets, *others}}
    exonerated = _exonerated(traces, failures)
    profiles = {test: _profile(trace, exonerated) for test, trace in failures.items()}
    asked = [test for test in targets if test in failures]
    overlaps = {
        other: max((_overlap(one, other, failures, profiles) for one in asked), default=0.0)
        for other in others
        if other in failures and other not in targets
    }
    found = [test for test in overlaps if overlaps[test] >= ALIKE]
    return tuple(sorted(found, key=lambda test: -overlaps[test]))


def _overlap(
    one: str, other: str, failures: Mapping[str, TestTrace], profiles: Mapping[str, Mapping[Statement, float]]
) -> float:
    if _raise_alike(failures[one], failures[other]):
        return 1.0
    first, second = profiles[one], profiles[other]
    least = min(sum(first.values()), sum(second.values()))
    return _shared(first, second) / least if least else 0.0


def _exonerated(traces: Sequence[TestTrace], failures: Collection[str]) -> Counter[Statement]:
    """How many passing tests execute each statement."""
    return Counter(
        statement
        for trace in traces
        if trace.outcome == "passed" and trace.id not in failures
        for statement in trace.statements
    )


def _profile(trace: TestTrace, exonerated: Mapping[Statement, int]) -> dict[Statement, float]:
    """What a failing test executes, each statement with the suspicion that passing tests leave on it."""
    return {statement: 1.0 / (1.0 + exonerated[statement]) for statement in trace.statements}


def _likeness(
    one: str, other: str, failures: Mapping[str, TestTrace], profiles: Mapping[str, Mapping[Statement, float]]
) -> float:
    if _raise_alike(failures[one], failures[other]):
        return 1.0
    first, second = profiles[one], profiles[other]
    shared = _shared(first, second)
    either = sum(first.values()) + sum(second.values()) - shared
    return shared / either if either else 0.0


def _raise_alike(one: TestTrace, other: TestTrace) -> bool:
    return _raised(one) is not None and _raised(one) == _raised(other)


def _shared(first: Mapping[Statement, float], second: Mapping[Statement, float]) -> float:
    """The weight of what both execute; a statement has the same in every profile."""
    return sum(first[statement] for statement in first.keys() & second.keys())


def _raised(trace: TestTrace) -> tuple[str, int, str] | None:
    """Where in source code the exception was raised, and its type; None for an assertion of the test."""
    if not trace.frames:
        return None
    frame = trace.frames[0]
    return frame.path, frame.line, trace.error.partition(":")[0]


def _joined(
    tests: Sequence[str], likeness: Mapping[tuple[str, str], float], enough: float
) -> list[list[str]]:
    """Average linkage: the two groups most alike are joined until none are alike enough."""
    groups = [[test] for test in tests]
    alike = {(i, j): likeness[tests[i], tests[j]] for i, j in combinations(range(len(tests)), 2)}
    while alike:
        (i, j), best = max(alike.items(), key=lambda item: (item[1], -item[0][0], -item[0][1]))
        if best < enough:
            break
        for k in range(len(groups)):
            if k in (i, j) or not groups[k]:
                continue
            with_i, with_j = alike[min(i, k), max(i, k)], alike.pop((min(j, k), max(j, k)))
            sizes = len(groups[i]), len(groups[j])
            alike[min(i, k), max(i, k)] = (sizes[0] * with_i + sizes[1] * with_j) / sum(sizes)
        del alike[i, j]
        groups[i] += groups[j]
        groups[j] = []
    return [group for group in groups if group]


def _place(groups: list[list[str]], test: str, failures: Mapping[str, TestTrace]) -> None:
    raised = _raised(failures[test]) if test in failures else None
    for group in groups:
        if raised and group[0] in failures and _raised(failures[group[0]]) == raised:
            group.append(test)
            return
    groups.append([test])

"""What is said of a published patch: title, commit message, body of a pull request, comment.

Text of the repository stands in code spans only: hosts look there neither for mentions and references (a test
called `@team` or `closes #1`) nor for HTML. A title or commit message, which has no such spans, names a test
only where its name is made of letters that mean nothing to anybody. GitLab obeys lines that begin with a
slash: none does.
"""

from __future__ import annotations

import re

from agent.publishing.finding import Verified
from agent.units import counted, show_seconds
from agent.words import counts
from policies.amounts import show_money
from tools.plain import plain, plain_line

MOST_TESTS = 30
MOST_DIFF = 40_000
"""Characters of a diff in a comment; GitHub takes 65536 of all of it."""

_HARMLESS = re.compile(r"[A-Za-z0-9_./:]{1,120}")


def title(found: Verified) -> str:
    """One line. It does not begin with "Fix": hosts take that before a reference for a wish to close it."""
    name = found.tests[0].partition("[")[0]
    if len(found.tests) == 1 and _HARMLESS.fullmatch(name) and "//" not in name:
        return f"Make {name} pass"
    return f"Make {counted(len(found.tests), 'failing test')} pass"


def message(found: Verified) -> str:
    """Of the commit."""
    runs = "".join(f"\nrun {_word(run)}, head hash {_word(head)}" for run, head in found.runs)
    return f"{title(found)}\n\nVerified by marginal-agent{_apart_from(found)}:{runs}\n"


def marker(found: Verified) -> str:
    """By which a comment on the same patch is known again."""
    return f"<!-- marginal-agent: patch {found.digest} of {found.commit} -->"


def body(found: Verified) -> str:
    """Of a pull request, as Markdown."""
    left = found.failing - len(found.tests)
    more = f"; {left} of {found.failing} failing tests are left" if left > 0 else ""
    suite = f": {counts(found.counts)}" if found.counts is not None else ""
    lines = [
        f"This patch makes {counted(len(found.tests), 'failing test')} pass{more}:",
        "",
        *(f"- {code(test)}" for test in found.tests[:MOST_TESTS]),
        *([f"- and {len(found.tests) - MOST_TESTS} more"] if len(found.tests) > MOST_TESTS else []),
        "",
        f"- verified: cold, in a fresh tree, with the whole suite{suite}",
        f"- right with probability {found.right:.2f}, as far as what it has passed can tell",
        f"- bill: {show_money(found.dollars)}, {show_seconds(found.seconds)}",
        f"- made against {code(found.commit)}{_apart_from(found)}",
        f"- SHA-256 of the patch: {code(found.digest)}",
        *(f"- run {code(run)}, head hash of its trace: {code(head)}" for run, head in found.runs),
        "",
        "Written by marginal-agent. Tests say little of what they do not test: read it before you merge it.",
        "",
        marker(found),
        "",
    ]
    return "\n".join(lines)


def comment(found: Verified) -> str:
    """The body with the patch itself."""
    return f"{body(found)}\n{_diff(found)}\n"


def code(text: str) -> str:
    """A code span. Text with a backtick in it would end it early."""
    return f"`{plain_line(text, 200).replace('`', chr(39)) or ' '}`"


def _diff(found: Verified) -> str:
    text = found.patch.decode("utf-8", "replace")
    if len(text) > MOST_DIFF:
        return "The patch is too long to be shown here; it is the `fix.patch` among the artefacts of the job."
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}diff\n{plain(text, 2 * MOST_DIFF).rstrip()}\n{fence}"


def _apart_from(found: Verified) -> str:
    if not found.dirty:
        return ""
    files = counted(found.dirty, "uncommitted file")
    return f" (verified together with {files}, which this leaves out)"


def _word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "", text)[:80]

"""Recipes: ready ways to run the tests of other runners than pytest.

A recipe is data: shell text that runs in the sandbox, offline, in a read-only root, as an unprivileged user
with HOME=/tmp. `tools.detection` chooses one, `tools.recipe_runner` runs it and reads the report.
"""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

from sandboxes.interface import WORK

ReportFormat = Literal["signed", "node", "vitest", "phpunit", "go"]


@dataclass(frozen=True)
class Recipe:
    """How to run the tests with one runner.

    `programs` must be in the image. `command` is shell text with a place for {tests}: `everything` to run
    all, `some(ids)` to run at least these (the runner leaves the others out of the result). `piped`: the
    report is the command's standard output, which goes to the report pipe; otherwise it is written to
    $AGENT_JUNIT.
    $AGENT_TEST_SECONDS is a time limit for a part of the suite, where the tool knows one.
    """

    name: str
    report: ReportFormat
    programs: tuple[str, ...] = ()
    command: str = ""
    everything: str = ""
    some: Callable[[Sequence[str]], str] | None = None
    piped: bool = False

    def shell(self, ids: Sequence[str] | None) -> str:
        """What `sh -c` is given to run the tests with these ids, or all."""
        tests = self.everything if ids is None or self.some is None else self.some(ids)
        lines = [_need(f"command -v {program} >/dev/null", program) for program in self.programs]
        if self.piped:
            lines.append(_TO_REPORT_PIPE)
        return "\n".join([*lines, self.command.replace("{tests}", tests)])


# Tests must not inherit the pipe: what they print would be read as a line of the report.
_TO_REPORT_PIPE = 'exec >&"$AGENT_REPORT_FD"; eval "exec $AGENT_REPORT_FD>&-"; unset AGENT_REPORT_FD'


def _need(condition: str, what: str) -> str:
    return f"{condition} || {{ echo '{what} is missing' >&2; exit 127; }}"


def _files_of(ids: Iterable[str]) -> str:
    return shlex.join(dict.fromkeys(test.split("::")[0] for test in ids))


def _go_tests(ids: Sequence[str]) -> str:
    """Packages, and the names of top-level tests: a subtest is run by its parent."""
    parts = [test.partition("::") for test in ids]
    packages = dict.fromkeys(package for package, _, _ in parts)
    names = dict.fromkeys(re.escape(name.split("/")[0]) for _, _, name in parts)
    pattern = f"^({'|'.join(names)})$"
    return f"-run {shlex.quote(pattern)} {shlex.join(packages)}"


def _phpunit_tests(ids: Sequence[str]) -> str:
    """By class: a test may depend on others of its class."""
    classes = dict.fromkeys(re.escape(test.split("::")[-2]) for test in ids if "::" in test)
    pattern = f"/^({'|'.join(classes)})::/"
    return f"--filter {shlex.quote(pattern)}"


def _node_reporter() -> str:
    """Our reporter as an address that node can import; a file could be changed by a test."""
    source = (files("tools") / "inside" / "node_report.mjs").read_bytes()
    return f"data:text/javascript;base64,{base64.b64encode(source).decode()}"


def node(flags: str = "", tests: str = "", variables: str = "") -> Recipe:
    """node's own runner with `flags`, `variables` of its environment and, to run everything, `tests` (files
    or patterns), all as shell text. Without `tests` node looks for them by its own rules."""
    return Recipe(
        name="node",
        report="node",
        programs=("node",),
        command=f"exec env {variables} node --test {flags} --test-reporter='{_node_reporter()}' "
        "--test-reporter-destination=stdout {tests}",
        everything=tests,
        some=_files_of,
        piped=True,
    )


UNITTEST = Recipe(name="unittest", report="signed")

# The build cache begins empty with every command: code under test could have changed an old one. It lies in
# the work area, which has more room than /tmp. Modules come from vendor/, or from the image's /go/pkg/mod.
GO = Recipe(
    name="go",
    report="go",
    programs=("go",),
    command=f"""\
rm -rf {WORK}/go && mkdir -p {WORK}/go/tmp
export GOCACHE={WORK}/go/cache GOTMPDIR={WORK}/go/tmp
export GOPROXY=off GOSUMDB=off GOTOOLCHAIN=local GOTELEMETRY=off
[ ! -d /go/pkg/mod ] || export GOMODCACHE=/go/pkg/mod
command -v "${{CC:-gcc}}" >/dev/null || export CGO_ENABLED=0
exec go test -json -count=1 -timeout "${{AGENT_TEST_SECONDS}}s" {{tests}}""",
    everything="./...",
    some=_go_tests,
    piped=True,
)

# Called without npx, which would ask the registry. CI=1: a snapshot that is not there is not written.
_VITEST = "node_modules/vitest/vitest.mjs"
VITEST = Recipe(
    name="vitest",
    report="vitest",
    programs=("node",),
    command=f"""\
{_need(f"[ -f {_VITEST} ]", _VITEST)}
export CI=1 NO_COLOR=1
exec node {_VITEST} run --reporter=junit --outputFile="$AGENT_JUNIT" --bail=0 \\
--coverage.enabled=false {{tests}}""",
    some=_files_of,
)

PHPUNIT = Recipe(
    name="phpunit",
    report="phpunit",
    programs=("php",),
    command=f"""\
phpunit=vendor/bin/phpunit
[ -f "$phpunit" ] || phpunit=$(command -v phpunit)
{_need('[ -n "$phpunit" ]', "phpunit")}
exec php "$phpunit" --log-junit "$AGENT_JUNIT" --do-not-cache-result --order-by=default --no-coverage \\
--colors=never {{tests}}""",
    some=_phpunit_tests,
)

RECIPES = {recipe.name: recipe for recipe in (UNITTEST, node(), VITEST, GO, PHPUNIT)}
"""Every recipe by the name that `--runner` knows it by."""

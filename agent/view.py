"""What the person sees: the prices, each decision with its candidates, progress, and the end of the run.

Text from the repository, its tests and from tiers is data: it is neutralised and printed without markup.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any, TextIO, cast

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.panel import Panel
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from agent.confirming import asked_with
from agent.events import RequestDone
from agent.forecast import estimates
from agent.heartbeat import Heartbeat
from agent.observations import Observation
from agent.quoting import queues
from agent.report import Report
from agent.state import State
from agent.task import Settings
from agent.units import show_seconds
from agent.words import beyond, requested, said
from policies.amounts import show_money
from policies.belief import hand_right
from policies.vocabulary import EXIT_CODES, Bill, Candidate, Decision, Outcome, Prices, Step
from tools.plain import plain, plain_line

PLAIN_WIDTH = 120
_INDENT = "     "
LEGEND = (
    "chance: that an attempt is right, or that a check or the final verification passes; the rest is in "
    "dollars, risk being the expected loss from a wrong patch"
)
_COLUMNS = ("", "step", "chance", "gain", "dollars", "attention", "time", "risk", "irrev.", "net")


def make_console() -> Console:
    """A console on standard output: colours on a terminal, plain text of a fixed width elsewhere."""
    if sys.stdout.isatty():
        return _Console(highlight=False)
    log = cast("TextIO", Log(sys.stdout))
    return _Console(file=log, highlight=False, force_terminal=False, no_color=True, width=PLAIN_WIDTH)


class _Console(Console):
    """A reader that goes away (`| head`) does not end the run: there is only nobody to print to any more."""

    def on_broken_pipe(self) -> None:
        """Called by rich when nobody reads."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Log:
    """A text stream in which no line is a CI command. Each text was neutralised on its own before it was
    laid out, but wrapping a long line makes new beginnings of lines."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text, neutralised."""
        self._stream.write(plain(text, limit=len(text)))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class View:
    """Prints a run as it goes. `verbose` adds the notes and the table of steps that have no alternative;
    `animated` shows progress in a live line (default: on a terminal)."""

    def __init__(self, console: Console, *, verbose: bool = False, animated: bool | None = None) -> None:
        self.console = console
        self.verbose = verbose
        self._animated = console.is_terminal if animated is None else animated
        self._diff_shown = False
        self._legend_shown = False
        self._beyond_shown: frozenset[str] = frozenset()
        self._live: Live | None = None
        self._heartbeat: Heartbeat | None = None
        self._failed: RequestDone | None = None

    def started(self, settings: Settings, trace: str, notes: tuple[str, ...]) -> None:
        """The prices and limits in force, and where the trace goes."""
        prices, limits = settings.prices, settings.limits
        tests = ", ".join(settings.tests) or ("the report's" if settings.junit else "whatever fails")
        tiers = ", ".join(f"{tier.name} ({show_money(tier.dollars)})" for tier in settings.tiers)
        lines = [
            f"repository  {settings.repository}",
            f"tests       {tests}",
            f"prices      value {show_money(prices.value)} · time {show_money(prices.latency)}/s · "
            f"risk {show_money(prices.risk)} · irreversible {show_money(prices.irreversible)}",
            f"limits      budget {show_money(limits.dollars)} · deadline {show_seconds(limits.seconds)}",
            f"tiers       {tiers}",
            f"trace       {trace}",
        ]
        body = Text("\n".join(plain(line) for line in lines))
        self.console.print(Panel(body, title="agent fix", title_align="left", expand=False))
        for note in notes:
            self.note(note)

    def note(self, text: str) -> None:
        """A remark; where it has more lines, they are indented."""
        self.console.print(Text(f"  note: {plain(text)}", style="dim"))

    def decided(self, state: State, decision: Decision) -> None:
        """The candidate table with the chosen row marked; one line where there is no alternative and
        nothing to wait for."""
        number = state.steps + 1
        so_far = f"spent {show_money(state.spent.dollars)}, {show_seconds(state.spent.seconds)}"
        if state.prices.value != state.settings.prices.value:
            so_far += f"; by its paths worth {show_money(state.prices.value)}"
        if state.belief.hand is not None:
            so_far += f"; candidate right: {hand_right(state.belief, estimates(state)):.0%}"
        stops = decision.chosen is None
        what = decision.chosen.name if decision.chosen else plain(decision.reason)
        for warning in (line for line in beyond(state) if line not in self._beyond_shown):
            self.note(warning)
        self._beyond_shown = frozenset(beyond(state))
        self.console.print(Text(f"{number:>3}. {what}  [{so_far}]", style="bold"))
        waits = queues(state) if decision.candidates else ()
        if len(decision.candidates) > 1 or (decision.candidates and (self.verbose or stops or waits)):
            self.console.print(candidate_table(decision, state.prices))
            for queue in waits:
                self.console.print(Indented(Text(plain(queue), style="dim")))
            if not stops:
                self.console.print(Indented(Text(plain(decision.reason), style="dim")))
            if not self._legend_shown:
                self.console.print(Indented(Text(LEGEND, style="dim")))
                self._legend_shown = True
        if decision.shadow_dollars > 0 or decision.shadow_seconds > 0:
            dollar, minute = show_money(decision.shadow_dollars), show_money(60 * decision.shadow_seconds)
            worth = f"a limit binds: a dollar more would be worth {dollar}, a minute more {minute}"
            self.console.print(Indented(Text(worth, style="dim")))

    def begun(self, step: Step) -> None:
        """A step starts."""
        self.wait(step.name)

    def wait(self, what: str) -> None:
        """Something long starts, until `finish`: a live line on a terminal, a heartbeat in a log."""
        if self._animated:
            self._live = Live(console=self.console, refresh_per_second=8, transient=True)
            self._live.start()
        elif not self.console.is_terminal:
            self._heartbeat = Heartbeat(lambda line: self.console.print(Text(f"     {line}")))
        self.progress(f"{what} …")

    def progress(self, text: str) -> None:
        """Progress inside of it."""
        line = plain(text, 200)
        if self._live is not None:
            self._live.update(Group(Spinner("dots", Text(f" {line}"))))
        elif self._heartbeat is not None:
            self._heartbeat.doing(line)

    def requested(self, done: RequestDone) -> None:
        """A request has come back; one that failed is shown once it is known if it is sent again."""
        if done.failure:
            self._failed = done
        elif done.guessed:
            self._aside(requested(done))

    def waiting(self, seconds: float) -> None:
        """The request that failed is sent again in so many seconds."""
        if self._failed is not None:
            self._aside(requested(self._failed, seconds))
            self._failed = None

    def again(self) -> None:
        """The request that failed was sent again, as who follows a run from its trace learns."""
        if self._failed is not None:
            self._aside(requested(self._failed))
            self._failed = None

    def _aside(self, line: str) -> None:
        self.console.print(Indented(Text(plain(line, 500), style="dim")))

    def observed(self, observation: Observation, bill: Bill) -> None:
        """What came of a step, and what it took."""
        self.finish()
        took = f"  [{show_money(bill.dollars)}, {show_seconds(bill.seconds)}]"
        for position, line in enumerate(said(observation, verbose=self.verbose)):
            text = Text(f"{'→ ' if position == 0 else '  '}{plain(line, 500)}")
            if position == 0:
                text.append(took, style="dim")
            self.console.print(Indented(text))

    def finish(self) -> None:
        """End the live line or the heartbeat, if there is one. Safe to call at any time."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        if self._heartbeat is not None:
            self._heartbeat.stop()
            self._heartbeat = None
        if self._failed is not None and self._failed.guessed:  # else the step's line says it all
            self._aside(requested(self._failed))
        self._failed = None

    def diff(self, diff: str) -> None:
        """The diff, once."""
        if diff and not self._diff_shown:
            self.console.print()
            self.console.print(diff_text(diff), soft_wrap=True)
            self._diff_shown = True

    def offer(self, diff: str, state: State) -> None:
        """What a person needs before they are asked whether to apply the fix."""
        self.diff(diff)
        if state.submission is not None:
            for line in said(state.submission):
                self.console.print(Indented(Text(plain(line, 500))))
            for line in asked_with(state):
                self.console.print(Indented(Text(plain(line, 500))))

    def ended(self, report: Report) -> None:
        """The outcome in words, the diff, what was verified, the bill, the trace and its head hash."""
        self.finish()
        self.diff(report.diff)
        good = report.exit_code == EXIT_CODES[Outcome.FIXED]
        body = Text("\n".join(plain(line, 2000) for line in report.lines()))
        title = Text(f"{report.outcome} (exit code {report.exit_code})", style="bold")
        self.console.print(
            Panel(
                body,
                title=title,
                title_align="left",
                border_style="green" if good else "yellow",
                expand=False,
            )
        )


def candidate_table(decision: Decision, prices: Prices) -> Group:
    """Every candidate with V·ΔQ (gain), ΔC, λΔL, ρΔR, ρ_irrΔR_irr and net in dollars (MTA eq. 1), and below
    them why some were refused. Only names of steps are folded, so that no figure is cut in 80 columns."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for column in _COLUMNS:
        names = column in ("", "step")
        table.add_column(
            column, justify="left" if names else "right", no_wrap=column != "step", overflow="fold"
        )
    refusals = []
    for candidate in decision.candidates:
        chosen = candidate.step == decision.chosen
        table.add_row(*_cells(candidate, prices, chosen), style="bold" if chosen else "")
        if candidate.refused:
            line = f"{plain_line(candidate.step.name)} refused: {plain(candidate.refused, 200)}"
            refusals.append(Indented(Text(line, style="dim")))
    return Group(table, *refusals)


def _cells(candidate: Candidate, prices: Prices, chosen: bool) -> tuple[Text, ...]:
    quote = candidate.quote
    return tuple(
        Text(cell)
        for cell in (
            "▶" if chosen else "",
            plain_line(candidate.step.name),  # a recorded one may come from anywhere
            f"{quote.probability:.0%}",
            _amount(quote.gain.total),
            _amount(-quote.dollars),
            _amount(-quote.attention),
            _amount(-prices.latency * quote.seconds),
            _amount(-prices.risk * quote.loss),
            _amount(-prices.irreversible * quote.irreversible_loss),
            _amount(candidate.net),
        )
    )


def _amount(dollars: float) -> str:
    """Dollars with a sign, and nothing where there is nothing."""
    return f"{dollars:+.3f}" if abs(dollars) >= 0.0005 else "0"


@dataclass(frozen=True)
class Indented:
    """Below its step, with wrapped lines under the first, and no blanks at their ends. label: stands before
    the first line."""

    text: Text
    label: str = _INDENT

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        margin = self.label
        for line in self.text.wrap(console, options.max_width - len(margin)):
            line.rstrip()
            yield Text.assemble(margin, line)
            margin = " " * len(margin)


def diff_text(diff: str) -> Text:
    """A diff with its lines coloured by us; its content is neutralised first."""
    text = Text()
    for line in diff.splitlines():
        style = "green" if line.startswith("+") else "red" if line.startswith("-") else ""
        if line.startswith(("diff ", "index ", "---", "+++", "@@")):
            style = "dim"
        text.append(plain(line, 2000) + "\n", style=style)
    return text

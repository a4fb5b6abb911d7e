"""`agent trace show`: a run in short, from its trace."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

from rich.text import Text

from agent.errors import TraceError
from agent.events import RunEnded, StepDone
from agent.report import Report, diff_of, report_of
from agent.state import State
from agent.task import Record, Settings
from agent.trace import Trace
from agent.traces.facts import RUNNING, Facts, Gathered, now
from agent.units import show_seconds, show_size
from agent.view import Indented, View
from agent.words import said
from policies.amounts import show_apart, show_money
from policies.vocabulary import Decision, Step
from tools.plain import plain, plain_line

NO_RESULT = "it has no result"


class StepShown(Record):
    """A step as it was bought. net: the dollars it was chosen at, of how many candidates; next_best: the name
    of the best other one, and its net. said: what it came to (untrusted). seconds, loss: None of one without
    a result, whose dollars are what resuming the run would book."""

    number: int
    name: str
    net: float | None
    candidates: int
    next_best: str = ""
    next_net: float | None = None
    dollars: float
    seconds: float | None
    loss: float | None
    said: tuple[str, ...]


class Shown(Record):
    """A run in short. versions: of what its decisions and bills depend on. report: None where no end is
    recorded."""

    facts: Facts
    versions: dict[str, str]
    settings: Settings
    steps: tuple[StepShown, ...]
    notes: tuple[str, ...]
    report: Report | None


def shown(folder: Path) -> Shown:
    """Read a trace once. Raises TraceError where it does not hold, UsageError where there is none."""
    trace, gathered = Trace(folder), Gathered(folder)
    steps: list[StepShown] = []
    for last, state in gathered.states():
        if isinstance(last, StepDone):
            steps.append(_done(last, state))
    started = gathered.first
    if started is None:
        raise TraceError(f"{trace.path} holds no event", 1)
    if state.intent is not None:
        steps.append(_without_result(state, state.intent.step))
    report = None
    if isinstance(last, RunEnded):
        report = report_of(
            state, diff=diff_of(state, trace), candidate="", trace=str(folder), head_hash=gathered.head,
            exit_code=last.exit_code,
        )  # fmt: skip
    return Shown(
        facts=now(gathered.facts()),
        versions=started.versions,
        settings=started.settings,
        steps=tuple(steps),
        notes=state.notes,
        report=report,
    )


def show(found: Shown, view: View) -> None:
    """Print it: the prices, a few lines for each step, and the end. verbose: the notes and the diff, too."""
    facts = found.facts
    began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(max(0.0, min(facts.started, 2.0**33))))
    versions = ", ".join(f"{name} {version}" for name, version in list(found.versions.items())[:12])
    head = f"run {facts.run_id or '?'}, begun {began}, policy {facts.policy}, schema {facts.schema_version}"
    for line in (f"{head}, {show_size(facts.bytes)}", *([f"with {versions}"] if versions else [])):
        view.console.print(Text(plain_line(line, 500), style="dim"), soft_wrap=True)
    view.started(found.settings, facts.path, ())
    for step in found.steps:
        _show_step(step, view)
    if view.verbose:
        for note in found.notes:
            view.note(note)
    elif found.notes:
        view.note(f"{len(found.notes)} notes of the run (--verbose shows them, and the diff)")
    if found.report is not None:
        view.ended(found.report if view.verbose else found.report.model_copy(update={"diff": ""}))
        _show_worth(facts, view)
        return
    spent = f"{show_money(facts.dollars or 0.0)} and {show_seconds(facts.seconds or 0.0)} so far"
    if facts.outcome == RUNNING:
        view.note(f"the run is under way: {spent}; `agent trace watch` follows it")
    else:
        view.note(
            f"cut off: no end is recorded, {spent}; to go on: agent fix --resume {shlex.quote(facts.path)}"
        )


def _show_worth(facts: Facts, view: View) -> None:
    """What the run came to, by what is known of it now."""
    if facts.problem:
        view.note(facts.problem)
    if facts.later is not None:
        said = time.strftime("%Y-%m-%d %H:%M", time.localtime(min(facts.later.time, 2.0**33)))
        minutes = f" ({facts.later.minutes:g} minutes)" if facts.later.word == "reworked" else ""
        view.note(f"later: {facts.later.word}{minutes}, as was said on {said}")
    net = "not known" if facts.net is None else show_money(facts.net)
    view.note(f"net: {net}, as `agent audit` counts it")


def _done(done: StepDone, state: State) -> StepShown:
    return _step(
        done.step, state, state.steps, tuple(said(done.observation)), dollars=done.bill.dollars,
        seconds=done.bill.seconds, loss=done.bill.loss,
    )  # fmt: skip


def _without_result(state: State, step: Step) -> StepShown:
    """The step that the run is in, or was cut off in."""
    booked = state.booked - state.spent.dollars
    return _step(step, state, state.steps + 1, (NO_RESULT,), dollars=booked, seconds=None, loss=None)


def _step(
    step: Step,
    state: State,
    number: int,
    lines: tuple[str, ...],
    *,
    dollars: float,
    seconds: float | None,
    loss: float | None,
) -> StepShown:
    net, rivals = None, list[tuple[float, str]]()
    decision: Decision | None = state.decision
    for each in decision.candidates if decision else ():
        if each.step == step:
            net = each.net
        elif not each.refused:
            rivals.append((each.net, each.step.name))
    best = max(rivals, default=None)
    return StepShown(
        number=number,
        name=step.name,
        net=net,
        candidates=len(decision.candidates) if decision else 0,
        next_best=best[1] if best else "",
        next_net=best[0] if best else None,
        dollars=dollars,
        seconds=seconds,
        loss=loss,
        said=lines,
    )


def _show_step(step: StepShown, view: View) -> None:
    time = "time not known" if step.seconds is None else show_seconds(step.seconds)
    took = f"[{show_money(step.dollars)}, {time}]"
    line = f"{step.number:>3}. {plain(step.name, 100)}  {took}{plain(_choice(step), 200)}"
    view.console.print(Text(line, style="bold"))
    for position, line in enumerate(step.said):
        view.console.print(Indented(Text(f"{'  ' if position else '→ '}{plain(line, 500)}")))


def _choice(step: StepShown) -> str:
    if step.net is None or step.candidates < 2:
        return ""
    if step.next_net is None:
        return f"  net {show_money(step.net)}, of {step.candidates} on offer"
    same = step.net == step.next_net
    net, rival = (show_money(step.net),) * 2 if same else show_apart(step.net, step.next_net)
    return f"  net {net}, of {step.candidates} on offer; next best {step.next_best}, {rival}"

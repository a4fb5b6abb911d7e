"""What the runs of `benchmarks.harness` come to, and its tables."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks._harness_agents import DECODE, MINI_LOOKS, OURS, PREFILL
from benchmarks._harness_cases import Truth
from benchmarks._harness_scripts import FIXING, SCRIPTS
from benchmarks._harness_server import BYTES_PER_TOKEN, Exchange, tokens

WIDTH = 150
SHARE_AIM = 0.5
OVERHEAD_AIM_MS = 20.0


@dataclass(frozen=True)
class Result:
    """A run. code: None for one that did not end. gaps: seconds from an answer after which no test was to run
    (a look) to the next request. problem: what the agent said last, where it asked nothing."""

    agent: str
    case: str
    script: str
    code: int | None
    seconds: float
    truth: Truth
    exchanges: tuple[Exchange, ...]
    gaps: tuple[float, ...]
    problem: str = ""

    @property
    def prompt_tokens(self) -> int:
        """Tokens of all prompts, those of a helping model too."""
        return sum(tokens(each.prompt) for each in self.exchanges)

    @property
    def dollars(self) -> float:
        """At the stated price, nothing cached."""
        decoded = sum(tokens(each.answer) for each in self.exchanges)
        return (PREFILL * self.prompt_tokens + DECODE * decoded) / 1e6

    @property
    def truthful(self) -> bool:
        """Whether it exited with 0 if and only if the defect is mended."""
        return self.code is not None and (self.code == 0) == self.truth.fixed


@dataclass(frozen=True)
class Growth:
    """Prompts of an agent that goes on and on. slope: bytes by which a prompt is longer than the one before,
    by least squares; total: tokens of all."""

    agent: str
    requests: int
    first: int
    last: int
    slope: float
    total: int


def growth_of(agent: str, exchanges: Iterable[Exchange], most: int) -> Growth:
    """Of the first `most` turns; summaries by a helping model are left out."""
    sizes = [each.prompt for each in exchanges if each.turn >= 0][:most]
    slope = 0.0
    if len(sizes) > 1:
        slope = statistics.linear_regression(range(len(sizes)), sizes).slope
    total = sum(map(tokens, sizes))
    return Growth(agent, len(sizes), sizes[0] if sizes else 0, sizes[-1] if sizes else 0, slope, total)


def share_of_best(results: Sequence[Result], script: str, *, looking: bool = False) -> float | None:
    """Our prompt tokens over those of the best other agent, in all cases of a script together. None unless
    we and another mended every case. looking: against the one that looks first, instead."""
    spent: dict[str, int] = {}
    for agent in dict.fromkeys(result.agent for result in results):
        mine = [each for each in results if (each.agent, each.script) == (agent, script)]
        if mine and all(each.truth.fixed for each in mine):
            spent[agent] = sum(each.prompt_tokens for each in mine)
    others = [spent[name] for name in spent if name != OURS and (name == MINI_LOOKS) == looking]
    return spent[OURS] / min(others) if OURS in spent and others else None


def median_gap_ms(results: Sequence[Result], agent: str) -> float | None:
    """Median over the looks of an agent, None without any."""
    gaps = [gap for each in results if each.agent == agent for gap in each.gaps]
    return 1000 * statistics.median(gaps) if gaps else None


def show(results: Sequence[Result], growths: Sequence[Growth], missing: dict[str, str]) -> None:
    """Print everything."""
    console = Console(width=WIDTH)
    console.print(
        f"tokens: UTF-8 bytes of what the model reads / {BYTES_PER_TOKEN}; dollars: ${PREFILL:g} and"
        f" ${DECODE:g} per million tokens in and out, nothing cached"
    )
    for agent, why in missing.items():
        console.print(f"not installed: {agent}: {why}", markup=False)
    for script in dict.fromkeys(result.script for result in results):
        console.print(_table(script, [each for each in results if each.script == script]))
    _verdicts(console, results)
    if growths:
        console.print(_growth_table(growths))


def _table(script: str, results: Sequence[Result]) -> Table:
    table = Table(title=f"{script}: {SCRIPTS[script]}", title_justify="left")
    figures = ("prompt tokens", "requests", "dollars", "seconds", "fixed", "exit codes", "true")
    for heading in ("agent", *figures):
        table.add_column(heading, justify="left" if heading in ("agent", "exit codes") else "right")
    for agent in dict.fromkeys(result.agent for result in results):
        mine = [each for each in results if each.agent == agent]

        def mean(value: Callable[[Result], float], mine: list[Result] = mine) -> float:
            return statistics.mean(map(value, mine))

        codes = [f"none ({each.problem})" if each.problem else str(each.code) for each in mine]
        table.add_row(
            agent,
            f"{mean(lambda each: each.prompt_tokens):,.0f}",
            f"{mean(lambda each: len(each.exchanges)):.1f}",
            f"{mean(lambda each: each.dollars):.4f}",
            f"{mean(lambda each: each.seconds):.1f}",
            f"{sum(each.truth.fixed for each in mine)} of {len(mine)}",
            ", ".join(codes),
            f"{sum(each.truthful for each in mine)} of {len(mine)}",
        )
    return table


def _verdicts(console: Console, results: Sequence[Result]) -> None:
    """The aims, and whether each is met."""
    for script in FIXING:
        share = share_of_best(results, script)
        if share is None:
            continue
        looking = share_of_best(results, script, looking=True)
        beside = f" ({looking:.0%} of {MINI_LOOKS})" if looking is not None else ""
        met = "met" if share <= SHARE_AIM else "NOT met"
        console.print(f"{script}: {share:.0%} of the best other's prompt tokens{beside}; aim 50%: {met}")
    for agent in dict.fromkeys(result.agent for result in results):
        gap = median_gap_ms(results, agent)
        if gap is None:
            continue
        met = f"; aim {OVERHEAD_AIM_MS:g} ms: {'met' if gap <= OVERHEAD_AIM_MS else 'NOT met'}"
        console.print(
            f"{agent}: {gap:.0f} ms from an answer to the next request where nothing runs between"
            f" (median){met if agent == OURS else ''}"
        )
    ours = [result for result in results if result.agent == OURS]
    if untrue := [f"{each.script} on {each.case}: {each.code}" for each in ours if not each.truthful]:
        console.print(f"our exit code is NOT true: {'; '.join(untrue)}", markup=False)


def _growth_table(growths: Sequence[Growth]) -> Table:
    table = Table(title="prompts of a model that never succeeds", title_justify="left")
    for heading in ("agent", "requests", "first bytes", "last bytes", "bytes more each", "prompt tokens"):
        table.add_column(heading, justify="left" if heading == "agent" else "right")
    for each in growths:
        numbers = (each.requests, each.first, each.last, f"{each.slope:.1f}", each.total)
        table.add_row(each.agent, *(f"{n:,}" if isinstance(n, int) else n for n in numbers))
    return table

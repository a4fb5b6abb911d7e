"""One run on the page: what came of it, what it cost, how it went, what went wrong, and every step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from agent.audit import shown
from agent.audit.markup import (
    UNKNOWN,
    Markup,
    Part,
    chance,
    columns,
    facts,
    joined,
    known,
    money,
    quoted,
    row,
    seconds,
    soft,
    table,
    tag,
)
from agent.audit.page_amounts import cell, net, total
from agent.audit.page_kinds import kinds, took
from agent.audit.page_steps import NAME, steps
from agent.audit.plots_run import beliefs, value_bar, waterfall
from agent.audit.realised import total as sums
from agent.audit.results import AutonomyUse, CacheUse, Concern, Finding, Gap, Mode, Realised, RunAudit
from agent.audit.runs import Later, Run
from agent.audit.shown import EXPECTED, RIGHT
from policies.vocabulary import EXIT_CODES, UNLIMITED, Limits, Prices

MOST_CONCERNS = 30
MOST_NOTES = 30
MOST_LATER = 5
MOST_VERSIONS = 30
MOST_MODELS = 5
LEVELS = ("free", "confirm", "multi-party")


def verdict(audit: RunAudit) -> Markup:
    """How the run ended, in a word, and what became of its patch."""
    if audit.outcome is None:
        return tag("span", audit.ending, class_="verdict")
    reverted = bool(audit.later) and audit.later[-1].word == "reverted"
    good = EXIT_CODES[audit.outcome] == 0 and not reverted
    return tag("span", audit.ending, class_="verdict good" if good else "verdict")


def run_parts(audit: RunAudit, run: Run | None, key: str, formulas: Mapping[Mode, str]) -> Iterator[Part]:
    """Everything about one run. run: its steps in full, where they were kept; key: what its ids begin with;
    formulas: of the failure modes."""
    if audit.explanation:
        yield tag("p", quoted(audit.explanation, 1000))
    yield cards(audit.realised, audit.value_known)
    yield value_bar(audit.realised)
    yield _facts(audit, run)
    yield from listed("What this source does not say", audit.notes)
    if run is not None:
        yield waterfall(f"{key}-spend", run, audit.realised)
        yield beliefs(f"{key}-belief", run)
    yield from _findings(audit.findings, formulas)
    yield from _given_up(audit)
    yield tag("h3", "Gap to the best allocation in hindsight")
    yield gap(audit.gap)
    yield from kinds(audit.kinds)
    yield from took(audit.kinds)
    yield from _autonomy(audit.autonomy)
    yield from _cache(audit.cache)
    yield tag("h3", f"Steps ({audit.steps_taken:,})")
    if run is None:
        yield soft("Its steps were not kept for this page: audit it alone to see them.")
    else:
        yield soft(
            "Each opens: all candidates in dollars, the choice and its reason, prediction and bill. ",
            _all_paid(audit),
        )
        yield from steps(run)


def _all_paid(audit: RunAudit) -> Part:
    """What the steps add up to, which is what the run took but for rework."""
    paid = sums(step.full for step in audit.steps)
    if not audit.steps or not shown.told(paid):
        return None
    rework = audit.realised.rework.total
    besides = joined(["; besides, ", money(rework), " of rework"]) if rework else None
    return joined(["All steps together paid ", total(paid), besides, "."])


def cards(realised: Realised, value_known: str = "") -> Markup:
    """V, ΣC, λΣL, ρΣR, attention and rework, and the net of them."""
    spent = joined([money(realised.guessed), " of it worst cases"]) if realised.guessed > 0 else None
    loss = f"{shown.number(realised.loss.total)} loss units" if realised.loss.known else None
    boxes = [
        _card("V delivered", total(realised.value), quoted(value_known, 200) if value_known else None),
        _card("money ΣC", total(realised.dollars), spent),
        _card("time λΣL", total(realised.time), cell(realised.seconds, seconds)),
        _card("risk ρΣR", total(realised.risk), loss),
        _card("attention H", total(realised.attention), None),
    ]
    if realised.rework.total:
        boxes.append(_card("rework", total(realised.rework), None))
    return tag("dl", *boxes, _card("net", net(realised.net), None, "main"), class_="cards")


def _card(name: str, amount: Part, below: Part, class_: str | None = None) -> Markup:
    more = tag("small", below) if below else None
    return tag("div", tag("dt", name), tag("dd", amount, more), class_=class_)


def listed(title: str, texts: tuple[str, ...]) -> Iterator[Part]:
    """Remarks below a title; nothing where there are none."""
    if texts:
        left = len(texts) - MOST_NOTES
        more = tag("li", f"and {left:,} more") if left > 0 else None
        yield tag("h3", title)
        yield tag("ul", *(tag("li", quoted(text, 500)) for text in texts[:MOST_NOTES]), more)


def _facts(audit: RunAudit, run: Run | None) -> Markup:
    later = joined(map(_later, audit.later[-MOST_LATER:]), "; ") if audit.later else "nothing was said"
    open_end = tag(
        "span", "not recorded: the run goes on, was cut off, or the end of the trace is missing", class_="bad"
    )
    pairs: dict[str, Part] = {
        "prices": _prices(audit.prices),
        "limits": _limits(run.limits if run else None),
        "agent": quoted(audit.agent, 200) if audit.agent else UNKNOWN,
        "model": _model(audit, run),
        "policy": quoted(audit.policy, 120) if audit.policy else UNKNOWN,
        "started": known(shown.moment(audit.started)),
        "end": "recorded" if audit.closed else open_end,
        "verified": _verified(audit),
        "later truth": later,
        "task": quoted(audit.task, 400) if audit.task else UNKNOWN,
        "run": _mono(audit.run_id),
        "source": audit.source,
        "trace": _mono(audit.path),
        "versions": _versions(run),
        "head hash": _mono(audit.head_hash) if audit.head_hash else UNKNOWN,
    }
    return facts(pairs)


def _model(audit: RunAudit, run: Run | None) -> Part:
    if audit.model:
        return quoted(audit.model, 120)
    if run is None:
        return "not one alone"
    asked = dict.fromkeys(request.model for step in run.steps for request in step.requests if request.model)
    if not asked:
        return "none was asked" if audit.source == "marginal-agent" else UNKNOWN
    left = len(asked) - MOST_MODELS
    more = f" and {left:,} more" if left > 0 else None
    return joined([joined((quoted(each, 120) for each in list(asked)[:MOST_MODELS]), ", "), more])


def _verified(audit: RunAudit) -> Part:
    """Of a run of ours that has ended without a submission there is nothing that anybody does not know."""
    if audit.verified is None:
        ended = audit.source == "marginal-agent" and audit.closed
        return "nothing was submitted" if ended else UNKNOWN
    return "yes" if audit.verified else "no"


def _versions(run: Run | None) -> Part:
    if run is None or not run.versions:
        return UNKNOWN
    each = (quoted(f"{name} {version}", 100) for name, version in run.versions[:MOST_VERSIONS])
    return joined(each, " · ")


def _mono(text: str) -> Markup:
    return tag("span", quoted(text, 400), class_="mono")


def _prices(prices: Prices) -> Part:
    return joined(
        [
            "V ", money(prices.value), " · λ ", money(prices.latency), "/s · ρ ", money(prices.risk),
            " · ρ_irr ", money(prices.irreversible),
        ]
    )  # fmt: skip


def _limits(limits: Limits | None) -> Part:
    if limits is None:
        return UNKNOWN
    loss = "no limit" if limits.loss == UNLIMITED else f"{shown.number(limits.loss)} loss units"
    return joined(
        ["budget ", money(limits.dollars), " · deadline ", seconds(limits.seconds), " · risk ", loss]
    )


def _later(said: Later) -> Part:
    minutes = f" ({shown.number(said.minutes)} minutes)" if said.word == "reworked" else ""
    return joined([f"{said.word}{minutes}, ", known(shown.moment(said.time))])


def _findings(findings: tuple[Finding, ...], formulas: Mapping[Mode, str]) -> Iterator[Part]:
    if not findings:
        return
    yield tag("h3", "Failure modes")
    found = [each for each in findings if each.status == "found"]
    for each in found:
        yield from _found(each, formulas.get(each.mode, ""))
    clear = ", ".join(each.mode for each in findings if each.status == "none")
    if clear:
        yield tag("p", f"Looked for and not found: {clear}.")
    unknown = [each for each in findings if each.status == "unknown"]
    reasons = list(dict.fromkeys(each.missing for each in unknown))
    if reasons:
        untold = ([each.mode for each in unknown if each.missing == why] for why in reasons)
        yield tag("p", "Cannot be told:")
        yield tag("ul", *map(_untold, reasons, untold))


def _untold(why: str, names: list[Mode]) -> Markup:
    return tag("li", ", ".join(names), ": ", quoted(why, 300) if why else UNKNOWN)


def _found(finding: Finding, formula: str) -> Iterator[Part]:
    cost = tag("span", money(finding.dollars), class_="bad")
    yield tag("p", tag("b", finding.mode, " cost ", cost), tag("span", " = ", formula, class_="soft"))
    yield from _concerns(finding.concerns)


def _concerns(concerns: tuple[Concern, ...]) -> Iterator[Part]:
    rows = (
        row(str(each.step or "run"), quoted(each.name, NAME), money(each.dollars), quoted(each.seen, 400))
        for each in concerns[:MOST_CONCERNS]
    )
    yield table("", columns("step", "what", "cost", "seen"), rows, "concerns")
    if len(concerns) > MOST_CONCERNS:
        yield soft(f"and {len(concerns) - MOST_CONCERNS:,} more steps")


def _given_up(audit: RunAudit) -> Iterator[Part]:
    """What choices gave up against their own tables."""
    given = audit.given_up
    yield tag("p", "Given up by choices against the table: ", tag("b", money(given.dollars)), ".")
    if given.concerns:
        yield from _concerns(given.concerns)
    if given.dollars is not None:
        yield soft(EXPECTED.capitalize(), ".")


def gap(found: Gap) -> Markup:
    """By how much the best allocation in hindsight is worth more: what is proved, and the interval."""
    parts: list[Part] = []
    if found.proved is not None:
        instead = joined([" (", quoted(found.instead, 400), ")"]) if found.instead else None
        over = shown.over(found.proved_runs, found.of)
        parts += ["By the records alone ", tag("b", money(found.proved)), " more", instead, over, ". "]
    if found.mean is not None:
        parts += ["Under the model more by ", shown.gap_interval(found), "."]
    else:
        why = joined([": ", quoted(found.unknown, 400)]) if found.unknown else None
        parts += ["An interval under the model is ", UNKNOWN, why, "."]
    return tag("p", *parts)


def _autonomy(uses: tuple[AutonomyUse, ...]) -> Iterator[Part]:
    if not uses:
        return
    yield tag("h3", "Autonomy used")
    head = columns(
        "step",
        "delivery",
        RIGHT.removesuffix(":"),
        "by schedule",
        "required",
        "best by prices",
        "used",
        "cost",
    )
    yield table("", head, map(_used, uses[:MOST_CONCERNS]))
    if len(uses) > MOST_CONCERNS:
        yield soft(f"and {len(uses) - MOST_CONCERNS:,} more")


def _used(use: AutonomyUse) -> Markup:
    levels = (use.scheduled, use.required, use.optimum)
    return row(
        str(use.step),
        str(use.delivery),
        chance(use.right),
        *(_level(level) for level in levels),
        shown.used(use),
        money(use.cost),
    )


def _level(level: int) -> Part:
    return LEVELS[level] if 0 <= level < len(LEVELS) else UNKNOWN


def _cache(use: CacheUse) -> Iterator[Part]:
    if not (use.read or use.written):
        return
    yield tag("h3", "Prompt cache")
    worth: Part = None
    if use.priced:
        worth = joined(
            [": reading saved ", money(use.saved), ", writing cost ", money(use.premium), " on top"]
        )
    left = joined(["; what more it was is ", UNKNOWN, f" of {shown.untold([use])}"]) if use.untold else None
    yield tag("p", f"{use.read:,} tokens were read from it and {use.written:,} put into it", worth, left, ".")

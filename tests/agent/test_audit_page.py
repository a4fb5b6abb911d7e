"""The audit's page as a file: its form, that no text becomes markup, what is unknown, how large it gets."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from audit_parts import traced
from hypothesis import example, given, settings
from hypothesis import strategies as st
from page_runs import audit_of_runs, bare_run, long_run, telling
from test_policies import LADDER
from typer.testing import CliRunner

from agent.audit.modes import FORMULAS
from agent.audit.page import MOST_DETAILED, MOST_LISTED, page
from agent.audit.page_steps import MOST_STEPS
from agent.audit.runs import Later, Request, Run, Step, Submission
from agent.audit.svg import Scale
from agent.cli import app
from agent.task import Settings
from benchmarks._traces_made import copied
from policies.vocabulary import ActionClass, Limits, Outcome, StepKind

MOST_BYTES = 1_000_000
EMPTY = {"meta"}
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "]]></style></title></svg><script>",
    "</style><style>@import url(//evil.example)</style>",
    "\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x07link",
    "javascript:alert(1) https://evil.example <a href=//evil.example>",
    "\u202eright to left\u202c \u2066isolated\u2069 \ufeff\u200b",
    "&lt;b&gt; &amp;#60; &#x3c;",
    "\x00\ud800\uffff",
    "::error file=x::y\n##[group]z",
    "`${alert(1)}` {{7*7}} %s {0}",
]


@dataclass
class Read(HTMLParser):
    """A page as a parser sees it."""

    tags: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes what is not open")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def values(self, name: str) -> list[str]:
        """Of an attribute, wherever it stands."""
        return [value for _, key, value in self.attributes if key == name]


def read(html: str) -> Read:
    """Parse the page; every element is closed in its turn."""
    parsed = Read()
    parsed.feed(html)
    parsed.close()
    assert parsed.problems == [] and parsed.open == []
    return parsed


def told(text: str) -> str:
    """A page in which every text from outside is `text`."""
    return page(*telling(text))


@pytest.fixture(scope="module")
def plain_page() -> Read:
    return read(told("x"))


@pytest.fixture(scope="module", params=["one", "many", "bare"])
def any_page(request: pytest.FixtureRequest) -> str:
    runs = {
        "one": [long_run(12, 4)],
        "many": [long_run(5, 3, seed, f"run{seed}") for seed in range(12)],
        "bare": [bare_run()],
    }[request.param]
    return page(audit_of_runs(*runs), runs)


def test_a_browser_is_told_to_load_and_run_nothing(any_page: str) -> None:
    found = read(any_page)
    policies = [
        value
        for tag, name, value in found.attributes
        if (tag, name) == ("meta", "content") and "src" in value
    ]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"]
    assert not {
        "script",
        "link",
        "iframe",
        "img",
        "object",
        "embed",
        "form",
        "base",
        "image",
        "use",
        "a:href",
    } & {tag for tag, _ in found.tags}
    assert not [name for _, name, _ in found.attributes if name.startswith("on") or name in ("src", "srcset")]
    assert "url(" not in any_page and "@import" not in any_page
    assert all(value.startswith("#") for value in found.values("href"))


def test_it_is_one_document_that_says_its_parts_to_everybody(any_page: str) -> None:
    found = read(any_page)
    ids = found.values("id")
    assert len(ids) == len(set(ids))
    assert {value.removeprefix("#") for value in found.values("href")} <= set(ids)
    labels = [each for value in found.values("aria-labelledby") for each in value.split()]
    assert set(labels) <= set(ids)
    named = [names for tag, names in found.tags if tag == "svg" and "role" in names]
    assert all("height" in names for names in named)
    assert [names for tag, names in found.tags if tag == "html"] == [("lang",)]
    assert any_page.startswith('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">')


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_markup(text: str, plain_page: Read) -> None:
    found = read(told(text))
    assert found.tags == plain_page.tags


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(codec=None), min_size=1, max_size=60))
def test_whatever_the_text_the_page_keeps_its_form_and_hides_nothing(plain_page: Read, text: str) -> None:
    html = told(text)
    assert read(html).tags == plain_page.tags
    html.encode("utf-8")
    hidden = {each for each in html if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert hidden <= {"\n", "\t"}


def test_text_is_shown_as_it_stands() -> None:
    shown = "".join(read(told("<b>&amp;</b> \x1b[31m\u202e")).texts)
    assert "<b>&amp;</b> \\x1b[31m\\u202e" in shown


def test_a_long_text_is_cut() -> None:
    assert len(told("x" * 100_000)) < 20 * len(told("x"))


def cards(html: str) -> dict[str, str]:
    """The amounts on top."""
    top = html.split('class="cards"')[1].split('class="glossary"')[0]
    boxes = re.findall(r"<div[^>]*><dt>([^<]*)</dt><dd>(.*?)</dd></div>", top)
    return {name: "".join(read(f"<p>{what}</p>").texts) for name, what in boxes}


def test_what_nobody_knows_is_unknown_and_never_nothing() -> None:
    run = bare_run()
    html = page(audit_of_runs(run), [run])
    top = cards(html)
    for name in ("V delivered", "money ΣC", "time λΣL", "risk ρΣR", "attention H", "net"):
        assert top[name].startswith("unknown"), name
    assert top["started"] == top["verified"] == top["head hash"] == top["limits"] == "unknown"
    steps = html.split("<h3>Steps")[1].split("</main>")[0].split('id="calibration"')[0]
    assert "$0" not in steps and "0.0s" not in steps and ">0<" not in steps
    assert steps.count('<span class="unknown">unknown</span>') > 20


def test_the_sums_say_over_how_many_runs_they_are() -> None:
    runs = [long_run(3, 2), bare_run()]
    top = cards(page(audit_of_runs(*runs), runs))
    assert top["V delivered"] == "at least $40.00 (1 of 2 not known in full)"
    assert re.fullmatch(r"−?\$[\d.]+ over 1 of 2 runs, those of which all is known", top["net"])


def test_a_failure_mode_that_no_run_can_tell_has_no_cost() -> None:
    runs = [bare_run(), bare_run(run_id="other")]
    rows = re.findall(r"<tr><th>([a-z -]+)</th><td>(.*?)</td>", page(audit_of_runs(*runs), runs))
    costs = dict(row for row in rows if row[0] in FORMULAS)
    assert costs == dict.fromkeys(FORMULAS, '<span class="unknown">unknown</span>')
    runs = [bare_run(), long_run(3, 2)]
    rows = re.findall(r"<tr><th>([a-z -]+)</th><td>(.*?)</td>", page(audit_of_runs(*runs), runs))
    assert dict(rows)["over-delegation"] == "$0.00"


def test_a_run_shows_its_figures() -> None:
    run = long_run(6, 4)
    html = page(audit_of_runs(run), [run])
    step = run.steps[2]
    assert step.decision is not None
    shown = read(html).texts
    for candidate in step.decision.candidates:
        sign = "+" if candidate.net > 0 else "−"
        assert any(text.startswith(f"{sign}{abs(candidate.net):.3g}"[:4]) for text in shown), candidate.net
    top = cards(html)
    assert top["V delivered"] == "$40.00verified"
    dollars = sum(each.dollars or 0 for each in run.steps)
    assert top["money ΣC"] == f"${dollars:.3g}"
    assert top["head hash"] == run.head_hash
    assert html.count('<details class="step">') == 6
    assert html.count('<tr class="chosen">') == 6


def test_the_waterfall_falls_by_what_the_steps_took_and_ends_at_the_net() -> None:
    steps = tuple(
        Step(number=number, kind=StepKind.ACT, name=f"act {number}", dollars=dollars, seconds=0.0, loss=0.0)
        for number, dollars in ((1, 10.0), (2, 20.0))
    )
    run = replace(long_run(1, 1), steps=steps, submissions=())
    html = page(audit_of_runs(run), [run])
    drawn = html.split('<figure id="run-spend">')[1].split("</figure>")[0]
    rects = re.findall(
        r'<rect x="([\d.]+)" y="([\d.]+)" width="0.8" height="([\d.]+)" class="(\w+)"/>', drawn
    )
    # V 40, spent 30: from -30 to +10 in 220 pixels, so 5.5 for each dollar, and 0 is 55 pixels down.
    assert [(x, float(y), float(height), class_) for x, y, height, class_ in rects] == [
        ("0.1", 55.0, 55.0, "money"),
        ("1.1", 110.0, 110.0, "money"),
        ("2.1", 0.0, 220.0, "value"),
        ("3.1", 0.0, 55.0, "net"),
    ]


def test_a_value_beyond_the_scale_is_said_and_not_drawn() -> None:
    run = long_run(3, 2)
    drawn = page(audit_of_runs(run), [run]).split('<figure id="run-spend">')[1].split("</figure>")[0]
    assert "The value delivered, $40.00, is beyond this scale" in drawn
    assert 'class="value"' not in drawn


@pytest.mark.parametrize("value", [40.0, 4000.0])
def test_attention_and_rework_are_drawn_whether_the_value_is_or_not(value: float) -> None:
    """What a step is drawn with is what it is said to have paid, and all of them what the run took."""
    base = long_run(1, 1)
    steps = tuple(
        Step(number=number, kind=kind, name=str(kind), dollars=dollars, seconds=0.0, loss=0.0)
        for number, kind, dollars in ((1, StepKind.ACT, 10.0), (2, StepKind.SUBMIT, 1.0))
    )
    submission = Submission(step=2, right=0.9, delivery=ActionClass.DRAFT, level=1)
    later = (Later(word="reworked", time=1.0, minutes=15.0),)
    run = replace(
        base, steps=steps, submissions=(submission,), later=later, prices=replace(base.prices, value=value)
    )
    audit = audit_of_runs(run)
    realised = audit.runs[0].realised
    assert (realised.attention.total, realised.rework.total) == (2.0, 15.0), "13 paid, 15 of rework"
    drawn = page(audit, [run]).split('<figure id="run-spend">')[1].split("</figure>")[0]
    assert "$1.00 money, $0.00 time, $0.00 risk, $2.00 attention" in drawn
    assert "2 steps took $13.00 together" in drawn
    assert "rework: −$15.00." in drawn
    ends = "net: $12.00" if value == 40 else "all: −$28.00"
    assert f"<title>{ends}</title>" in drawn
    low = 28.0
    whole = low + (12.0 if value == 40 else 0.0)
    heights = [float(tall) for tall in re.findall(r'height="([\d.]+)" class="people"', drawn)]
    assert heights == pytest.approx([220 * 2 / whole, 220 * 15 / whole], abs=0.02)


def test_a_row_of_the_runs_adds_up_to_its_net() -> None:
    reworked = replace(
        long_run(3, 2), later=(Later(word="reworked", time=1.0, minutes=15.0),), run_id="reworked"
    )
    html = page(audit_of_runs(reworked, long_run(3, 2)), [])
    table = html.split('id="runs"')[1].split("</table>")[0]
    heads = re.findall(r"<th[^>]*>([^<]*)</th>", table.split("</thead>")[0])
    value, net = heads.index("V"), heads.index("net")
    assert heads[value:net] == ["V", "money", "time", "risk", "attention", "rework"]
    rows = table.split("<tr>")[2:]
    assert len(rows) == 2
    for each in rows:
        cells = re.findall(r"<td>(.*?)</td>", each)
        words = [cell.partition(" ")[0].replace("−", "-").replace("$", "") for cell in cells[1:8]]
        dollars = [0.0 if each == "none" else float(each) for each in words]
        assert dollars[0] - sum(dollars[1:6]) == pytest.approx(dollars[6], abs=0.05)
    assert any("$15.00" in each for each in rows)


def test_facts_say_why_there_is_none() -> None:
    """Of a run of ours that ended without a patch nothing is unknown; a run may ask no model, or several."""
    run = replace(long_run(2, 1), verified=None, outcome=Outcome.NOT_FIXED, submissions=(), model="")
    steps = tuple(
        replace(step, requests=(Request(model=name, usage=None, dollars=None, known="unknown"),))
        for step, name in zip(run.steps, "ab", strict=True)
    )

    def fact(run: Run, name: str) -> str:
        html = page(audit_of_runs(run), [run])
        return re.sub("<[^>]*>", "", html.split(f"<dt>{name}</dt>")[1].split("</dd>")[0])

    assert fact(run, "verified") == "nothing was submitted"
    assert fact(replace(run, closed=False, outcome=None), "verified") == "unknown"
    assert fact(replace(run, steps=steps), "model") == "a, b"
    bare = tuple(replace(step, requests=()) for step in run.steps)
    assert fact(replace(run, steps=bare), "model") == "none was asked"
    assert fact(replace(bare_run(), model="", steps=bare), "model") == "unknown"


def test_belief_has_gaps_where_nothing_is_known() -> None:
    run = long_run(4, 2)
    steps = (run.steps[0], replace(run.steps[1], belief=None), *run.steps[2:])
    drawn = page(audit_of_runs(replace(run, steps=steps)), [replace(run, steps=steps)])
    path = drawn.split('<figure id="run-belief">')[1].split('class="line first"')[0].rsplit(' d="', 1)[1]
    assert path.startswith('M0 220.0H1M2 220.0H3V22.0H4"')


def test_two_hundred_steps_of_ten_candidates_take_at_most_a_megabyte() -> None:
    run = long_run()
    html = page(audit_of_runs(run), [run])
    assert html.count("<td>") > 200 * 10 * 10
    assert len(html.encode()) <= MOST_BYTES


def test_what_is_left_out_is_counted() -> None:
    run = long_run(MOST_STEPS + 1234, 1)
    assert "1,234 more steps are left out here" in page(audit_of_runs(run), [run])
    few = [long_run(1, 1, seed, f"run{seed}") for seed in range(MOST_LISTED + 7)]
    html = page(audit_of_runs(*few), few)
    assert "7 more runs are not listed here" in html
    assert f"{MOST_LISTED + 7 - MOST_DETAILED:,} more are left out" in html
    assert html.count('<details class="run"') == MOST_DETAILED


def test_runs_that_were_not_kept_are_told_without_their_steps() -> None:
    runs = [long_run(2, 2), long_run(2, 2, 1, "other")]
    html = page(audit_of_runs(*runs), runs[:1])
    assert html.count("Its steps were not kept for this page") == 1


def test_of_many_traces_the_worst_are_told_step_by_step(tmp_path: Path) -> None:
    settings = Settings(repository="/r", tests=("t",), tiers=LADDER, limits=Limits(5.0, 900.0))
    traced(tmp_path / "traces" / "0", "cascade", settings, ("dear",))
    for number in range(1, MOST_DETAILED + 2):
        copied(tmp_path / "traces" / "0", tmp_path / "traces" / str(number), f"run {number}")
    written = tmp_path / "page.html"
    done = CliRunner().invoke(app, ["audit", str(tmp_path / "traces"), "--html", str(written)])
    assert done.exit_code == 0, done.output
    html = written.read_text(encoding="utf-8")
    assert html.count('<details class="run"') == html.count("Belief over time</strong>") == MOST_DETAILED
    assert "2 more are left out" in html
    assert "Its steps were not kept" not in html


def test_an_audit_of_nothing_is_a_page() -> None:
    found = read(page(audit_of_runs(), []))
    assert "Audit of 0 runs" in found.texts and "net $0.00" in found.texts


amounts = st.none() | st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(amounts, amounts, amounts), min_size=1, max_size=5), st.sampled_from(Outcome))
def test_no_amount_breaks_it(taken: list[tuple[float | None, ...]], outcome: Outcome) -> None:
    steps = tuple(
        Step(
            number=number,
            kind=StepKind.ACT,
            name="act",
            dollars=dollars,
            seconds=seconds,
            loss=loss,
            time=dollars,
        )
        for number, (dollars, seconds, loss) in enumerate(taken, 1)
    )
    run: Run = replace(long_run(1, 1), steps=steps, outcome=outcome, submissions=(), started=steps[0].dollars)
    html = page(audit_of_runs(run), [run])
    read(html)
    assert not re.search(r"\b(nan|inf)\b", re.sub(r"<style>.*?</style>", "", html, flags=re.S))


@given(st.floats(-1e12, 1e12), st.floats(1e-6, 1e12))
@example(225179981369.0, 0.0005)
def test_an_axis_has_a_few_round_ticks_and_all_within_it(low: float, span: float) -> None:
    scale = Scale(low, low + span)
    ticks = scale.ticks()
    assert 1 <= len(ticks) <= 7
    assert all(low - 1e-6 * span <= tick <= low + span + 1e-6 * span for tick in ticks)


@given(st.floats(1e-4, 0.5), st.floats(2.0, 1e4))
def test_a_logarithmic_axis_puts_equal_ratios_at_equal_distances(low: float, high: float) -> None:
    scale = Scale(low, high, logarithmic=True)
    middle = math.sqrt(low * high)
    assert scale.share(low) == 0 and scale.share(high) == 1
    assert scale.share(middle) == pytest.approx(0.5)


def test_colours_can_be_told_apart_and_read() -> None:
    """WCAG 2: 4.5 for text on either background, 3 for what is drawn."""
    html = page(audit_of_runs(), [])
    schemes = re.findall(r"--bg: .*?\}", html, flags=re.S)
    assert len(schemes) == 3  # light, dark, print
    for scheme in schemes:
        colour = dict(re.findall(r"--(\w+): (#\w+)", scheme))
        for back in ("bg", "panel"):
            for text in ("ink", "soft", "accent", "bad"):
                assert contrast(colour[text], colour[back]) >= 4.5, (text, back)
            for drawn in ("money", "risk", "people"):
                assert contrast(colour[drawn], colour[back]) >= 3, (drawn, back)
        assert contrast(colour["money"], colour["time"]) >= 1.8
        assert contrast(colour["bad"], colour["badtint"]) >= 4.5


def contrast(one: str, other: str) -> float:
    """The contrast of two colours (WCAG 2.1)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * each for each in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else math.pow((part + 0.055) / 1.055, 2.4) for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

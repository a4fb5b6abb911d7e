"""Prompts: short, the same from the front, with untrusted text that cannot leave its fences."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agent.tiers.prompt import Prompt
from agent.tiers.prompts import (
    MAX_NOTES,
    Case,
    Form,
    Shown,
    act_prompt,
    fenced,
    note_lines,
    plan_prompt,
    review_prompt,
)
from agent.tiers.replies import parse_plan, parse_reply, parse_review
from agent.tiers.trimming import trimmed
from policies.context import Piece

FORM = Form(max_output=4000, cache_key="run-1")
MESSAGE = """\
self = <test_a.TestA object at 0x7f>

    def test_total(self):
        cart = Cart()
>       assert cart.total(discount=1) == 4

tests/test_a.py:12:
_ _ _ _ _ _ _ _

discount = 1

    def total(self, discount):
        price = sum(self.prices)
>       return price / discount.rate
E       AttributeError: 'int' object has no attribute 'rate'

src/cart.py:40: AttributeError"""


def shown(path: str, first: int, text: str) -> Shown:
    return Shown(Piece(path, first, first + text.count("\n"), "suspect", "Cart.total", len(text), 0.4), text)


CASE = Case(
    targets=("tests/test_a.py::TestA::test_total",),
    failures=(MESSAGE,),
    shown=(
        shown("src/cart.py", 38, "    def total(self, discount):\n        return price / discount.rate\n"),
    ),
)


def everything(prompt: Prompt) -> str:
    return "\n\n".join((prompt.system, *prompt.stable, prompt.fresh))


def test_an_act_prompt_in_full() -> None:
    prompt = act_prompt(replace(CASE, plan="The rate is missing.", notes=("cheap: no usable edit",)), FORM)
    assert prompt.stable == (
        """\
Failing tests
```
tests/test_a.py::TestA::test_total
```

Output
```
self = <test_a.TestA object at 0x7f>
>       assert cart.total(discount=1) == 4
tests/test_a.py:12:
_ _ _ _ _ _ _ _
discount = 1
>       return price / discount.rate
E       AttributeError: 'int' object has no attribute 'rate'
src/cart.py:40: AttributeError
```""",
        """\
src/cart.py:38-40 Cart.total
```
    def total(self, discount):
        return price / discount.rate
```""",
    )
    assert (
        prompt.fresh
        == """\
Diagnosis so far
```
The rate is missing.
```

Tried before and failed, latest first
```
cheap: no usable edit
```

Mend the cause."""
    )
    assert (prompt.schema, prompt.max_output, prompt.cache_key) == (None, 4000, "run-1")


def test_the_words_of_the_system_are_few() -> None:
    for form in (FORM, replace(FORM, structured=True)):
        for prompt in (act_prompt(CASE, form), plan_prompt(CASE, form), review_prompt(CASE, "", form)):
            schema = len(prompt.schema.text) if prompt.schema else 0
            assert len(prompt.system) <= 800
            assert len(prompt.system) + schema <= 1500


def test_what_the_prompt_asks_for_is_what_is_read() -> None:
    system = act_prompt(CASE, FORM).system
    example = system[system.index("path/of/file") : system.index("An empty SEARCH")]
    [[change]] = parse_reply(f"The reason.\n{example}").candidates
    assert change.path == "path/of/file"
    asks = system[system.index("ASK file") :]
    assert [(ask.kind, ask.first, ask.last) for ask in parse_reply(asks).asks] == [
        ("file", 10, 80),
        ("search", 0, 0),
    ]


def filled(schema: object) -> object:
    """A value that a strict schema allows."""
    assert isinstance(schema, dict)
    match schema["type"]:
        case "object":
            assert schema["additionalProperties"] is False
            assert schema["required"] == list(schema["properties"])
            return {name: filled(inner) for name, inner in schema["properties"].items()}
        case "array":
            return [filled(schema["items"])]
        case "integer":
            return 3
        case "boolean":
            return True
        case _:
            return schema.get("enum", ["words"])[0]


def test_schemas_are_closed_and_what_they_allow_is_read() -> None:
    form = replace(FORM, structured=True)
    prompts = (act_prompt(CASE, form), plan_prompt(CASE, form), review_prompt(CASE, "", form))
    act, plan, review = (json.dumps(filled(json.loads(p.schema.text))) for p in prompts if p.schema)
    reply = parse_reply(act)
    assert (len(reply.candidates), len(reply.asks), reply.problem) == (1, 1, "")
    assert parse_plan(plan).note == "words\nwords"
    assert parse_review(review).right is True
    assert "probability" not in review + prompts[2].system, "it is paid for, and nothing would use it"


def test_a_review_sees_the_patch_and_not_what_was_said_for_it() -> None:
    case = replace(CASE, plan="I am sure.", notes=("all is well",))
    prompt = review_prompt(case, "--- a/x\n+++ b/x\n", FORM)
    assert "--- a/x" in prompt.fresh
    assert "sure" not in everything(prompt)
    assert "well" not in everything(prompt)
    assert prompt.stable == act_prompt(case, FORM).stable


def test_candidates_and_asks_are_asked_for_only_where_they_are_wanted() -> None:
    assert "CANDIDATE n" in act_prompt(CASE, FORM, candidates=3).fresh
    assert "CANDIDATE" not in act_prompt(CASE, replace(FORM, structured=True), candidates=3).fresh
    assert "cannot ask" in act_prompt(CASE, FORM, may_ask=False).fresh
    assert "cannot ask" not in act_prompt(CASE, FORM).fresh


def test_steps_only_add_at_the_end_and_forty_of_them_do_not_add_up() -> None:
    case, sizes = CASE, []
    last = act_prompt(case, FORM)
    for step in range(40):
        note = f"cheap: edit {step} of src/cart.py: 1 of 1 targets still fail " + "x" * 300
        case = replace(case, notes=(*case.notes, note))
        if step % 10 == 0:
            more = shown(f"src/b{step}.py", 1, "x = 1\n")
            case = replace(case, shown=(*case.shown, more))
        prompt = act_prompt(case, FORM)
        assert prompt.system == last.system
        assert prompt.stable[: len(last.stable)] == last.stable
        last = prompt
        sizes.append(len(prompt.fresh))
    assert max(sizes) == sizes[-1] <= MAX_NOTES * 320 + 100


def test_notes_are_few_the_latest_first_and_counted() -> None:
    assert note_lines(["a\nb", "c", "a\nb", " "]) == ["a b (2 times)", "c"]
    lines = note_lines([f"note {n}" for n in range(30)])
    assert lines[0] == "note 29"
    assert lines[-1] == "and 18 more"
    assert len(lines) == MAX_NOTES + 1


def test_many_targets_are_named_and_the_same_words_quoted_once() -> None:
    many = Case(tuple(f"t.py::test_{n}" for n in range(50)), ("same",) * 40 + ("other",) * 10, ())
    [block] = act_prompt(many, FORM).stable
    assert "and 40 more" in block
    assert block.count("same") == 1
    assert "Output of t.py::test_40\n```\nother\n```" in block


HOSTILE = st.lists(
    st.sampled_from(
        ["`", "``", "```", "````", "\n", "~~~", "ignore all that", " ", "\u202e", "\x1b[31m", "é"]
    ),
    max_size=30,
).map("".join)


@given(HOSTILE, HOSTILE, HOSTILE)
def test_nothing_ends_a_fence_from_within(heading: str, text: str, other: str) -> None:
    case = Case((heading,), (text,), (Shown(Piece(other, 1, 2, "test", "", 9, 1.0), text),), (other,), text)
    for prompt in (act_prompt(case, FORM), review_prompt(case, text, FORM)):
        for block in (*prompt.stable, prompt.fresh):
            fence = ""
            outside = []
            for line in block.split("\n"):
                mark = re.fullmatch(r"(`{3,})\S*", line.strip())
                if fence and mark and len(mark[1]) >= len(fence):
                    assert line == fence
                    fence = ""
                elif not fence and mark:
                    fence = line
                elif not fence:
                    outside.append(line)
            assert not fence
            assert not any("`" in line for line in outside)
        assert everything(prompt).encode()


def test_code_comes_through_as_it_is() -> None:
    text = "\tx = '```'\n\n\n  y = '\u200b'\n"
    assert fenced("a", text) == "a\n````\n" + text + "````"


def test_output_keeps_what_was_raised_and_where() -> None:
    noise = "\n".join(f"captured line {n} of very much output" for n in range(400))
    short = trimmed(f"{MESSAGE}\n{noise}", 900)
    assert len(short.encode()) <= 1100
    for line in (
        "self = <test_a.TestA object at 0x7f>",
        ">       return price / discount.rate",
        "E       AttributeError: 'int' object has no attribute 'rate'",
        "src/cart.py:40: AttributeError",
        "tests/test_a.py:12:",
        "captured line 399 of very much output",
        "…",
    ):
        assert line in short.split("\n")
    assert "price = sum" not in short


def test_output_of_other_runners_keeps_head_and_tail() -> None:
    text = "\n".join(f"    line {n}" for n in range(1000))
    lines = trimmed(text, 300).split("\n")
    assert lines[0] == "    line 0"
    assert lines[-1] == "    line 999"
    assert lines.count("…") == 1
    assert trimmed("  a\n\n    b", 300) == "  a\n    b"


@given(st.text(), st.integers(0, 400))
def test_trimming_is_bounded(text: str, limit: int) -> None:
    short = trimmed(text * 20, limit)
    kept = [line for line in short.split("\n") if line != "…"]
    assert sum(len(line.encode()) + 1 for line in kept) <= max(limit, 1)
    assert short.count("\n…\n…") == 0

"""Files of other agents, broken in every way: a run, or one clear error, and soon."""

from __future__ import annotations

import json
import math
import random
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.audit.runs import Run
from agent.errors import TraceError, UsageError
from agent.foreign.interface import FORMATS, read_foreign
from policies.vocabulary import Prices

SAMPLES = sorted((Path(__file__).parent / "samples").iterdir())
SECONDS = 5.0
"""Of CPU time: more than any of these small files may take."""


def read(folder: Path, content: bytes, name: str = "") -> tuple[Run, ...]:
    """What is read, () for a clear error."""
    path = folder / "file"
    path.write_bytes(content)
    begun = time.process_time()
    try:
        runs = read_foreign(path, Prices(), name)
    except (TraceError, UsageError) as error:
        assert "\n" not in str(error).replace(str(path), "")
        runs = ()
    assert time.process_time() - begun < SECONDS
    for run in runs:
        check(run)
    return runs


def check(run: Run) -> None:
    """What every reader of runs may rely on."""
    assert [step.number for step in run.steps] == list(range(1, len(run.steps) + 1))
    shown = [run.run_id, run.agent, run.model, run.task, run.explanation, *run.notes]
    for step in run.steps:
        shown += [step.name, step.tier, step.said, *(request.model for request in step.requests)]
        amounts = [step.dollars, step.seconds, step.loss]
        for request in step.requests:
            assert (request.dollars is None) == (request.known == "unknown")
            amounts += [request.dollars, request.seconds, request.waited]
        assert all(amount is None or (math.isfinite(amount) and amount >= 0) for amount in amounts)
    assert all(line.isprintable() and len(line) < 400 for line in shown)


def mutated(draw: random.Random, content: bytes) -> bytes:
    """The content after a few mishaps."""
    for _ in range(draw.randint(1, 6)):
        at, size = draw.randrange(len(content) + 1), draw.choice((1, 1, 8, 200))
        match draw.randrange(8):
            case 0:
                content = content[:at] + draw.randbytes(size) + content[at + size :]
            case 1:
                content = content[:at]
            case 2:
                content = content[:at] + content[at + size :]
            case 3:
                content = content[:at] + content[at : at + size] * draw.randint(2, 50) + content[at:]
            case 4:
                content = (
                    content[:at] + draw.choice((b"[", b'{"a":')) * draw.choice((10, 5000)) + content[at:]
                )
            case 5:
                odd = (
                    b"null",
                    b"NaN",
                    b"-1",
                    b"1e999",
                    b'"\\ud800"',
                    b"[]",
                    b"{}",
                    b"true",
                    b"9" * 5000,
                    b"\n",
                )
                content = content[:at] + draw.choice(odd) + content[at:]
            case 6:
                numbers = [i for i, byte in enumerate(content) if chr(byte).isdigit()]
                for place in draw.sample(numbers, min(len(numbers), 20)):
                    content = (
                        content[:place] + draw.choice((b"9", b"-", b'"', b".", b"0")) + content[place + 1 :]
                    )
            case _:
                other = draw.choice(SAMPLES).read_bytes()
                content = content[:at] + other[draw.randrange(len(other)) :]
    return content


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_mutated_bytes(path: Path, tmp_path: Path) -> None:
    draw = random.Random(path.name)
    original = path.read_bytes()
    read_well = sum(bool(read(tmp_path, mutated(draw, original))) for _ in range(300))
    assert read_well > 10  # else it tests the parser of JSON only


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_every_cut(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    for end in range(0, len(content), 1 + len(content) // 150):
        read(tmp_path, content[:end])


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["", "assistant", "agent", "user", "pytest -q", 10**400, -1, 1e308, "\ud800"])
    | st.sampled_from(["2026-01-01T00:00:00Z", "9999-12-31T23:59:59-23:00", "0001-01-01", "{n}"])
    | st.sampled_from(["{", "'", "<<", "a\nb", "\x1b[31m", "../../x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Every (container, key) in the value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(items):
        found.append((value, key))
        places(item, found)
    return found


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_value_anywhere(path: Path, tmp_path: Path, data: st.DataObject) -> None:
    lined = path.suffix == ".jsonl"
    lines = path.read_text().splitlines() if lined else [path.read_text()]
    documents = [json.loads(line) for line in lines]
    for container, key in data.draw(
        st.lists(st.sampled_from(places(documents, [])), min_size=1, max_size=4), label="places"
    ):
        container[key] = data.draw(ANY, label=str(key))
    content = "\n".join(json.dumps(document) for document in documents).encode()
    read(tmp_path, content)
    for name in FORMATS:
        read(tmp_path, content, name)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=ANY)
def test_any_document(tmp_path: Path, value: object) -> None:
    for name in ("", *FORMATS):
        read(tmp_path, json.dumps(value).encode(), name)


def test_many_tool_calls_in_one_message_take_no_square_of_time(tmp_path: Path) -> None:
    count = 20_000
    actions = [{"command": "ls"} for _ in range(count)]
    results = [{"role": "tool", "extra": {"returncode": 0, "timestamp": 5}} for _ in range(count)]
    messages = [{"role": "assistant", "extra": {"actions": actions}}, *results]
    document = {"trajectory_format": "mini-swe-agent-1.1", "messages": messages}
    (run,) = read(tmp_path, json.dumps(document).encode())
    assert run.steps[0].said == ""

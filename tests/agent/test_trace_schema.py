"""The schema of traces as a contract: published, kept to by what is written, and read for ever after."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from agent import fold
from agent.errors import TraceError, UsageError
from agent.events import SCHEMA_VERSION, RunEnded, RunResumed, RunStarted, StepDone
from agent.observations import StepLost
from agent.redact import KEPT, REPLACEMENT, Redactor
from agent.replay import replay
from agent.run import begin, reopen
from agent.schema import generated_schema, trace_schema
from agent.state import State
from agent.task import Settings
from agent.trace import EVENTS, GENESIS, Trace, seal
from agent.versions import code_digest, made_otherwise, versions
from benchmarks._simulated_run import simulated
from policies.vocabulary import Outcome

OLD = Path(__file__).with_name("old_traces")
"""Of real runs: the text in them that named a machine is replaced, and the chain sealed anew."""

ENDS = {
    "schema-1-fixed": Outcome.FIXED,
    "schema-2-fixed": Outcome.FIXED,
    "schema-2-not-fixed": Outcome.NOT_FIXED,
    "schema-2-limit": Outcome.LIMIT,
}


@cache
def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(trace_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def lines_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / EVENTS).read_text().splitlines()]


def folded(folder: Path) -> State:
    events = Trace(folder).events()
    first = next(events)
    assert isinstance(first, RunStarted)
    state = fold.start(first)
    for event in events:
        state = fold.apply(state, event)
    return state


def test_the_committed_schema_is_the_one_of_the_types() -> None:
    """To mend: python -c "from agent.schema import *; print(generated_schema(), end='')" into the file."""
    assert trace_schema() == generated_schema()


def test_every_event_and_observation_says_what_it_is() -> None:
    schema = json.loads(trace_schema())
    assert f"schema version {SCHEMA_VERSION}" in schema["title"]
    definitions = schema["$defs"]
    for name, definition in definitions.items():
        if "type" in definition.get("properties", {}):
            assert definition["description"].strip(), name
    kinds = schema["properties"]["event"]["discriminator"]["mapping"]
    assert {"run-started", "decision", "delivery-intent", "run-ended"} < kinds.keys()


def test_what_is_written_keeps_to_the_schema(tmp_path: Path) -> None:
    folders = [tmp_path / str(seed) for seed in (0, 5)]
    for seed, folder in zip((0, 5), folders, strict=True):
        simulated(seed, folder)
    begin(Settings(repository="/r"), tmp_path / "begun").writer.close()  # its limits are infinite
    for folder in (*folders, tmp_path / "begun", *OLD.glob("schema-2-*")):
        for line in lines_of(folder):
            validator().validate(line)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda line: line.pop("prev"),
        lambda line: line.update(hash="x"),
        lambda line: line["event"].update(type="nonsense"),
        lambda line: line["event"].update(surprise=1),
        lambda line: line["event"].update(time="soon"),
        lambda line: line["event"]["settings"]["limits"].update(seconds="long"),
    ],
)
def test_what_does_not_keep_to_the_schema_is_told(spoil: Any) -> None:
    line = lines_of(OLD / "schema-2-limit")[0]
    validator().validate(line)
    spoil(line)
    with pytest.raises(jsonschema.ValidationError):
        validator().validate(line)


@pytest.mark.parametrize("name", ENDS)
def test_an_older_trace_reads_folds_and_ends_as_it_did(name: str) -> None:
    state = folded(OLD / name)
    assert state.ended is ENDS[name]
    assert state.settings.sandbox.backend == "auto"
    found = replay(OLD / name)
    assert (found.closed, found.state.ended) == (True, ENDS[name])


@pytest.mark.parametrize("name", ["schema-1-fixed", "schema-2-fixed"])
def test_an_older_trace_can_be_gone_on_with_anywhere(name: str, tmp_path: Path) -> None:
    lines = (OLD / name / EVENTS).read_bytes().splitlines(keepends=True)
    for whole in range(1, len(lines)):
        folder = tmp_path / str(whole)
        folder.mkdir()
        (folder / EVENTS).write_bytes(b"".join(lines[:whole]))
        if whole == len(lines) - 1:  # nothing vouches for its verification
            with pytest.raises(UsageError, match="which was not done here by you"):
                reopen(folder)
            continue
        run = reopen(folder)
        run.writer.close()
        added = list(Trace(folder).events())[whole:]
        assert isinstance(added[0], RunResumed) and added[0].versions == versions()
        assert all(isinstance(event, StepDone) for event in added[1:])
        assert all(isinstance(event.observation, StepLost) for event in added[1:])  # type: ignore[union-attr]
        shutil.rmtree(folder)


def resealed(folder: Path, event: dict[str, Any]) -> Path:
    """A trace of this one event, whose chain holds."""
    (folder / "blobs").mkdir(parents=True)
    _, line = seal(GENESIS, json.dumps(event).encode())
    (folder / EVENTS).write_bytes(line)
    return folder


@pytest.mark.parametrize("more", [{}, {"settings": {"unheard": "of"}}, {"surprise": [1]}])
def test_a_trace_of_a_newer_schema_says_so_and_how_to_read_it(more: dict[str, Any], tmp_path: Path) -> None:
    event = lines_of(OLD / "schema-2-limit")[0]["event"]
    newer = {**event, "schema_version": SCHEMA_VERSION + 1, "versions": {"marginal-agent": "9.8.7"}, **more}
    said = (
        rf"schema {SCHEMA_VERSION + 1} \(written by marginal-agent 9\.8\.7\).* this version, "
        rf"{version('marginal-agent')}, reads up to {SCHEMA_VERSION}: upgrade marginal-agent"
    )
    for use in (lambda path: list(Trace(path).events()), replay, reopen):
        with pytest.raises(TraceError, match=said) as raised:
            use(resealed(tmp_path / getattr(use, "__name__", "read"), newer))
        assert (raised.value.exit_code, raised.value.line) == (1, 1)


@pytest.mark.parametrize("event", [{"type": "run-started"}, {"type": "run-started", "schema_version": 1}, {}])
def test_a_start_that_no_version_wrote_is_one_clear_error(event: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"line 1 .* is not an event this version knows"):
        list(Trace(resealed(tmp_path / "t", event)).events())


@pytest.mark.parametrize("kind", ["ended twice before", "result without a step"])
def test_events_that_cannot_follow_are_one_clear_error(kind: str, tmp_path: Path) -> None:
    """A chain says that nothing was changed since, not that it was ever true."""
    lines = lines_of(OLD / "schema-2-fixed")
    done = [line["event"] for line in lines if line["event"]["type"] == "result"]
    wrong = {"ended twice before": [done[2], done[2]], "result without a step": [done[-1]]}[kind]
    head, text = GENESIS, b""
    for event in (lines[0]["event"], *wrong):
        head, line = seal(head, json.dumps(event).encode())
        text += line
    (tmp_path / EVENTS).write_bytes(text)
    with pytest.raises(TraceError, match="a result event does not follow from those before it"):
        folded(tmp_path)


def test_a_trace_says_what_made_it_and_whether_this_is_the_same(tmp_path: Path) -> None:
    run = begin(Settings(repository="/r"), tmp_path / "t")
    run.writer.close()
    start = next(Trace(tmp_path / "t").events())
    assert isinstance(start, RunStarted)
    assert {"marginal-agent", "genai-prices", "python", "platform", "code"} <= start.versions.keys()
    assert start.versions["code"] == code_digest()
    assert made_otherwise(start) == ""
    other = start.model_copy(update={"versions": {**start.versions, "code": "0" * 12}})
    assert f"code {'0' * 12}, schema {SCHEMA_VERSION}" in made_otherwise(other)
    first = next(Trace(OLD / "schema-1-fixed").events())
    assert isinstance(first, RunStarted)
    assert made_otherwise(first).startswith("the trace was made by marginal-agent 0.1.0 (schema 1), and this")


def words_of(node: dict[str, Any], definitions: dict[str, Any]) -> Iterator[str]:
    """The words that a field may hold, where only certain words may stand."""
    if "$ref" in node:
        named = definitions[node["$ref"].rsplit("/", 1)[-1]]
        yield from words_of(named, definitions) if "enum" in named else ()
    yield from (word for word in (*node.get("enum", ()), node.get("const")) if isinstance(word, str))
    for each in node.get("anyOf", ()):
        yield from words_of(each, definitions)


def test_no_secret_that_is_a_word_of_the_schema_makes_a_trace_unreadable() -> None:
    definitions = json.loads(trace_schema())["$defs"]
    for definition in definitions.values():
        for name, field in definition.get("properties", {}).items():
            words = set(words_of(field, definitions)) - {"Infinity", "-Infinity"}
            assert name in KEPT or max(map(len, words), default=0) < 8, (name, words)


@pytest.mark.parametrize(
    "key",
    [
        "sk-ant-api03-" + "aB3_" * 9,
        "sk-proj-" + "aB3d" * 9,
        "ghp_" + "aB3" * 12,
        "github_pat_" + "aB3" * 20,
        "glpat-" + "aB3d" * 5,
        "xoxb-" + "1234567890-abc",
        "xapp-" + "1-A0123-456789-abcdef",
        "AKIA" + "ABCDEFGHIJ123456",
        "ASIA" + "ABCDEFGHIJ123456",
        "AIza" + "aB3d_" * 7,
        "ya29." + "aB3d_" * 7,
        "npm_" + "aB3" * 12,
        "hf_" + "aBc" * 11,
        "pypi-" + "AgEIcHlwaS5vcmc" * 4,
        "sk_live_" + "aB3d" * 6,
        "eyJ" + "hbGciOiJIUzI1NiJ9." + "eyJ" + "zdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N",
        "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
    ],
)
def test_what_looks_like_a_key_is_not_written(key: str, tmp_path: Path) -> None:
    run = begin(Settings(repository="/r", tests=(f"t.py::test[{key}]",)), tmp_path / "t")
    run.append(RunEnded(outcome=Outcome.INTERRUPTED, exit_code=130, explanation=f"said '{key}' aloud"))
    run.writer.close()
    assert Redactor({})(f"'{key}'") == f"'{REPLACEMENT}'"
    assert key.splitlines()[-1].encode() not in (tmp_path / "t" / EVENTS).read_bytes()

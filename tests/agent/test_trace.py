"""The trace: chained, redacted, torn ends, and every flipped byte found."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.errors import TraceError, UsageError
from agent.events import RunEnded, RunResumed, RunStarted
from agent.redact import REPLACEMENT, Redactor
from agent.task import Settings
from agent.trace import EVENTS, GENESIS, Trace, TraceWriter
from policies.vocabulary import Limits, Outcome

STARTED = RunStarted(
    run_id="r1",
    time=1.5,
    versions={"marginal-agent": "0"},
    policy="marginal",
    settings=Settings(repository="/r"),
)


def write(folder: Path, count: int = 3) -> str:
    writer = TraceWriter(folder, Redactor({}))
    writer.append(STARTED)
    for number in range(count):
        writer.append(RunResumed(time=float(number)))
    writer.close()
    return writer.head


def test_events_come_back_as_they_were_with_infinite_limits(tmp_path: Path) -> None:
    head = write(tmp_path / "t")
    trace = Trace(tmp_path / "t")
    events = list(trace.events())
    assert events[0] == STARTED
    assert events[0].settings.limits == Limits()
    assert events[1:] == [RunResumed(time=0.0), RunResumed(time=1.0), RunResumed(time=2.0)]
    assert trace.head == head != GENESIS


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_flipped_byte_is_found_and_its_line_named(tmp_path: Path, data: st.DataObject) -> None:
    folder = tmp_path / "flip"
    if not folder.exists():
        write(folder)
    path = folder / EVENTS
    good = path.read_bytes()
    position = data.draw(st.integers(0, len(good) - 1))
    bit = data.draw(st.integers(0, 7))
    bad = bytearray(good)
    bad[position] ^= 1 << bit
    path.write_bytes(bytes(bad))
    try:
        with pytest.raises(TraceError) as raised:
            list(Trace(folder).events())
        line = good[:position].count(b"\n") + 1
        assert raised.value.line == line
    finally:
        path.write_bytes(good)


def test_removed_and_swapped_lines_are_found(tmp_path: Path) -> None:
    write(tmp_path / "t")
    path = tmp_path / "t" / EVENTS
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], lines[2], lines[3]]))
    with pytest.raises(TraceError, match=r"line 2 .* does not follow"):
        list(Trace(tmp_path / "t").events())
    path.write_bytes(b"".join([lines[0], lines[2], lines[1], lines[3]]))
    with pytest.raises(TraceError, match=r"line 2 .* does not follow"):
        list(Trace(tmp_path / "t").events())


def test_a_removed_end_shows_in_the_head_hash(tmp_path: Path) -> None:
    head = write(tmp_path / "t")
    path = tmp_path / "t" / EVENTS
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    trace = Trace(tmp_path / "t")
    assert len(list(trace.events())) == 3
    assert trace.head != head


def test_a_torn_end_is_passed_over_on_request_and_cut_on_resume(tmp_path: Path) -> None:
    write(tmp_path / "t")
    path = tmp_path / "t" / EVENTS
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"prev":"abc')
    with pytest.raises(TraceError, match=r"line 5 .* cut off"):
        list(Trace(tmp_path / "t").events())
    assert len(list(Trace(tmp_path / "t").events(allow_torn_end=True))) == 4
    writer = TraceWriter(tmp_path / "t", Redactor({}), resume=True)
    writer.append(RunEnded(outcome=Outcome.NOT_FIXED, exit_code=10, explanation="x"))
    writer.close()
    assert path.read_bytes().startswith(whole)
    assert len(list(Trace(tmp_path / "t").events())) == 5


def test_one_writer_at_a_time_and_no_overwriting(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "t", Redactor({}))
    writer.append(STARTED)
    with pytest.raises(UsageError, match="another run"):
        TraceWriter(tmp_path / "t", Redactor({}), resume=True)
    with pytest.raises(UsageError, match="is not empty"):
        TraceWriter(tmp_path / "t", Redactor({}))


def test_blobs_are_named_by_content_and_an_altered_one_is_found(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "t", Redactor({}))
    writer.append(STARTED)
    name = writer.blob(b"body")
    trace = Trace(tmp_path / "t")
    assert trace.blob(name) == b"body"
    assert trace.check_blobs() == 1
    (tmp_path / "t" / "blobs" / name).write_bytes(b"bodY")
    with pytest.raises(TraceError, match="altered"):
        trace.check_blobs()
    with pytest.raises(TraceError, match="not the name of a blob"):
        trace.blob("../../etc/passwd")


def test_a_blob_that_is_no_file_is_neither_followed_nor_waited_for(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "t", Redactor({}))
    names = [writer.blob(body) for body in (b"a link", b"a pipe", b"a folder", b"much too large")]
    link, pipe, folder, large = (tmp_path / "t" / "blobs" / name for name in names)
    for path in (link, pipe, folder):
        path.unlink()
    (tmp_path / "elsewhere").write_bytes(b"a link")
    link.symlink_to(tmp_path / "elsewhere")
    os.mkfifo(pipe)
    folder.mkdir()
    os.truncate(large, 2**40)  # a hole, which takes no room
    for name, why in zip(names, ("symbolic links", "no file", "directory", "larger than"), strict=True):
        with pytest.raises(TraceError, match=why):
            Trace(tmp_path / "t").blob(name)


def test_a_line_without_end_is_refused_and_not_kept(tmp_path: Path) -> None:
    write(tmp_path / "t", 0)
    os.truncate(tmp_path / "t" / EVENTS, 2**36)
    with pytest.raises(TraceError, match=r"line 2 .* is longer than any event"):
        list(Trace(tmp_path / "t").events())


def test_secrets_never_reach_the_disk(tmp_path: Path) -> None:
    secret = 'correct-horse"battery\\staple'
    environment = {"MY_MODEL_WORD": secret, "HOME": "/home/u", "SHORT_TOKEN": "abc"}
    assert not Redactor(environment).holds_secret(secret.encode()), "its name does not say that it is one"
    redactor = Redactor(environment, also=["MY_MODEL_WORD"])
    writer = TraceWriter(tmp_path / "t", redactor)
    text = f"x {secret} y {'sk-ant-' + 'aB3' * 9} abc z"
    written = writer.append(RunEnded(outcome=Outcome.NOT_FIXED, exit_code=10, explanation=text))
    writer.blob(b"log " + secret.encode())
    writer.close()
    assert isinstance(written, RunEnded)
    assert written.explanation == f"x {REPLACEMENT} y {REPLACEMENT} abc z"
    for path in (tmp_path / "t").rglob("*"):
        if path.is_file():
            assert b"battery" not in path.read_bytes()
            assert b"sk-ant" not in path.read_bytes()
    assert redactor.holds_secret(secret.encode())
    assert not redactor.holds_secret(b"plain")


def test_a_secret_that_is_a_word_of_the_schema_leaves_the_trace_readable(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "t", Redactor({"APP_PASSWORD": "run-ended", "DB_PASSWORD": "marginal"}))
    writer.append(STARTED)
    writer.append(RunEnded(outcome=Outcome.NOT_FIXED, exit_code=10, explanation="say run-ended"))
    writer.close()
    ended = list(Trace(tmp_path / "t").events())[-1]
    assert isinstance(ended, RunEnded)
    assert ended.explanation == f"say {REPLACEMENT}"


def test_ordinary_names_are_not_taken_for_keys() -> None:
    redactor = Redactor({})
    for name in (
        "task-management-service-api-backend",
        "/srv/disk-usage-reporter-daemon-service",
        "risk-assessment-of-everything",
    ):
        assert redactor(name) == name
    assert redactor("key=" + "sk-" + "a1" * 15) == f"key={REPLACEMENT}"


def test_an_unknown_event_names_its_line(tmp_path: Path) -> None:
    from agent.trace import seal

    (tmp_path / "t" / "blobs").mkdir(parents=True)
    _, line = seal(GENESIS, b'{"type":"nonsense"}')
    (tmp_path / "t" / EVENTS).write_bytes(line)
    with pytest.raises(TraceError, match=r"line 1 .* not an event this version knows"):
        list(Trace(tmp_path / "t").events())


def test_not_a_trace(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a trace"):
        Trace(tmp_path)


@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_secret_is_found_as_json_writes_it(ascii_only: bool) -> None:
    secret = 'correct-horse"bat\\tery\nstäple'
    redactor = Redactor({"MODEL_TOKEN": secret})
    body = json.dumps({"said": f"x {secret} y"}, ensure_ascii=ascii_only).encode()
    assert redactor.holds_secret(body)
    assert json.loads(redactor.exact(body)) == {"said": f"x {REPLACEMENT} y"}
    assert not redactor.holds_secret(redactor.exact(body))


CUT = "Wq7Zt2Lm9Xc4Vb1Nh8Kd5Rf3Gy6Ju0Es2Pa7"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"Exception: {CUT[:30]}...", "Exception: [redacted]..."),
        (f"Exception: {CUT[:18]}…\n{CUT}", "Exception: [redacted]…\n[redacted]"),
        (f"{CUT[-20:]}, then {CUT[:35]}", "[redacted], then [redacted]"),
        (
            f"{CUT[:25]}\n[...]\n{CUT[-30:]} and '{CUT[:20]}...{CUT[-18:]}'",
            "[redacted]\n[...]\n[redacted] and '[redacted]...[redacted]'",
        ),
        # Not cut, or less than half of it: a secret may begin with a word.
        (f"{CUT[:30]} ... x{CUT[-30:]}", f"{CUT[:30]} ... x{CUT[-30:]}"),
        (f"{CUT[:17]}...{CUT[-17:]}", f"{CUT[:17]}...{CUT[-17:]}"),
    ],
)
def test_what_a_cut_left_of_a_secret_is_taken_out(text: str, left: str) -> None:
    """By a test runner that shortens what it shows, or by us."""
    redactor = Redactor({"DEPLOY_TOKEN": CUT})
    assert redactor(text) == left
    assert redactor.exact(text.encode()) == left.encode()
    assert redactor.finds(json.dumps(text).encode()) or text == left
    for ascii_only in (True, False):
        body = json.dumps({"said": [text], "then": text}, ensure_ascii=ascii_only).encode()
        assert json.loads(redactor.exact(body)) == {"said": [left], "then": left}
        assert redactor.holds_secret(body) == (text != left)


@pytest.mark.parametrize("secret", ["password123", "test-token-1", "integration-secret-2026"])
def test_a_word_that_a_secret_begins_or_ends_with_stays(secret: str) -> None:
    redactor = Redactor({"DB_PASSWORD": secret})
    for text in (
        "tests/test_a.py::test_password",
        "test-token",
        "integration-secret",
        "secret-2026",
        "word123",
    ):
        assert redactor(text) == text
        assert not redactor.holds_secret(json.dumps({text: [text]}).encode())


def test_a_secret_is_found_in_other_codes() -> None:
    secret = "pässw0rd/with+more?>~~"
    data = secret.encode()
    redactor = Redactor({"DB_PASSWORD": secret})
    for shift in range(3):
        for coded in (base64.b64encode, base64.urlsafe_b64encode):
            text = coded(shift * b"u" + data + b":x").decode()
            assert REPLACEMENT in redactor(f"Basic {text}") and len(redactor(text)) <= len(REPLACEMENT) + 12
            assert REPLACEMENT.encode() in redactor.exact(text.encode())
    for text in (data.hex(), data.hex().upper(), quote(secret), quote(secret, safe=""), quote_plus(secret)):
        assert redactor(f"x{text}y") == f"x{REPLACEMENT}y"
        assert redactor.finds(text.encode()) and redactor.holds_secret(text.encode())


def test_a_key_at_the_beginning_of_a_line_is_found_in_an_event(tmp_path: Path) -> None:
    """In JSON the end of a line is written with a letter, and a key in the middle of a word is none."""
    writer = TraceWriter(tmp_path / "t", Redactor({}))
    text = "line\nsk-ant-" + "aB3" * 9
    written = writer.append(RunEnded(outcome=Outcome.NOT_FIXED, exit_code=10, explanation=text))
    writer.close()
    assert isinstance(written, RunEnded) and written.explanation == f"line\n{REPLACEMENT}"


def redacted(secrets: dict[str, str], text: str) -> None:
    redactor = Redactor(secrets)
    assert redactor(text) == text or redactor.finds(json.dumps(text, ensure_ascii=False).encode())
    assert all(secret not in redactor(text) for secret in secrets.values() if len(secret.strip()) >= 8)


@given(st.lists(st.text('ab."\n…', min_size=8, max_size=20), max_size=3), st.text('ab."\n…', max_size=300))
def test_nothing_whole_stays_whatever_the_secret_and_the_text(secrets: list[str], text: str) -> None:
    known = {f"T{number}_TOKEN": secret.strip() for number, secret in enumerate(secrets)}
    redacted(known, text)
    redacted(known, text + "".join(known.values()) + text)


def test_names_of_variables_say_which_are_secret() -> None:
    def secret(name: str) -> bool:
        return Redactor({name: "some-value-1"}).holds_secret(b"some-value-1")

    told = ("ANTHROPIC_KEY", "DB_PASS", "PASS", "DB_PASS_LIVE", "NPM_AUTH", "GITHUB_PAT", "api_token", "KEY")
    assert [name for name in told if not secret(name)] == []
    other = ("PASSED", "KEYBOARD", "XAUTHORITY", "SSH_AUTH_SOCK", "PATTERN", "BYPASS", "MONKEY", "AUTHOR")
    assert [name for name in other if secret(name)] == []

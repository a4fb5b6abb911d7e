"""The clients against a fake of the vendors that somebody else wrote: @copilotkit/aimock, fetched by npm.

It serves Chat Completions, Responses and Messages, and misbehaves as told. Skipped where npm or its
registry is not to be had.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from vendors import KEY, SCHEMA, VENDORS

from agent.tiers.prompt import CallFailed, Client, Prompt, Usage

PACKAGE = "@copilotkit/aimock@1.43.0"
STRUCTURED = '{"diagnosis": "off by one", "candidates": []}'
LONG = "word " * 200

USAGE = {"prompt_tokens": 21, "completion_tokens": 4, "input_tokens": 21, "output_tokens": 4}
RATE = {"message": "Slow down", "type": "rate_limit_error", "code": "rate_limit_exceeded"}
OVERLOADED = {"message": "Overloaded", "type": "overloaded_error"}


def fixture(words: str, response: dict[str, object], **behaviour: object) -> dict[str, object]:
    return {"match": {"userMessage": words}, "response": response, **behaviour}


FIXTURES = [
    fixture("say hello", {"content": "Hello!", "usage": USAGE}),
    fixture("as the schema says", {"content": STRUCTURED}),
    fixture("too many", {"error": RATE, "status": 429}),
    fixture("overloaded", {"error": OVERLOADED, "status": 529}),
    fixture("break off", {"content": LONG}, truncateAfterChunks=3),
    fixture("hang up", {"content": LONG}, latency=20, disconnectAfterMs=100),
    fixture("take your time", {"content": LONG}, streamingProfile={"ttft": 300, "tps": 400}),
    fixture("forever", {"content": LONG}, latency=100),
]


@pytest.fixture(scope="module")
def fake(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address."""
    kept = getattr(request.config, "cache", None)  # there is none with -p no:cacheprovider
    program = _installed(kept.mkdir("aimock-1.43.0") if kept else tmp_path_factory.mktemp("aimock"))
    folder = tmp_path_factory.mktemp("fixtures")
    (folder / "all.json").write_text(json.dumps({"fixtures": FIXTURES}))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        "node",
        program,
        "-p",
        str(port),
        "-f",
        folder / "all.json",
        "--strict",
        "--log-level",
        "silent",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            _wait_for(port, running)
            yield f"http://127.0.0.1:{port}"
        finally:
            running.terminate()


def _installed(folder: Path) -> Path:
    program = folder / "node_modules" / ".bin" / "llmock"
    whole = folder / "installed"
    if not whole.exists():
        npm = shutil.which("npm")
        if npm is None or shutil.which("node") is None:
            pytest.skip("no npm and node here")
        command = [npm, "install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", PACKAGE]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            pytest.skip(f"npm cannot fetch {PACKAGE}: {done.stderr.strip()[-200:]}")
        whole.touch()
    return program


def _wait_for(port: int, running: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert running.poll() is None, "aimock does not start"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("aimock does not listen")


@pytest.fixture(params=list(VENDORS))
def client(request: pytest.FixtureRequest, fake: str) -> Iterator[Client]:
    """A client of each vendor."""
    server, asking = VENDORS[request.param]
    made = asking("some-model", KEY, fake + server.base)
    yield made
    made.close()


def prompt(words: str) -> Prompt:
    return Prompt("Be brief.", ("context",), words, 1_000)


def failed(client: Client, words: str, timeout: float = 10) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        client.complete(prompt(words), timeout)
    return caught.value


def test_text(client: Client) -> None:
    completion = client.complete(prompt("say hello"), 10)
    assert (completion.text, completion.stop) == ("Hello!", "end")
    assert completion.usage == Usage(prefill=21, decode=4)


def test_structured_text(client: Client, fake: str) -> None:
    asked = Prompt("Be brief.", ("context",), "as the schema says", 1_000, SCHEMA, "run", "low")
    assert client.complete(asked, 10).text == STRUCTURED
    journal = httpx2.get(f"{fake}/__aimock/journal").json()
    assert "as the schema says" in json.dumps(journal)
    assert KEY not in json.dumps(journal)


def test_too_many_requests(client: Client) -> None:
    failure = failed(client, "too many")
    assert (failure.kind, failure.maybe_billed) == ("rate", False)
    assert "Slow down" in failure.message


def test_overloaded(client: Client) -> None:
    failure = failed(client, "overloaded")
    assert (failure.kind, failure.maybe_billed) == ("overloaded", False)


@pytest.mark.parametrize("words", ["break off", "hang up"])
def test_a_stream_that_breaks(client: Client, words: str) -> None:
    failure = failed(client, words)
    assert (failure.kind, failure.maybe_billed) == ("broken", True)


def test_first_token(client: Client) -> None:
    completion = client.complete(prompt("take your time"), 20)
    assert completion.text == LONG
    assert 0.25 < completion.first_token_seconds < completion.seconds


def test_too_slow(client: Client) -> None:
    begun = time.monotonic()
    failure = failed(client, "forever", 0.6)
    assert (failure.kind, failure.maybe_billed) == ("timeout", True)
    assert time.monotonic() - begun < 3

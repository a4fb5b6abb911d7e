"""The parts that need no engine: scripted sandbox, frames, bounded output, apt sources, pip settings."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandboxes.bases import distribution_sources
from sandboxes.inside.commands import Bounded
from sandboxes.inside.frames import read_exactly, read_header, send
from sandboxes.interface import RunRequest, RunResult, Sandbox, SandboxError
from sandboxes.pip_settings import read_pip_settings
from sandboxes.scripted import ScriptedSandbox

DONE = RunResult(0, b"out", b"", b"report", 0.1)


def test_scripted_sandbox_answers_and_remembers() -> None:
    script = ScriptedSandbox(lambda request: DONE)
    sandbox: Sandbox = script
    sandbox.start()
    chunks: list[bytes] = []
    request = RunRequest(("true",), timeout=1)
    assert sandbox.run(request, on_report=chunks.append) == DONE
    assert chunks == [b"report"] and script.requests == [request]
    sandbox.write("/workspace/repo/a", b"1")
    token = sandbox.checkpoint("/workspace/repo")
    sandbox.write("/workspace/repo/a", b"2")
    sandbox.write("/workspace/repo/b", b"3", executable=True)
    assert script.executable == {"/workspace/repo/b"}
    exported = sandbox.export("/workspace/repo")
    sandbox.restore(token)
    assert script.files == {"/workspace/repo/a": b"1"}
    sandbox.put_tar("/workspace/copy", exported)
    sandbox.remove("/workspace/repo")
    sandbox.install_inside({"plugin.py": b"4"})
    expected = {"/workspace/copy/a": b"2", "/workspace/copy/b": b"3", "/opt/agent-inside/plugin.py": b"4"}
    assert script.files == expected
    with pytest.raises(ValueError):
        sandbox.write("/workspace/../etc/x", b"")


def test_scripted_sandbox_is_gone_after_an_infrastructure_failure() -> None:
    def fail(request: RunRequest) -> RunResult:
        raise SandboxError("the engine is gone")

    sandbox = ScriptedSandbox(fail)
    sandbox.start()
    for _ in range(2):
        with pytest.raises(SandboxError):
            sandbox.run(RunRequest(("true",), timeout=1))
    assert not sandbox.alive()


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none()), st.binary(max_size=200_000))
def test_frames_carry_any_header_and_any_bytes(message: dict[str, object], payload: bytes) -> None:
    read_end, write_end = os.pipe()
    writer = threading.Thread(target=send, args=(write_end, message, payload))
    writer.start()
    try:
        header, size = read_header(read_end)
        assert (header, read_exactly(read_end, size)) == (message, payload)
    finally:
        writer.join()
        os.close(read_end)
        os.close(write_end)


@given(st.lists(st.binary(max_size=50)), st.integers(0, 60))
def test_bounded_output_is_exact_or_says_what_it_cut(parts: list[bytes], limit: int) -> None:
    bounded = Bounded(limit)
    for part in parts:
        bounded.feed(part)
    whole, (kept, cut) = b"".join(parts), bounded.value()
    if not cut:
        assert kept == whole
        return
    half = limit // 2
    note = b"\n[... %d bytes cut ...]\n" % (len(whole) - 2 * half)
    assert kept == whole[:half] + note + (whole[-half:] if half else b"")


def test_third_party_apt_sources_are_left_out() -> None:
    one_line = (
        "deb [signed-by=/k.gpg] http://mirror/debian bookworm main contrib\n"
        "deb-src http://mirror/debian bookworm main\n"
        "deb http://mirror/security bookworm-security main\n"
        "deb https://packages.example.org/apt cloud-sdk-bookworm main\n"
        "deb https://packages.example.org/docker bookworm stable\n"
    )
    stanzas = (
        "Types: deb\nURIs: http://mirror/debian\nSuites: bookworm bookworm-updates\nComponents: main\n"
        "\nTypes: deb\nURIs: https://packages.example.org/x\nSuites: nodistro\nComponents: main\n"
    )
    found = distribution_sources([one_line, stanzas], "bookworm")
    assert found["apt.list"].splitlines() == [one_line.splitlines()[0], one_line.splitlines()[2]]
    assert found["apt.sources"] == stanzas.split("\n\n")[0] + "\n"
    assert distribution_sources([one_line], "trixie") == {}


def test_pip_settings_come_from_the_user(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(b"certificates")
    (tmp_path / "pip.conf").write_text(
        "[global]\nindex-url = https://files.example.org/simple\n"
        "extra-index-url = file:///srv/simple https://more.example.org\ntimeout = 7\n"
    )
    variables = {
        "HOME": str(tmp_path / "nobody"),
        "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"),
        "SSL_CERT_FILE": str(bundle),
        "HTTPS_PROXY": "http://proxy:3128",
        "PIP_TIMEOUT": "9",
        "SECRET_API_KEY": "hush",
    }
    found = read_pip_settings(variables)
    assert found.certificates == b"certificates"
    assert found.environment == {
        "HTTPS_PROXY": "http://proxy:3128",
        "PIP_INDEX_URL": "https://files.example.org/simple",
        "PIP_EXTRA_INDEX_URL": "https://more.example.org",
        "PIP_TIMEOUT": "9",
    }

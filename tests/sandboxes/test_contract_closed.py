"""What code in a sandbox tries and must not manage."""

from __future__ import annotations

import pytest
from contract import script

from sandboxes.interface import RunRequest, Sandbox


def python(sandbox: Sandbox, text: str) -> tuple[int | None, str]:
    """Exit code and both outputs of a script run inside."""
    result = script(sandbox, text)
    return result.exit_code, (result.stdout + result.stderr).decode()


def test_no_way_out_by_address_or_name(any_sandbox: Sandbox) -> None:
    code, output = python(any_sandbox, "import socket; socket.create_connection(('1.1.1.1', 53), timeout=5)")
    assert code == 1 and "Network is unreachable" in output
    code, output = python(any_sandbox, "import socket; socket.getaddrinfo('example.com', 443)")
    assert code == 1 and "gaierror" in output
    code, output = python(any_sandbox, "import socket; print([name for _, name in socket.if_nameindex()])")
    assert output.strip() == "['lo']"


def test_unprivileged_without_capabilities(any_sandbox: Sandbox) -> None:
    status = any_sandbox.run(RunRequest(("cat", "/proc/self/status"), timeout=5)).stdout.decode()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["Uid"].split() == ["1000"] * 4
    assert fields["Gid"].split() == ["1000"] * 4
    assert fields["Groups"].strip() == ""
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(fields[name], 16) == 0, name
    assert fields["NoNewPrivs"].strip() == "1"
    assert fields["Seccomp"].strip() == "2"


@pytest.mark.parametrize("folder", ["/", "/etc", "/usr/lib", "/opt/env", "/var/tmp", "/opt/agent-inside"])
def test_writes_outside_the_work_area_fail(any_sandbox: Sandbox, folder: str) -> None:
    code, output = python(any_sandbox, f"open('{folder}/x', 'w')")
    assert code == 1
    assert "Read-only file system" in output or "Permission denied" in output


def test_our_files_inside_can_be_read_and_not_replaced(any_sandbox: Sandbox) -> None:
    any_sandbox.install_inside({"plugin/one.py": b"print('ours')\n"})
    path = "/opt/agent-inside/plugin/one.py"
    assert python(any_sandbox, f"exec(open('{path}').read())") == (0, "ours\n")
    code, output = python(any_sandbox, f"import os; os.unlink('{path}')")
    assert code == 1 and "Permission denied" in output
    with pytest.raises(ValueError, match="outside"):
        any_sandbox.install_inside({"../../etc/x": b""})


def test_runner_is_out_of_reach(any_sandbox: Sandbox) -> None:
    script = (
        "import os\n"
        "for attempt in (lambda: os.kill(1, 9), lambda: os.listdir('/proc/1/fd'),\n"
        "                lambda: open('/proc/1/environ').read(), lambda: open('/proc/1/mem', 'wb'),\n"
        "                lambda: open('/proc/1/fd/1', 'wb'), lambda: open('/proc/1/oom_score_adj', 'w')):\n"
        "    try:\n"
        "        attempt()\n"
        "        print('managed')\n"
        "    except PermissionError:\n"
        "        print('refused')\n"
    )
    assert python(any_sandbox, script) == (0, "refused\n" * 6)


def test_only_its_own_descriptors_are_inherited(any_sandbox: Sandbox) -> None:
    script = "import os\nfor fd in range(64):\n    try: os.fstat(fd); print(fd)\n    except OSError: pass"
    assert python(any_sandbox, script) == (0, "0\n1\n2\n")


def test_environment_is_exactly_what_was_asked(any_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_API_KEY", "hush")
    result = any_sandbox.run(RunRequest(("env",), timeout=5, env={"GIVEN": "1"}))
    names = {line.split("=", 1)[0] for line in result.stdout.decode().splitlines()}
    assert names == {"PATH", "HOME", "LANG", "TMPDIR", "GIVEN"}

"""Drives the installed `agent` command as a person or a CI job would, in a world of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker import DockerClient
from forgeries import HONEST_FIX

AGENT = Path(sys.executable).with_name("agent")
IDENTITY = {
    "GIT_AUTHOR_NAME": "T",
    "GIT_AUTHOR_EMAIL": "t@example.org",
    "GIT_COMMITTER_NAME": "T",
    "GIT_COMMITTER_EMAIL": "t@example.org",
}


@dataclass(frozen=True)
class Ran:
    """What a command came to; `report` is the JSON report, {} when none was written."""

    code: int
    output: str
    errors: str
    report: dict[str, Any]
    trace: Path

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The trace's events of one type, as plain JSON."""
        lines = (self.trace / "events.jsonl").read_text().splitlines()
        return [event for line in lines if (event := json.loads(line)["event"])["type"] == kind]

    def steps(self) -> list[str]:
        """Names of the steps that were performed, for example `act repair`."""
        return [_name(event["step"]) for event in self.events("result")]


def _name(step: Mapping[str, Any]) -> str:
    words = (step["kind"], step["check"], step["tier"], step["subject"])
    return " ".join(word for word in words if word)


class World:
    """A home folder with configuration and state of its own, and the command run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        self.memory = "false"  # what a run expects shall not depend on those before it
        (folder / "config" / "marginal-agent").mkdir(parents=True)

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a command here."""
        # A key would bring tiers of its own, a base branch other rules.
        gone = ("AGENT_", "OPENAI_", "ANTHROPIC_", "GITHUB_STEP_", "GITHUB_BASE_", "CI_MERGE_REQUEST_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(gone)}
        folders = {
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "AGENT_MEMORY": self.memory,
        }
        return {**kept, **IDENTITY, **folders, "COLUMNS": "120", **(extra or {})}

    def tier(self, name: str, **script: Any) -> None:
        """Configure a scripted tier in the user's own file."""
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(script))
        config = self.folder / "config" / "marginal-agent" / "config.toml"
        with config.open("a") as stream:
            stream.write(f'[[tiers]]\nname = "{name}"\nprovider = "scripted"\nscript = "{path}"\n')

    def honest(self, edits: Mapping[str, bytes | None] = HONEST_FIX) -> tuple[str, str]:
        """Configure a free tier that knows the repair (of `calc`); the options that leave the task to it.

        For tests of what comes before or after a repair: nothing is located or searched for.
        """
        replies = [{"edits": {path: data.decode() for path, data in edits.items() if data is not None}}]
        self.tier("honest", dollars=0, attempts=1, ability=9, replies=replies)
        return "--tier", "honest"

    def arguments(self, repository: Path, *options: str) -> tuple[list[str], Path, Path]:
        """The command line of `agent fix`, its report file and its trace."""
        self.count += 1
        report, trace = self.folder / f"report-{self.count}.json", self.folder / f"trace-{self.count}"
        command = [str(AGENT), "fix", str(repository), "--json", str(report), "--trace", str(trace), *options]
        return command, report, trace

    def fix(self, repository: Path, *options: str, env: Mapping[str, str] | None = None) -> Ran:
        """Run `agent fix` to its end."""
        command, report, trace = self.arguments(repository, *options)
        return self.run(command, report, trace, env)

    def resume(self, trace: Path) -> Ran:
        """Run `agent fix --resume`."""
        report = self.folder / "resumed.json"
        return self.run([str(AGENT), "fix", "--resume", str(trace), "--json", str(report)], report, trace)

    def replay(self, trace: Path) -> Ran:
        """Run `agent replay`."""
        return self.agent("replay", str(trace))

    def agent(self, *arguments: str, env: Mapping[str, str] | None = None) -> Ran:
        """Run any other command of `agent`."""
        none = self.folder / "none"
        return self.run([str(AGENT), *arguments], none, none, env)

    def run(self, command: list[str], report: Path, trace: Path, env: Mapping[str, str] | None = None) -> Ran:
        """Run a command here, without a terminal."""
        done = subprocess.run(
            command,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
            cwd=self.folder,
        )
        data = json.loads(report.read_text()) if report.is_file() else {}
        return Ran(done.returncode, done.stdout, done.stderr, data, trace)


def refused(ran: Ran, *said: str) -> None:
    """The run ended as a usage error, with one line that says all of this, and says it once."""
    assert ran.code == 2, ran.output
    assert len(ran.errors.strip().splitlines()) == 1
    assert all(text in ran.errors for text in said), ran.errors
    assert not any(text in ran.output for text in said), ran.output


def make_repository(folder: Path, files: Mapping[str, bytes]) -> Path:
    """A git repository with one commit of these files."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    run_git(folder, "init", "-q", "-b", "main")
    run_git(folder, "add", "-A")
    run_git(folder, "commit", "-qm", "base")
    return folder


def run_git(folder: Path, *arguments: str) -> str:
    """Plain git, as a person would use it."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**os.environ, **IDENTITY},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def containers_of(process: subprocess.Popen[bytes], client: DockerClient) -> list[str]:
    """Names of the containers that this process has made and that are still there."""
    found = client.containers.list(
        all=True, filters={"name": f"marginal-agent-{process.pid}-"}, ignore_removed=True
    )
    return [str(container.name) for container in found]


def start(
    world: World, repository: Path, *options: str, env: Mapping[str, str] | None = None
) -> tuple[subprocess.Popen[bytes], Path, Path]:
    """`agent fix` in the background: the process (whose two outputs are one), its report file, its trace."""
    command, report, trace = world.arguments(repository, *options)
    process = subprocess.Popen(
        command,
        env=world.environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return process, report, trace


def start_hanging(
    world: World, repository: Path, client: DockerClient
) -> tuple[subprocess.Popen[bytes], Path, Path]:
    """`agent fix` on a test that sleeps; returns when its sandbox is there and the test has begun."""
    slow = b"import time\n\n\ndef test_slow():\n    time.sleep(60)\n"
    (repository / "tests" / "test_slow.py").write_bytes(slow)
    process, report, trace = start(world, repository, "--test", "tests/test_slow.py::test_slow")
    wait_for(lambda: containers_of(process, client) != [], 300)
    time.sleep(2)
    return process, report, trace


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    """Wait until the condition holds. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.05)

"""The agents of `benchmarks.harness`: how each is installed, and run with the scripted model."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks._harness_cases import Case
from benchmarks._harness_scripts import Tell, tell_aider, tell_mini, tell_ours
from benchmarks.demo import AGENT

OURS, MINI, AIDER = "agent fix", "mini-swe-agent", "aider"
MINI_LOOKS = "mini-swe-agent, after a look"
MODEL, HELPER = "scripted-1", "scripted-helper"
RUN_SECONDS = 300.0
INSTALL_SECONDS = 1_200.0
PATCH = "fix.patch"
PREFILL, DECODE = 1.0, 5.0
"""Dollars for a million tokens, everybody's; nothing is cached."""


@dataclass(frozen=True)
class Job:
    """A run: `home` is a folder of its own beside the repository. steps: most requests, where an agent takes
    such a limit; to_the_end: go on as long as those allow. binary: the agent's program."""

    case: Case
    script: str
    repository: Path
    home: Path
    base_url: str
    binary: Path
    steps: int
    to_the_end: bool = False

    @property
    def task(self) -> str:
        """What a person would say."""
        tests = " ".join(self.case.targets)
        return (
            f"The test {tests} fails. Mend the cause in the code; tests may not be edited."
            f" It is run with: {self.case.command}"
        )


@dataclass(frozen=True)
class Start:
    """A command line, what is added to the environment, and what is typed in."""

    command: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)
    typed: str = ""


@dataclass(frozen=True)
class Agent:
    """kept: its edits stay in the tree between turns. packages: none for ours. looks: its model reads the
    code before it edits, because nothing shows it the code otherwise."""

    name: str
    tell: Tell
    kept: bool
    start: Callable[[Job], Start]
    packages: tuple[str, ...] = ()
    program: str = ""
    looks: bool = False


@dataclass(frozen=True)
class Ran:
    """How a run ended. code: None when it was still going on after RUN_SECONDS."""

    code: int | None
    seconds: float
    said: str


def install(agent: Agent, cache: Path) -> tuple[Path, str]:
    """The agent's program and its version, in a virtual environment of its own in `cache`, made where it is
    not there yet. Raises RuntimeError with one line that says why it cannot be installed."""
    if not agent.packages:
        return AGENT, "this installation"
    folder = cache / agent.packages[0]
    python, program = folder / "bin/python", folder / "bin" / agent.program
    done = folder / ".installed"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        for command in (
            [sys.executable, "-m", "venv", str(folder)],
            [str(python), "-m", "pip", "install", "--quiet", "--no-input", *agent.packages],
        ):
            _checked(command)
        done.touch()
    version = _checked(
        [str(python), "-c", f"from importlib.metadata import version; print(version({agent.packages[0]!r}))"]
    )
    return program, version.strip()


def _checked(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RuntimeError(str(error)) from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR")]
        raise RuntimeError((errors or lines or ["no reason given"])[-1])
    return done.stdout


def run(agent: Agent, job: Job) -> Ran:
    """Run it to its end, or for RUN_SECONDS. Nothing of the person's own configuration is used."""
    start = agent.start(job)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GIT_", "AGENT_", "OPENAI_", "ANTHROPIC_", "AIDER_", "MSWEA_", "PYTEST"))
    }
    began = time.monotonic()
    process = subprocess.Popen(
        start.command,
        cwd=job.repository,
        env=environment | start.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    code: int | None = None
    try:
        said, _ = process.communicate(start.typed, RUN_SECONDS)
        code = process.returncode
    except subprocess.TimeoutExpired:
        said = ""
    finally:
        if code is None:  # it has its sandbox to remove
            os.killpg(process.pid, signal.SIGTERM)
            said, _ = process.communicate()
    return Ran(code, time.monotonic() - began, said)


def _start_ours(job: Job) -> Start:
    """The command as a person would run it, with the model as its only tier. `to_the_end`: a task worth so
    much that it goes on as long as there are attempts."""
    settings = job.home / "config/marginal-agent/config.toml"
    settings.parent.mkdir(parents=True)
    names = [f"{MODEL}{letter}" for letter in "abc"] if job.to_the_end else [MODEL]
    for name in names:
        with settings.open("a") as file:
            attempts = "attempts = 20\n" if job.to_the_end else ""
            file.write(
                f'[[tiers]]\nname = "{name}"\nprovider = "compatible"\nmodel = "{MODEL}"\n'
                f'base_url = "{job.base_url}"\n{attempts}'
                f"price = {{ prefill = {PREFILL}, decode = {DECODE}, cached = {PREFILL} }}\n"
            )
    command = [str(job.binary), "fix", str(job.repository), "--no-memory"]
    for target in job.case.targets:
        command += ["--test", target]
    for name in names:
        command += ["--tier", name]
    command += ["--trace", str(job.home / "trace"), "--patch-out", str(job.home / PATCH)]
    if job.to_the_end:
        command += ["--value", "$1000000", "--latency-price", "0", "--budget", "none", "--deadline", "none"]
    folders = {"XDG_CONFIG_HOME": str(job.home / "config"), "XDG_STATE_HOME": str(job.home / "state")}
    return Start(command, folders)


def _start_mini(job: Job) -> Start:
    command = [
        str(job.binary), "--yolo", "--exit-immediately", "--model", f"openai/{MODEL}", "--task", job.task,
        "--output", str(job.home / "trajectory.json"), "--config", "mini.yaml",
        "--config", f"model.model_kwargs.api_base={job.base_url}",
        "--config", f"agent.step_limit={job.steps}",
    ]  # fmt: skip
    environment = {
        "HOME": str(job.home),
        "OPENAI_API_KEY": "none",
        "MSWEA_CONFIGURED": "true",
        "MSWEA_COST_TRACKING": "ignore_errors",
        "MSWEA_GLOBAL_CONFIG_DIR": str(job.home / "mini"),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    return Start(command, environment)


def _start_aider(job: Job) -> Start:
    """With the file to mend in the chat, unless the script has the model look for itself. It reflects at most
    three times on a message, so `to_the_end` types as many messages as come to job.steps requests."""
    command = [
        str(job.binary), "--model", f"openai/{MODEL}", "--weak-model", f"openai/{HELPER}",
        "--openai-api-base", job.base_url, "--openai-api-key", "none",
        "--edit-format", "diff", "--yes-always", "--auto-test",
        "--test-cmd", job.case.command, "--no-auto-commits", "--no-check-update", "--analytics-disable",
        "--no-show-model-warnings", "--no-show-release-notes", "--no-gitignore", "--no-pretty",
        "--no-fancy-input", "--no-suggest-shell-commands", "--no-detect-urls",
    ]  # fmt: skip
    if job.script != "deep":
        command.append(job.case.path)
    typed = ""
    if job.to_the_end:
        typed = f"{job.task}\n" + "It still fails; try again.\n" * (job.steps // 4 - 1) + "/exit\n"
    else:
        command += ["--message", job.task]
    environment = {"HOME": str(job.home), "LITELLM_LOCAL_MODEL_COST_MAP": "True", "TERM": "dumb"}
    return Start(command, environment, typed)


AGENTS = (
    Agent(OURS, tell_ours, kept=False, start=_start_ours),
    Agent(MINI, tell_mini, True, _start_mini, ("mini-swe-agent", "mcp"), "mini"),
    Agent(MINI_LOOKS, tell_mini, True, _start_mini, ("mini-swe-agent", "mcp"), "mini", looks=True),
    Agent(AIDER, tell_aider, True, _start_aider, ("aider-chat",), "aider"),
)

"""What the actions run: inputs from the environment to a command line of `agent`, and what came of it to
GITHUB_OUTPUT. Run as `python3 -I act.py fix|publish`; exits as `agent` does.

Inputs are in variables and never part of a script, so that no text of a pull request is code here.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

RUNNER_TEMP = Path(os.environ["RUNNER_TEMP"])
WORKSPACE = Path(os.environ["GITHUB_WORKSPACE"])
AGENT = RUNNER_TEMP / "marginal-agent" / "bin" / "agent"


def given(name: str) -> str:
    return os.environ.get(f"INPUT_{name}", "").strip()


def place(name: str) -> Path:
    """A path among the inputs, which is meant from the workspace."""
    return WORKSPACE / given(name)


def fix() -> tuple[int, dict[str, object]]:
    """`agent ci`, and its outputs: of this run, and empty where it leaves no result."""
    out = Path(os.path.normpath(place("OUT"))) if given("OUT") else RUNNER_TEMP / "agent-ci"
    of_another = os.path.lexists(out)  # which `agent ci` refuses, and leaves as it is
    words = ["ci", str(place("PATH")), "--out", str(out)]
    for pattern in given("JUNIT").splitlines():
        words += [word for path in matching(pattern.strip()) for word in ("--junit", str(path))]
    for name in ("BUDGET", "DEADLINE", "VALUE", "SANDBOX", "IMAGE"):
        words += [f"--{name.lower()}={given(name)}"] if given(name) else []
    words += [f"--tier={name.strip()}" for name in given("TIER").splitlines() if name.strip()]
    code = agent(words)
    result, patch = out / "result.json", out / "fix.patch"
    report = {} if of_another else read(result)
    patched = bool(report) and patch.is_file()
    return code, {
        "outcome": report.get("outcome", ""),
        "failing": len(report.get("failing", ())),
        "fixed": len(report.get("fixed", ())) if patched else 0,
        "patch": patch if patched else "",
        "result": result if report else "",
        "out": out if out.is_dir() and not of_another else "",
        "head-hash": "\n".join(task["head_hash"] for task in report.get("tasks", ())),
    }


def publish() -> tuple[int, dict[str, object]]:
    """`agent publish`, and its outputs."""
    out = place("OUT")
    (out / "published.json").unlink(missing_ok=True)  # of an earlier try
    words = ["publish", str(out)]
    for name in ("AS", "INTO", "NUMBER", "REPOSITORY"):
        words += [f"--{name.lower()}={given(name)}"] if given(name) else []
    code = agent(words)
    published = read(out / "published.json")
    return code, {name: published.get(name, "") for name in ("url", "number", "branch", "commit")}


def matching(pattern: str) -> list[Path]:
    """The files of a pattern, or the path itself: what is not there is an error that `agent` tells."""
    if not any(sign in pattern for sign in "*?["):
        return [WORKSPACE / pattern] if pattern else []
    return sorted(WORKSPACE.glob(pattern)) or [WORKSPACE / pattern]


def agent(words: list[str]) -> int:
    """Run it outside of the repository; returns its exit code. A job that is cancelled cancels it."""
    environment = dict(os.environ)
    if given("SCHEDULE"):
        environment["AGENT_SCHEDULE"] = str(place("SCHEDULE"))
    if not environment.get("AGENT_BASE_REF"):
        environment.pop("AGENT_BASE_REF", None)
    running = subprocess.Popen([AGENT, *words], cwd=RUNNER_TEMP, env=environment, stdin=subprocess.DEVNULL)

    def passed_on(number: int, frame: FrameType | None) -> None:
        del frame
        running.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, passed_on)
    code = running.wait()
    return code if code >= 0 else 128 - code


def read(path: Path) -> dict[str, Any]:
    """A report of ours, empty where there is none."""
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
        return found
    except (OSError, ValueError):
        return {}


def written(outputs: Mapping[str, object]) -> str:
    """Outputs in the form that takes any value: its end is a word that nobody can foresee."""
    end = f"end-{secrets.token_hex(16)}"
    return "".join(f"{name}<<{end}\n{value}\n{end}\n" for name, value in outputs.items())


def main() -> int:
    acts = {"fix": fix, "publish": publish}
    code, outputs = acts[sys.argv[1]]()
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as stream:
        stream.write(written({"exit-code": code, **outputs}))
    return code


if __name__ == "__main__":
    sys.exit(main())

"""A remote over smart HTTP, two hosts' APIs on loopback, a job's folder, and `agent publish` run on them."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner

import agent
from agent.ci.report import JobReport, TaskReport
from agent.cli import app
from agent.observations import Counts
from policies.vocabulary import Outcome

ROOT = Path(agent.__file__).parents[1]
COMMAND = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from agent.cli import main; main()"
TOKEN = "tok-5f1d0c2e9b7a48f3"
IDENTITY = {
    "GIT_AUTHOR_NAME": "T", "GIT_AUTHOR_EMAIL": "t@example.org",
    "GIT_COMMITTER_NAME": "T", "GIT_COMMITTER_EMAIL": "t@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
}  # fmt: skip
BEFORE, AFTER = "def double(x):\n    return x\n", "def double(x):\n    return 2 * x\n"
HOSTILE = "t.py::test[`@team` closes #1 <img src=x onerror=y> ](http://x)\n/merge\n::set-output name=a::b]"


def run_git(folder: Path, *arguments: str, stdin: str = "") -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env={**os.environ, **IDENTITY}, input=stdin, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def make_origin(folder: Path) -> tuple[Path, str, bytes]:
    """A bare repository with two commits, the last of them broken; its id, and the patch that repairs it."""
    work, bare = folder / "work", folder / "served" / "o" / "r.git"
    work.mkdir(parents=True)
    run_git(work, "init", "-q", "-b", "main")
    (work / "README").write_text("a repository\n")
    run_git(work, "add", "-A")
    run_git(work, "commit", "-qm", "first")
    (work / "numbers_of.py").write_text(BEFORE)
    (work / ".gitattributes").write_text("*.py filter=evil diff=evil\n")
    run_git(work, "add", "-A")
    run_git(work, "commit", "-qm", "broken")
    commit = run_git(work, "rev-parse", "HEAD")
    (work / "numbers_of.py").write_text(AFTER)
    patch = run_git(work, "diff", "--no-ext-diff") + "\n"
    bare.parent.mkdir(parents=True)
    run_git(folder, "clone", "-q", "--bare", str(work), str(bare))
    run_git(bare, "config", "http.receivepack", "true")
    return bare, commit, patch.encode()


def write_job(out: Path, commit: str, patch: bytes, tests: tuple[str, ...], **changed: Any) -> Path:
    """The folder that a job leaves which fixed these tests."""
    out.mkdir()
    (out / "fix.patch").write_bytes(patch)
    task = TaskReport(
        tests=tests, also=(), outcome=Outcome.FIXED, exit_code=0, explanation="e", value=20, dollars=0.12,
        seconds=30, posterior=0.97, diff="", run_id="run-1", trace="/t", head_hash="a" * 64,
    )  # fmt: skip
    report = JobReport(
        outcome=Outcome.FIXED, exit_code=0, repository="/r", head=commit, tree="t", failing=tests,
        fixed=tests, tasks=(task,), not_begun=(), flaky=(), passing=(), unknown=(), patch=patch.decode(),
        patch_sha256=hashlib.sha256(patch).hexdigest(), verified=Counts(collected=9, passed=9),
        dollars=0.12, seconds=35, suite_seconds=1,
    )  # fmt: skip
    settings = {"schedule": free_schedule(report.schedule)}
    report = report.model_copy(update={**settings, **changed})
    (out / "result.json").write_text(report.model_dump_json())
    return out


def free_schedule(schedule: Any) -> Any:
    """A schedule that lets a patch be published without a person's word."""
    from dataclasses import replace

    from policies.autonomy import Confirmation
    from policies.vocabulary import ActionClass

    levels = tuple(
        (each, Confirmation.FREE if each is ActionClass.PUBLISH else level) for each, level in schedule.levels
    )
    return replace(schedule, levels=levels)


@dataclass
class Seen:
    """What came to a server. told: whether the token was in the command line of any process meanwhile."""

    requests: list[tuple[str, str, Mapping[str, str], Any]] = field(default_factory=list)
    told: bool = False

    def sent(self, method: str) -> list[tuple[str, Any]]:
        """Path and body of the requests with this method."""
        return [(path, body) for each, path, _, body in self.requests if each == method]


def in_argv(secrets: tuple[str, ...]) -> bool:
    """Whether any process has one of these in its command line."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            said = path.read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if any(secret in said for secret in secrets):
            return True
    return False


def secrets_of(user: str) -> tuple[str, ...]:
    """The token, and as it goes over the wire."""
    return TOKEN, base64.b64encode(f"{user}:{TOKEN}".encode()).decode()


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server on loopback; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def git_server(served: Path, user: str, seen: Seen, redirect: str = "") -> Iterator[str]:
    """`git http-backend` for the repositories below `served`, for whoever has the token."""
    wanted = f"Basic {secrets_of(user)[1]}"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def _answer(self, body: bytes) -> None:
            seen.told = seen.told or in_argv(secrets_of(user))
            seen.requests.append((self.command, self.path, dict(self.headers), None))
            if redirect:
                self.send_response(301)
                self.send_header("Location", f"{redirect}{self.path}")
                self.end_headers()
                return
            if self.headers.get("Authorization") != wanted:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self.end_headers()
                return
            parts = urlsplit(self.path)
            environment = {
                "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(served), "GIT_HTTP_EXPORT_ALL": "1",
                "REQUEST_METHOD": self.command, "PATH_INFO": parts.path, "QUERY_STRING": parts.query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
                "REMOTE_USER": "t", "REMOTE_ADDR": "127.0.0.1",
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            }  # fmt: skip
            done = subprocess.run(
                ["git", "http-backend"], input=body, env=environment, capture_output=True, check=True
            )
            head, _, data = done.stdout.partition(b"\r\n\r\n")
            lines = [line.partition(": ") for line in head.decode().splitlines()]
            status = next((value for name, _, value in lines if name == "Status"), "200 OK")
            self.send_response(int(status.split()[0]))
            for name, _, value in lines:
                if name != "Status":
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments: Any) -> None:
            pass

    with serving(Handler) as url:
        yield url


@dataclass
class Hosted:
    """What a host holds, and how it answers. refuse: status, headers and body of the next answers."""

    pulls: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    refuse: list[tuple[int, dict[str, str], Any]] = field(default_factory=list)


@contextmanager
def api_server(hosted: Hosted, seen: Seen) -> Iterator[str]:
    """GitHub's and GitLab's API, as far as publishing needs it, for whoever has the token."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answered(None)

        def do_POST(self) -> None:
            self._answered(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answered(self, body: Any) -> None:
            seen.told = seen.told or in_argv(secrets_of("x-access-token"))
            seen.requests.append((self.command, self.path, dict(self.headers), body))
            if hosted.refuse:
                self._send(*hosted.refuse.pop(0))
            elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self._send(401, {}, {"message": "Bad credentials"})
            else:
                self._send(*self._found(body))

        def _found(self, body: Any) -> tuple[int, dict[str, str], Any]:
            parts = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            path = parts.path.removeprefix("/repos/o/r").removeprefix("/projects/o%2Fr")
            if path in ("/pulls", "/merge_requests"):
                if body is None:
                    return 200, {}, _page([each for each in hosted.pulls if _asked_for(each, asked)], asked)
                hosted.pulls.append(_pull(body, len(hosted.pulls) + 1))
                return 201, {}, hosted.pulls[-1]
            if path.endswith(("/comments", "/notes")):
                if body is None:
                    return 200, {}, _page(hosted.comments, asked)
                number = len(hosted.comments) + 1
                made = {"id": number, "html_url": f"https://h/c/{number}", "body": body["body"]}
                hosted.comments.append(made)
                return 201, {}, made
            return 404, {}, {"message": "Not Found"}

        def _send(self, status: int, headers: Mapping[str, str], body: Any) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments: Any) -> None:
            pass

    with serving(Handler) as url:
        yield url


def _pull(body: Mapping[str, Any], number: int) -> dict[str, Any]:
    branch, into = body.get("head", body.get("source_branch")), body.get("base", body.get("target_branch"))
    return {
        "number": number, "iid": number, "html_url": f"https://h/pull/{number}", "state": "open",
        "web_url": f"https://h/mr/{number}", "head": {"sha": "f" * 40}, "sha": "f" * 40,
        "branches": [branch, into],
    }  # fmt: skip


def _asked_for(pull: Mapping[str, Any], asked: Mapping[str, str]) -> bool:
    head = asked.get("head", "").partition(":")[2] or asked.get("source_branch")
    into: str | None = asked.get("base") or asked.get("target_branch")
    named = head is None or pull["branches"] == [head, into]
    return named and asked["state"] in ("all", pull["state"], f"{pull['state']}ed")


def _page(found: list[dict[str, Any]], asked: Mapping[str, str]) -> list[dict[str, Any]]:
    size = int(asked["per_page"])
    first = (int(asked.get("page", 1)) - 1) * size
    return found[first : first + size]


def environment_of(home: Path, **extra: str) -> dict[str, str]:
    """Of a command run in a home of its own: nothing of this machine's CI or tokens."""
    gone = ("AGENT_", "GITHUB_", "GITLAB_", "CI_", "OPENAI_", "ANTHROPIC_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(gone)}
    folders = {"XDG_CONFIG_HOME": str(home / "config"), "XDG_STATE_HOME": str(home / "state")}
    return {**kept, **folders, "HOME": str(home), "COLUMNS": "400", **extra}


def let_publish(home: Path) -> None:
    """Settings of whoever publishes: no person has to confirm it."""
    folder = home / "config" / "marginal-agent"
    folder.mkdir(parents=True, exist_ok=True)
    shipped = (ROOT / "agent" / "schedule.toml").read_text()
    before, mark, after = shipped.partition("[classes.publish]")
    (folder / "schedule.toml").write_text(before + mark + after.replace('"confirm"', '"free"', 1))
    (folder / "config.toml").write_text('schedule = "schedule.toml"\nrisk_price = "$1"\n')


@dataclass(frozen=True)
class Ran:
    """What a command came to."""

    returncode: int
    stdout: str
    stderr: str


def publish(home: Path, *arguments: str, **extra: str) -> Ran:
    """`agent publish` in this process, without a terminal."""
    with pytest.MonkeyPatch.context() as patched:
        wanted = environment_of(home, **extra)
        for name in set(os.environ) - set(wanted):
            patched.delenv(name)
        for name, value in wanted.items():
            patched.setenv(name, value)
        done = CliRunner().invoke(app, ["publish", *arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Ran(done.exit_code, done.stdout, done.stderr)


def publish_apart(home: Path, stdin: int, *arguments: str, **extra: str) -> Ran:
    """`agent publish` in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", COMMAND, "publish", *arguments],
        env=environment_of(home, **extra), cwd=home, stdin=stdin, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr)

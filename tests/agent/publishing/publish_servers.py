"""A remote over smart HTTP, and what publishing needs of two hosts' APIs, on loopback."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "tok-5f1d0c2e9b7a48f3"


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
    """What a host holds, and how it answers. contains: how a branch compares with a commit. refuse: status,
    headers and body of the next answers."""

    contains: str = "identical"
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
            if path.startswith("/compare/") and asked == {"per_page": "1", "page": "2"}:
                return 200, {}, {"status": hosted.contains, "commits": [], "files": None}
            if path == "/repository/merge_base":
                first = parse_qs(parts.query)["refs[]"][0]
                return 200, {}, {"id": first if hosted.contains != "diverged" else "0" * 40}
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

"""Fetching from within a sandbox without network: what the host connects to for it, and what it refuses."""

from __future__ import annotations

import http.server
import io
import json
import socket
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import pytest

from sandboxes.client import RunnerClient
from sandboxes.fetch_policy import FetchPolicy, fetch_policy
from sandboxes.fetch_proxy import FetchLimits, resolve
from sandboxes.fetching import Fetched, run_fetching
from sandboxes.interface import WORK, RunRequest
from sandboxes.pip_settings import PipSettings, read_pip_settings

BIG = 30 * 2**20
WHEEL = "tiny-1.0-py3-none-any.whl"
DOWNLOAD = ("python3", "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--only-binary=:all:")
PRELUDE = """
import json, os, socket, sys, time, urllib.error, urllib.request
port = int(os.environ["HTTP_PROXY"].rpartition(":")[2])
def say(data):
    there = socket.create_connection(("127.0.0.1", port))
    there.sendall(data)
    return there
def status(data):
    with say(data) as there:
        return there.recv(100).decode().split(" ")[1:2]
"""


@dataclass
class Server:
    """A web server on this host's loopback. `seen`: request lines and headers, in lower case."""

    port: int
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"


@pytest.fixture
def server() -> Iterator[Server]:
    """Serves an index with one wheel, /big, /slow (which never ends), and stands in for a proxy."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known.seen.append((self.requestline, {name.lower(): text for name, text in self.headers.items()}))
            path = (
                "/" + self.path.removeprefix("http://").partition("/")[2] if "://" in self.path else self.path
            )
            page = f'<a href="/files/{WHEEL}">{WHEEL}</a>'.encode()
            body = {"/simple/tiny/": page, f"/files/{WHEEL}": wheel(), "/big": bytes(BIG)}.get(path, b"hello")
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_CONNECT(self) -> None:
            known.seen.append((self.requestline, {name.lower(): text for name, text in self.headers.items()}))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"from the proxy")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        known = Server(listening.server_address[1])
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield known
        listening.shutdown()
        thread.join()


@pytest.fixture
def fetcher(any_sandbox: RunnerClient) -> Iterator[RunnerClient]:
    """A sandbox without network; at the end nothing of a fetch is left on the host."""
    yield any_sandbox
    assert not [thread for thread in threading.enumerate() if thread.name == "fetching"]


@cache
def wheel() -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("tiny.py", "")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    return body.getvalue()


def named(*places: str) -> FetchPolicy:
    return FetchPolicy(frozenset((host, int(port)) for host, _, port in (p.rpartition(":") for p in places)))


def fetching(sandbox: RunnerClient, text: str, policy: FetchPolicy, *args: object, **more: object) -> Fetched:
    """Run a script that may connect by the way out."""
    argv = ("python3", "-c", PRELUDE + text, *map(str, args))
    return run_fetching(sandbox, RunRequest(argv, timeout=60), policy, **more)


def printed(fetched: Fetched) -> object:
    assert fetched.result.exit_code == 0, fetched.result.stderr.decode()
    return json.loads(fetched.result.stdout)


@pytest.mark.fetch
def test_pip_downloads_from_its_default_index(fetcher: RunnerClient) -> None:
    settings = read_pip_settings()
    policy = fetch_policy(fetcher, settings)
    environment = {**settings.environment, "PIP_CERT": f"{WORK}/certificates.pem"}
    fetcher.write(f"{WORK}/certificates.pem", settings.certificates)
    fetched = run_fetching(
        fetcher, RunRequest((*DOWNLOAD, "iniconfig"), timeout=120, env=environment), policy
    )
    assert (fetched.result.exit_code, fetched.refused) == (0, ()), fetched.result.stderr.decode()
    assert b"Saved ./iniconfig" in fetched.result.stdout


def test_an_index_of_the_settings_is_reached_wherever_it_is(fetcher: RunnerClient, server: Server) -> None:
    settings = PipSettings({"PIP_INDEX_URL": f"http://{server.place}/simple"})
    policy = fetch_policy(fetcher, settings)
    request = RunRequest((*DOWNLOAD, "tiny"), timeout=60, env=settings.environment)
    fetched = run_fetching(fetcher, request, policy)
    assert (fetched.result.exit_code, fetched.refused) == (0, ()), fetched.result.stderr.decode()
    assert fetcher.read(f"{WORK}/{WHEEL}") == wheel()
    with socket.create_server(("127.0.0.1", 0)) as other:
        place = f"127.0.0.1:{other.getsockname()[1]}"
        elsewhere = {"PIP_INDEX_URL": f"http://{place}/simple", "PIP_RETRIES": "0"}
        request = RunRequest((*DOWNLOAD, "other"), timeout=60, env=elsewhere)
        fetched = run_fetching(fetcher, request, policy)
        other.settimeout(0)
        with pytest.raises(BlockingIOError):
            other.accept()
    assert fetched.result.exit_code != 0
    assert fetched.refused == (f"fetch tried to reach {place} (a port that no index of the settings has)",)


FORBIDDEN = [
    "169.254.169.254:80", "169.254.169.254:443", "[fd00:ec2::254]:80", "100.100.100.200:80", "192.0.0.192:80",
    "168.63.129.16:80", "127.0.0.1:80", "localhost:80", "LocalHost.:443", "127.1:80", "2130706433:80",
    "0x7f000001:80", "0177.0.0.1:80", "0.0.0.0:80", "0:80", "10.0.0.1:443", "172.16.0.1:80", "192.168.1.1:80",
    "255.255.255.255:80", "224.0.0.1:80", "240.0.0.1:80", "198.18.0.1:80", "[::1]:80", "[::]:443",
    "[fe80::1]:80", "[ff02::1]:80", "[::ffff:169.254.169.254]:80", "[::ffff:7f00:1]:80", "[::127.0.0.1]:80",
    "[2002:a9fe:a9fe::]:80", "[64:ff9b::a9fe:a9fe]:80", "[64:ff9b:1::a00:1]:80",
    "[2001:0:4136:e378:8000:63bf:3fff:fdd2]:80",
    "inside.example:80", "mixed.example:22", "8.8.8.8:22", "8.8.8.8:8080",
]  # fmt: skip


def inside_names(host: str, port: int) -> list[str]:
    """What names resolve to in these tests."""
    names = {
        "inside.example": ["10.1.2.3", "fd00::1"],
        "mixed.example": ["10.1.2.3"],
        "index.example": ["127.0.0.1"],
    }
    return names[host] if host in names else resolve(host, port)


def test_metadata_private_addresses_and_ports_are_refused(fetcher: RunnerClient) -> None:
    text = """
answers = {}
for place in sys.argv[1:]:
    connect = status(f"CONNECT {place} HTTP/1.1\\r\\n\\r\\n".encode())
    get = status(f"GET http://{place}/latest/meta-data/ HTTP/1.1\\r\\n\\r\\n".encode())
    answers[place] = connect + get
print(json.dumps(answers))
"""
    fetched = fetching(fetcher, text, FetchPolicy(), *FORBIDDEN, resolver=inside_names)
    assert printed(fetched) == {place: ["403", "403"] for place in FORBIDDEN}
    assert "fetch tried to reach 169.254.169.254:80 (not a public address)" in fetched.refused
    assert "fetch tried to reach inside.example:80 (not a public address)" in fetched.refused


def test_a_server_of_the_settings_is_allowed_under_any_name_and_no_other(
    fetcher: RunnerClient, server: Server
) -> None:
    policy = named(f"index.example:{server.port}")
    names = {"index.example": "127.0.0.1", "files.example": "127.0.0.1", "next.example": "127.0.0.2"}
    asked: list[str] = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return [names[host]]

    text = """
def get(host):
    return status(f"GET http://{host}/ HTTP/1.1\\r\\n\\r\\n".encode())
print(json.dumps([get(place) for place in sys.argv[1:]]))
"""
    places = [f"{host}:{server.port}" for host in names] + ["index.example:80"]
    fetched = fetching(fetcher, text, policy, *places, resolver=resolver)
    assert printed(fetched) == [["200"], ["200"], ["403"], ["403"]]
    assert [host for host in asked if host in ("files.example", "next.example")] == [
        "files.example",
        "next.example",
    ]


def test_nothing_but_the_way_out_leads_out(fetcher: RunnerClient, server: Server) -> None:
    text = """
def attempt(host, port):
    try:
        socket.create_connection((host, port), 2).close()
        return "connected"
    except OSError as error:
        return "failed"
places = [("127.0.0.1", int(sys.argv[1])), ("169.254.169.254", 80), ("172.17.0.1", 80), ("8.8.8.8", 53)]
proxies = sorted(name for name, text in os.environ.items() if "example" in text or name == "NO_PROXY")
print(json.dumps([[attempt(*place) for place in places], proxies]))
"""
    environment = {
        "HTTPS_PROXY": "http://user:secret@proxy.example",
        "NO_PROXY": "*",
        "PIP_PROXY": "x.example",
    }
    request = RunRequest(("python3", "-c", PRELUDE + text, str(server.port)), timeout=60, env=environment)
    assert printed(run_fetching(fetcher, request, named(server.place))) == [["failed"] * 4, []]


def test_abuse_of_the_proxy_is_answered_and_serves_nothing(fetcher: RunnerClient, server: Server) -> None:
    text = """
place = sys.argv[1]
bad = [
    "nonsense", "", "GET / HTTP/1.1", "GET file:///etc/passwd HTTP/1.1", f"GET gopher://{place}/ HTTP/1.1",
    f"GET https://{place}/ HTTP/1.1", f"POST http://{place}/ HTTP/1.1", f"GET http://{place}/ HTTP/2.0",
    f"GET http://a@{place}/ HTTP/1.1", f"GET http://{place}/\\tx HTTP/1.1", f"GET  http://{place}/ HTTP/1.1",
    f"GET http://{place}/\\nX: y HTTP/1.1", f"GET http://{place}/ HTTP/1.1\\r\\nX: a\\nHost: b",
    f"GET http://{place}/ HTTP/1.1\\r\\nX: a\\rHost: b", f"GET http://{place}/ HTTP/1.1\\r\\n folded: x",
    f"GET http://{place}/ HTTP/1.1\\r\\nX : y", f"GET http://{place}/ HTTP/1.1\\r\\nX: \\0",
    f"CONNECT {place}/ HTTP/1.1", f"CONNECT http://{place} HTTP/1.1", "CONNECT 127.0.0.1 HTTP/1.1",
    "CONNECT 127.0.0.1:0 HTTP/1.1", "CONNECT 127.0.0.1:99999 HTTP/1.1", "CONNECT [::1%eth0]:80 HTTP/1.1",
    "CONNECT [:::::]:80 HTTP/1.1", f"CONNECT \\u0661:{port} HTTP/1.1",
    f"CONNECT {place} HTTP/1.1\\r\\n\\u00e9: x",
    f"GET http://{place}/ HTTP/1.1\\r\\n" + "X: y\\r\\n" * 20000, "A" * 200000,
]
answers = [status(head.encode() + b"\\r\\n\\r\\n") for head in bad]
smuggled = status((f"GET http://{place}/1 HTTP/1.1\\r\\n\\r\\n" * 2).encode())
more = "Content-Length: 9\\r\\nConnection: x\\r\\nA: b\\r\\n\\r\\n"
good = status(f"GET http://{place}/ok HTTP/1.1\\r\\n{more}".encode())
print(json.dumps([answers, smuggled, good]))
"""
    answers, smuggled, good = printed(fetching(fetcher, text, named(server.place), server.place))  # type: ignore[misc]
    assert {tuple(answer) for answer in answers} == {("400",)} and (smuggled, good) == (["400"], ["200"])
    assert server.seen == [("GET /ok HTTP/1.1", {"host": server.place, "a": "b", "connection": "close"})]


def test_many_and_slow_connections_end_and_others_still_work(fetcher: RunnerClient, server: Server) -> None:
    text = """
place = sys.argv[1]
def ended(there):
    try:
        return there.recv(1) == b""
    except ConnectionResetError:
        return True
silent = [say(b"GET ") for _ in range(300)]
ended = sum(map(ended, silent))
print(json.dumps([ended, status(f"GET http://{place}/ HTTP/1.1\\r\\n\\r\\n".encode())]))
"""
    limits = FetchLimits(head_seconds=2)
    fetched = fetching(fetcher, text, named(server.place), server.place, limits=limits)
    assert printed(fetched) == [300, ["200"]]


def test_a_connection_nobody_reads_holds_up_no_other(fetcher: RunnerClient, server: Server) -> None:
    text = """
place = sys.argv[1]
unread = [say(f"GET http://{place}/big HTTP/1.1\\r\\n\\r\\n".encode()) for _ in range(20)]
time.sleep(0.5)
size = len(urllib.request.urlopen(f"http://{place}/big").read())
print(json.dumps([size, status(f"GET http://{place}/ HTTP/1.1\\r\\n\\r\\n".encode())]), flush=True)
"""
    fetched = fetching(fetcher, text, named(server.place), server.place)
    assert printed(fetched) == [BIG, ["200"]]  # and the command ended with bytes on their way to it


def test_idle_connections_and_too_many_bytes_are_cut_off(fetcher: RunnerClient, server: Server) -> None:
    text = """
place = sys.argv[1]
tunnel = say(f"CONNECT {place} HTTP/1.1\\r\\n\\r\\n".encode())
greeting = tunnel.recv(100).decode()
silence = tunnel.recv(100).decode()
try:
    big = len(urllib.request.urlopen(f"http://{place}/big").read())
except Exception as error:
    big = type(error).__name__
print(json.dumps([greeting.split()[1], silence, big]))
"""
    limits = FetchLimits(max_bytes=2**20, idle_seconds=1)
    fetched = fetching(fetcher, text, named(server.place), server.place, limits=limits)
    assert printed(fetched) == ["200", "", "IncompleteRead"]
    assert fetched.refused == (f"fetch tried to move more than {2**20} bytes",)


def test_the_users_own_proxy_is_used_and_its_password_stays_here(
    fetcher: RunnerClient, server: Server
) -> None:
    text = """
def ask(line):
    with say(f"{line} HTTP/1.1\\r\\n\\r\\n".encode()) as there:
        return there.makefile("rb").read().decode().split()
lines = ["GET http://far.example/x", "CONNECT far.example:443", "CONNECT 10.0.0.1:443", "GET http://inside.example/"]
leaks = [name for name, value in os.environ.items() if "word" in value]
print(json.dumps([[(words[1], words[-1]) for words in map(ask, lines)], leaks]))
"""
    proxy = f"http://me:pass%20word@{server.place}"

    def resolver(host: str, port: int) -> list[str]:
        if host == "far.example":
            raise OSError("only the proxy knows it")
        return inside_names(host, port)

    policy = FetchPolicy(proxies={"https_proxy": proxy, "HTTP_PROXY": proxy})
    fetched = fetching(fetcher, text, policy, resolver=resolver)
    answers, leaks = printed(fetched)  # type: ignore[misc]
    assert answers[:2] == [["200", "hello"], ["200", "proxy"]] and leaks == []
    assert [answer[0] for answer in answers[2:]] == ["403", "403"]
    assert [line for line, _ in server.seen] == [
        "GET http://far.example:80/x HTTP/1.1",
        "CONNECT far.example:443 HTTP/1.1",
    ]
    assert {seen["proxy-authorization"] for _, seen in server.seen} == {"Basic bWU6cGFzcyB3b3Jk"}

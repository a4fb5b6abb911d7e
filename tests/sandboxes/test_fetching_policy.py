"""What the user's pip settings make of a fetch: named hosts, proxies, and what counts as public."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandboxes.fetch_policy import FetchPolicy, Upstream, fetch_policy, is_public
from sandboxes.interface import RunRequest, RunResult
from sandboxes.pip_settings import PipSettings, read_pip_settings
from sandboxes.scripted import ScriptedSandbox

HELP = b"""
  -i, --index-url <url>       Base URL of the index
                              (default
                              https://Index.Example/simple). This should point to
  --extra-index-url <url>     Extra URLs (default https://no.example)
"""


def pip_that_says(text: bytes) -> ScriptedSandbox:
    def answer(request: RunRequest) -> RunResult:
        assert "--help" in request.argv and not request.env.keys() & {"PIP_INDEX_URL", "PYTHONPATH"}
        return RunResult(0, text, b"", b"", 0.1)

    sandbox = ScriptedSandbox(answer)
    sandbox.start()
    return sandbox


@pytest.mark.parametrize(("text", "named"), [(HELP, {("index.example", 443)}), (b"something else", set())])
def test_without_an_index_in_the_settings_pip_names_its_own(text: bytes, named: set[tuple[str, int]]) -> None:
    assert fetch_policy(pip_that_says(text), PipSettings()).named == named


def test_hosts_of_the_settings_are_named_with_their_ports() -> None:
    variables = {
        "PIP_INDEX_URL": "https://user:word@Files.Example./simple",
        "PIP_EXTRA_INDEX_URL": "http://10.0.0.1:3141/a https://[FD00::0:1]/b not-an-address https://bad:port/",
        "PIP_FIND_LINKS": "https://links.example:8443/x",
        "PIP_TRUSTED_HOST": "old.example older.example:81",
        "PIP_PROXY": "http://proxy.example:3128",
    }
    sandbox = pip_that_says(HELP)
    policy = fetch_policy(sandbox, PipSettings(variables, b"certificates"))
    hosts = {("files.example", 443), ("10.0.0.1", 3141), ("fd00::1", 443), ("links.example", 8443)}
    assert policy.named == hosts | {("old.example", 80), ("old.example", 443), ("older.example", 81)}
    assert policy.ports == {80, 443, 3141, 8443, 81} and sandbox.requests == []
    assert (
        policy.proxies == {"PIP_PROXY": "http://proxy.example:3128"}
        and policy.certificates == b"certificates"
    )


def test_links_to_files_of_this_host_do_not_go_in(tmp_path: Path) -> None:
    links = "/opt/files ./here file:///opt/more https://links.example/x"
    found = read_pip_settings(
        {"HOME": str(tmp_path), "PIP_FIND_LINKS": links, "no_proxy": "a", "ALL_PROXY": "b"}
    )
    assert found.environment["PIP_FIND_LINKS"] == "https://links.example/x"
    assert (found.environment["no_proxy"], found.environment["ALL_PROXY"]) == ("a", "b")


@pytest.mark.parametrize(
    ("proxies", "found"),
    [
        ({}, None),
        ({"HTTP_PROXY": "http://p"}, None),
        ({"HTTPS_PROXY": "p:3128"}, Upstream("p", 3128, False, "")),
        ({"HTTPS_PROXY": "http://upper", "https_proxy": "https://lower"}, Upstream("lower", 443, True, "")),
        ({"all_proxy": "http://a%40b:c%3Ad@p"}, Upstream("p", 80, False, "Basic YUBiOmM6ZA==")),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "example"}, None),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "x, .deep.example:443"}, None),
        ({"ALL_PROXY": "http://p", "no_proxy": "deep.example:80"}, Upstream("p", 80, False, "")),
        ({"ALL_PROXY": "http://p", "no_proxy": "*"}, None),
        ({"ALL_PROXY": "http://p", "no_proxy": "eep.example,10.0.0.0/8"}, Upstream("p", 80, False, "")),
        ({"PIP_PROXY": "http://p", "NO_PROXY": "*"}, Upstream("p", 80, False, "")),
    ],
)
def test_the_proxy_is_the_one_pip_would_take(proxies: dict[str, str], found: Upstream | None) -> None:
    assert FetchPolicy(proxies=proxies).upstream("https", "files.deep.example", 443) == found


def test_addresses_are_exempt_by_network_and_other_proxies_are_told() -> None:
    policy = FetchPolicy(proxies={"HTTPS_PROXY": "socks5://p", "NO_PROXY": "10.0.0.0/8 fd00::/8"})
    assert (
        policy.upstream("https", "10.1.2.3", 443) is None and policy.upstream("https", "fd00::1", 443) is None
    )
    with pytest.raises(ValueError, match="not one of HTTP"):
        policy.upstream("https", "11.1.2.3", 443)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)

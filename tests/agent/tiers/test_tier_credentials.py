"""What a tier sends of keys: its own and no other, whatever the environment holds, and never in a message."""

from __future__ import annotations

import logging

import httpx2
import pytest
from servers import MessagesServer, Scripted, ScriptedServer
from vendors import FULL, KEY, PLAIN, VENDORS, ask, checked

from agent.errors import UsageError
from agent.redact import Redactor
from agent.sources import ModelTierSettings
from agent.task import ModelSettings
from agent.tiers.endpoint import BASE_URLS, endpoint_of, mended
from agent.tiers.models import PRESETS, key_of, model_settings, preset_tiers
from agent.tiers.pricing import PriceVector, Rates, StatedPrice
from agent.tiers.prompt import CallFailed, FailureKind

FOREIGN = {
    "OPENAI_API_KEY": "leak-openai-key",
    "OPENAI_ADMIN_KEY": "leak-admin-key",
    "OPENAI_ORG_ID": "leak-organisation",
    "OPENAI_PROJECT_ID": "leak-project",
    "OPENAI_BASE_URL": "http://127.0.0.1:1/leak",
    "OPENAI_WEBHOOK_SECRET": "leak-webhook",
    "ANTHROPIC_API_KEY": "leak-anthropic-key",
    "ANTHROPIC_AUTH_TOKEN": "leak-token",
    "ANTHROPIC_BASE_URL": "http://127.0.0.1:1/leak",
    "ANTHROPIC_WEBHOOK_SIGNING_KEY": "leak-webhook",
    "ANTHROPIC_ORGANIZATION_ID": "leak-organisation",
    "ANTHROPIC_WORKSPACE_ID": "leak-workspace",
    "ANTHROPIC_PROFILE": "leak-profile",
}
CUSTOM = """Authorization: Bearer leak-gateway
X-Api-Key: leak-gateway
X-Gateway: leak-gateway
Cookie: leak-gateway
Host: leak.example
Content-Length: 7
Accept-Encoding: gzip
OpenAI-Organization: leak-gateway
anthropic-beta: leak-gateway"""

SENT = {
    "host", "accept", "accept-encoding", "authorization", "connection", "content-length", "content-type",
    "user-agent", "x-api-key", "x-stainless-raw-response", "anthropic-version",
}  # fmt: skip


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in FOREIGN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", CUSTOM)
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", CUSTOM)


@pytest.mark.usefixtures("foreign")
@pytest.mark.parametrize("name", list(VENDORS))
def test_only_the_tiers_own_key_goes_out(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    serving, asking = VENDORS[name]
    with serving() as server:
        for key in (KEY, ""):
            client = asking("scripted-1", key, server.base_url)
            assert ask(server, client, Scripted("fine"), FULL).text == "fine"
            with pytest.raises(CallFailed):
                client.check(10)  # the listing is not there
            for request in (server.requests[0], server._server.log[-1][0]):
                headers = {header.lower(): value for header, value in request.headers.items()}
                assert headers.keys() <= SENT
                assert "leak" not in str(headers)
                assert headers.get("authorization") == (f"Bearer {KEY}" if key else None)
                assert headers.get("x-api-key") == (KEY if key and name == "messages" else None)
    assert KEY not in caplog.text


@pytest.mark.usefixtures("foreign")
@pytest.mark.parametrize(
    ("name", "url", "own"),
    [
        ("responses", BASE_URLS["openai"], True),
        ("chat", "https://eu.api.openai.com/v1/", True),
        ("responses", "http://api.openai.com/v1", False),
        ("responses", "https://api.openai.com.example/v1", False),
        ("chat", "https://evilapi.openai.com/v1", False),
    ],
)
def test_the_account_is_named_to_the_vendor_alone(
    name: str, url: str, own: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_CUSTOM_HEADERS")
    sent = sent_to(name, url)
    assert sent["authorization"] == f"Bearer {KEY}"
    named = {header: sent.get(header) for header in ("openai-organization", "openai-project")}
    assert set(named.values()) == ({"leak-organisation", "leak-project"} if own else {None})


@pytest.mark.parametrize("url", [BASE_URLS["anthropic"], f"{BASE_URLS['anthropic']}/"])
def test_anthropic_has_the_key_once(url: str) -> None:
    sent = sent_to("messages", url)
    assert sent["authorization"] == f"Bearer {KEY}"
    assert "x-api-key" not in sent
    assert "x-api-key" in sent_to("messages", "https://api.anthropic.com.example")


def sent_to(name: str, url: str) -> httpx2.Headers:
    """The headers of a request to an address, which is not sent."""
    client = VENDORS[name][1]("m", KEY, url)
    seen: list[httpx2.Request] = []

    def stopped(request: httpx2.Request) -> None:
        seen.append(request)
        raise httpx2.ConnectError("not here")

    sdk = client._connect()
    sdk._client.event_hooks["request"].append(stopped)
    client._sdk = sdk
    with pytest.raises(CallFailed, match="not here"):
        client.complete(PLAIN, 10)
    client.close()
    return seen[0].headers


def model_with(variable: str) -> ModelTierSettings:
    return ModelTierSettings(
        name="model", provider="compatible", model="m", base_url="http://localhost:1/v1",
        key_variable=variable, price=StatedPrice(prefill=1, decode=1),
    )  # fmt: skip


@pytest.mark.parametrize(
    "value", ["abc\ndef-inner", "abc\rdef-inner", "abc def-inner", "schlüssel-inner", "a\x07-inner"]
)
def test_a_key_that_is_none_is_refused_unseen(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", value)
    with pytest.raises(UsageError) as raised:
        key_of(model_settings(model_with("MY_KEY")))
    line = str(raised.value)
    assert "tier 'model': MY_KEY holds" in line
    assert line.isprintable()
    assert "inner" not in line


@pytest.mark.parametrize("value", ["the-key-1234\n", " the-key-1234\r\n", "\tthe-key-1234"])
def test_white_space_around_a_key_is_not_part_of_it(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", value)
    assert key_of(model_settings(model_with("MY_KEY"))) == "the-key-1234"
    assert Redactor({"MY_API_KEY": value})("it is the-key-1234.") == "it is [redacted]."


@pytest.mark.parametrize("value", ["", " \n"])
def test_a_key_of_nothing_is_not_set(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", value)
    with pytest.raises(UsageError, match="MY_KEY is not set"):
        key_of(model_settings(model_with("MY_KEY")))
    assert preset_tiers({"OPENAI_API_KEY": value}) == ()


@pytest.mark.parametrize("key", ["sk-a\r\nX-Evil: 1", "schlüssel", "a b"])
def test_nothing_is_asked_with_such_a_key(key: str) -> None:
    with MessagesServer() as server:
        client = VENDORS["messages"][1]("m", key, server.base_url)
        with pytest.raises(CallFailed, match="no key has"):
            client.check(5)
        assert not server.touched


@pytest.mark.parametrize("name", list(VENDORS))
def test_no_message_repeats_the_key(name: str) -> None:
    serving, asking = VENDORS[name]
    half = len(KEY) // 2
    said = [f"bad {KEY}", f"bad {KEY[:half]}\n{KEY[half:]} or {KEY}", f"{'x' * 150}{KEY}{'y' * 100}"]
    with serving() as server:
        for message in said:
            body = {"error": {"message": message, "type": "authentication_error"}}
            for scripted in (
                Scripted(status=401, error=body),
                Scripted(problem=body["error"], drop=0),
                Scripted(body=str(body).replace("'", '"').encode()),
                Scripted(body=f"<p>{message}".encode()),
                Scripted(body=message.encode()),
            ):
                failure_of(server, asking("m", KEY, server.base_url), scripted)


def failure_of(server: ScriptedServer, client: object, scripted: Scripted) -> None:
    server.play(scripted)
    with pytest.raises(CallFailed) as caught:
        client.complete(PLAIN, 10)  # type: ignore[attr-defined]
    checked(caught.value)


def test_an_answer_does_not_repeat_the_key() -> None:
    for name, (serving, asking) in VENDORS.items():
        with serving() as server:
            client = asking("m", KEY, server.base_url)
            assert ask(server, client, Scripted(f"it is {KEY}.")).text == "it is [redacted].", name
            short = asking("m", "none", server.base_url)
            assert ask(server, short, Scripted("return none")).text == "return none"


@pytest.mark.parametrize(
    ("variable", "url", "kind", "line"),
    [
        ("MY_KEY", "http://h:8000/v1/", "key", "compatible m at h:8000/v1: no; check MY_KEY"),
        ("", "http://h:8000/v1", "key", "compatible m at h:8000/v1: no; no key_variable is set"),
        ("MY_KEY", "https://h/v1?code=secret#x", "model", "compatible m at h/v1: no"),
        ("MY_KEY", "http://[::1/v1", "rate", "compatible m at [::1/v1: no"),
    ],
)
def test_where_and_with_which_key(variable: str, url: str, kind: FailureKind, line: str) -> None:
    model = ModelSettings(
        name="x", provider="compatible", model="m", base_url=url, key_variable=variable,
        price=PriceVector(Rates(0, 0, 0, 0, 0)), window=9_000, max_output=900,
    )  # fmt: skip
    assert f"{endpoint_of(model)}: {mended(model, kind, 'no')}" == line


def test_a_vendor_is_named_by_its_own_address() -> None:
    for tiers in PRESETS.values():
        for tier in tiers:
            host = {"openai": "api.openai.com/v1", "anthropic": "api.anthropic.com"}[tier.provider]
            assert endpoint_of(model_settings(tier)) == f"{tier.provider} {tier.model} at {host}"

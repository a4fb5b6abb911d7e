"""Models on the ladder: by themselves for a vendor's key, from settings, and as `agent tiers` shows them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from servers import ChatServer, MessagesServer

import agent.tiers
from agent.errors import UsageError
from agent.intake import settings_from
from agent.ladder import build, models_of, notes_on, reopened
from agent.settings import resolve
from agent.sources import ModelTierSettings, user_file
from agent.task import Settings
from agent.tiers.models import ability_by_price, model_settings
from agent.tiers.pricing import PriceVector, Rates, StatedPrice
from agent.tiers_cli import found_tiers, show_tiers
from policies.vocabulary import Check

URL = "http://127.0.0.1:1/v1"
KEY = "sk-ant-not-a-key-0123456789"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


def configure(text: str) -> None:
    user_file().parent.mkdir(parents=True, exist_ok=True)
    user_file().write_text(text)


def local(url: str, extra: str = "price = { prefill = 0, decode = 0 }") -> str:
    return tier("local", "compatible", "scripted-1", url) + extra + "\n"


def tier(name: str, provider: str, model: str, url: str = "") -> str:
    lines = [f'name = "{name}"', f'provider = "{provider}"', f'model = "{model}"']
    return "\n".join(["[[tiers]]", *lines, *([f'base_url = "{url}"'] if url else []), ""])


def recorded(folder: Path) -> Settings:
    resolved = resolve({}, None)
    tiers = build(resolved)
    return settings_from(resolved, folder, tiers, tests=(), junit=(), apply=False, branch="", patch_out="")


@pytest.mark.parametrize(
    ("keys", "names"),
    [
        ((), ["repair"]),
        (("ANTHROPIC_API_KEY",), ["repair", "haiku", "opus"]),
        (("OPENAI_API_KEY",), ["repair", "luna", "sol"]),
        (("ANTHROPIC_API_KEY", "OPENAI_API_KEY"), ["repair", "haiku", "luna", "opus", "sol"]),
    ],
)
def test_a_key_alone_brings_a_ladder_from_free_to_strong(
    keys: tuple[str, ...], names: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in keys:
        monkeypatch.setenv(name, KEY)
    settings = recorded(tmp_path)
    assert [tier.name for tier in settings.tiers] == names
    assert [model.name for model in settings.models] == names[1:]
    assert any(check.check is Check.REVIEW for check in settings.checks) == bool(keys)
    assert KEY not in settings.model_dump_json()
    dollars = [tier.dollars for tier in settings.tiers]
    assert dollars[0] == 0 and all(each > 0 for each in dollars[1:])


def test_settings_of_ones_own_replace_the_ladder_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    configure(local("http://127.0.0.1:1/v1"))
    assert resolve({}, None).tier_names == ("repair", "local")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (local("http://127.0.0.1:1/v1", ""), "price = {"),
        (local(URL, "price = { prefill = 1e308, decode = 0 }"), "prefill"),
        (local(URL, "price = { prefill = 0, decode = -1 }"), "decode"),
        (local(URL, "price = { prefill = 0, decode = 0, written = inf }"), "written"),
        (local(URL) + "context_window = 100_000_001\n", "window"),
        (local(URL) + "max_output = 100_000_001\n", "output"),
        (local(URL) + "timeout = 1e9\n", "timeout"),
        (local(URL) + "timeout = 0\n", "timeout"),
        (local(URL) + "ability = 1e300\n", "ability"),
        (local("ftp://127.0.0.1/v1"), "tier 'local': base_url: "),
        (local("http://user:secret@127.0.0.1/v1"), "tier 'local': base_url: "),
        (tier("x", "compatible", "m"), "base_url"),
        (tier("x", "openai", "gpt-none"), "gpt-none"),
        (tier("x", "anthropic", "claude-opus-5-5"), "ANTHROPIC_API_KEY"),
        (tier("x", "nobody", "m"), "tier 'x': provider: 'nobody' is none of 'scripted', 'openai'"),
        (tier("x", "openai", "gpt-6-luna") + 'key = "sk-1"\n', "tier 'x': key: no such setting"),
        (
            tier("x", "openai", "gpt-6-luna") + "context_windw = 9000\n",
            "config.toml: tier 'x': context_windw: no such setting; did you mean context_window?",
        ),
        (
            tier("x", "openai", "gpt-6-luna").replace("model =", "modle ="),
            "tier 'x': modle: no such setting; did you mean model?",
        ),
        (
            local("http://127.0.0.1:1/v1", "price = { prefill = 0, decode = 0, steps = [{ beyon = 1 }] }"),
            "tier 'local': price.steps.beyon: no such setting; did you mean beyond?",
        ),
        (
            local("http://127.0.0.1:1/v1", "price = { prefill = 0 }"),
            "tier 'local': price.decode: it is missing",
        ),
        (
            local("http://127.0.0.1:1/v1") + tier("x", "openai", "m").replace('name = "x"\n', ""),
            "config.toml: tier number 2: name: it is missing",
        ),
        (tier("X y", "openai", "m"), "tier 'X y': name: String should match pattern '^[a-z0-9]"),
    ],
)
def test_what_cannot_be_a_tier_is_one_clear_line(text: str, said: str) -> None:
    configure(text)
    with pytest.raises(UsageError) as error:
        build(resolve({}, None))
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert "secret" not in str(error.value)


def test_a_resumed_run_asks_a_mended_tier_at_the_same_price_or_none(tmp_path: Path) -> None:
    first = local("http://127.0.0.1:1/v1")
    configure(first)
    settings = recorded(tmp_path)
    assert models_of(reopened(settings)) == settings.models
    configure(local("http://127.0.0.1:2/v1").replace('model = "', 'model = "mended-'))
    [mended] = models_of(reopened(settings))
    assert (mended.base_url, mended.model[:7]) == ("http://127.0.0.1:2/v1", "mended-")
    configure(first.replace("decode = ", "decode = 1"))
    with pytest.raises(UsageError, match="another price"):
        reopened(settings)
    configure("")
    with pytest.raises(UsageError, match="no longer configured"):
        reopened(settings)


def test_dearer_models_are_expected_to_be_abler() -> None:
    def price(decode: float) -> PriceVector:
        return PriceVector(Rates(1, 1, 1, 1, decode))

    abilities = [ability_by_price(price(decode)) for decode in (0.0, 0.5, 5.0, 50.0)]
    assert abilities == sorted(abilities)
    assert len(set(abilities)) == 4


def test_defaults_follow_the_provider() -> None:
    known = model_settings(ModelTierSettings(name="x", provider="anthropic", model="claude-opus-5-5"))
    assert known.structured and not known.metrics
    assert known.key_variable == "ANTHROPIC_API_KEY"
    assert known.window == 1_000_000
    own = ModelTierSettings(
        name="x", provider="compatible", model="m", base_url="http://h/v1",
        price={"prefill": 0, "decode": 0}, context_window=8_000, max_output=9_000,
    )  # fmt: skip
    found = model_settings(own)
    assert (found.key_variable, found.structured, found.metrics) == ("", False, True)
    assert found.max_output == 4_000, "half of the window at most"


def test_every_setting_of_a_tier_is_documented() -> None:
    readme = Path(agent.tiers.__file__).with_name("README.md").read_text()
    rows = [
        line.split("|")[1] for line in readme.split("## Settings")[1].splitlines() if line.startswith("| `")
    ]
    listed = {name.strip(" `") for row in rows for name in row.split(",")}
    assert listed == {*ModelTierSettings.model_fields, *StatedPrice.model_fields}


@pytest.fixture(scope="module")
def chat() -> Iterator[ChatServer]:
    with ChatServer() as server:
        yield server


def test_tiers_are_shown_with_prices_and_health(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    chat.serve("/v1/models", '{"object": "list", "data": [{"id": "scripted-1", "object": "model"}]}')
    configure(local(chat.base_url) + local("http://127.0.0.1:1/v1").replace('"local"', '"down"'))
    found = found_tiers({}, check=True)
    health = {tier.name: tier.health for tier in found.tiers}
    assert health["repair"] == ""
    assert health["local"] == "ok"
    assert "no connection" in health["down"]
    console = Console(width=160, record=True, file=None, quiet=False)
    with console.capture() as shown:
        show_tiers(console, found)
    assert "compatible scripted-1" in shown.get()
    narrow = Console(width=80)
    with narrow.capture() as folded:
        show_tiers(narrow, found)
    table = folded.get().split("prices in dollars")[0]
    assert "…" not in table and all(len(line) <= 80 for line in table.splitlines())
    assert found_tiers({}, check=False).tiers[1].health == ""


def test_a_tier_without_its_key_is_listed_with_the_others(
    chat: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat.serve("/v1/models", '{"object": "list", "data": [{"id": "scripted-1", "object": "model"}]}')
    without = tier("strong", "anthropic", "claude-opus-5-5") + 'key_variable = "SOME_KEY"\n'
    configure(local(chat.base_url) + without)
    monkeypatch.delenv("SOME_KEY", raising=False)
    for check, others in ((True, "ok"), (False, "")):
        health = {tier.name: tier.health for tier in found_tiers({}, check=check).tiers}
        assert health == {"repair": "", "local": others, "strong": "SOME_KEY is not set"}
    with pytest.raises(UsageError, match="tier 'strong': SOME_KEY is not set; set it, or leave the tier out"):
        build(resolve({}, None))


def test_an_answer_longer_than_the_model_can_give_is_cut_and_said() -> None:
    free = "price = { prefill = 0, decode = 0 }\ncontext_window = 8000\n"
    said = "tier 'local': max_output = 4001 is cut to 4000, half of its context_window of 8000 tokens"
    for wished, notes in ((4_001, (said,)), (4_000, ())):
        configure(local("http://127.0.0.1:1/v1", f"{free}max_output = {wished}"))
        assert found_tiers({}, check=False).notes == notes
        resolved = resolve({}, None)
        tiers = build(resolved)
        assert notes_on(resolved, tiers) == notes
        (model,) = models_of(tiers)
        assert model.max_output == 4_000


def test_an_unknown_model_and_a_refused_key_show_before_anything_is_bought(
    chat: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat.serve("/v1/models", '{"object": "list", "data": [{"id": "scripted-1", "object": "model"}]}')
    with MessagesServer() as messages:
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        refused = tier("refused", "anthropic", "claude-opus-5-5", messages.base_url)
        configure(local(chat.base_url).replace('"scripted-1"', '"other"') + refused)
        health = {tier.name: tier.health for tier in found_tiers({}, check=True).tiers}
    assert "no such model; it has scripted-1" in health["local"]
    assert health["refused"] not in ("", "ok")
    assert KEY not in str(health)

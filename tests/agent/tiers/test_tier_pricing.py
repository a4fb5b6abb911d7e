"""Prices against genai-prices' own calculation, and what configuration states."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache

import pytest
from genai_prices import Usage as GenaiUsage
from genai_prices import calc_price
from genai_prices.data_snapshot import DataSnapshot, get_snapshot, set_custom_snapshot
from genai_prices.types import (
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    Provider,
    Tier,
    TieredPrices,
    TimeOfDateConstraint,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from agent.errors import UsageError
from agent.tiers.pricing import PriceVector, Rates, StatedPrice, Step, price_of
from agent.tiers.prompt import Usage

DAY = datetime(2026, 11, 21, 12, tzinfo=UTC)
COUNTS = st.integers(0, 500_000)
USAGES = st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)


@cache
def models() -> list[tuple[str, str]]:
    """Every model that has a price per token of text and is found again by its own name."""
    found = []
    for provider in get_snapshot().providers:
        for info in provider.models:
            try:
                price_of(provider.id, info.id, at=DAY)
            except UsageError:
                continue
            found.append((provider.id, info.id))
    return found


def theirs(provider: str, model: str, usage: Usage, at: datetime = DAY) -> float:
    told = GenaiUsage(
        input_tokens=usage.input,
        cache_read_tokens=usage.cached,
        cache_write_tokens=usage.written + usage.written_long,
        cache_write_1h_tokens=usage.written_long,
        output_tokens=usage.decode,
    )
    price = calc_price(told, model, provider_id=provider, genai_request_timestamp=at).total_price
    return float(price)


def depends_on_the_hour(provider: str, model: str) -> bool:
    _, info = get_snapshot().find_provider_model(model, None, provider, None)
    prices = info.prices if isinstance(info.prices, list) else [ConditionalPrice(prices=info.prices)]
    return any(isinstance(price.constraint, TimeOfDateConstraint) for price in prices)


def thinks_apart(provider: str, model: str) -> bool:
    _, info = get_snapshot().find_provider_model(model, None, provider, None)
    return getattr(info.get_prices(DAY), "output_reasoning_mtok", None) is not None


def test_most_models_are_priced() -> None:
    assert len(models()) > 1_500
    assert {provider for provider, _ in models()} >= {"openai", "anthropic", "google", "deepseek", "mistral"}


@settings(deadline=None, max_examples=400)
@given(st.data(), USAGES)
def test_dollars_are_those_of_genai_prices(data: st.DataObject, usage: Usage) -> None:
    provider, model = data.draw(st.sampled_from(models()))
    ours = price_of(provider, model, at=DAY).dollars(usage)
    if depends_on_the_hour(provider, model):
        hours = [theirs(provider, model, usage, DAY + timedelta(hours=hour)) for hour in range(24)]
        assert ours >= max(hours) * (1 - 1e-12)
    elif thinks_apart(provider, model):
        assert ours >= theirs(provider, model, usage) * (1 - 1e-12)
    else:
        assert ours == pytest.approx(theirs(provider, model, usage), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    "size", [0, 1, 99_999, 100_000, 100_001, 199_999, 200_001, 272_000, 272_001, 500_000]
)
def test_steps_begin_where_genai_prices_begins_them(size: int) -> None:
    usage = Usage(prefill=size // 2, cached=size - size // 2, decode=1_000)
    for provider, model in models():
        if provider in ("openai", "anthropic", "google"):
            ours = price_of(provider, model, at=DAY).dollars(usage)
            assert ours == pytest.approx(theirs(provider, model, usage), rel=1e-12, abs=1e-12), model


@settings(deadline=None, max_examples=400)
@given(st.data(), USAGES)
def test_worst_covers_every_bill(data: st.DataObject, usage: Usage) -> None:
    """Of requests that ask for no cache of an hour or more, as ours never do."""
    usage = replace(usage, written_long=0)
    provider, model = data.draw(st.sampled_from(models()))
    price = price_of(provider, model, at=DAY)
    assert price.dollars(usage) <= price.worst(usage.input, usage.decode) * (1 + 1e-12)
    assert price.dollars(usage) <= price.worst(usage.input + 7, usage.decode + 7) * (1 + 1e-12)


def test_the_worst_case_is_the_dearest_price_that_our_requests_can_meet() -> None:
    rates = {"prefill": 1.0, "cached": 0.1, "written": 1.25, "written_long": 2.0, "decode": 5.0}
    for dearest, price in (("written", 1.25), ("prefill", 3.0), ("cached", 4.0)):
        stated = StatedPrice.model_validate(rates | {dearest: price}).vector()
        assert stated.worst(1_000_000, 200_000) == pytest.approx(price + 1.0)


def test_a_dearest_hour_is_said() -> None:
    hourly = [(provider, model) for provider, model in models() if depends_on_the_hour(provider, model)]
    assert hourly
    assert all("dearest hour" in price_of(provider, model, at=DAY).source for provider, model in hourly)


def test_a_known_model() -> None:
    price = price_of("anthropic", "claude-haiku-4-5", at=DAY)
    assert price.rates == Rates(prefill=1.0, cached=0.1, written=1.25, written_long=2.0, decode=5.0)
    assert price.context_window == 200_000
    assert price.source.startswith("genai-prices 0.")


def test_a_model_with_a_step() -> None:
    price = price_of("openai", "gpt-6.1-sol", at=DAY)
    assert price.steps == (Step(272_000, Rates(4.0, 0.2, 5.0, 5.0, 15.0)),)
    assert price.worst(272_000, 1_000) == pytest.approx((272_000 * 2.5 + 1_000 * 10) / 1e6)
    assert price.worst(272_001, 1_000) == pytest.approx((272_001 * 5.0 + 1_000 * 15) / 1e6)


@pytest.mark.parametrize(
    ("provider", "model"),
    [("openai", "no-such-model"), ("ollama", "qwen"), ("openai", "tts-1"), ("perplexity", "sonar"), ("", "")],
)
def test_without_a_price_the_error_shows_how_to_state_one(provider: str, model: str) -> None:
    with pytest.raises(UsageError) as caught:
        price_of(provider, model)
    line = str(caught.value)
    assert f"'{model}'" in line
    assert "[[tiers]]" in line
    assert "price = { prefill = 2.0" in line
    assert "\n" not in line


@pytest.fixture
def odd_model() -> Iterator[None]:
    """A model priced in every way at once: two steps, reasoning dearer than the rest, writes by life."""
    prices = ModelPrice(
        input_mtok=TieredPrices(base=Decimal(1), tiers=[Tier(32_000, Decimal(2)), Tier(128_000, Decimal(4))]),
        cache_write_5m_mtok=Decimal(3),
        cache_write_1h_mtok=TieredPrices(base=Decimal(5), tiers=[Tier(64_000, Decimal(6))]),
        output_mtok=Decimal(7),
        output_reasoning_mtok=Decimal(9),
    )
    odd = ModelInfo(id="odd", match=ClauseEquals("odd"), prices=prices)
    provider = Provider(id="strange", name="Strange", api_pattern="https://strange", models=[odd])
    set_custom_snapshot(DataSnapshot(providers=[provider], from_auto_update=False))
    yield
    set_custom_snapshot(None)


def test_every_shape_of_price(odd_model: None) -> None:
    price = price_of("strange", "odd")
    assert price.rates == Rates(prefill=1.0, cached=1.0, written=3.0, written_long=5.0, decode=9.0)
    assert price.steps == (
        Step(32_000, Rates(2.0, 2.0, 3.0, 5.0, 9.0)),
        Step(64_000, Rates(2.0, 2.0, 3.0, 6.0, 9.0)),
        Step(128_000, Rates(4.0, 4.0, 3.0, 6.0, 9.0)),
    )


def test_a_stated_price_comes_first() -> None:
    stated = StatedPrice.model_validate(
        {"prefill": 2, "decode": 10, "cached": 0.2, "steps": [{"beyond": 1000, "prefill": 4, "decode": 15}]}
    )
    price = price_of("openai", "gpt-6.1-sol", stated)
    assert price == PriceVector(
        Rates(2.0, 0.2, 2.0, 2.0, 10.0), (Step(1000, Rates(4.0, 4.0, 4.0, 4.0, 15.0)),), "configuration", None
    )
    assert price.dollars(Usage(prefill=1000, decode=100)) == pytest.approx(0.003)
    assert price.dollars(Usage(prefill=1001, decode=100)) == pytest.approx((1001 * 4 + 100 * 15) / 1e6)


def test_a_model_of_your_own_may_cost_nothing() -> None:
    price = price_of("local", "qwen", StatedPrice(prefill=0, decode=0))
    assert price.worst(10**6, 10**6) == 0


@pytest.mark.parametrize(
    "wrong", [{"prefill": -1}, {"decode": float("inf")}, {"cashed": 1}, {"prefill": None}]
)
def test_a_stated_price_is_checked(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        StatedPrice.model_validate({"prefill": 1, "decode": 2} | wrong)


@settings(deadline=None)
@given(st.lists(st.integers(1, 10**6), max_size=3, unique=True), USAGES)
def test_steps_may_be_stated_in_any_order(thresholds: list[int], usage: Usage) -> None:
    assume(thresholds)
    steps = [{"beyond": beyond, "prefill": beyond, "decode": 1} for beyond in thresholds]
    price = StatedPrice.model_validate({"prefill": 0, "decode": 1, "steps": steps}).vector()
    passed = max((beyond for beyond in thresholds if usage.input > beyond), default=0)
    assert price.dollars(usage) == pytest.approx((passed * usage.input + usage.decode) / 1e6)


def test_genai_prices_is_not_loaded_before_it_is_needed() -> None:
    code = "import sys, agent.tiers.pricing; sys.exit('genai_prices' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

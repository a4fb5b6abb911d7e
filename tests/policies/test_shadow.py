"""Shadow prices against HiGHS and brute force, the allocation under them, and deadlines of many tasks."""

import heapq
import itertools
import math
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.shadow import dual, highs
from benchmarks.shadow import offers as invented
from policies.shadow import NOTHING, _Market, _within, allocate
from policies.shared import Offers, share
from policies.vocabulary import Gain, Limits, Prices, Quote

few = settings(max_examples=60, deadline=None)


@st.composite
def markets(draw, most_tasks=12, most_options=4):
    """worth, use, limits: continuous, or of small whole numbers (ties), or one task many times (all ties)."""
    tasks, options = draw(st.integers(1, most_tasks)), draw(st.integers(1, most_options))
    limits = draw(st.integers(1, 3))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    kind = draw(st.sampled_from(("continuous", "whole", "identical", "heavy")))
    if kind == "continuous":
        worth, use = random.uniform(-1, 5, (tasks, options)), random.random((tasks, options, limits))
    elif kind == "heavy":
        worth = random.lognormal(0, 2, (tasks, options))
        use = random.lognormal(0, 2, (tasks, options, limits))
    else:
        rows = 1 if kind == "identical" else tasks
        worth = np.repeat(random.integers(-2, 6, (rows, options)) * 1.0, tasks // rows, axis=0)
        use = np.repeat(random.integers(0, 4, (rows, options, limits)) * 1.0, tasks // rows, axis=0)
    if draw(st.booleans()):
        worth[random.random(worth.shape) < 0.2] = -math.inf
    part = np.array([draw(st.sampled_from((0.0, 0.1, 0.3, 0.6, 2.0))) for _ in range(limits)])
    bounds = use.max(axis=1).sum(axis=0) * part
    bounds[[draw(st.integers(0, 9)) == 0 for _ in range(limits)]] = math.inf
    return worth, use, bounds


def best_by_brute_force(worth, use, limits):
    """The best indivisible allocation, by trying all."""
    tasks, options = worth.shape
    best = 0.0
    for choice in itertools.product(range(-1, options), repeat=tasks):
        taken = [(task, option) for task, option in enumerate(choice) if option >= 0]
        used = sum((use[pair] for pair in taken), np.zeros(len(limits)))
        if (used <= limits * (1 + 1e-12)).all():
            best = max(best, sum(worth[pair] for pair in taken))
    return best


@few
@given(markets())
def test_the_duals_are_those_of_highs_up_to_degeneracy(market):
    ours, (value, duals) = allocate(*market), highs(*market)
    assert ours.bound == pytest.approx(value, rel=1e-9, abs=1e-9)
    assert ours.relaxed == pytest.approx(value, rel=1e-9, abs=1e-9)
    # Either pair of price vectors minimises g: where they differ, the optimum is degenerate.
    for prices in (np.array(ours.duals), duals):
        assert dual(prices, *market) == pytest.approx(value, rel=1e-6, abs=1e-6)


@few
@given(markets(40, 5))
def test_the_allocation_keeps_the_limits_and_the_gap_is_that_of_a_few_tasks(market):
    worth, use, limits = market
    ours = allocate(*market)
    taken = np.flatnonzero(ours.choice != NOTHING)
    used = use[taken, ours.choice[taken]].sum(axis=0)
    assert ours.used == pytest.approx(used, abs=1e-12)
    assert (used <= limits * (1 + 2e-12)).all()
    assert ours.value == pytest.approx(worth[taken, ours.choice[taken]].sum(), abs=1e-12)
    assert ours.divided <= len(limits)
    startable = np.where((use <= limits).all(axis=2), worth, 0.0).max(initial=0.0)
    assert ours.value <= ours.bound + 1e-9
    assert ours.gap <= len(limits) * startable + 1e-9


@few
@given(markets(), st.lists(st.sampled_from((0.5, 0.9, 1.0, 1.5)), min_size=3, max_size=3))
def test_duals_price_every_change_of_the_limits(market, factors):
    """W(L + ΔL) <= W(L) + μ·ΔL. So a wider limit with μ = 0 is worth nothing (complementary slackness), and a
    narrower one with μ > 0 loses at least that: it binds."""
    worth, use, limits = market
    ours = allocate(*market)
    duals = np.array(ours.duals)
    assert (duals >= 0).all()
    assert (duals[np.isinf(limits)] == 0).all()
    same_options = np.where((use <= limits).all(axis=2), worth, -np.inf)
    factor, bounded = np.array(factors[: len(limits)]), np.isfinite(limits)
    change = duals[bounded] @ (limits[bounded] * (factor - 1)[bounded])
    assert allocate(same_options, use, limits * factor).bound <= ours.bound + change + 1e-9 * (1 + ours.bound)


@few
@given(markets(4, 3))
def test_the_best_allocation_lies_between_value_and_bound(market):
    ours, best = allocate(*market), best_by_brute_force(*market)
    assert ours.value <= best + 1e-9
    assert best <= ours.bound + 1e-9


def test_by_hand():
    """Two dollars for three tasks of one dollar each: the dearest refused one sets the price."""
    ours = allocate(np.array([[5.0], [4.0], [3.0]]), np.ones((3, 1, 1)), [2.0])
    assert list(ours.choice) == [0, 0, NOTHING]
    assert (ours.bound, ours.value, ours.gap) == pytest.approx((9, 9, 0))
    assert 3 <= ours.duals[0] <= 4
    slack = allocate(np.array([[5.0], [4.0], [3.0]]), np.ones((3, 1, 1)), [3.5])
    assert slack.duals == (0.0,)
    assert slack.value == slack.bound == 12
    divided = allocate(np.array([[5.0], [4.0], [3.0]]), np.ones((3, 1, 1)), [2.5])
    assert (divided.duals[0], divided.bound, divided.value, divided.divided) == pytest.approx((3, 10.5, 9, 1))


def test_what_is_left_of_a_limit_goes_to_what_still_fits():
    """The second task is divided and does not fit whole; the third does."""
    ours = allocate(np.array([[10.0], [6.0], [1.0]]), np.array([[[6.0]], [[5.0]], [[2.0]]]), [8.0])
    assert list(ours.choice) == [0, NOTHING, 0]
    assert (ours.duals[0], ours.bound, ours.value) == pytest.approx((1.2, 12.4, 11))


def test_rounding_refuses_nothing_and_breaks_no_limit():
    """0.1 three times is 0.30000000000000004; what is more than rounding is dropped, least worthy first."""
    assert allocate(np.ones((3, 1)), np.full((3, 1, 1), 0.1), [0.3]).value == 3
    worth, use = np.array([[0.0, 5.0], [0.0, 3.0], [0.0, 4.0]]), np.array([[[0.0], [0.5]]] * 3)
    market = _Market(worth, use, np.array([1.0]))
    assert list(_within(market, np.array([1, 1, 1]), np.array([3.0]))) == [1, 0, 1]


def test_identical_tasks_share_two_limits_in_the_right_mix():
    """a takes (2, 1), b takes (1, 2): only half of each uses up both limits."""
    use = np.tile(np.array([[[2.0, 1.0], [1.0, 2.0]]]), (3000, 1, 1))
    ours = allocate(np.ones((3000, 2)), use, [1500.0, 1500.0])
    assert ours.bound == pytest.approx(1000)
    assert ours.duals == pytest.approx((1 / 3, 1 / 3))
    assert ours.value >= 998


def test_an_option_that_alone_breaks_a_limit_has_no_part_in_the_prices():
    worth, use = np.array([[1000.0], [5.0], [4.0]]), np.array([[[100.0]], [[1.0]], [[1.0]]])
    ours = allocate(worth, use, [10.0])
    assert list(ours.choice) == [NOTHING, 0, 0]
    assert ours.duals == (0.0,)


def test_nothing_to_share():
    for tasks, options, limits in ((0, 2, 2), (3, 0, 2), (3, 2, 0)):
        ours = allocate(np.ones((tasks, options)), np.ones((tasks, options, limits)), [1.0] * limits)
        assert ours.bound == ours.value == (tasks if options and not limits else 0)
    refused = allocate(np.full((2, 2), -1.0), np.zeros((2, 2, 1)), [0.0])
    assert (refused.bound, refused.value, list(refused.choice)) == (0, 0, [NOTHING, NOTHING])


def test_bad_inputs_are_refused():
    worth, use = np.ones((2, 3)), np.ones((2, 3, 1))
    for arguments, message in (
        ((worth, use, [1.0, 2.0]), "need worth"),
        ((np.where(worth > 0, math.nan, 0), use, [1.0]), "worth must"),
        ((worth * math.inf, use, [1.0]), "worth must"),
        ((worth, -use, [1.0]), "uses must"),
        ((worth, use * math.inf, [1.0]), "uses must"),
        ((worth, use, [-1.0]), "limits must"),
        ((worth, use, [math.nan]), "limits must"),
    ):
        with pytest.raises(ValueError, match=message):
            allocate(*arguments)
    with pytest.raises(ValueError, match="worker"):
        share(invented(2)[0], Prices(), Limits(), 0)


def shared_case(workers=4, tasks=300):
    """Tasks, prices, and limits that all bind."""
    offers, prices = invented(tasks, seed=7)
    dollars, seconds, loss = share(offers, prices, Limits(), workers).allocation.used
    return offers, prices, Limits(0.3 * dollars, 0.4 * seconds / workers, 0.5 * loss)


def test_only_working_uses_up_the_deadline_and_waiting_costs_latency():
    offers, prices, limits = shared_case()
    ours = share(offers, prices, limits, 4)
    mu = ours.allocation.duals[1]
    assert mu > 0
    assert (ours.working, ours.waiting) == (prices.latency + mu, prices.latency)
    assert ours.deadline == pytest.approx(4 * mu)
    # A second of waiting more in every option costs λ per task taken and moves no shadow price.
    slower = share(replace(offers, waiting=offers.waiting + 1e-6), prices, limits, 4)
    assert slower.allocation.duals == pytest.approx(ours.allocation.duals, rel=1e-3)
    taken = (ours.allocation.choice != NOTHING).sum()
    lost = (ours.allocation.bound - slower.allocation.bound) / 1e-6
    assert lost == pytest.approx(prices.latency * taken, rel=0.05)


def test_the_price_of_the_deadline_and_of_a_standstill_are_derivatives():
    offers, prices, limits = shared_case()
    ours, step = share(offers, prices, limits, 4), 1e-5
    sooner = share(offers, prices, replace(limits, seconds=limits.seconds - step), 4)
    assert (ours.allocation.bound - sooner.allocation.bound) / step == pytest.approx(ours.deadline, rel=1e-3)
    late = share(
        replace(offers, waiting=offers.waiting + step),
        prices,
        replace(limits, seconds=limits.seconds - step),
        4,
    )
    assert (ours.allocation.bound - late.allocation.bound) / step == pytest.approx(ours.standstill, rel=0.02)


def test_a_task_longer_than_the_deadline_is_not_started():
    one = np.ones((2, 1))
    waiting = np.array([[1.0], [100.0]])
    offers = Offers(9 * one, one, one, waiting, 0 * one, 0 * one)
    ours = share(offers, Prices(latency=0), Limits(seconds=50), 8)
    assert list(ours.allocation.choice) == [0, NOTHING]
    assert ours.ends_by == 2


@few
@given(st.integers(1, 4), st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=12))
def test_no_order_of_work_ends_later(workers, spans):
    """Tasks wait first, then work, and are started as they come whenever a worker is free."""
    working, waiting = (np.array(seconds, dtype=float)[:, None] for seconds in zip(*spans, strict=True))
    zero = np.zeros_like(working)
    ours = share(Offers(zero + 1, zero, working, waiting, zero, zero), Prices(latency=0), Limits(), workers)
    free, end = [0.0] * workers, 0.0
    for ready, seconds in sorted((wait, work) for work, wait in spans):
        done = max(heapq.heappop(free), ready) + seconds
        heapq.heappush(free, done)
        end = max(end, done)
    assert end <= ours.ends_by + 1e-9


def test_a_task_alone_under_the_raised_prices_chooses_as_all_together():
    """Every option as a quote: its net is that of all together, divided by 1 + μ_C."""
    offers, prices, limits = shared_case()
    offers = replace(offers, waiting=0 * offers.waiting)
    ours = share(offers, prices, limits, 4)
    assert min(ours.allocation.duals) > 0
    assert ours.dollar > 1 and ours.risk > prices.risk
    mu, choices = ours.allocation.duals, []
    for task in range(len(offers.gain)):
        row = [{f.name: float(getattr(offers, f.name)[task, o]) for f in fields(Offers)} for o in range(5)]
        nets = [
            Quote(
                gain=Gain(r["gain"] / ours.dollar, 0, 0, 0),  # in units of V, which is divided too
                dollars=r["dollars"],
                seconds=r["working"],
                loss=r["loss"],
                irreversible_loss=r["irreversible_loss"],
                attention=0,
                worst_dollars=0,
                worst_seconds=0,
                probability=0,
            ).net(ours.raised)
            for r in row
        ]
        net = offers.net(prices)[task]
        charged = mu[0] * offers.dollars[task] + mu[1] * offers.working[task] + mu[2] * offers.loss[task]
        assert np.array(nets) * ours.dollar == pytest.approx(net - charged, abs=1e-9)
        choices.append(int(np.argmax(nets)) if max(nets) > 0 else NOTHING)
    assert ours.raised.value == pytest.approx(prices.value / ours.dollar)
    assert (np.array(choices) != ours.allocation.choice).sum() <= 2 * len(
        mu
    )  # those divided, and what filled up

"""No sequence of reservations and bills breaks a limit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.ledger import Ledger, LimitExceeded
from policies.vocabulary import Bill, Limits

MONEY = st.integers(0, 300).map(lambda cents: cents / 100)


@given(
    limit=MONEY,
    steps=st.lists(st.tuples(MONEY, st.floats(0, 1), st.booleans()), max_size=30),
)
def test_money_never_exceeds_the_limit_in_any_interleaving(
    limit: float, steps: list[tuple[float, float, bool]]
) -> None:
    ledger = Ledger(Limits(dollars=limit), Bill())
    open_reservations: list[tuple[Bill, Bill]] = []
    billed = 0.0
    for worst, share, settle_first in steps:
        if settle_first and open_reservations:
            reserved, bill = open_reservations.pop(0)
            ledger.settle(reserved, bill)
            billed += bill.dollars
        try:
            ledger.reserve(Bill(worst))
        except LimitExceeded as refused:
            assert refused.limit == "dollars"
            assert worst > limit - ledger.spent.dollars - ledger.reserved.dollars
        else:
            open_reservations.append((Bill(worst), Bill(worst * share)))
    for reserved, bill in open_reservations:
        ledger.settle(reserved, bill)
        billed += bill.dollars
    assert ledger.spent.dollars == pytest.approx(billed)
    assert ledger.spent.dollars <= limit + 1e-9
    assert ledger.reserved.dollars == pytest.approx(0)


def test_a_bill_above_its_reservation_is_an_error() -> None:
    ledger = Ledger(Limits(dollars=5), Bill())
    ledger.reserve(Bill(1.0))
    with pytest.raises(ValueError, match=r"with \$1.0 reserved"):
        ledger.settle(Bill(1.0), Bill(1.5))


def test_each_limit_is_named() -> None:
    with pytest.raises(LimitExceeded, match="seconds"):
        Ledger(Limits(seconds=10), Bill(seconds=8)).reserve(Bill(seconds=3))
    with pytest.raises(LimitExceeded, match="loss"):
        Ledger(Limits(loss=0.1), Bill()).reserve(Bill(loss=0.2))

import pytest
from bus_line_split import drivers_needed, stages


def test_one_stage():
    assert stages([20, 30, 10], 60) == [[20, 30, 10]]


def test_several_stages():
    assert stages([20, 30, 40, 10, 60], 60) == [[20, 30], [40, 10], [60]]


def test_a_leg_too_long():
    with pytest.raises(ValueError):
        stages([70], 60)


def test_drivers():
    assert drivers_needed([60, 60, 60], 60) == 2
    assert drivers_needed([60, 60], 60) == 1
    assert drivers_needed([60] * 5, 60, shift_stages=1) == 5

"""`--what-if NAME=AMOUNT`: prices and limits in place of the recorded ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from agent import units
from agent.errors import UsageError
from agent.task import Settings

PRICES: dict[str, Callable[[str], float]] = {
    "value": units.money,
    "latency": units.rate,
    "risk": units.money,
    "irreversible": units.money,
}
LIMITS: dict[str, tuple[str, Callable[[str], float]]] = {
    "budget": ("dollars", units.money_limit),
    "deadline": ("seconds", units.duration_limit),
}
NAMES = (*PRICES, *LIMITS)


def other_settings(settings: Settings, assignments: Iterable[str]) -> Settings:
    """`settings` with what each `NAME=AMOUNT` says, in the units of the flags of `agent fix`; also
    `risk-price` for risk and so on. Raises UsageError."""
    prices, limits = settings.prices, settings.limits
    seen = set[str]()
    for assignment in assignments:
        name, equals, amount = assignment.partition("=")
        name = name.strip().lower().replace("_", "-").removesuffix("-price")
        if not equals or name not in NAMES:
            raise UsageError(f"--what-if '{assignment}': write NAME=AMOUNT, NAME one of {', '.join(NAMES)}")
        if name in seen:
            raise UsageError(f"--what-if {name} is given twice")
        seen.add(name)
        try:
            if name in PRICES:
                prices = replace(prices, **{name: PRICES[name](amount)})
            else:
                unit, parse = LIMITS[name]
                limits = replace(limits, **{unit: parse(amount)})
        except ValueError as error:
            raise UsageError(f"--what-if {name}: {error}") from None
    if limits.seconds <= 0:
        raise UsageError("--what-if deadline: 0 leaves no time for anything; name a duration such as 10m")
    other = settings.model_copy(update={"prices": prices, "limits": limits})
    return other.model_copy(update={"values": (), "value_caps": ()}) if "value" in seen else other

"""Which company owns which in the end, from a register of direct owners."""

from __future__ import annotations


def final_owner(company: str, owners: dict[str, str]) -> str:
    """Who stands at the top above a company; a company without an owner is its own."""
    if company not in owners:
        return company
    return final_owner(owners[company], owners)


def steps_to_top(company: str, owners: dict[str, str]) -> int:
    return 0 if company not in owners else 1 + steps_to_top(owners[company], owners)


def concerns(owners: dict[str, str]) -> dict[str, list[str]]:
    """Every company at the top, with all that it owns directly or not, by name."""
    owned: dict[str, list[str]] = {}
    for company in sorted(owners):
        owned.setdefault(final_owner(company, owners), []).append(company)
    return owned

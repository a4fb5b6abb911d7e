"""Who pays whom after a trip on which different people paid for all."""

from __future__ import annotations


def balances(expenses: list[tuple[str, int, list[str]]]) -> dict[str, int]:
    """Cents each gets back (positive) or owes: (who paid, how much, for whom). Odd cents go to the first."""
    result: dict[str, int] = {}
    for payer, amount, people in expenses:
        result[payer] = result.get(payer, 0) + amount
        share, odd = divmod(amount, len(people))
        for position, person in enumerate(people):
            result[person] = result.get(person, 0) - share - (1 if position < odd else 0)
    return result


def settle(expenses: list[tuple[str, int, list[str]]]) -> list[tuple[str, str, int]]:
    """Payments (from, to, cents): whoever owes most pays whoever gets most, until all is even."""
    open_sums = balances(expenses)
    payments: list[tuple[str, str, int]] = []
    while any(open_sums.values()):
        debtor = min(open_sums, key=lambda name: (open_sums[name], name))
        creditor = min(open_sums, key=lambda name: (-open_sums[name], name))
        amount = min(-open_sums[debtor], open_sums[creditor])
        open_sums[debtor] += amount
        open_sums[creditor] -= amount
        payments.append((debtor, creditor, amount))
    return payments

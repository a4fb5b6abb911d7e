"""A vote with ranked choices: who is last drops out, until somebody has more than half."""

from __future__ import annotations


def first_choices(ballots: list[list[str]]) -> dict[str, int]:
    votes: dict[str, int] = {name: 0 for ballot in ballots for name in ballot}
    for ballot in ballots:
        if ballot:
            votes[ballot[0]] += 1
    return votes


def winner(ballots: list[list[str]]) -> str | None:
    """The name elected, None without votes. Of several last ones, the last by name drops out."""
    votes = first_choices(ballots)
    if not votes:
        return None
    best = max(votes, key=lambda name: votes[name])
    if votes[best] * 2 > sum(votes.values()):
        return best
    fewest = min(votes.values())
    out = max(name for name, count in votes.items() if count == fewest)
    left = [[name for name in ballot if name != out] for ballot in ballots]
    return winner(left)


def turnout(ballots: list[list[str]], entitled: int) -> str:
    cast = sum(1 for ballot in ballots if ballot)
    return f"{cast / entitled:.0%}"

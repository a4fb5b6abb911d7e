"""Read a club's list of members and work out what each has to pay."""

from __future__ import annotations

from dataclasses import dataclass

YEARLY = 96


@dataclass(frozen=True)
class Member:
    name: str
    born: int
    joined: int


def read(text: str) -> list[Member]:
    """Members from lines "Name; born; joined"; empty lines and remarks (#) are passed over."""
    members: list[Member] = []
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        name, born, joined = (part.strip() for part in line.split(";"))
        members.append(Member(name=name, born=int(born), joined=int(joined)))
    return members


def fee(member: Member, year: int) -> int:
    """Half below 18; a tenth less from the tenth year of membership on."""
    amount = YEARLY // 2 if year - member.born < 18 else YEARLY
    if year - member.joined >= 10:
        amount -= amount // 10
    return amount


def income(text: str, year: int) -> int:
    return sum(fee(member, year) for member in read(text))

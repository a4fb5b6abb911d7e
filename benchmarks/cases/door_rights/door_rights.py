"""Which doors a badge opens, kept in the bits of one number."""

from __future__ import annotations

DOORS = ("gate", "office", "lab", "store", "roof")
BIT = {door: 1 << place for place, door in enumerate(DOORS)}


def grant(rights: int, *doors: str) -> int:
    for door in doors:
        rights |= BIT[door]
    return rights


def revoke(rights: int, *doors: str) -> int:
    for door in doors:
        rights &= ~BIT[door]
    return rights


def doors(rights: int) -> list[str]:
    return [door for door in DOORS if rights & BIT[door]]


def differences(before: int, after: int) -> list[str]:
    """What a change of rights adds (+) and takes away (-)."""
    changed = before ^ after
    return [("+" if after & BIT[door] else "-") + door for door in doors(changed)]

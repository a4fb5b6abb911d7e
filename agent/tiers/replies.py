"""A model's text read into what it says: candidates, asks, a plan's note, a review's verdict.

Nothing here raises, whatever the text: what cannot be used is a `problem` in one plain line, which costs what
it cost. Time is in proportion to the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from agent.tiers.changes import Candidate
from agent.tiers.found import MAX_ASKS, Ask, Found
from agent.tiers.reply_json import objects, read_reply
from agent.tiers.reply_text import read_text
from tools.plain import plain, plain_line

MAX_REPLY = 4_000_000
MAX_DIAGNOSIS = 800
MAX_NOTE = 800
MAX_REASON = 300
_SIGN = r"[\"'*`\s]{0,6}[:=][\"'*`\s]{0,6}"
_FLAG = re.compile(rf"\b(?:right|correct|verdict){_SIGN}(\w{{2,9}})", re.IGNORECASE)
_WORDS = {"true": True, "yes": True, "right": True, "correct": True}
_WORDS |= {"false": False, "no": False, "wrong": False, "incorrect": False}


@dataclass(frozen=True)
class Reply:
    """What a tier answered when it was asked for a patch. Untrusted. `problem`: why nothing of it can be
    used, "" when there is a candidate or an ask."""

    diagnosis: str
    candidates: tuple[Candidate, ...]
    asks: tuple[Ask, ...]
    problem: str = ""


@dataclass(frozen=True)
class Review:
    """A second tier's opinion of a candidate. `right`: None with a `problem`."""

    right: bool | None
    reason: str
    problem: str = ""


@dataclass(frozen=True)
class Plan:
    """A note of at most MAX_NOTE characters for later steps and for the person; "" with a `problem`."""

    note: str
    problem: str = ""


def parse_reply(text: str) -> Reply:
    """Read an answer to `act`: JSON as the schema has it, or plain text."""
    if problem := _unreadable(text):
        return Reply("", (), (), problem)
    found = Found()
    for version in _answers(text):
        found = read_reply(version) or Found()
        if not (found.candidates or found.asks):
            in_words = read_text(version)
            found = in_words if found == Found() or in_words.candidates or in_words.asks else found
        if found.candidates or found.asks:
            break
    problem = ""
    if not found.candidates and not found.asks:
        problem = found.problem or f"the reply holds no edit: {_beginning(text)}"
    return Reply(
        diagnosis=_paragraph(found.prose, MAX_DIAGNOSIS),
        candidates=tuple(dict.fromkeys(found.candidates)),
        asks=tuple(dict.fromkeys(found.asks))[:MAX_ASKS],
        problem=plain_line(problem),
    )


def parse_plan(text: str) -> Plan:
    """Read an answer to `plan`: JSON with a diagnosis and steps, or plain text."""
    if problem := _unreadable(text):
        return Plan("", problem)
    text = _answers(text)[0]
    for value in objects(text, ("diagnosis", "steps", "plan")):
        diagnosis, steps = value.get("diagnosis"), value.get("steps", value.get("plan"))
        listed = steps if isinstance(steps, list) else [steps]
        parts = [part.strip() for part in (diagnosis, *listed) if isinstance(part, str) and part.strip()]
        if parts:
            return Plan(_paragraph("\n".join(parts), MAX_NOTE))
    return Plan(_paragraph(text, MAX_NOTE))


def parse_review(text: str) -> Review:
    """Read an answer to `review`: JSON with right and reason, or plain text that names a verdict."""
    if problem := _unreadable(text):
        return Review(None, "", problem)
    text = _answers(text)[0]
    for value in objects(text, ("right", "reason")):
        if (review := _review(value)) is not None:
            return review
    flag = _FLAG.search(text)
    review = _review({"reason": text, "right": flag[1]}) if flag else None
    return review or Review(None, "", plain_line(f"the reply holds no verdict: {_beginning(text)}"))


def _review(value: Mapping[str, object]) -> Review | None:
    right, reason = value.get("right"), value.get("reason")
    if isinstance(right, str):
        right = _WORDS.get(right.strip().lower())
    if not isinstance(right, bool):
        return None
    return Review(right, _paragraph(reason if isinstance(reason, str) else "", MAX_REASON))


def _unreadable(text: str) -> str:
    if not text.strip():
        return "the reply is empty"
    return (
        f"the reply is longer than {MAX_REPLY // 1_000_000} million characters"
        if len(text) > MAX_REPLY
        else ""
    )


def _answers(text: str) -> list[str]:
    """The text after the reasoning that some servers leave in it, then the text as it is."""
    reasoning, mark, answer = text.partition("</think>")
    starts = reasoning.lstrip().startswith("<think>") or "<think>" not in reasoning
    return [answer, text] if mark and starts and answer.strip() else [text]


def _beginning(text: str) -> str:
    return f"'{plain_line(text, 120)}'"


def _paragraph(text: str, limit: int) -> str:
    """Plain text with its lines kept, without those that are empty."""
    lines = (" ".join(line.split()) for line in text[: 4 * limit].split("\n"))
    return plain("\n".join(line for line in lines if line), limit)

"""Sessions of Codex: `~/.codex/sessions/Y/M/D/rollout-*.jsonl`, lines of {timestamp, type, payload}.

What a model answered are `response_item` lines; the `token_count` event behind them ends its call. Such
events are also written anew with the same totals, so calls are told by the totals, which only grow.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from agent.audit.runs import Run, Source
from agent.foreign.calls import Call, ToolUse, only_model, steps_of
from agent.foreign.costs import Costs
from agent.foreign.fields import first_text, get, label, number, text, when
from agent.foreign.notes import Notes
from agent.foreign.reading import ForeignFile, Record
from agent.foreign.tokens import inclusive_usage
from agent.tiers.prompt import Usage
from agent.tiers.untrusted import one_line
from policies.vocabulary import Prices

_TYPES = frozenset({"session_meta", "turn_context", "response_item", "event_msg", "compacted"})
_CALLS = frozenset({"function_call", "custom_tool_call", "local_shell_call", "web_search_call"})
_OUTPUTS = frozenset({"function_call_output", "custom_tool_call_output"})
_COUNTS = (
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cache_write_input_tokens",
    "reasoning_output_tokens",
)
_MOST_TOTAL = 10**15
_EXIT = re.compile(r"(?:Exit code: |Process exited with code )(-?\d{1,10})\b")
_REPLAY_GAP = 1.0
"""Seconds. A fork writes its parent's history down without a pause of as much."""


class Codex:
    """Reads a session."""

    name: Source = "codex"
    expects = "lines with timestamp, type and payload, the first of type session_meta"
    words = (b'"session_meta"', b'"payload"')

    def recognises(self, head: Sequence[Record]) -> bool:
        """By the types of its lines."""
        return any(text(line, "type") in _TYPES and isinstance(line.get("payload"), dict) for line in head)

    def read(self, file: ForeignFile, prices: Prices) -> tuple[Run, ...]:
        """The session as one run."""
        notes = Notes()
        session = _Session(notes)
        for line in file.lines(notes):
            session.take(line)
        session.end_call()
        steps = tuple(steps_of(session.calls, Costs(notes), notes))
        notes.tell("a session does not say whether its outcome was right: the value it delivered is unknown")
        return (
            Run(
                source="codex",
                path=str(file.path),
                run_id=session.run_id or file.digest,
                agent=f"Codex {session.version}".strip(),
                steps=steps,
                prices=prices,
                model=only_model(steps),
                task=one_line(session.task),
                started=session.started,
                closed=session.closed,
                notes=notes.lines(),
            ),
        )


class _Session:
    """What the lines so far have told. `call`: what has been answered since the last call ended."""

    def __init__(self, notes: Notes) -> None:
        self.calls: list[Call] = []
        self.run_id = ""
        self.version = ""
        self.task = ""
        self.started: float | None = None
        self.closed = False
        self._notes = notes
        self._model = ""
        self._call: Call | None = None
        self._tools: dict[str, ToolUse] = {}
        self._totals: list[int] | None = None
        self._last: float | None = None
        self._forked: float | None = None
        self._copied_until: float | None = None

    def take(self, line: Record) -> None:
        """One more line."""
        kind, time = text(line, "type"), when(get(line, "timestamp"))
        payload = line.get("payload")
        if self._is_copy(time):
            self._take_copy(kind, payload, time)
        elif kind == "session_meta":
            self._take_meta(payload, time)
        elif kind == "turn_context":
            self.end_call()
            self._model = label(payload, "model") or self._model
        elif kind == "compacted":
            self._notes.tell("compactions of the context: {n}")
        elif kind == "response_item":
            self._take_item(payload, time)
        elif kind == "event_msg":
            self._take_event(payload, time)

    def end_call(self, usage: Usage | None = None, time: float | None = None) -> None:
        """What was answered is a call; without usage where nothing counted it."""
        if self._call is None and usage is None:
            return
        call = self._call or Call(self._model, asked=self._last)
        call.model = self._model
        call.usage = usage
        call.answered = call.answered if time is None else time
        self.calls.append(call)
        self._call = None
        ends = (self._last, call.answered, *(tool.ended for tool in call.tools))
        self._last = max((end for end in ends if end is not None), default=None)

    def _is_copy(self, time: float | None) -> bool:
        """Whether a line of a fork is its parent's: dated before the fork, or written with the first ones
        after it."""
        if self._forked is None or time is None:
            return self._forked is not None
        if time < self._forked:
            self._copied_until = self._forked
        elif self._copied_until is not None and time - self._copied_until >= _REPLAY_GAP:
            self._forked = None
        else:
            self._copied_until = time
        return self._forked is not None

    def _take_copy(self, kind: str, payload: object, time: float | None) -> None:
        """Of what its parent did, where the fork begins; its first turn may be among it."""
        self._last = self._last if time is None else time
        if kind == "turn_context":
            self._model = label(payload, "model") or self._model
        elif text(payload, "type") == "user_message":
            self.task = first_text(get(payload, "message"))
        elif text(payload, "type") == "token_count":
            self._totals = _totals(get(payload, "info", "total_token_usage")) or self._totals
            self._notes.tell("counts of tokens of the session it was forked from, and left out: {n}")

    def _take_meta(self, payload: object, time: float | None) -> None:
        if self.run_id:
            if label(payload, "id") != self.run_id and not self.calls:
                self._forked = self.started  # its parent's: what follows is its history
            return
        self.run_id = label(payload, "id")
        self.version = label(payload, "cli_version")
        self.started = self._last = when(get(payload, "timestamp")) or time
        spawned = text(payload, "source", "subagent", "thread_spawn", "parent_thread_id")
        if text(payload, "forked_from_id") or text(payload, "parent_thread_id") or spawned:
            self._forked = self.started

    def _take_item(self, payload: object, time: float | None) -> None:
        kind = text(payload, "type")
        if kind in _OUTPUTS:
            self._take_output(payload, time)
        elif kind == "message" and text(payload, "role") != "assistant":
            self.end_call()
            self._last = self._last if time is None else time
        elif kind in ("message", "reasoning") or kind in _CALLS:
            call = self._call = self._call or Call(self._model, asked=self._last)
            call.answered = call.answered if time is None else time
            if kind in _CALLS:
                tool = ToolUse.of(text(payload, "name") or kind, _arguments(payload))
                call.tools.append(tool)
                if tool.name == "spawn_agent":
                    self._notes.tell("sub-agents whose calls are in files of their own: {n}")
                self._tools.setdefault(text(payload, "call_id") or text(payload, "id"), tool)

    def _take_output(self, payload: object, time: float | None) -> None:
        tool = self._tools.get(text(payload, "call_id"))
        if tool is not None and tool.ended is None:
            tool.ended = time
            tool.failed = _failed(get(payload, "output"))
        self._last = self._last if time is None else time

    def _take_event(self, payload: object, time: float | None) -> None:
        kind = text(payload, "type")
        if kind == "token_count":
            self._count(get(payload, "info"), time)
        elif kind == "user_message":
            self.end_call()
            self.task = self.task or first_text(get(payload, "message"))
            self._last = self._last if time is None else time
            self.closed = False
        elif kind in ("task_complete", "turn_complete"):
            self.end_call()
            self.closed = True

    def _count(self, info: object, time: float | None) -> None:
        """The tokens of the call that ends here: by how much the totals have grown. Totals that stayed are
        another look at the same; ones that fell begin anew."""
        totals, last = _totals(get(info, "total_token_usage")), _totals(get(info, "last_token_usage"))
        if totals is None and last is None:
            return  # of rate limits alone
        if totals is None or self._totals is None or any(map(int.__lt__, totals, self._totals)):
            grown = last or totals
        else:
            grown = [now - before for now, before in zip(totals, self._totals, strict=True)]
        self._totals = totals or self._totals
        if grown is None or not any(grown):
            return
        if last is not None and grown != last:
            self._notes.tell("counts of tokens of more than one call, told as one: {n}")
        prompt, completion, cached, written, reasoning = grown
        self.end_call(inclusive_usage(prompt, completion, cached, written, reasoning), time)


def _totals(usage: object) -> list[int] | None:
    """The counts of an account, in the order of `_COUNTS`; None where it has none of input and output."""
    found = [number(get(usage, name)) for name in _COUNTS]
    if found[0] is None or found[1] is None:
        return None
    return [int(count) if count is not None and 0 <= count <= _MOST_TOTAL else 0 for count in found]


def _arguments(payload: object) -> object:
    """Of a call of a tool: JSON in a string, text for the tool, or an object."""
    if text(payload, "type") == "local_shell_call":
        return get(payload, "action")
    found = get(payload, "arguments") or get(payload, "input")
    if isinstance(found, str) and found.startswith("{"):
        try:
            return json.loads(found)
        except (ValueError, RecursionError):
            return None
    return found


def _failed(output: object) -> bool | None:
    """Whether a command failed, by the exit status in what it printed; None where that says none."""
    if not isinstance(output, str):
        output = first_text(output if isinstance(output, list) else get(output, "content"))
    if output.startswith("{"):
        try:
            status = number(get(json.loads(output[:100_000]), "metadata", "exit_code"))
        except (ValueError, RecursionError):
            return None
        return None if status is None else status != 0
    found = _EXIT.search(output[:500])
    return int(found[1]) != 0 if found else None

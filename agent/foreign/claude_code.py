"""Sessions of Claude Code: `~/.claude/projects/*/<session>.jsonl`, one JSON object a line.

A call of the API is several `assistant` lines with the same `message.id`, one for each block of its content,
each with the usage so far. Results of tools are `user` lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.audit.runs import Run, Source
from agent.foreign.calls import Call, ToolUse, only_model, steps_of
from agent.foreign.costs import Costs
from agent.foreign.fields import dollars, first_text, get, label, records, text, when
from agent.foreign.notes import Notes
from agent.foreign.reading import ForeignFile, Record
from agent.tiers.untrusted import count, one_line
from agent.tiers.usage import messages_usage
from policies.vocabulary import Prices

SYNTHETIC = "<synthetic>"
"""The model of messages that the client made itself, such as errors."""

_SUBAGENTS = frozenset({"Task", "Agent"})


class ClaudeCode:
    """Reads a session."""

    name: Source = "claude-code"
    expects = "lines with type, sessionId and message"
    words = (b'"sessionId"', b'"parentUuid"')

    def recognises(self, head: Sequence[Record]) -> bool:
        """By its lines of a session."""
        return any(text(line, "sessionId") and text(line, "type") for line in head)

    def read(self, file: ForeignFile, prices: Prices) -> tuple[Run, ...]:
        """The session as one run."""
        notes = Notes()
        session = _Session(notes)
        for line in file.lines(notes):
            session.take(line)
        session.note_gaps()
        calls = [told.finished(notes) for told in session.calls.values()]
        steps = tuple(steps_of(calls, Costs(notes), notes))
        notes.tell("a session does not say whether its outcome was right: the value it delivered is unknown")
        return (
            Run(
                source="claude-code",
                path=str(file.path),
                run_id=session.run_id,
                agent=f"Claude Code {session.version}".strip(),
                steps=steps,
                prices=prices,
                model=only_model(steps),
                task=one_line(session.task),
                started=session.started,
                closed=session.closed,
                notes=notes.lines(),
            ),
        )


@dataclass(slots=True)
class _Told:
    """A call, and every account of its usage. ended: the API said why it stopped."""

    call: Call
    usages: list[object] = field(default_factory=list)
    ended: bool = False

    def finished(self, notes: Notes) -> Call:
        """The call with its usage: of every count the largest, as it grows over the lines."""
        self.call.usage = messages_usage(*self.usages)
        if not self.ended and self.call.usage is not None:
            notes.tell("answers without an end, of whose output perhaps not all tokens are counted: {n}")
        self.call.listed = all(_is_listed(usage) for usage in self.usages)
        if any(count(get(usage, "server_tool_use", "web_search_requests")) for usage in self.usages):
            notes.tell("calls with web searches, which list prices leave out: {n}")
        return self.call


class _Session:
    """What the lines so far have told. `last`: the time of the last line in each chain: the session's own,
    and one for each sub-agent."""

    def __init__(self, notes: Notes) -> None:
        self.calls: dict[str, _Told] = {}
        self.version = ""
        self.task = ""
        self.started: float | None = None
        self.closed = False
        self._notes = notes
        self._id = ""
        self._agents: set[str] = set()
        self._own_lines = False
        self._tools: dict[str, ToolUse] = {}
        self._last: dict[str, float | None] = {}
        self._numbered = 0

    @property
    def run_id(self) -> str:
        """Of the session; of a sub-agent's own file, with the sub-agent's."""
        if not self._own_lines and len(self._agents) == 1:
            return f"{self._id}/{next(iter(self._agents))}"
        return self._id

    def take(self, line: Record) -> None:
        """One more line."""
        kind, time = text(line, "type"), when(get(line, "timestamp"))
        self._id = self._id or label(line, "sessionId")
        self.version = label(line, "version") or self.version
        if kind == "system" and text(line, "subtype") == "compact_boundary":
            self._notes.tell(
                "compactions of the context, whose calls of a model a session does not hold: {n}"
            )
        if kind not in ("user", "assistant"):
            return
        aside = get(line, "isSidechain") is True
        chain = label(line, "agentId") or ("sub-agent" if aside else "")
        if aside:
            self._agents.add(chain)
        else:
            self._own_lines = True
        if self.started is None:
            self.started = time
        if kind == "user":
            self._take_input(line, time)
        elif not self._take_answer(line, time, chain):
            return
        if time is not None:
            self._last[chain] = time
        if not aside:
            self.closed = kind == "assistant" and text(line, "message", "stop_reason") == "end_turn"

    def note_gaps(self) -> None:
        """Of the whole session."""
        started = sum(tool.name in _SUBAGENTS for tool in self._tools.values())
        if started and not self._agents:
            self._notes.tell("sub-agents whose calls are in files of their own: {n}", started)

    def _take_input(self, line: Record, time: float | None) -> None:
        content = get(line, "message", "content")
        results = [
            block for block in records(line, "message", "content") if block.get("type") == "tool_result"
        ]
        for block in results:
            tool = self._tools.get(text(block, "tool_use_id"))
            if tool is not None and tool.ended is None:
                tool.failed = block.get("is_error") is True
                if tool.name not in _SUBAGENTS or not self._agents:  # whose steps take that time
                    tool.ended = time
        if not results and not self.task and get(line, "isMeta") is not True:
            self.task = first_text(content)

    def _take_answer(self, line: Record, time: float | None, chain: str) -> bool:
        """Whether it was one of a model."""
        model = label(line, "message", "model")
        if model == SYNTHETIC or get(line, "isApiErrorMessage") is True:
            self._notes.tell("messages made by the client, not by a model, and left out: {n}")
            return False
        self._numbered += 1
        key = (
            text(line, "message", "id")
            or text(line, "requestId")
            or text(line, "uuid")
            or f"#{self._numbered}"
        )
        told = self.calls.get(key)
        if told is None:
            told = self.calls[key] = _Told(Call(model, asked=self._last.get(chain)))
        call, usage = told.call, get(line, "message", "usage")
        call.model = call.model or model
        if usage is not None and usage not in told.usages[-1:]:
            told.usages.append(usage)
        recorded = dollars(get(line, "costUSD"))
        call.recorded = call.recorded if recorded is None else recorded
        if time is not None:
            call.answered = max(time, call.answered or time)
        told.ended = told.ended or bool(text(line, "message", "stop_reason"))
        for block in records(line, "message", "content"):
            use = text(block, "id")
            if block.get("type") == "tool_use" and use not in self._tools:
                tool = ToolUse.of(text(block, "name"), block.get("input"))
                self._tools[use] = tool
                call.tools.append(tool)
        return True


def _is_listed(usage: object) -> bool:
    """Whether a call was made as list prices have it: in the fast mode, as a batch or with priority the same
    tokens cost something else."""
    return all(text(usage, mode) in ("", "standard") for mode in ("service_tier", "speed"))

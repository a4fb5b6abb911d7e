"""Trajectories of mini-swe-agent: one JSON document with `info`, `messages` and `trajectory_format`.

From format 1.1 on, what concerns a message is in its `extra`: of an answer the response, its cost, a time and
the commands; of an observation its exit status and a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agent.audit.runs import Run, Source
from agent.foreign.calls import Call, ToolUse, adds_up, only_model, rest_step, steps_of
from agent.foreign.costs import Costs
from agent.foreign.fields import dollars, first_text, get, label, number, records, text, when
from agent.foreign.notes import Notes
from agent.foreign.reading import ForeignFile, Record
from agent.foreign.tokens import response_usage
from agent.tiers.untrusted import count, one_line, words
from policies.vocabulary import UNLIMITED, Limits, Outcome, Prices

_FORMAT = "mini-swe-agent-1"
_FENCES = ("```mswea_bash_command\n", "```bash\n")
_OUTCOMES = {
    "LimitsExceeded": Outcome.LIMIT,
    "TimeExceeded": Outcome.LIMIT,
    "UserInterruption": Outcome.INTERRUPTED,
    "KeyboardInterrupt": Outcome.INTERRUPTED,
}
"""Exit statuses that say how a run ended. "Submitted" says only that the agent held it for done."""


class MiniSweAgent:
    """Reads a trajectory."""

    name: Source = "mini-swe-agent"
    expects = "one JSON object with info, messages and trajectory_format mini-swe-agent-1…"
    words = (b'"info"', b'"mini_version"')

    def recognises(self, head: Sequence[Record]) -> bool:
        """By the name of its format."""
        return len(head) == 1 and text(head[0], "trajectory_format").startswith(_FORMAT)

    def read(self, file: ForeignFile, prices: Prices) -> tuple[Run, ...]:
        """The trajectory as one run."""
        notes = Notes()
        document = file.document
        info = document.get("info")
        model = label(info, "config", "model", "model_name")
        messages = records(document, "messages")
        calls, started = _calls(messages, model)
        steps = tuple(steps_of(calls, Costs(notes), notes))
        total = dollars(get(info, "model_stats", "instance_cost"))
        steps += rest_step(steps, total, model, notes)
        made = count(get(info, "model_stats", "api_calls"))
        if made is not None and made > len(calls):
            notes.tell("calls of a model whose answers are not in the file: {n}", made - len(calls))
        status = label(info, "exit_status")
        if status == "Submitted":
            notes.tell("'Submitted' means that the agent held it for done; nobody says whether it is right")
        else:
            notes.tell("nobody says whether what it came to is right")
        return (
            Run(
                source="mini-swe-agent",
                path=str(file.path),
                run_id=file.digest,
                agent=f"mini-swe-agent {label(info, 'mini_version')}".strip(),
                steps=steps,
                prices=prices,
                model=model or only_model(steps),
                task=one_line(_task(messages)),
                started=started,
                limits=_limits(get(info, "config", "agent")),
                outcome=_OUTCOMES.get(status),
                explanation=status,
                closed=bool(status),
                whole=adds_up(steps, total),
                notes=notes.lines(),
            ),
        )


def _calls(messages: list[Record], model: str) -> tuple[list[Call], float | None]:
    """The answers among the messages, with their commands and how those ended; the first time."""
    calls: list[Call] = []
    waiting: Iterator[ToolUse] = iter(())
    by_id: dict[str, ToolUse] = {}
    last = first = None
    for message in messages:
        time = when(get(message, "extra", "timestamp"))
        first = time if first is None else first
        if _is_answer(message):
            call = _call(message, model)
            call.asked, call.answered = last, time
            calls.append(call)
            waiting = iter(call.tools)
            ids = (text(action, "tool_call_id") for action in records(message, "extra", "actions"))
            by_id = dict(zip(ids, call.tools, strict=False))
        elif (status := number(get(message, "extra", "returncode"))) is not None:
            tool = by_id.get(text(message, "tool_call_id") or text(message, "call_id"))
            tool = tool or next((each for each in waiting if each.failed is None), None)
            if tool is not None:
                tool.ended, tool.failed = time, status != 0
        last = last if time is None else time
    return calls, first


def _is_answer(message: Record) -> bool:
    """A model's: as a message, as a response of OpenAI's Responses, or kept with what says that it holds no
    command."""
    return (
        text(message, "role") == "assistant"
        or text(message, "object") == "response"
        or get(message, "extra", "response") is not None
    )


def _call(message: Record, model: str) -> Call:
    response = message if text(message, "object") == "response" else get(message, "extra", "response")
    unusable = text(message, "extra", "interrupt_type") == "FormatError"
    actions = records(message, "extra", "actions")
    commands = [text(action, "command") for action in actions] or _fenced(words(message.get("content")))
    return Call(
        model=model or label(response, "model"),
        usage=response_usage(get(response, "usage")),
        recorded=dollars(get(message, "extra", "cost")),
        failure="malformed" if unusable else "",
        tools=[] if unusable else [ToolUse.of("bash", command) for command in commands],
    )


def _fenced(content: str) -> list[str]:
    """The command in an answer of format 1.0, which keeps it nowhere else."""
    for fence in _FENCES:
        _, found, rest = content.partition(fence)
        if found:
            return [rest.partition("\n```")[0]]
    return []


def _task(messages: list[Record]) -> str:
    return next((first_text(each.get("content")) for each in messages if each.get("role") == "user"), "")


def _limits(agent: object) -> Limits | None:
    """Limits of the run; 0 stands for none."""
    cost, seconds = dollars(get(agent, "cost_limit")), number(get(agent, "wall_time_limit_seconds"))
    if cost is None and seconds is None:
        return None
    return Limits(dollars=cost or UNLIMITED, seconds=seconds if seconds and seconds > 0 else UNLIMITED)

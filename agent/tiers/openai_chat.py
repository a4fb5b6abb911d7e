"""OpenAI's Chat Completions, as self-hosted servers speak it (vLLM, llama.cpp, Ollama), over OpenAI's SDK.

Import this module only where it is used: the SDK takes a while.
"""

from __future__ import annotations

from typing import Any

import httpx2
import openai

from agent.tiers.answer import Answer
from agent.tiers.prompt import CallFailed, Prompt, Stop
from agent.tiers.untrusted import items, one_line, part, words
from agent.tiers.usage import chat_usage
from agent.tiers.wire import NO_KEY, OPENAI, OPENAI_HEADERS, Streaming, StreamingClient, joined, schema_of

_STOPS: dict[str, Stop] = {"stop": "end", "length": "length", "content_filter": "refusal"}


class OpenAIChat(StreamingClient[openai.OpenAI]):
    """A model at a server of one's own. Its prompt cache, if it has one, needs no marks: it holds the longest
    common beginning.

    structured: the server can hold a reply to a schema. completion_tokens: it bounds the output by
    `max_completion_tokens`, as OpenAI does, and not by `max_tokens`."""

    protocol = "Chat Completions"
    vendor, vendor_headers = OPENAI, OPENAI_HEADERS

    def __init__(
        self,
        model: str,
        key: str,
        base_url: str,
        *,
        structured: bool = False,
        completion_tokens: bool = False,
    ) -> None:
        super().__init__(model, key, base_url)
        self._structured = structured
        self._bound_name = "max_completion_tokens" if completion_tokens else "max_tokens"

    def _connect(self) -> openai.OpenAI:
        return openai.OpenAI(
            api_key=NO_KEY,
            base_url=self.base_url,
            max_retries=0,
            http_client=openai.DefaultHttpxClient(**self._http_options),
        )

    def _look_up(self, sdk: openai.OpenAI, timeout: float) -> httpx2.Response:
        """Servers of one's own list their models; a name in a path may have slashes they do not expect."""
        return sdk.models.with_raw_response.list(timeout=timeout).http_response

    def _check_found(self, found: object) -> bool:
        listed = part(found, "data")
        known = [words(part(model, "id")) for model in items(listed)]
        if known and self.model not in known:
            shown = one_line(", ".join(known[:5]), secret=self._key)
            raise CallFailed("model", f"the server has no such model; it has {shown}", maybe_billed=False)
        # Ollama's list is null where it is empty.
        return isinstance(listed, list) or part(found, "object") == "list"

    def _ask(self, sdk: openai.OpenAI, prompt: Prompt, timeout: httpx2.Timeout) -> Streaming:
        create = sdk.chat.completions.with_raw_response.create
        raw = create(**self._body(prompt), stream=True, timeout=timeout)
        return raw.parse(to=openai.Stream[object])

    def _body(self, prompt: Prompt) -> dict[str, Any]:
        messages = [{"role": "user", "content": joined((*prompt.stable, prompt.fresh))}]
        if prompt.system.strip():
            messages.insert(0, {"role": "system", "content": prompt.system})
        body: dict[str, Any] = {
            "model": self.model,
            "messages": messages,
            self._bound_name: prompt.max_output,
            "stream_options": {"include_usage": True},
        }
        if prompt.effort:
            body["reasoning_effort"] = prompt.effort
        if prompt.schema is not None and self._structured:
            held = {"name": prompt.schema.name, "schema": schema_of(prompt), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": held}
        return body

    def _read(self, event: object, answer: Answer) -> None:
        answer.model = answer.model or words(part(event, "model"))
        answer.identity = answer.identity or words(part(event, "id"))
        answer.usage = chat_usage(part(event, "usage")) or answer.usage
        for choice in items(part(event, "choices"))[:1]:
            delta = part(choice, "delta") or part(choice, "message")
            # Servers name what is thought aloud differently; it is not part of the reply.
            if any(part(delta, name) for name in ("reasoning", "reasoning_content")):
                answer.began()
            if any(part(delta, name) for name in ("tool_calls", "function_call")):
                answer.called = True
                answer.began()
            answer.write(part(delta, "content"))
            refusal = part(delta, "refusal")
            answer.write(refusal)
            reason = words(part(choice, "finish_reason"))
            if reason or refusal:
                answer.complete = answer.complete or bool(reason)
                refused = answer.stop == "refusal" or bool(refusal)
                answer.stop = "refusal" if refused else _STOPS.get(reason, "other")

    def _read_whole(self, body: object, answer: Answer) -> None:
        if any(part(choice, "message") for choice in items(part(body, "choices"))):
            self._read(body, answer)
            answer.complete = True

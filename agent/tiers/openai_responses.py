"""OpenAI's Responses API over its SDK. Import this module only where it is used: the SDK takes a while."""

from __future__ import annotations

from typing import Any

import httpx2
import openai

from agent.tiers.answer import Answer
from agent.tiers.endpoint import BASE_URLS
from agent.tiers.failures import reported
from agent.tiers.prompt import CallFailed, Prompt, Stop
from agent.tiers.untrusted import items, part, words
from agent.tiers.usage import responses_usage
from agent.tiers.wire import NO_KEY, OPENAI, OPENAI_HEADERS, Streaming, StreamingClient, blocks, schema_of

_CUT_SHORT: dict[str, Stop] = {"max_output_tokens": "length", "content_filter": "refusal"}
_MOST_CACHE_KEY = 64  # characters, OpenAI's limit


class OpenAIResponses(StreamingClient[openai.OpenAI]):
    """A model at OpenAI. Nothing is stored there, and no request builds on an earlier one.

    breakpoints: for models that charge for writing to their cache (GPT-5.6 and later). By default such a
    model writes the whole prompt, and finds it again only if the next one begins with all of it, which what
    is fresh prevents; so the ends of the stable blocks are marked instead, and the rest is not written.
    Earlier models find the longest common beginning by themselves and know no marks."""

    protocol = "Responses"
    vendor, vendor_headers = OPENAI, OPENAI_HEADERS

    def __init__(
        self, model: str, key: str, base_url: str = BASE_URLS["openai"], *, breakpoints: bool = False
    ) -> None:
        super().__init__(model, key, base_url)
        self._breakpoints = breakpoints

    def _connect(self) -> openai.OpenAI:
        return openai.OpenAI(
            api_key=NO_KEY,
            base_url=self.base_url,
            max_retries=0,
            http_client=openai.DefaultHttpxClient(**self._http_options),
        )

    def _look_up(self, sdk: openai.OpenAI, timeout: float) -> httpx2.Response:
        return sdk.models.with_raw_response.retrieve(self.model, timeout=timeout).http_response

    def _ask(self, sdk: openai.OpenAI, prompt: Prompt, timeout: httpx2.Timeout) -> Streaming:
        raw = sdk.responses.with_raw_response.create(**self._body(prompt), stream=True, timeout=timeout)
        return raw.parse(to=openai.Stream[object])

    def _body(self, prompt: Prompt) -> dict[str, Any]:
        stable, fresh = blocks(prompt)
        content: list[dict[str, Any]] = [{"type": "input_text", "text": text} for text in stable]
        if self._breakpoints:
            for block in content:
                block["prompt_cache_breakpoint"] = {"mode": "explicit"}
        if fresh.strip():
            content.append({"type": "input_text", "text": fresh})
        body: dict[str, Any] = {
            "model": self.model,
            "input": [{"type": "message", "role": "user", "content": content}],
            "max_output_tokens": prompt.max_output,
            "store": False,
            # A project's own default may be a faster tier at twice the price that was quoted.
            "service_tier": "default",
        }
        if prompt.system.strip():
            body["instructions"] = prompt.system
        if self._breakpoints:
            body["prompt_cache_options"] = {"mode": "explicit"}
        if prompt.cache_key:
            body["prompt_cache_key"] = prompt.cache_key[:_MOST_CACHE_KEY]
        if prompt.effort:
            body["reasoning"] = {"effort": prompt.effort}
        if prompt.schema is not None:
            body["text"] = {
                "format": {
                    "type": "json_schema",
                    "name": prompt.schema.name,
                    "schema": schema_of(prompt),
                    "strict": True,
                }
            }
        return body

    def _read(self, event: object, answer: Answer) -> None:
        kind = words(part(event, "type"))
        if kind == "error":
            raise self._reported(part(event, "error") or event, answer)
        if kind.endswith(".delta"):
            answer.began()
        match kind:
            case "response.output_item.added":
                answer.working = True
            case "response.output_text.delta":
                answer.write(part(event, "delta"))
            case "response.refusal.delta":
                answer.stop = "refusal"
                answer.write(part(event, "delta"))
            case "response.completed" | "response.incomplete" | "response.failed":
                self._end(part(event, "response"), kind, answer)

    def _read_whole(self, body: object, answer: Answer) -> None:
        status = words(part(body, "status"))
        if part(body, "object") == "response" and status in ("completed", "incomplete", "failed"):
            self._end(body, f"response.{status}", answer)

    def _end(self, response: object, kind: str, answer: Answer) -> None:
        answer.usage = responses_usage(part(response, "usage"))
        answer.model = words(part(response, "model"))
        answer.identity = words(part(response, "id"))
        if kind == "response.failed":
            raise self._reported(part(response, "error"), answer)
        calls = [part(item, "type") for item in items(part(response, "output"))]
        answer.called = any(words(kind).endswith("_call") for kind in calls)
        final = _final_text(response)
        if final:
            answer.rewrite(final)
        answer.complete = True
        if answer.stop is None and kind == "response.completed":
            answer.stop = "end"
        elif answer.stop is None:
            reason = words(part(response, "incomplete_details", "reason"))
            answer.stop = _CUT_SHORT.get(reason, "other")

    def _reported(self, problem: object, answer: Answer) -> CallFailed:
        return reported(problem, key=self._key, worked_on=answer.worked_on, usage=answer.usage)


def _final_text(response: object) -> str:
    """The text of the final message; what was said on the way to it ("commentary") is left out."""
    messages = [item for item in items(part(response, "output")) if part(item, "type") == "message"]
    final = [message for message in messages if part(message, "phase") != "commentary"]
    pieces = [piece for message in final for piece in items(part(message, "content"))]
    return "".join(words(part(piece, "text")) or words(part(piece, "refusal")) for piece in pieces)

"""Anthropic's Messages API over its SDK. Import this module only where it is used: the SDK takes a while."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx2

from agent.tiers.answer import Answer
from agent.tiers.endpoint import BASE_URLS
from agent.tiers.failures import reported
from agent.tiers.prompt import Prompt, Stop
from agent.tiers.untrusted import items, part, words
from agent.tiers.usage import messages_usage
from agent.tiers.wire import NO_KEY, Streaming, StreamingClient, blocks, schema_of

_STOPS: dict[str, Stop] = {
    "end_turn": "end",
    "stop_sequence": "end",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}
_HELD = {"type": "ephemeral"}  # for five minutes; each use renews it


class AnthropicMessages(StreamingClient[anthropic.Anthropic]):
    """A model at Anthropic, or at a server that speaks its protocol. The vendor gets the key as a bearer
    token; of other servers some want that and some `x-api-key`, so they get both."""

    protocol = "Messages"
    vendor = "api.anthropic.com"

    def __init__(self, model: str, key: str, base_url: str = BASE_URLS["anthropic"]) -> None:
        super().__init__(model, key, base_url)

    def _connect(self) -> anthropic.Anthropic:
        return anthropic.Anthropic(
            api_key=NO_KEY,
            base_url=self.base_url,
            max_retries=0,
            http_client=anthropic.DefaultHttpxClient(**self._http_options),
            open_telemetry=False,
        )

    def _credentials(self) -> dict[str, str]:
        bearer = super()._credentials()
        return bearer if self._at_vendor else {**bearer, "X-Api-Key": self._key}

    def _look_up(self, sdk: anthropic.Anthropic, timeout: float) -> httpx2.Response:
        return sdk.models.with_raw_response.retrieve(self.model, timeout=timeout).http_response

    def _ask(self, sdk: anthropic.Anthropic, prompt: Prompt, timeout: httpx2.Timeout) -> Streaming:
        raw = sdk.messages.with_raw_response.create(**self._body(prompt), stream=True, timeout=timeout)
        return raw.parse(to=anthropic.Stream[object])

    def _body(self, prompt: Prompt) -> dict[str, Any]:
        stable, fresh = blocks(prompt)
        content: list[dict[str, Any]] = [{"type": "text", "text": text} for text in stable]
        if content:
            content[-1]["cache_control"] = _HELD
        if fresh.strip():
            content.append({"type": "text", "text": fresh})
        body: dict[str, Any] = {
            "model": self.model,
            "max_tokens": prompt.max_output,
            "messages": [{"role": "user", "content": content}],
        }
        if prompt.system.strip():
            body["system"] = [{"type": "text", "text": prompt.system, "cache_control": _HELD}]
        output: dict[str, Any] = {}
        if prompt.schema is not None:
            output["format"] = {"type": "json_schema", "schema": schema_of(prompt)}
        if prompt.effort:
            output["effort"] = prompt.effort
        if output:
            body["output_config"] = output
        return body

    def _read(self, event: object, answer: Answer) -> None:
        match words(part(event, "type")):
            case "message_start":
                self._begin(part(event, "message"), answer)
            case "content_block_start":
                answer.called = answer.called or part(event, "content_block", "type") == "tool_use"
            case "content_block_delta":
                answer.began()
                answer.write(part(event, "delta", "text"))
            case "message_delta":
                self._stopped(part(event, "delta"), answer)
                self._account(answer, part(event, "usage"))
            case "message_stop":
                answer.complete = answer.stop is not None
            case "error":
                raise reported(
                    part(event, "error"), key=self._key, worked_on=answer.worked_on, usage=answer.usage
                )

    def _read_whole(self, body: object, answer: Answer) -> None:
        content = items(part(body, "content"))
        if part(body, "type") != "message" or not content:
            return
        self._begin(body, answer)
        self._stopped(body, answer)
        answer.write("".join(words(part(block, "text")) for block in content))
        answer.called = any(part(block, "type") == "tool_use" for block in content)
        answer.complete = True

    def _begin(self, message: object, answer: Answer) -> None:
        answer.working = True
        answer.model = words(part(message, "model"))
        answer.identity = words(part(message, "id"))
        self._account(answer, part(message, "usage"))

    def _stopped(self, said: object, answer: Answer) -> None:
        reason = words(part(said, "stop_reason"))
        if reason:
            answer.stop = _STOPS.get(reason, "other")

    def _account(self, answer: Answer, account: object) -> None:
        answer.accounts.append(account)
        answer.usage = messages_usage(*answer.accounts)

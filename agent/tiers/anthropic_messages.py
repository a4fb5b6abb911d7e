"""Anthropic's Messages API over its SDK. Import this module only where it is used: the SDK takes a while."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx2

from agent.tiers.failures import reported
from agent.tiers.prompt import Prompt, Stop
from agent.tiers.untrusted import part, words
from agent.tiers.usage import messages_usage
from agent.tiers.wire import Answer, Streaming, StreamingClient, blocks, schema_of

BASE_URL = "https://api.anthropic.com"

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

    def __init__(self, model: str, key: str, base_url: str = BASE_URL) -> None:
        super().__init__(model, key, base_url)

    def _connect(self) -> anthropic.Anthropic:
        return anthropic.Anthropic(
            api_key=self._key or "none",
            base_url=self.base_url,
            default_headers={"X-Api-Key": self._key} if self._key and not self._at_vendor else None,
            max_retries=0,
            http_client=anthropic.DefaultHttpxClient(**self._http_options),
            open_telemetry=False,
        )

    @property
    def _at_vendor(self) -> bool:
        return self.base_url.rstrip("/") == BASE_URL

    def _look_up(self, sdk: anthropic.Anthropic, timeout: float) -> None:
        sdk.models.retrieve(self.model, timeout=timeout)

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
                answer.model = words(part(event, "message", "model"))
                answer.identity = words(part(event, "message", "id"))
                self._account(answer, part(event, "message", "usage"))
            case "content_block_delta":
                answer.began()
                answer.write(part(event, "delta", "text"))
            case "message_delta":
                reason = words(part(event, "delta", "stop_reason"))
                if reason:
                    answer.stop = _STOPS.get(reason, "other")
                self._account(answer, part(event, "usage"))
            case "message_stop":
                answer.complete = answer.stop is not None
            case "error":
                raise reported(
                    part(event, "error"), key=self._key, started=answer.started, usage=answer.usage
                )

    def _account(self, answer: Answer, account: object) -> None:
        answer.accounts.append(account)
        answer.usage = messages_usage(*answer.accounts)

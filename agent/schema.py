"""The form of a trace's lines as a public contract: its JSON Schema, and how older traces are read.

Schema 3 (this one) added what a run was made with, where its estimates were learnt, and the delivery that is
intended; what is new is optional, so schema 2 reads as it is. Schema 1 had the settings of the sandbox beside
the others.
"""

from __future__ import annotations

import json
import math
from importlib.metadata import version
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import ValidationError
from pydantic_core.core_schema import FloatSchema

from agent.errors import TraceError
from agent.events import SCHEMA_VERSION, Event
from agent.task import Record

# JSON has no infinity: a limit that is none is kept as a string.
EVENT: TypeAdapter[Event] = TypeAdapter(
    Event, config=ConfigDict(ser_json_inf_nan="strings", defer_build=True)
)

SCHEMA_FILE = "trace.schema.json"

Digest = Field(pattern="^[0-9a-f]{64}$")


class Line(Record):
    """A line of events.jsonl. hash: SHA-256 of `prev` (as text) and the bytes of `event` as they stand in the
    line, in hexadecimal; prev: the hash of the line before, 64 zeros in the first."""

    prev: str = Digest
    hash: str = Digest
    event: Event


class _Generated(GenerateJsonSchema):
    """Numbers may be infinite, which JSON says with a word."""

    def float_schema(self, schema: FloatSchema) -> JsonSchemaValue:
        """See `GenerateJsonSchema`."""
        return {"anyOf": [super().float_schema(schema), {"enum": ["Infinity", "-Infinity"]}]}

    def encode_default(self, dft: Any) -> Any:
        """See `GenerateJsonSchema`."""
        return _words(super().encode_default(dft))

    def field_title_should_be_set(self, schema: Any) -> bool:
        """See `GenerateJsonSchema`: a field's name says it."""
        del schema
        return False


def _words(value: Any) -> Any:
    """JSON data with infinities as words."""
    if isinstance(value, dict):
        return {name: _words(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_words(item) for item in value]
    return str(value).replace("inf", "Infinity") if value in (math.inf, -math.inf) else value


def schema_of(model: type[Record], title: str) -> str:
    """The JSON Schema (draft 2020-12) of a record, as text, from the types themselves."""
    schema: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    schema |= {k: v for k, v in model.model_json_schema(schema_generator=_Generated).items() if k != "title"}
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def generated_schema() -> str:
    """The JSON Schema of a line of events.jsonl."""
    text = schema_of(Line, f"A line of a trace's events.jsonl, schema version {SCHEMA_VERSION}")
    for long, short in {
        "policies__vocabulary__Step": "Step",
        "agent__tiers__pricing__Step": "PriceStep",
    }.items():
        text = text.replace(long, short)
    return text


def trace_schema() -> str:
    """The JSON Schema of a line of events.jsonl as it ships."""
    return files("agent").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")


class _Start(BaseModel):
    """What is read of a first line before it is known how to read it."""

    type: Literal["run-started"]
    schema_version: int
    versions: dict[str, str] = {}


def first_event(body: bytes) -> Event:
    """The first event of a trace of any version up to ours.

    Raises TraceError for one of a newer version, pydantic's ValidationError for what is no event."""
    try:
        start = _Start.model_validate_json(body)
    except ValidationError:  # no start; or none that any version would have written
        return EVENT.validate_json(body)
    if start.schema_version > SCHEMA_VERSION:
        made = start.versions.get("marginal-agent", "an unknown version")
        raise TraceError(
            f"this trace has schema {start.schema_version} (written by marginal-agent {made}), and this "
            f"version, {version('marginal-agent')}, reads up to {SCHEMA_VERSION}: upgrade marginal-agent",
            1,
        )
    if start.schema_version == 1:
        body = json.dumps(_from_schema_1(json.loads(body))).encode()
    return EVENT.validate_json(body)


def _from_schema_1(event: dict[str, Any]) -> dict[str, Any]:
    """A start as schema 2 has it."""
    settings = event.get("settings")
    if not isinstance(settings, dict):
        return event
    moved = {"image", "setup_command", "source_distributions"} & settings.keys()
    sandbox = {name: settings[name] for name in moved} | {"backend": settings.get("sandbox", "auto")}
    kept = {name: value for name, value in settings.items() if name not in moved}
    return {**event, "settings": {**kept, "sandbox": sandbox}}

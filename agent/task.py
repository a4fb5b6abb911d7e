"""The task as a trace records it: what the person asked for, as it is needed to decide and to resume."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent.tiers.pricing import PriceVector
from policies.autonomy import DEFAULT_SCHEDULE, Schedule
from policies.estimates import CheckEstimate, DifficultyPrior, TierEstimate
from policies.learning import LEAST_FACTOR, MOST_FACTOR
from policies.priors import DEFAULT_CHECKS
from policies.progress import check_size
from policies.vocabulary import ActionClass, Limits, Prices
from sandboxes.interface import SandboxLimits, Wanted
from tools.junit import JUnitFailure
from tools.repair.reports import TemplateName


class Record(BaseModel):
    """Base of everything written: immutable, no unknown fields, infinities kept."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings", defer_build=True)


class SandboxSettings(Record):
    """Where tests run. `image` or `dockerfile` (a path; also a devcontainer.json), or neither: then an
    environment is built, and `setup_command` and `source_distributions` apply. `runtime`: of the engine."""

    backend: Wanted = "auto"
    runtime: str = ""
    image: str = ""
    dockerfile: str = ""
    setup_command: str = ""
    source_distributions: bool = False
    limits: SandboxLimits = SandboxLimits()


class ModelSettings(Record):
    """A tier that is a model behind an endpoint. `provider`: whose wire it speaks ("compatible": OpenAI's
    Chat Completions at `base_url`); `key_variable`: the environment variable that holds the key, "" for
    none. `window`: tokens of its context; `max_output`: most tokens of one answer, reasoning included;
    `effort`: the vendor's word; `structured`: the endpoint can hold a reply to a JSON Schema; `seconds`:
    most that one request may take; `metrics`: it serves Prometheus metrics."""

    name: str
    provider: Literal["openai", "anthropic", "compatible"]
    model: str
    base_url: str = ""
    key_variable: str = ""
    price: PriceVector
    window: int = Field(gt=0)
    max_output: int = Field(gt=0)
    effort: str = ""
    structured: bool = False
    seconds: float = Field(default=180.0, gt=0)
    metrics: bool = False


class Learnt(Record):
    """Where estimates were learnt: from how many finished runs, when the oldest and the newest of them ended
    (seconds since the epoch), and what one counts for after a day (the setting `memory_depreciation`)."""

    runs: int
    oldest: float
    newest: float
    depreciation: float


class Settings(Record):
    """What the person asked for, as it is needed to decide and to resume. `tiers`, `checks`, `difficulty`:
    what is expected, as shipped or as learnt from earlier runs; `models`: the tiers that are models;
    `template_factors`: as learnt, by how much the embedded tier's templates are likelier than shipped;
    `learnt`: from which runs, None where nothing was or an older trace does not say; `memory`: this run is to
    be learnt from; `values`: V in dollars by path, as patterns, `value_caps`: its most; `surveyed`: subjects
    of first steps whose results a job hands to this task."""

    repository: str
    tests: tuple[str, ...] = ()
    junit: tuple[JUnitFailure, ...] = ()
    runner: str = "auto"
    tests_command: str = ""
    prices: Prices = Prices()
    limits: Limits = Limits()
    delivery: ActionClass = ActionClass.DRAFT
    apply: bool = False
    branch: str = ""
    patch_out: str = ""
    tiers: tuple[TierEstimate, ...] = ()
    models: tuple[ModelSettings, ...] = ()
    checks: tuple[CheckEstimate, ...] = DEFAULT_CHECKS
    difficulty: DifficultyPrior = DifficultyPrior()
    template_factors: dict[TemplateName, Annotated[float, Field(ge=LEAST_FACTOR, le=MOST_FACTOR)]] = Field(
        default_factory=dict
    )
    learnt: Learnt | None = None
    memory: bool = False
    surveyed: tuple[str, ...] = ()
    sandbox: SandboxSettings = SandboxSettings()
    protected: tuple[str, ...] = ()
    schedule: Schedule = DEFAULT_SCHEDULE
    values: tuple[tuple[str, float], ...] = ()
    value_caps: tuple[tuple[str, float], ...] = ()
    seed: int = 0

    @model_validator(mode="after")
    def _plannable(self) -> Self:
        """A recorded ladder may come from anywhere."""
        check_size(self.tiers)
        return self

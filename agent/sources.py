"""What each source of settings may say, and how it is read: flags and AGENT_* variables, the user's own file,
and `[tool.agent]` of the repository under repair, which is data from a stranger.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from agent.autonomy.form import Level
from agent.errors import UsageError
from agent.sandbox_limits import LEAST_CPUS, LEAST_PROCESSES, MOST_PROCESSES
from agent.setting_errors import where_and_why
from agent.tiers.pricing import MOST_TOKENS, StatedPrice, StatedStep
from sandboxes.interface import Wanted
from sandboxes.toml import load_toml

APPLICATION = "marginal-agent"

DEPRECIATION = 0.99
"""δ, what a day leaves of a remembered outcome: a half after ten weeks, as models, their prices and the code
one works on change within months, while a few runs a week still add up to something."""


Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,40}$")]


class ScriptedTierSettings(BaseModel):
    """A tier that plays replies from a file, at its own price."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    provider: Literal["scripted"]
    script: Path


class ModelTierSettings(BaseModel):
    """A tier that is a model: see `agent.task.ModelSettings`; what is left out has a default by provider."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    provider: Literal["openai", "anthropic", "compatible"]
    model: str = Field(min_length=1, max_length=200)
    base_url: str | None = Field(default=None, pattern=r"^https?://[^\s@]+$")
    key_variable: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    price: StatedPrice | None = None
    context_window: int | None = Field(default=None, ge=4_000, le=MOST_TOKENS)
    max_output: int | None = Field(default=None, ge=256, le=MOST_TOKENS)
    effort: str = Field(default="", pattern=r"^[a-z]*$")
    structured: bool | None = None
    timeout: float = Field(default=180.0, ge=1, le=86_400, allow_inf_nan=False)
    metrics: bool | None = None
    ability: float | None = Field(default=None, ge=-20, le=20, allow_inf_nan=False)
    attempts: int = Field(default=3, ge=1, le=20)


TierSettings = Annotated[ScriptedTierSettings | ModelTierSettings, Field(discriminator="provider")]


def _words(value: object) -> object:
    """`AGENT_TIER=repair,cheap`: a variable holds words with commas, a file a list."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


Words = Annotated[list[str], NoDecode, BeforeValidator(_words)]


class UserSettings(BaseSettings):
    """Flags (given as init values), AGENT_* variables and the user's own file, in this order."""

    model_config = SettingsConfigDict(env_prefix="AGENT_", extra="forbid", env_ignore_empty=True)

    value: str | None = None
    latency_price: str | None = None
    risk_price: str | None = None
    irreversible_price: str | None = None
    budget: str | None = None
    deadline: str | None = None
    policy: str | None = None
    runner: str | None = None
    tests_command: str | None = None
    setup_command: str | None = None
    tier: Words | None = None
    tiers: list[TierSettings] = []
    sandbox: Wanted = "auto"
    sandbox_runtime: str | None = None
    sandbox_memory: str | None = None
    sandbox_disk: str | None = None
    sandbox_processes: int | None = Field(default=None, ge=LEAST_PROCESSES, le=MOST_PROCESSES)
    sandbox_cpus: float | None = Field(default=None, ge=LEAST_CPUS, allow_inf_nan=False)
    image: str | None = None
    dockerfile: str | None = None
    protected: Words = []
    schedule: Path | None = None
    autonomy: dict[str, Level] = {}
    allowed_signers: Path | None = None
    source_distributions: bool = False
    trust_repo_config: bool = False
    memory: bool | None = None
    memory_depreciation: float = Field(default=DEPRECIATION, gt=0, le=1)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """No .env file: it lies in the repository, which may not set anything but limits."""
        del dotenv_settings, file_secret_settings
        file = TomlConfigSettingsSource(settings_cls, toml_file=user_file())
        return init_settings, env_settings, file


class RepositorySettings(BaseModel):
    """What `[tool.agent]` of the repository under repair may say."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    budget: str | None = None
    deadline: str | None = None
    runner: str | None = None
    tests_command: str | None = None
    setup_command: str | None = None
    protected: list[str] = []
    autonomy: dict[str, Level] = {}


KNOWN = {
    (): UserSettings.model_fields,
    ("tiers",): ModelTierSettings.model_fields | ScriptedTierSettings.model_fields,
    ("tiers", "price"): StatedPrice.model_fields,
    ("tiers", "price", "steps"): StatedStep.model_fields,
}
"""See `agent.setting_errors`."""


def user_file() -> Path:
    """The user's own configuration file (it need not exist)."""
    return Path(platformdirs.user_config_dir(APPLICATION)) / "config.toml"


def user_settings(flags: Mapping[str, Any]) -> UserSettings:
    """Flags, variables and the user's file. Raises UsageError for a bad setting or an unreadable file."""
    try:
        _check_user_file()
        return UserSettings(**flags)
    except ValidationError as error:
        raise UsageError(_of_user(error, flags)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{user_file()} is not valid TOML: {error}") from None
    except (OSError, SettingsError) as error:
        raise UsageError(f"settings cannot be read: {error}") from None


def _check_user_file() -> None:
    """What is there under the file's name and is no file would be passed over in silence. Raises UsageError,
    OSError."""
    file = user_file()
    try:
        file.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    if not file.is_file():
        raise UsageError(f"{file} is not a file; move it away, or put your settings into a file there")


def repository_table(pyproject: bytes | None) -> tuple[dict[str, Any], list[str]]:
    """`[tool.agent]` of the base's pyproject.toml, and notes: data only, bounded, never executed."""
    if pyproject is None:
        return {}, []
    try:
        table = load_toml(pyproject).get("tool", {}).get("agent", {})
        return (_as_text(table) if isinstance(table, dict) else {}), []
    except (ValueError, AttributeError) as error:  # ValueError, too, for a number of too many digits
        return {}, [f"the repository's pyproject.toml cannot be read: {str(error)[:200]}"]


def repository_settings(table: Mapping[str, Any]) -> RepositorySettings:
    """What of the repository's table is heeded. Raises UsageError."""
    try:
        return RepositorySettings.model_validate(table)
    except ValidationError as error:
        raise UsageError(_of_repository(error, table)) from None


def with_trusted(user: UserSettings, table: Mapping[str, Any], flags: Mapping[str, Any]) -> UserSettings:
    """The repository's settings below all of the user's own, by the user's explicit word.

    Raises UsageError."""
    given = user.model_dump(exclude_unset=True)
    try:
        return UserSettings(**{**table, **given, **{k: v for k, v in flags.items() if v}})
    except ValidationError as error:
        raise UsageError(_of_repository(error, table)) from None


def _as_text(table: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers may be written bare in TOML (`budget = 2`)."""
    return {
        name.replace("-", "_"): str(value)
        if isinstance(value, int | float) and not isinstance(value, bool)
        else value
        for name, value in table.items()
    }


def _of_repository(error: ValidationError, table: Mapping[str, Any]) -> str:
    return f"the repository's [tool.agent]: {where_and_why(error, KNOWN, table.get('tiers'))[1]}"


def _of_user(error: ValidationError, flags: Mapping[str, Any]) -> str:
    """What is wrong, after the variable or file it stands in; a flag is known by its name."""
    variables = {name.upper(): text for name, text in os.environ.items() if text}
    given = variables.get("AGENT_TIERS")
    tiers = json.loads(given) if given else _in_user_file("tiers")
    setting, line = where_and_why(error, KNOWN, tiers)
    variable = f"AGENT_{setting.upper()}"
    if setting in flags:
        return line.replace("_", "-", setting.count("_"))
    return f"{variable if variable in variables else user_file()}: {line}"


def _in_user_file(name: str) -> object:
    return tomllib.loads(user_file().read_text("utf-8")).get(name) if user_file().is_file() else None

"""Where settings come from: flags, then AGENT_* variables, then the user's file, then the repository, then
defaults. The repository's own `[tool.agent]` may only tighten (lower limits, more protected paths) and say
how its tests are run, unless the person says `--trust-repo-config`.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
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

from agent import units
from agent.errors import UsageError
from agent.sandbox_limits import (
    LEAST_CPUS,
    LEAST_PROCESSES,
    MOST_PROCESSES,
    USUAL,
    check_limits,
)
from agent.task import SandboxSettings
from policies.vocabulary import Limits, Prices
from sandboxes.interface import SandboxLimits, Wanted
from sandboxes.toml import load_toml

APPLICATION = "marginal-agent"
REPAIR = "repair"

DEFAULTS = {
    "value": "$20",
    "latency_price": "$0.01/s",
    "risk_price": "$20",
    "irreversible_price": "$20",
    "budget": "$2",
    "deadline": "15m",
}
"""The reasons: economics page of the policies package; the limits are what a person hardly notices."""


class TierSettings(BaseModel):
    """A tier besides the embedded one. Provider "scripted" plays replies from a file, at its own price."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,40}$")
    provider: Literal["scripted"]
    script: Path


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
    source_distributions: bool = False
    trust_repo_config: bool = False

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


@dataclass(frozen=True)
class Resolved:
    """Settings in units, and notes on what the repository asked for and did not get."""

    prices: Prices
    limits: Limits
    runner: str
    tests_command: str
    tier_names: tuple[str, ...]
    tiers: tuple[TierSettings, ...]
    sandbox: SandboxSettings
    protected: tuple[str, ...]
    notes: tuple[str, ...]


def user_file() -> Path:
    """The user's own configuration file (it need not exist)."""
    return Path(platformdirs.user_config_dir(APPLICATION)) / "config.toml"


def state_folder() -> Path:
    """Where traces are kept unless `--trace` names a folder."""
    return Path(platformdirs.user_state_dir(APPLICATION)) / "traces"


def resolve(flags: Mapping[str, Any], pyproject: bytes | None) -> Resolved:
    """Bring all sources together. Raises UsageError with one line that names the setting at fault."""
    given = {name: value for name, value in flags.items() if value not in (None, [], False)}
    user = user_settings(given)
    table, notes = _repository_table(pyproject)
    if user.trust_repo_config:
        user = _with_trusted(user, table, flags)
    repository = _repository_settings(table)
    ignored = sorted(set(_as_text(table)) - set(RepositorySettings.model_fields))
    if ignored and not user.trust_repo_config:
        notes.append(
            f"ignored from the repository's [tool.agent] (only you may set it): {', '.join(ignored)}"
        )
    runner, tests_command = _one_of("runner", "tests_command", user, given)
    if not runner and not tests_command:
        runner, tests_command = repository.runner or "", repository.tests_command or ""
        notes += _taken(runner=runner, tests_command=tests_command)
    if not user.setup_command:
        notes += _taken(setup_command=repository.setup_command or "")
    limits = Limits(
        min(
            _amount("budget", user, units.money_limit),
            _tightened("budget", repository.budget, units.money_limit),
        ),
        min(
            _amount("deadline", user, units.duration_limit),
            _tightened("deadline", repository.deadline, units.duration_limit),
        ),
    )
    if limits.seconds <= 0:
        raise UsageError("deadline 0 leaves no time for anything; name a duration such as 10m, or 'none'")
    prices = Prices(
        _amount("value", user, units.money),
        _amount("latency_price", user, units.rate),
        _amount("risk_price", user, units.money),
        _amount("irreversible_price", user, units.money),
    )
    return Resolved(
        prices=prices,
        limits=limits,
        runner=runner or "auto",
        tests_command=tests_command,
        tier_names=_tier_names(user),
        tiers=tuple(user.tiers),
        sandbox=_sandbox(user, repository, given),
        protected=(*user.protected, *repository.protected),
        notes=tuple(notes),
    )


def user_settings(flags: Mapping[str, Any]) -> UserSettings:
    """Flags, variables and the user's file. Raises UsageError for a bad setting or an unreadable file."""
    try:
        _check_user_file()
        return UserSettings(**flags)
    except ValidationError as error:
        raise UsageError(_one_line(error)) from None
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


def _sandbox(user: UserSettings, repository: RepositorySettings, given: Mapping[str, Any]) -> SandboxSettings:
    """Where tests run; only the set-up command may come from the repository."""
    image, dockerfile = _one_of("image", "dockerfile", user, given)
    limits = SandboxLimits(
        memory_bytes=_size("sandbox_memory", user.sandbox_memory, USUAL.memory_bytes),
        disk_bytes=_size("sandbox_disk", user.sandbox_disk, USUAL.disk_bytes),
        processes=user.sandbox_processes or USUAL.processes,
        cpus=user.sandbox_cpus or USUAL.cpus,
    )
    check_limits(limits)
    return SandboxSettings(
        backend=user.sandbox,
        runtime=user.sandbox_runtime or "",
        image=image,
        dockerfile=dockerfile,
        setup_command=user.setup_command or repository.setup_command or "",
        source_distributions=user.source_distributions,
        limits=limits,
    )


def _one_of(first: str, second: str, user: UserSettings, given: Mapping[str, Any]) -> tuple[str, str]:
    """Two settings of which one may be given; a flag goes before what the file says of the other."""
    values: tuple[str, str] = getattr(user, first) or "", getattr(user, second) or ""
    flags = first in given, second in given
    if all(values) and flags[0] == flags[1]:
        raise UsageError(f"{first.replace('_', '-')} and {second.replace('_', '-')}: name one, not both")
    if all(values):
        return (values[0], "") if flags[0] else ("", values[1])
    return values


def _size(name: str, text: str | None, usual: int) -> int:
    return int(_parsed(name, text, units.size)) if text else usual


def _tier_names(user: UserSettings) -> tuple[str, ...]:
    known = [REPAIR, *(tier.name for tier in user.tiers)]
    if len(set(known)) != len(known):
        raise UsageError(f"two tiers share a name: {', '.join(known)}")
    for name in user.tier or ():
        if name not in known:
            raise UsageError(
                f"unknown tier '{name}'; known: {', '.join(known)} (add others in {user_file()})"
            )
    return tuple(user.tier) if user.tier else tuple(known)


def _amount(name: str, user: UserSettings, parse: Any) -> float:
    text = getattr(user, name) or DEFAULTS[name]
    return _parsed(name, text, parse)


def _tightened(name: str, text: str | None, parse: Any) -> float:
    return math.inf if text is None else _parsed(f"{name} in the repository's [tool.agent]", text, parse)


def _parsed(name: str, text: str, parse: Any) -> float:
    try:
        return float(parse(text))
    except ValueError as error:
        raise UsageError(f"{name.replace('_', '-')}: {error}") from None
    except OverflowError:
        raise UsageError(f"{name.replace('_', '-')}: that is more than can be counted") from None


def _repository_table(pyproject: bytes | None) -> tuple[dict[str, Any], list[str]]:
    """`[tool.agent]` of the base's pyproject.toml: data only, bounded, never executed."""
    if pyproject is None:
        return {}, []
    try:
        table = load_toml(pyproject).get("tool", {}).get("agent", {})
    except (ValueError, AttributeError) as error:
        return {}, [f"the repository's pyproject.toml cannot be read: {str(error)[:200]}"]
    return (table if isinstance(table, dict) else {}), []


def _repository_settings(table: Mapping[str, Any]) -> RepositorySettings:
    try:
        return RepositorySettings.model_validate(_as_text(table))
    except ValidationError as error:
        raise UsageError(f"the repository's [tool.agent]: {_one_line(error)}") from None


def _with_trusted(user: UserSettings, table: Mapping[str, Any], flags: Mapping[str, Any]) -> UserSettings:
    """The repository's settings below all of the user's own, by the user's explicit word."""
    given = user.model_dump(exclude_unset=True)
    try:
        return UserSettings(**{**_as_text(table), **given, **{k: v for k, v in flags.items() if v}})
    except ValidationError as error:
        raise UsageError(f"the repository's [tool.agent]: {_one_line(error)}") from None


def _taken(**settings: str) -> list[str]:
    """Notes on what of the repository's own is used."""
    return [
        f"from the repository's [tool.agent]: {name.replace('_', '-')} {value!r}"
        for name, value in settings.items()
        if value
    ]


def _as_text(table: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers may be written bare in TOML (`budget = 2`)."""
    return {
        name.replace("-", "_"): str(value)
        if isinstance(value, int | float) and not isinstance(value, bool)
        else value
        for name, value in table.items()
    }


def _one_line(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"]) or "settings"
    return f"{where.replace('_', '-')}: {problem['msg']}"


__all__ = ["DEFAULTS", "Resolved", "TierSettings", "resolve", "state_folder", "user_file"]

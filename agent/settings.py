"""Where settings come from: flags, then AGENT_* variables, then the user's file, then the repository, then
defaults. The repository's own `[tool.agent]` may only tighten (lower limits, more protected paths) and say
how its tests are run, unless the person says `--trust-repo-config`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import platformdirs

from agent import units
from agent.autonomy.force import InForce, ValueInForce, in_force, loosened, value_in_force
from agent.autonomy.form import Asks, Level, unnamed
from agent.autonomy.versions import NO_VERSIONS, Versions
from agent.errors import UsageError
from agent.policies import MARGINAL, check_policy
from agent.sandbox_limits import USUAL, check_limits
from agent.schedule import load_schedule_file, stricter_levels
from agent.sources import (
    APPLICATION,
    RepositorySettings,
    TierSettings,
    UserSettings,
    repository_settings,
    repository_table,
    user_file,
    user_settings,
    with_trusted,
)
from agent.task import SandboxSettings
from agent.tiers.models import preset_tiers
from policies.autonomy import Schedule
from policies.vocabulary import ActionClass, Limits, Prices
from sandboxes.interface import SandboxLimits

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


@dataclass(frozen=True)
class Resolved:
    """Settings in units, and notes on what the repository asked for and did not get.

    value_source: who says V; values, value_caps: V by path, and its most. origins: who asks for the level of
    each action class. memory: what finished runs taught is used. teaches: this run is to be learnt from."""

    prices: Prices
    limits: Limits
    policy: str
    runner: str
    tests_command: str
    tier_names: tuple[str, ...]
    tiers: tuple[TierSettings, ...]
    sandbox: SandboxSettings
    protected: tuple[str, ...]
    schedule: Schedule
    memory: bool
    teaches: bool
    memory_depreciation: float
    notes: tuple[str, ...]
    value_source: str = ""
    values: tuple[tuple[str, float], ...] = ()
    value_caps: tuple[tuple[str, float], ...] = ()
    origins: tuple[tuple[ActionClass, str], ...] = ()


def state_folder() -> Path:
    """Where traces are kept unless `--trace` names a folder."""
    return Path(platformdirs.user_state_dir(APPLICATION)) / "traces"


def memory_file() -> Path:
    """Where what finished runs taught is kept."""
    return state_folder().parent / "memory.jsonl"


def under_ci() -> bool:
    """In CI a run may be somebody else's: the code of a pull request decides how it ends. Such a run teaches
    nothing unless the user's own settings say so."""
    return os.environ.get("CI", "").strip().lower() not in ("", "0", "false", "no")


def resolve(flags: Mapping[str, Any], pyproject: bytes | None, versions: Versions = NO_VERSIONS) -> Resolved:
    """Bring all sources together; `versions`: what the repository says of autonomy, besides the working
    tree's `pyproject`. Raises UsageError with one line that names the setting at fault."""
    given = {name: value for name, value in flags.items() if value not in (None, [], False)}
    user = user_settings(given)
    table, notes = repository_table(pyproject)
    if user.trust_repo_config:
        user = with_trusted(user, table, flags)
    repository = repository_settings(table)
    base = repository_settings(repository_table(versions.base_pyproject)[0])
    ignored = sorted(set(table) - set(RepositorySettings.model_fields))
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
            _tightened("budget", base.budget, units.money_limit),
        ),
        min(
            _amount("deadline", user, units.duration_limit),
            _tightened("deadline", repository.deadline, units.duration_limit),
            _tightened("deadline", base.deadline, units.duration_limit),
        ),
    )
    if limits.seconds <= 0:
        raise UsageError("deadline 0 leaves no time for anything; name a duration such as 10m, or 'none'")
    schedule, value = _autonomy(user, repository, base, versions, fixed="value" in given)
    notes += [*schedule.notes, *value.notes]
    prices = Prices(
        value.value,
        _amount("latency_price", user, units.rate),
        _amount("risk_price", user, units.money),
        _amount("irreversible_price", user, units.money),
    )
    return Resolved(
        prices=prices,
        limits=limits,
        policy=check_policy(MARGINAL if user.policy is None else user.policy),
        runner=runner or "auto",
        tests_command=tests_command,
        tier_names=_tier_names(user),
        tiers=user_tiers(user),
        sandbox=_sandbox(user, repository, given),
        protected=tuple(dict.fromkeys((*user.protected, *repository.protected, *base.protected))),
        schedule=schedule.schedule,
        memory=user.memory is not False,
        teaches=user.memory is True or (user.memory is None and not under_ci()),
        memory_depreciation=user.memory_depreciation,
        notes=tuple(notes),
        value_source=value.source,
        values=value.by_path,
        value_caps=value.caps,
        origins=schedule.origins,
    )


def _autonomy(
    user: UserSettings,
    repository: RepositorySettings,
    base: RepositorySettings,
    versions: Versions,
    *,
    fixed: bool,
) -> tuple[InForce, ValueInForce]:
    """The user's schedule (a relative path is meant from their settings' folder), tightened by what they and
    the repository ask for besides, and V; fixed: a flag says it for this run."""
    path = user.schedule
    file = load_schedule_file(None if path is None else user_file().parent / path)
    sources = [file.asks, _asking("your settings' autonomy", user.autonomy)]
    if base.autonomy != repository.autonomy:
        sources.append(_asking(f"[tool.agent.autonomy] of {versions.base_name}", base.autonomy))
    sources += [versions.base] if versions.base else []
    sources.append(_asking("the repository's [tool.agent.autonomy]", repository.autonomy))
    if versions.tree and unnamed(versions.tree) != unnamed(versions.base):
        sources.append(versions.tree)
    found = in_force(file.schedule, file.asks.source, sources, versions.branch)
    found = replace(found, notes=(*found.notes, *_of_versions(versions, base, repository)))
    told = _amount("value", user, units.money)
    if fixed:
        return found, ValueInForce(told, "--value")
    whose = "your settings" if user.value is not None else "the default"
    of_base = [versions.base] if versions.base else []
    trusted = user.trust_repo_config
    return found, value_in_force(told, whose, [file.asks], of_base, versions.branch, trusted=trusted)


def _asking(source: str, levels: Mapping[str, Level]) -> Asks:
    return Asks(source, stricter_levels(source, levels))


def _of_versions(versions: Versions, base: RepositorySettings, repository: RepositorySettings) -> list[str]:
    """What is not read, and that the working tree asks for less than the base does."""
    unread = [versions.tree_problem] if versions.tree_problem else []
    if versions.problem:
        return [f"{versions.problem}. Until then a commit, a publish and a deploy are multi-party", *unread]
    lost = [f"[tool.agent.autonomy] {each}" for each in base.autonomy if each not in repository.autonomy]
    lost += loosened(versions.base, versions.tree) if versions.base else []
    if not lost:
        return unread
    return [
        *unread,
        f"the working tree asks for less confirmation than {versions.base_name}, ignored: {', '.join(lost)}",
    ]


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
    known = [REPAIR, *(tier.name for tier in user_tiers(user))]
    if len(set(known)) != len(known):
        raise UsageError(f"two tiers share a name: {', '.join(known)}")
    for name in user.tier or ():
        if name not in known:
            raise UsageError(
                f"unknown tier '{name}'; known: {', '.join(known)} (add others in {user_file()})"
            )
    return tuple(user.tier) if user.tier else tuple(known)


def user_tiers(user: UserSettings) -> tuple[TierSettings, ...]:
    """The tiers besides the embedded one: those configured, or what the keys in the environment allow."""
    return tuple(user.tiers) or preset_tiers()


def _amount(name: str, user: UserSettings, parse: Any) -> float:
    text = getattr(user, name)
    return _parsed(name, DEFAULTS[name] if text is None else text, parse)


def _tightened(name: str, text: str | None, parse: Any) -> float:
    return math.inf if text is None else _parsed(f"{name} in the repository's [tool.agent]", text, parse)


def _parsed(name: str, text: str, parse: Any) -> float:
    try:
        return float(parse(text))
    except ValueError as error:
        raise UsageError(f"{name.replace('_', '-')}: {error}") from None
    except OverflowError:
        raise UsageError(f"{name.replace('_', '-')}: that is more than can be counted") from None


def _taken(**settings: str) -> list[str]:
    """Notes on what of the repository's own is used."""
    return [
        f"from the repository's [tool.agent]: {name.replace('_', '-')} {value!r}"
        for name, value in settings.items()
        if value
    ]

"""`agent autonomy`: what is in force here and who says so, what a patch would need, a file to begin with."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from agent import flags
from agent.autonomy.form import FILE
from agent.autonomy.patterns import schedule_for, touches, valued
from agent.autonomy.versions import Versions, versions_of
from agent.confirming import people
from agent.errors import AgentError, UsageError
from agent.outputs import fail
from agent.repository import pyproject_of
from agent.schedule import RIGHT, in_words, stakes_of
from agent.settings import Resolved, resolve
from policies.amounts import show_money
from policies.autonomy import PathRule, Schedule
from policies.estimates import CheckEstimate
from policies.priors import default_estimates
from policies.vocabulary import ActionClass, Check
from tools.diff_paths import changed_paths
from tools.host_git import GitError, find_repository
from tools.plain import plain, plain_line

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help=f"The autonomy schedule of a repository, {FILE}: who must confirm what.",
)
DELIVERIES = (ActionClass.DRAFT, ActionClass.COMMIT, ActionClass.PUBLISH, ActionClass.DEPLOY)
MOST_SHOWN = 300

PatchFile = Annotated[Path | None, Option("--patch", metavar="FILE", help="Say what this patch would need.")]
Paths = Annotated[
    list[str] | None,
    Option("--path", metavar="PATH", help="Say what a patch of this path would need (repeatable)."),
]
Right = Annotated[
    float, Option(min=0, max=1, help="Show the stakes of a patch that is right with this chance.")
]


@app.command("show", help="Print the schedule in force, who asks for each line, and what is at stake.")
def show_command(
    repo: flags.Repo = None,
    right: Right = RIGHT,
    base_ref: flags.BaseRef = None,
    trust_repo_config: flags.TrustRepoConfig = False,
) -> None:
    """As `agent fix` would have it here."""
    try:
        versions, resolved = _in_force(repo, base_ref, trust_repo_config)
    except AgentError as error:
        fail(str(error), error.exit_code)
    suite = default_estimates(()).check(Check.SUITE)
    _say(f"base        {versions.base_name or 'none'}{_for_branch(versions)}")
    _say_notes(resolved)
    for each, source in resolved.origins:
        _say(f"{each:<11} {_needs(resolved.schedule, each)}, says {source}")
        for line in in_words(stakes_of(resolved.schedule, each, right, resolved.prices, suite)):
            _say(f"            {line}")
    for rule in resolved.schedule.paths:
        idle = " (asked already)" if _asked_already(resolved.schedule, rule) else ""
        _say(f"path        {_rule_in_words(rule)}, says {rule.source}{idle}")
    _say(f"value       {show_money(resolved.prices.value)}, says {resolved.value_source}")
    for words, values in (("", resolved.values), (" at most", resolved.value_caps)):
        for match, value in values:
            _say(f"value       {match}{words} {show_money(value)}")


@app.command(
    "check", help=f"Check {FILE}, and say what a patch would need. Exit code 2 when it is not in order."
)
def check_command(
    repo: flags.Repo = None,
    patch: PatchFile = None,
    path: Paths = None,
    base_ref: flags.BaseRef = None,
    trust_repo_config: flags.TrustRepoConfig = False,
) -> None:
    """The working tree's version and the base's."""
    try:
        paths = (*(path or ()), *(_paths_of(patch) if patch else ()))
        versions, resolved = _in_force(repo, base_ref, trust_repo_config)
    except AgentError as error:
        fail(str(error), error.exit_code)
    for where, asks in (("working tree", versions.tree), (versions.base_name or "base", versions.base)):
        if asks is None:
            _say(f"{where}: no {FILE}")
        elif not (versions.problem and asks is versions.base):
            counts = f"{len(asks.paths)} by path, {len(asks.branches)} by branch"
            _say(f"{where}: {FILE} is in order; rules: {len(asks.levels)} by class, {counts}")
    _say_notes(resolved)
    if paths:
        _say_needed(resolved, tuple(dict.fromkeys(paths)), default_estimates(()).check(Check.SUITE))


@app.command("init", help=f"Write a {FILE} to begin with; one that is there is left alone.")
def init_command(repo: flags.Repo = None) -> None:
    """All of it is comments."""
    try:
        path = _written(_top(repo))
    except AgentError as error:
        fail(str(error), error.exit_code)
    _say(f"wrote {path}: all of it is comments so far; once committed to the base branch it is in force")


def _in_force(repo: Path | None, base_ref: str | None, trusted: bool) -> tuple[Versions, Resolved]:
    folder = (repo or Path.cwd()).absolute()
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    versions = versions_of(folder, base_ref)
    return versions, resolve({"trust_repo_config": trusted}, pyproject_of(folder), versions)


def _say_notes(resolved: Resolved) -> None:
    for note in resolved.notes:
        _say(f"note        {note}")


def _for_branch(versions: Versions) -> str:
    return f", for branch {versions.branch}" if versions.branch else ""


def _needs(schedule: Schedule, each: ActionClass) -> str:
    level = schedule.scheduled(each)
    number = schedule.readers(level, each)
    told = schedule.told(each)
    return f"{level.word}{f' ({people(number)})' if number else ''}{_telling(told)}"


def _telling(told: tuple[str, ...]) -> str:
    return f", telling {', '.join(told)}" if told else ""


def _rule_in_words(rule: PathRule) -> str:
    number = (0, 1, rule.people)[rule.level]
    asks = f"{rule.level.word}{f' ({people(number)})' if number else ''}{_telling(rule.notify)}"
    return f"{rule.match}: {asks} for {', '.join(rule.classes)}"


def _asked_already(schedule: Schedule, rule: PathRule) -> bool:
    """Whether the rule asks for no more than the schedule does of any patch."""
    ruled = schedule.under([rule])
    return all(_needs(ruled, each) == _needs(schedule, each) for each in rule.classes)


def _say_needed(resolved: Resolved, paths: tuple[str, ...], suite: CheckEstimate) -> None:
    """What each delivery of a patch that changes these paths would need, and by which rules."""
    schedule = schedule_for(resolved.schedule, paths)
    rules = [rule for rule in resolved.schedule.paths if touches(rule.match, paths)]
    more = f" and {len(paths) - 5} more" if len(paths) > 5 else ""
    _say(f"a patch of {', '.join(plain_line(each, 100) for each in paths[:5])}{more} needs")
    for each in DELIVERIES:
        asking = [rule.match for rule in rules if each in rule.classes]
        why = f" (paths {', '.join(asking)})" if asking else ""
        _say(f"{each:<11} {_needs(schedule, each)}{why}")
    prices = valued(resolved.prices, resolved.values, resolved.value_caps, paths)
    source = resolved.value_source if prices == resolved.prices else "a rule by path"
    _say(f"value       {show_money(prices.value)}, says {source}")
    stricter = stakes_of(schedule, ActionClass.COMMIT, RIGHT, prices, suite).stricter
    for level, below in stricter:
        _say(f"            pricing asks for {level.word} of a commit where P(right) is below {below:.4g}")


def _paths_of(patch: Path) -> tuple[str, ...]:
    try:
        return changed_paths(patch.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {patch}: {error.strerror or error}") from None
    except ValueError as error:
        raise UsageError(f"{patch}: {error}; name a unified diff, as git diff writes it") from None


def _top(repo: Path | None) -> Path:
    folder = (repo or Path.cwd()).absolute()
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    try:
        return find_repository(folder)[0]
    except GitError as error:
        raise UsageError(str(error)) from None


def _written(top: Path) -> Path:
    """Raises UsageError where something is there already, or nothing can be written."""
    path = top / FILE
    text = (files("agent.autonomy") / "starter.toml").read_bytes()
    try:
        if path.parent.is_symlink():
            raise UsageError(f"{path.parent} is a link; remove it, as {FILE} is read through none")
        path.parent.mkdir(exist_ok=True)
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644), "wb"
        ) as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} exists already; edit it, and see: agent autonomy check") from None
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None
    return path


def _say(line: str) -> None:
    typer.echo(plain(line, MOST_SHOWN * 4))

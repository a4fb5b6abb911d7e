"""`agent env`: environments of repositories built ahead, listed, looked into and removed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent import flags, units
from agent.environment import environment_of, fitting_base
from agent.errors import UsageError
from agent.outputs import one_line_errors
from agent.repository import check_dockerfile, pyproject_of
from agent.sandbox_limits import check_machine
from agent.settings import resolve
from agent.view import View, make_console
from sandboxes.backend import Backend, BaseImage, KeptImage
from sandboxes.building import PYTHON
from sandboxes.choose import choose_backend
from sandboxes.interface import RunRequest, SandboxError
from tools.plain import plain

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Environments of repositories: build one ahead, list them, look into one, remove old ones.",
)

DEFAULT_AGE = "30d"
SHORT = 12
LIST_SECONDS = 60.0

Name = Annotated[str, typer.Argument(help="Its name, or the beginning of what follows the colon.")]
OlderThan = Annotated[str, typer.Option(help=f"Remove what is older, such as {DEFAULT_AGE} or 12h.")]
Names = Annotated[
    list[str] | None, typer.Argument(help="Remove just these [default: what is old].", show_default=False)
]
All = Annotated[bool, typer.Option("--all", help="Remove every environment, whatever its age.")]
Bases = Annotated[
    bool, typer.Option("--bases", help="Remove every environment, and the base images they are built on.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(help="Build the environment of a repository, so that `agent fix` finds it.")
def build(
    repo: flags.Repo = None,
    setup_command: flags.SetupCommand = None,
    sandbox: flags.SandboxBackend = None,
    image: flags.Image = None,
    dockerfile: flags.Dockerfile = None,
    allow_source_distributions: flags.SourceDistributions = False,
    trust_repo_config: flags.TrustRepoConfig = False,
) -> None:
    """Build with the settings `agent fix` would use."""
    view = View(make_console())
    started = time.monotonic()
    with one_line_errors(view):
        folder = (repo or Path.cwd()).absolute()
        given = {
            "setup_command": setup_command,
            "sandbox": sandbox,
            "image": image,
            "dockerfile": str(dockerfile.absolute()) if dockerfile else None,
            "source_distributions": allow_source_distributions,
            "trust_repo_config": trust_repo_config,
        }
        resolved = resolve(given, pyproject_of(folder))
        check_dockerfile(resolved)
        for note in resolved.notes:
            view.note(note)
        backend = choose_backend(resolved.sandbox.backend, runtime=resolved.sandbox.runtime)
        view.note(f"sandbox: {backend.description}")
        check_machine(resolved.sandbox.limits, backend.machine())
        view.wait("reading the repository")
        base = fitting_base(folder, resolved.sandbox.limits)
        if base.git_dir is None:
            view.note("not a git repository: built for a copy of the folder, as `agent fix` would take it")
        built = environment_of(backend, base, resolved.sandbox, resolved.limits.seconds, view.progress)
    for note in built.notes:
        view.note(note)
    how = "found" if built.cached else "built"
    view.note(f"{how} {built.image} in {units.show_seconds(time.monotonic() - started)}; {built.python}")


@app.command("list", help="List what is kept: environments, and the requirements they are built on.")
def list_environments(sandbox: flags.SandboxBackend = None, as_json: Json = False) -> None:
    """Newest first."""
    view = View(make_console())
    with one_line_errors(view), _backend(sandbox) as backend:
        kept, bases = backend.kept(), backend.bases()
    if as_json:
        typer.echo(json.dumps([_record(each) for each in kept], indent=2))
        return
    below = f"; base images: {units.show_size(sum(each.size for each in bases))}" if bases else ""
    if not kept:
        view.note(f"no environment is kept{below}")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "kind", "made for", "size", "age"):
        table.add_column(heading, overflow="fold")
    for each in kept:
        table.add_row(
            _short(each.name),
            each.facts.kind,
            Text(plain(each.facts.made_for)),
            units.show_size(each.size),
            units.show_seconds(max(0.0, time.time() - each.created)),
        )
    view.console.print(table)
    view.note(f"{len(kept)} kept, {units.show_size(sum(each.size for each in kept))}{below}")


@app.command(help="Show one environment: what it is made for, its notes and its packages.")
def show(name: Name, sandbox: flags.SandboxBackend = None) -> None:
    """The packages are asked of the environment itself, in a sandbox."""
    view = View(make_console())
    with one_line_errors(view), _backend(sandbox) as backend:
        kept = _named(backend, name)
        packages = _packages(backend, kept)
    facts = kept.facts
    for heading, value in (
        ("name", kept.name),
        ("digest", kept.digest),
        ("kind", facts.kind),
        ("made for", facts.made_for),
        ("project", "installed" if facts.project_installed else "not installed"),
        ("size", units.show_size(kept.size)),
        ("made", time.strftime("%Y-%m-%d %H:%M", time.localtime(kept.created))),
        *(("note", note) for note in facts.notes),
    ):
        view.console.print(Text(f"{heading:<10}{plain(value)}"), soft_wrap=True)
    view.console.print(Text("packages"))
    for line in packages:
        view.console.print(Text(f"  {plain(line)}"))


@app.command(help="Remove old environments. They are built again when needed.")
def prune(
    names: Names = None,
    older_than: OlderThan = DEFAULT_AGE,
    everything: All = False,
    bases: Bases = False,
    dry_run: DryRun = False,
    sandbox: flags.SandboxBackend = None,
) -> None:
    """Environments first, then the requirements nothing is built on any more, then base images."""
    view = View(make_console())
    with one_line_errors(view), _backend(sandbox) as backend:
        if bases and names:
            raise UsageError("--bases removes every environment: name none with it")
        if not dry_run:
            backend.reap()
        everything = everything or bases
        old = [_named(backend, name) for name in names or ()] or _older(backend, older_than, everything)
        old.sort(key=lambda each: each.facts.kind != "environment")
        removed: list[KeptImage | BaseImage] = [
            each for each in old if dry_run or _forget(backend, each, view.console)
        ]
        if bases and len(removed) < len(old):
            view.note("base images are kept: something is built on them")
        elif bases:
            removed += [each for each in backend.bases() if dry_run or _forget(backend, each, view.console)]
    size = units.show_size(sum(each.size for each in removed))
    view.note(f"{'would remove' if dry_run else 'removed'} {len(removed)}, {size}")


def _older(backend: Backend, than: str, everything: bool) -> list[KeptImage]:
    try:
        age = units.duration(than)
    except ValueError as error:
        raise UsageError(f"older-than: {error}") from None
    kept = backend.kept()
    old = [each for each in kept if everything or time.time() - each.created > age]
    fresh = {each.facts.made_for for each in kept if each not in old and each.facts.kind == "environment"}
    return [each for each in old if each.facts.kind != "requirements" or each.facts.made_for not in fresh]


def _forget(backend: Backend, kept: KeptImage | BaseImage, console: Console) -> bool:
    try:
        backend.forget(kept.name)
    except SandboxError as error:
        console.print(Text(f"kept {_short(kept.name)}: {plain(str(error))}"))
        return False
    return True


def _named(backend: Backend, name: str) -> KeptImage:
    """The one image that the person means. Raises UsageError."""
    found = [each for each in backend.kept() if each.name == name or _tag(each.name).startswith(name)]
    if len(found) != 1:
        problem = "more than one environment matches" if found else "there is no environment"
        raise UsageError(f"{problem} '{name}'; see `agent env list`")
    return found[0]


def _packages(backend: Backend, kept: KeptImage) -> list[str]:
    with backend.sandbox(kept.name, python=PYTHON) as sandbox:
        command = (PYTHON, "-I", "-m", "pip", "--disable-pip-version-check", "list", "--format=freeze")
        result = sandbox.run(RunRequest(command, timeout=LIST_SECONDS))
    if result.exit_code != 0:
        return ["(cannot be listed)"]
    return result.stdout.decode("utf-8", "replace").splitlines()


def _tag(name: str) -> str:
    return name.rpartition(":")[2]


def _short(name: str) -> str:
    return _tag(name)[:SHORT]


def _record(kept: KeptImage) -> dict[str, object]:
    facts = kept.facts
    return {
        "name": kept.name,
        "digest": kept.digest,
        "kind": facts.kind,
        "made_for": facts.made_for,
        "project_installed": facts.project_installed,
        "notes": list(facts.notes),
        "size_bytes": kept.size,
        "created": kept.created,
    }


@contextmanager
def _backend(wanted: str | None) -> Iterator[Backend]:
    settings = resolve({"sandbox": wanted}, None).sandbox
    backend = choose_backend(settings.backend, runtime=settings.runtime)
    try:
        yield backend
    finally:
        backend.close()

"""Which runner runs the tests: the user's command, a recipe by name, or what the repository asks for."""

from __future__ import annotations

from agent.errors import UsageError
from agent.task import Settings
from sandboxes.interface import REPO, Sandbox
from tools.base import Base
from tools.command_tests import CommandRunner
from tools.detection import PYTEST, detect, recipe_named
from tools.recipe_runner import runner_of
from tools.recipes import UNITTEST, Recipe
from tools.testing import PytestRunner, TestRunner

AUTO = "auto"
COMMAND = "command"
PYTHON_RUNNERS = frozenset({PYTEST, UNITTEST.name})
"""Runners of Python tests with pytest's ids: localisation and the embedded repair tier work with them."""


def recipe_of(settings: Settings, base: Base) -> Recipe | None:
    """The recipe of a task; None for pytest, or a command of its own. Raises UsageError."""
    if settings.tests_command:
        return None
    if settings.runner == AUTO:
        return detect(base.files.keys(), base.read)
    try:
        return recipe_named(settings.runner, base.read)
    except ValueError as error:
        raise UsageError(f"runner: {error}") from None


def runner_name(settings: Settings, recipe: Recipe | None) -> str:
    """What runs the tests, as one word."""
    if settings.tests_command:
        return COMMAND
    return recipe.name if recipe else PYTEST


def runner_in(sandbox: Sandbox, settings: Settings, recipe: Recipe | None) -> TestRunner:
    """The runner of this task's tests in a sandbox."""
    if settings.tests_command:
        return CommandRunner(sandbox, settings.tests_command, repo=REPO)
    if recipe is not None:
        return runner_of(recipe, sandbox, sandbox.python, REPO)
    return PytestRunner(sandbox, sandbox.python, repo=REPO)

"""Recorded outcomes: which model resolved which task, at what cost. Money in US dollars."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

COLUMNS = ("instance_id", "model", "resolved", "cost_usd", "api_calls")
TRUTH = {"1": True, "true": True, "1.0": True, "0": False, "false": False, "0.0": False}

Matrix = NDArray[np.float64]


class Unusable(ValueError):
    """A table that cannot be used, and why, in one line."""


class Run(NamedTuple):
    """One row of a table. calls: NaN where they were not recorded."""

    task: str
    model: str
    resolved: bool
    dollars: float
    calls: float


@dataclass(frozen=True)
class Outcomes:
    """resolved (1 or 0), dollars, calls: shape (tasks, models), NaN where there was no run; calls also where
    they were not recorded."""

    tasks: tuple[str, ...]
    models: tuple[str, ...]
    resolved: Matrix
    dollars: Matrix
    calls: Matrix

    def rows(self, numbers: Sequence[int] | NDArray[np.int64]) -> Outcomes:
        """The tasks with these numbers."""
        chosen = np.asarray(numbers, dtype=np.int64)
        tables = (self.resolved[chosen], self.dollars[chosen], self.calls[chosen])
        return Outcomes(tuple(self.tasks[number] for number in chosen), self.models, *tables)

    def of(self, models: Sequence[str]) -> Outcomes:
        """These models, in this order."""
        columns = [self.models.index(model) for model in models]
        tables = (self.resolved[:, columns], self.dollars[:, columns], self.calls[:, columns])
        return Outcomes(self.tasks, tuple(models), *tables)

    def complete(self) -> Outcomes:
        """The tasks that every model was run on."""
        return self.rows(np.flatnonzero(~np.isnan(self.resolved).any(axis=1)))

    def without(self, tasks: Sequence[str]) -> Outcomes:
        """All tasks but these."""
        left_out = set(tasks)
        return self.rows([row for row, task in enumerate(self.tasks) if task not in left_out])

    def most_missing(self) -> tuple[str, int]:
        """The model with the fewest runs, and how many tasks it was not run on."""
        missing = np.isnan(self.resolved).sum(axis=0)
        return self.models[int(missing.argmax())], int(missing.max())


def read_table(path: Path) -> Outcomes:
    """The outcomes in a CSV file with the columns of COLUMNS. Raises Unusable."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise Unusable(f"{path} lacks the column {missing[0]}; it needs {', '.join(COLUMNS)}")
            return _arranged(path, [_run(f"{path}, line {reader.line_num}", row) for row in reader])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Unusable(f"{path} cannot be read: {error}") from error


def read_leaderboard(path: Path, board: str) -> Outcomes:
    """The runs of one board of the SWE-bench site's leaderboards.json: every result with details of each
    task's `resolved`, `cost` and `api_calls`. Raises Unusable."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        boards = document["leaderboards"] if isinstance(document, dict) else document
        named = {str(each["name"]): each["results"] for each in boards}
        if board not in named:
            raise Unusable(f"{path} has no board {board!r}; it has {', '.join(named)}")
        runs: list[Run] = []
        for result in named[board]:
            details = result.get("per_instance_details") or {}
            if any(run.model == result["name"] for run in runs):
                raise Unusable(f"{path} holds the model {result['name']!r} twice on {board!r}")
            for task, detail in details.items():
                row = {
                    "instance_id": task,
                    "model": result["name"],
                    "resolved": str(detail["resolved"]),
                    "cost_usd": str(detail["cost"]),
                    "api_calls": "" if detail["api_calls"] is None else str(detail["api_calls"]),
                }
                runs.append(_run(f"{path}, {result['name']}", row))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise Unusable(f"{path} cannot be read: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise Unusable(f"{path} is not a leaderboard file: {type(error).__name__} {error}") from error
    return _arranged(path, runs)


def folds(tasks: int, count: int, seed: int) -> list[NDArray[np.int64]]:
    """`count` random parts of about equal size."""
    order = np.random.default_rng(seed).permutation(tasks)
    return [np.sort(order[start::count]) for start in range(count)]


def _run(where: str, row: dict[str, str]) -> Run:
    resolved = TRUTH.get((row["resolved"] or "").strip().lower())
    if resolved is None:
        raise Unusable(f"{where}: resolved must be 0 or 1, not {row['resolved']!r}")
    dollars = _amount(where, row, "cost_usd")
    calls = math.nan if row["api_calls"] == "" else _amount(where, row, "api_calls")
    if not (row["instance_id"] and row["model"]):
        raise Unusable(f"{where}: instance_id and model must not be empty")
    return Run(row["instance_id"], row["model"], resolved, dollars, calls)


def _amount(where: str, row: dict[str, str], column: str) -> float:
    try:
        number = float(row[column])
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise Unusable(f"{where}: {column} must be a number of at least 0, not {row[column]!r}")
    return number


def _arranged(path: Path, runs: Iterable[Run]) -> Outcomes:
    by_cell: dict[tuple[str, str], Run] = {}
    for run in runs:
        if (run.task, run.model) in by_cell:
            raise Unusable(f"{path} holds two runs of {run.model} on {run.task}")
        by_cell[run.task, run.model] = run
    if not by_cell:
        raise Unusable(f"{path} holds no runs")
    tasks = tuple(sorted({task for task, _ in by_cell}))
    models = tuple(sorted({model for _, model in by_cell}))
    row_of = {task: row for row, task in enumerate(tasks)}
    column_of = {model: column for column, model in enumerate(models)}
    tables = np.full((3, len(tasks), len(models)), np.nan)
    for run in by_cell.values():
        tables[:, row_of[run.task], column_of[run.model]] = run.resolved, run.dollars, run.calls
    return Outcomes(tasks, models, *tables)

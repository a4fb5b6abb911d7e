"""The benchmark on recorded outcomes: its tables, its players, its arguments and its JSON."""

from __future__ import annotations

import csv
import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks._ours import OURS, Ours, learnt
from benchmarks._outcomes import COLUMNS, Outcomes, Unusable, folds, read_leaderboard, read_table
from benchmarks._play import STOP, History, Kind, Move, Terms, Tried, play
from benchmarks._rivals import BEST_SINGLE, WEITZMAN, Cascade, Single, Weitzman, baselines
from benchmarks._scores import oracle, splits

PROJECT = Path(__file__).parents[2]
RATES, PRICES = (0.3, 0.55, 0.75), (0.02, 0.2, 1.0)


def outcomes(tasks: int, seed: int) -> Outcomes:
    """Three models on correlated tasks; failures cost twice as much."""
    random = np.random.default_rng(seed)
    difficulty = random.normal(size=(tasks, 1))
    logits = np.log(np.array(RATES) / (1 - np.array(RATES))) * 1.5 - 1.5 * difficulty
    resolved = (random.random((tasks, 3)) < 1 / (1 + np.exp(-logits))).astype(float)
    dollars = np.array(PRICES) * np.exp(0.3 * random.normal(size=(tasks, 3))) * (2 - resolved)
    names = tuple(f"task-{number:03d}" for number in range(tasks))
    return Outcomes(names, ("cheap", "middle", "dear"), resolved, dollars, np.full((tasks, 3), 7.0))


def written(path: Path, table: Outcomes) -> Path:
    with path.open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(COLUMNS)
        for (row, task), (column, model) in itertools.product(
            enumerate(table.tasks), enumerate(table.models)
        ):
            cells = (table.resolved[row, column], table.dollars[row, column], table.calls[row, column])
            writer.writerow((task, model, int(cells[0]), *cells[1:]))
    return path


def routing(*options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.routing", *map(str, options)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False)


# Tables.


def test_a_table_comes_back_as_written(tmp_path: Path) -> None:
    made = outcomes(6, seed=1)
    read = read_table(written(tmp_path / "runs.csv", made)).of(made.models)
    assert read.tasks == made.tasks
    assert np.allclose(read.resolved, made.resolved) and np.allclose(read.dollars, made.dollars)


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ("instance_id,model,resolved,cost_usd\na,b,1,2\n", "lacks the column api_calls"),
        (",".join(COLUMNS) + "\na,b,perhaps,2,3\n", "line 2: resolved must be 0 or 1, not 'perhaps'"),
        (",".join(COLUMNS) + "\na,b,1,-2,3\n", "cost_usd must be a number of at least 0"),
        (",".join(COLUMNS) + "\na,b,1,nan,3\n", "cost_usd must be a number of at least 0"),
        (",".join(COLUMNS) + "\na,b,1,2\n", "api_calls must be a number of at least 0, not None"),
        (",".join(COLUMNS) + "\na,b,1,,3\n", "cost_usd must be a number of at least 0, not ''"),
        (",".join(COLUMNS) + "\na,b,1,2,3\na,b,0,2,3\n", "two runs of b on a"),
        (",".join(COLUMNS) + "\n,b,1,2,3\n", "must not be empty"),
        (",".join(COLUMNS) + "\n", "holds no runs"),
        ("", "lacks the column instance_id"),
    ],
)
def test_unusable_tables_are_refused(tmp_path: Path, rows: str, complaint: str) -> None:
    (tmp_path / "runs.csv").write_text(rows)
    with pytest.raises(Unusable, match=complaint):
        read_table(tmp_path / "runs.csv")


def test_calls_need_not_be_recorded(tmp_path: Path) -> None:
    """fewest-tokens goes by the models whose calls are; without any there is no such policy."""
    rows = ["a,x,1,2,", "a,y,1,1,9", "a,z,0,3,4", "b,x,1,2,", "b,y,1,1,7", "b,z,0,3,"]
    (tmp_path / "runs.csv").write_text("\n".join([",".join(COLUMNS), *rows]) + "\n")
    table = read_table(tmp_path / "runs.csv")
    assert np.isnan(table.calls).tolist() == [[True, False, False], [True, False, True]]
    assert baselines(table, Terms(5, 0))["fewest-tokens"].next(()) == Move(Kind.TRY, 2)
    assert "fewest-tokens" not in baselines(table.of(["x"]), Terms(5, 0))


def test_the_leaderboard_file_is_read(tmp_path: Path) -> None:
    detail = {"resolved": True, "cost": 0.25, "api_calls": 12}
    results = [
        {"name": "model one", "per_instance_details": {"a": detail, "b": {**detail, "resolved": False}}},
        {"name": "without details", "per_instance_details": None},
        {"name": "model two", "per_instance_details": {"a": detail}},
    ]
    file = tmp_path / "leaderboards.json"
    file.write_text(json.dumps({"leaderboards": [{"name": "bash-only", "results": results}]}))
    read = read_leaderboard(file, "bash-only")
    assert read.models == ("model one", "model two")
    assert read.resolved[:, 0].tolist() == [1, 0]
    assert np.isnan(read.resolved[1, 1])
    assert read.complete().tasks == ("a",)
    with pytest.raises(Unusable, match="no board 'Lite'; it has bash-only"):
        read_leaderboard(file, "Lite")
    for broken in ("[", "{}", "[1]", '{"leaderboards": [{"name": "bash-only", "results": [{"name": 1}]}]}'):
        file.write_text(broken)
        with pytest.raises(Unusable):
            read_leaderboard(file, "bash-only")


def test_folds_part_the_tasks() -> None:
    parts = folds(23, 5, seed=3)
    assert sorted(np.concatenate(parts).tolist()) == list(range(23))
    assert {len(part) for part in parts} == {4, 5}


def test_tasks_without_a_run_of_every_model_are_learnt_from_only() -> None:
    made = outcomes(30, seed=1)
    made.resolved[:20, 2] = np.nan
    parted = splits(made, None, 5, seed=0)
    assert sorted(task for split in parted for task in split.test.tasks) == list(made.tasks[20:])
    assert all(len(split.train.tasks) == 28 and len(split.test.tasks) == 2 for split in parted)
    assert all(not set(split.train.tasks) & set(split.test.tasks) for split in parted)


# Players.


def test_a_single_model_is_played_as_recorded() -> None:
    right = play(Single(1), [0, 1, 1], [0.1, 0.2, 0.3], Terms(10, 4))
    assert (right.utility, right.spent, right.resolved, right.wrong) == (pytest.approx(9.8), 0.2, 1, 0)
    wrong = play(Single(0), [0, 1, 1], [0.1, 0.2, 0.3], Terms(10, 4))
    assert (wrong.utility, wrong.wrong) == (pytest.approx(-4.1), 1)
    assert play(Single(None), [1, 1, 1], [1, 1, 1], Terms(10, 4)).utility == 0


def test_the_verifiers_errors_are_averaged_over() -> None:
    """Cascade of a wrong, then a right patch: wrong passes with .1; else the right one passes with .95."""
    played = play(Cascade([0, 1]), [0, 1], [1.0, 2.0], Terms(10, 4, 0.95, 0.9))
    assert played.wrong == pytest.approx(0.1)
    assert played.resolved == pytest.approx(0.9 * 0.95)
    assert played.spent == pytest.approx(1 + 0.9 * 2)
    assert played.utility == pytest.approx(10 * 0.855 - 4 * 0.1 - 2.8)


@pytest.mark.parametrize("terms", [Terms(1, 0), Terms(3, 1.5, 0.95, 0.9), Terms(3, 1.5, 0.7, 0.6)])
def test_weitzman_is_optimal_for_independent_models(terms: Terms) -> None:
    """Brute force: every adaptive order over three independent models, best patch kept."""
    rates, costs = RATES, PRICES

    def worth(history: History) -> float:
        best = max([0.0, *(submit(tried) for tried in history)])
        tried_already = {tried.model for tried in history}
        for model in set(range(3)) - tried_already:
            passing = terms.passes(rates[model])
            going_on = -costs[model]
            for passed, chance in ((True, passing), (False, 1 - passing)):
                if chance > 0:
                    going_on += chance * worth((*history, Tried(model, 0.0, passed)))
            best = max(best, going_on)
        return best

    def submit(tried: Tried) -> float:
        likely = terms.sensitivity if tried.passed else 1 - terms.sensitivity
        chance = terms.passes(rates[tried.model])
        chance = chance if tried.passed else 1 - chance
        return terms.submit(rates[tried.model] * likely / chance)

    player = Weitzman(rates, costs, terms)
    earned = 0.0
    for truth in itertools.product((0.0, 1.0), repeat=3):
        chance = np.prod([q if right else 1 - q for q, right in zip(rates, truth, strict=True)])
        earned += chance * play(player, truth, costs, terms).utility
    assert earned == pytest.approx(worth(()), abs=1e-3 * terms.value)


def test_ours_is_driven_step_by_step_and_stops() -> None:
    train = outcomes(150, seed=2)
    ours = Ours(learnt(train), train.models, Terms(50, 25, 0.95, 0.9))
    first = ours.next(())
    assert first.kind is Kind.TRY
    tried = Tried(first.model, 0.2)
    assert ours.next((tried,)).kind is Kind.LOOK
    assert ours.next((tried._replace(passed=True),)) == Move(Kind.SUBMIT, first.model)
    second = ours.next((tried._replace(passed=False),))
    assert second.kind is Kind.TRY and second.model != first.model
    tiny = Ours(learnt(train), train.models, Terms(1e-4, 0))
    assert tiny.next(()) == STOP


def test_a_menu_holds_only_what_raises_the_worth() -> None:
    train = outcomes(150, seed=2)
    twins = Outcomes(
        train.tasks,
        (*train.models, "twice as dear"),
        np.hstack((train.resolved, train.resolved[:, :1] * 0)),
        np.hstack((train.dollars, 2 * train.dollars[:, 2:])),
        np.hstack((train.calls, train.calls[:, :1])),
    )
    ours = Ours(learnt(twins), twins.models, Terms(20, 0))
    assert "twice as dear" not in {tier.name for tier in ours.menu.tiers}
    assert len(ours.menu.tiers) == 3


def test_a_used_up_menu_is_widened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks._ours.MENU", 1)
    train = outcomes(150, seed=2)
    ours = Ours(learnt(train), train.models, Terms(50, 0))
    assert len(ours.menu.tiers) == 1
    history: History = ()
    for _ in train.models:
        move = ours.next(history)
        assert move.kind is Kind.TRY and move.model not in {tried.model for tried in history}
        history = (*history, Tried(move.model, 0.3))
        assert ours.next(history).kind is Kind.LOOK
        history = (*history[:-1], history[-1]._replace(passed=False))
    assert ours.next(history) == STOP


def test_a_free_check_is_asked_even_where_a_wrong_submission_costs_nothing() -> None:
    train, test = outcomes(150, seed=2), outcomes(40, seed=3)
    terms = Terms(50, 0)
    ours = Ours(learnt(train), train.models, terms)
    for resolved, dollars in zip(test.resolved, test.dollars, strict=True):
        assert play(ours, resolved.tolist(), dollars.tolist(), terms).wrong == 0


def test_the_oracle_takes_the_cheapest_model_that_resolves() -> None:
    made = Outcomes(
        ("a", "b", "c"),
        ("x", "y"),
        np.array([[1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]),
        np.array([[0.5, 0.2], [0.1, 3.0], [0.1, 0.1]]),
        np.zeros((3, 2)),
    )
    assert oracle(made, 2.0).tolist() == [1.8, 0.0, 0.0]


# The program.


def test_training_and_test_tables_give_the_stated_json(tmp_path: Path) -> None:
    train = written(tmp_path / "train.csv", outcomes(120, seed=4))
    test = written(tmp_path / "test.csv", outcomes(60, seed=5))
    out = tmp_path / "out.json"
    done = routing(
        "--train", train, "--test", test, "--values", "0.5,5", "--verifier", "0.95,0.90", "--risk", "0.5V",
        "--json", out,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    assert (report["schema"], report["tasks"], len(report["models"])) == (1, 60, 3)
    assert [each["value"] for each in report["values"]] == [0.5, 5]
    for at_value in report["values"]:
        assert at_value["risk"] == at_value["value"] / 2
        rows = {row["policy"]: row for row in at_value["policies"]}
        assert len(rows) == 8
        for row in rows.values():
            assert row["interval"][0] <= row["utility"] <= row["interval"][1]
            assert row["regret"] == pytest.approx(at_value["oracle"] - row["utility"])
            earned = at_value["value"] * row["resolved"] - at_value["risk"] * row["wrong"] - row["spent"]
            assert row["utility"] == pytest.approx(earned)
        gained = rows[OURS]["utility"] - rows[BEST_SINGLE]["utility"]
        share = gained / (at_value["oracle"] - rows[BEST_SINGLE]["utility"])
        assert at_value["captured"]["share"] == pytest.approx(share)
        assert share > 0
        assert at_value["ours_minus"][BEST_SINGLE]["difference"] == pytest.approx(gained)
        assert set(at_value["ours_minus"]) == {BEST_SINGLE, WEITZMAN}
    for group in report["calibration"]:
        assert group["attempts"] >= 100
        assert group["within"] == (abs(group["predicted"] - group["observed"]) <= 0.05)
    assert {"after 0 failures"} <= {group["group"] for group in report["calibration"]}


def test_tasks_of_both_tables_are_not_learnt_from(tmp_path: Path) -> None:
    """Whatever they say there: the same tables with those rows turned round give the same results."""
    whole = outcomes(60, seed=4)
    test = written(tmp_path / "test.csv", whole.rows(range(20)))
    whole.calls[:] = np.nan
    reports = []
    for name in ("as they are", "turned round"):
        train = tmp_path / "train.csv"
        train.write_text(written(train, whole).read_text().replace("nan", ""))
        kept = [line for line in train.read_text().splitlines() if not line.startswith("task-021,cheap")]
        train.write_text("\n".join(kept) + "\n")
        done = routing("--train", train, "--test", test, "--values", "5", "--json", tmp_path / "out.json")
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("3 models, tested on 20 tasks\n"), name
        reports.append(json.loads((tmp_path / "out.json").read_text())["values"])
        whole.resolved[:20] = 1 - whole.resolved[:20]
    assert reports[0] == reports[1]
    alone = routing("--train", test, "--test", test)
    assert alone.returncode == 2
    assert "has no run of 'cheap' on a task that is not tested on" in alone.stderr


def test_tables_with_gaps(tmp_path: Path) -> None:
    """Tasks without a run of every model are said to be left out, and why nothing is left is said."""
    rows = written(tmp_path / "whole.csv", outcomes(30, seed=4)).read_text().splitlines()
    some, few = tmp_path / "some.csv", tmp_path / "few.csv"
    some.write_text("\n".join([rows[0], *rows[5:]]) + "\n")
    done = routing("--train", some, "--values", "5")
    assert done.returncode == 0 and done.stderr == ""
    tested, left_out = done.stdout.splitlines()[0].split("; ")
    assert tested == "3 models, tested on 28 tasks"
    assert left_out == "left out for want of a run of some model: 1 (of 'cheap': 1)"
    few.write_text("\n".join([rows[0], *rows[1:13], *(row for row in rows[13:] if ",dear," in row)]) + "\n")
    done = routing("--train", few)
    assert done.returncode == 2
    assert "4 tasks with a run of every model, fewer than 5 folds: lower --folds or take out" in done.stderr
    assert "of some model: 26 (of 'cheap': 26)" in done.stderr


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--values", "1,0"), "argument --values: '1,0' is not a list of amounts above 0"),
        (("--values", "1,,2"), "argument --values: '1,,2' is not a list of amounts above 0"),
        (("--values", "inf"), "argument --values: 'inf' is not a list of amounts above 0"),
        (("--verifier", "0.9"), "argument --verifier: '0.9' is not a sensitivity and a specificity"),
        (("--verifier", "0.3,0.3"), "argument --verifier: '0.3,0.3' is not a sensitivity"),
        (("--risk", "half"), "argument --risk: 'half' is not an amount like 10, or a share of V like 0.5V"),
        (("--risk=-1",), "argument --risk: '-1' is not an amount"),
        (("--folds", "1"), "argument --folds: '1' is not a whole number of at least 2"),
        (("--json", "nowhere/out.json"), "argument --json: there is no folder nowhere"),
        ((), "nowhere.csv cannot be read"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(options: tuple[str, ...], complaint: str) -> None:
    done = routing("--train", "nowhere.csv", *options)
    assert done.returncode == 2
    assert complaint in done.stderr.strip().splitlines()[-1]

"""Tests of the search benchmarks: optima of the problems, statistics, and a short run of each command."""

import argparse
import csv
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from benchmarks.search import coco, latency, samplers
from benchmarks.search.branches import BranchesProblem
from benchmarks.search.coco import CocoProblem, hypervolume
from benchmarks.search.problems import ProblemKey, Tried
from benchmarks.search.scores import scores
from benchmarks.search.searches import FUNCTIONS, SUITES, SearchKey, losses
from segada.errors import InputError

needs_coco = pytest.mark.skipif(importlib.util.find_spec("cocoex") is None, reason="coco-experiment is not installed")


def parsed(module: object, *words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    module.add_options(parser)  # type: ignore[attr-defined]
    return parser.parse_args(words)


@pytest.mark.parametrize("function", range(1, 5))
def test_branches_cost_nothing_at_their_optimum_and_more_anywhere_else(function: int) -> None:
    problem = BranchesProblem(ProblemKey("branches", function, 2, 1))
    generator = np.random.default_rng(0)
    points = [problem.space.draw(generator) for _ in range(60)]
    values = [problem.true(point) for point in points]
    assert min(values) > 0.0
    again = BranchesProblem(ProblemKey("branches", function, 2, 1))
    assert [again.true(point) for point in points] == values
    other = BranchesProblem(ProblemKey("branches", function, 2, 2))
    assert [other.true(point) for point in points] != values
    noisy = {problem.values(points[0]) for _ in range(3)}
    assert len(noisy) == (3 if function % 2 == 0 else 1)


def test_the_loss_is_the_true_value_of_what_seemed_best() -> None:
    problem = BranchesProblem(ProblemKey("branches", 2, 2, 1))
    generator = np.random.default_rng(0)
    first, second = (problem.space.draw(generator) for _ in range(2))
    assert problem.loss([Tried(first, (0.1,)), Tried(second, (0.2,))]) == problem.true(first)
    assert problem.loss([Tried(first, (0.3,)), Tried(second, (0.2,))]) == problem.true(second)


def test_the_hypervolume_is_the_area_of_the_staircase() -> None:
    points = np.array([[0.5, 0.5], [0.25, 0.75], [0.6, 0.6], [0.75, 0.0]])
    assert hypervolume(points) == pytest.approx(0.25 * 0.25 + 0.25 * 0.5 + 0.25 * 1.0)
    assert hypervolume(np.array([[0.0, 0.0]])) == 1.0


@needs_coco
@pytest.mark.parametrize("suite", ["bbob", "bbob-mixint"])
def test_the_optimum_of_coco_has_no_loss(suite: str) -> None:
    problem = CocoProblem(ProblemKey(suite, 3, 5, 2))
    generator = np.random.default_rng(0)
    points = [problem.space.draw(generator) for _ in range(30)]
    found = [problem.loss([Tried(point, problem.values(point))]) for point in points]
    assert min(found) > 0.0
    best = coco._optimum(problem._problem)
    configuration = type(points[0])({f"x{index}": value for index, value in enumerate(best)})
    assert problem.loss([Tried(configuration, problem.values(configuration))]) == pytest.approx(0.0, abs=1e-9)


@needs_coco
def test_a_front_is_worth_its_hypervolume_between_ideal_and_nadir() -> None:
    problem = CocoProblem(ProblemKey("bbob-biobj", 1, 5, 1))
    anywhere = problem.space.draw(np.random.default_rng(0))

    def loss(*shares: tuple[float, float]) -> float:
        extent = problem._nadir - problem._ideal
        return problem.loss([Tried(anywhere, tuple(problem._ideal + np.array(share) * extent)) for share in shares])

    assert loss((0.5, 0.5)) == pytest.approx(0.75)
    assert loss((0.5, 0.5), (2.0, 2.0)) == pytest.approx(0.75)
    assert loss((4.0, 5.0), (1.0, 3.0)) == pytest.approx(3.0)


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(coco.importlib, "import_module", missing)
    with pytest.raises(InputError, match="pip install coco-experiment"):
        CocoProblem(ProblemKey("bbob", 1, 5, 1))


def test_every_suite_has_its_functions() -> None:
    assert set(FUNCTIONS) == set(SUITES)


def test_ranks_regrets_and_wins_are_those_of_a_small_table() -> None:
    table = {
        SearchKey(ProblemKey("bbob", function, 5, seed + 1), seed, sampler): loss
        for function, seed, sampler, loss in (
            *((1, 0, "genetic", 1.0), (1, 0, "random", 4.0), (1, 0, "tpe", 2.0)),
            *((1, 1, "genetic", 2.0), (1, 1, "random", 8.0), (1, 1, "tpe", 2.0)),
            *((2, 0, "genetic", 9.0), (2, 0, "random", 3.0), (2, 0, "tpe", 0.0)),
            *((2, 1, "genetic", 1.5), (2, 1, "random", 3.0), (2, 1, "tpe", 0.0)),
        )
    }
    found = {score.sampler: score for score in scores(table)}
    assert found["genetic"].rank.mean == pytest.approx(np.mean([1.0, 1.5, 3.0, 2.0]))
    # Random search's median is 6 on the first function and 3 on the second; a regret counts for 2 at most.
    assert found["genetic"].regret.mean == pytest.approx(np.mean([1 / 6, 2 / 6, 2.0, 0.5]))
    assert found["genetic"].ahead["tpe"].mean == pytest.approx(np.mean([1.0, 0.5, 0.0, 0.0]))
    assert found["tpe"].ahead["genetic"].mean == pytest.approx(1 - np.mean([1.0, 0.5, 0.0, 0.0]))
    rank = found["genetic"].rank
    assert rank.low == pytest.approx(1.25)
    assert rank.high == pytest.approx(2.5)
    assert next(iter(scores(table))).sampler == "tpe"


def test_a_search_is_determined_by_its_seed_and_losses_never_rise() -> None:
    key = SearchKey(ProblemKey("branches", 1, 2, 1), 0, "genetic")
    found = losses(key, [5, 15, 30])
    assert found == losses(key, [5, 15, 30])
    assert found[0] >= found[1] >= found[2] > 0.0


def test_the_command_prints_writes_and_goes_on_where_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "--suites",
        "branches",
        "--functions",
        "1,3",
        "--dimensions",
        "2",
        "--budgets",
        "6,12",
        "--out",
        str(tmp_path),
    ]
    samplers.run(parsed(samplers, *words, "--samplers", "genetic", "optuna-nsga2", "--seeds", "1"))
    assert "branches, 12 trials" in capsys.readouterr().out
    with (tmp_path / "searches.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 * 3
    assert {row["sampler"] for row in rows} == {"genetic", "optuna-nsga2", "random"}
    samplers.run(parsed(samplers, *words, "--samplers", "genetic", "optuna-nsga2", "--seeds", "2"))
    with (tmp_path / "searches.csv").open() as file:
        later = list(csv.DictReader(file))
    assert later[: len(rows)] == rows
    assert len(later) == 2 * len(rows)
    page = (tmp_path / "table.md").read_text()
    assert "### branches, 6 trials" in page
    assert "| random |" in page
    assert len((tmp_path / "table.csv").read_text().splitlines()) == 1 + 2 * 3


def test_functions_that_no_suite_has_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no suite of branches has such functions"):
        samplers.run(parsed(samplers, "--suites", "branches", "--functions", "9", "--out", str(tmp_path)))


@pytest.mark.parametrize(("text", "expected"), [("5", [5]), ("1,3-5", [1, 3, 4, 5]), ("2,2", [2])])
def test_lists_of_numbers_may_have_ranges(text: str, expected: list[int]) -> None:
    assert samplers.numbers(text) == expected


@pytest.mark.parametrize("objectives", [1, 2])
def test_latency_is_of_asks_on_a_journal_that_holds_trials(objectives: int) -> None:
    wall, used = latency.suggestion("genetic", 20, 3, objectives)
    assert used > 0.0
    assert wall > 0.0

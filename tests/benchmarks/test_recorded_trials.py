"""Tests of recorded trials, and of searches on them under a virtual clock."""

import argparse
import csv
import math
from pathlib import Path

import numpy as np
import optuna
import pytest

from benchmarks.search import replay
from benchmarks.search.recorded import (
    SHIPPED,
    RecordedTable,
    RecordedTrial,
    RecordedVisit,
    Recording,
    read_table,
    write_table,
)
from benchmarks.search.replay import Replay, ReplayKey, scores
from benchmarks.search.searches import build
from benchmarks.search.virtual_clock import Found, VirtualClock
from hpo.pruners.settings import HalvingSettings
from hpo.samplers.registry import SAMPLERS
from segada.errors import InputError

SPACE = {
    "method.pseudo_threshold": {"type": "float", "low": 0.0, "high": 1.0},
    "method.ema_alpha": {"type": "float", "low": 0.0, "high": 1.0},
}
SECONDS = 2.0


def recording(relevance: float = 0.9) -> Recording:
    return Recording(
        study="tiny",
        command="python -m hpo.run --space tiny.yaml",
        provenance=("git revision 0",),
        space=SPACE,
        forbidden=(),
        visits=("clear", "rain"),
        source_only={"clear": 0.5, "rain": 0.25},
        relevance={"method.pseudo_threshold": relevance, "method.ema_alpha": 1.0 - relevance},
    )


def trial(threshold: float, alpha: float, clear: float, rain: float, seconds: float = SECONDS) -> RecordedTrial:
    visits = (
        RecordedVisit(domain="clear", frames=10, seconds=seconds, miou={"clear": clear, "rain": 0.0}, label_free={}),
        RecordedVisit(domain="rain", frames=10, seconds=seconds, miou={"clear": 0.0, "rain": rain}, label_free={}),
    )
    return RecordedTrial(values={"method.pseudo_threshold": threshold, "method.ema_alpha": alpha}, visits=visits)


def grid_table(size: int = 5) -> RecordedTable:
    """Returns a table in which mIoU rises with the threshold, and slightly with alpha."""
    places = np.linspace(0.0, 1.0, size)
    return RecordedTable(
        recording(), [trial(x, y, 0.5 + 0.2 * x, 0.25 + 0.2 * x + 0.01 * y) for x in places for y in places]
    )


def test_results_are_those_of_the_visits() -> None:
    table = RecordedTable(recording(), [trial(0.0, 0.0, 0.6, 0.45)])
    assert [table.rung_value(0, visits, "gain_so_far") for visits in (1, 2)] == pytest.approx([0.1, 0.15])
    # After the first visit the rain, still to come, is at 0: 0.25 below the source model.
    assert [table.rung_value(0, visits, "projected_gain") for visits in (1, 2)] == pytest.approx(
        [(0.1 - 0.25) / 2, 0.15]
    )
    assert table.mean_miou.tolist() == [pytest.approx((0.6 + 0.45) / 2)]
    assert table.frames == 20


def test_a_dimension_counts_for_as_much_as_it_says() -> None:
    trials = [trial(0.0, 0.5, 0.5, 0.5), trial(0.4, 0.0, 0.5, 0.5)]
    asked = {"method.pseudo_threshold": 0.1, "method.ema_alpha": 0.0}
    assert RecordedTable(recording(0.9), trials).nearest(asked, {0, 1}) == 0
    assert RecordedTable(recording(0.1), trials).nearest(asked, {0, 1}) == 1
    assert RecordedTable(recording(0.9), trials).nearest(asked, {1}) == 1


def test_fidelity_is_high_where_neighbors_are_alike_and_low_where_they_are_not() -> None:
    assert grid_table().fidelity() > 0.8
    alternating = [trial(x / 9, 0.0, 0.5 + 0.1 * (x % 2), 0.5) for x in range(10)]
    assert RecordedTable(recording(1.0), alternating).fidelity() < -0.5


def test_a_table_comes_back_from_its_file_and_is_the_same_bytes_again(tmp_path: Path) -> None:
    table = grid_table(2)
    write_table(table.recording, table.trials, tmp_path / "a.xz")
    again = read_table(tmp_path / "a.xz")
    assert (again.recording, again.trials) == (table.recording, table.trials)
    write_table(again.recording, again.trials, tmp_path / "b.xz")
    assert (tmp_path / "a.xz").read_bytes() == (tmp_path / "b.xz").read_bytes()


@pytest.mark.parametrize("content", [None, b"no archive"])
def test_what_is_no_table_is_refused_by_its_path(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "table.xz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"table\.xz: (cannot be read|is no table)"):
        read_table(path)


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name not in ("gp", "auto")])
def test_every_sampler_gets_every_recorded_trial_once(name: str) -> None:
    table = grid_table(4)
    clock = VirtualClock(table, build(name, table.space, 16, 0), None, 3)
    found = clock.search(10_000)
    trials = clock.study.get_trials(deepcopy=False)
    params = [(one.params["method.pseudo_threshold"], one.params["method.ema_alpha"]) for one in trials]
    assert sorted(params) == sorted((raw["method.pseudo_threshold"], raw["method.ema_alpha"]) for raw in table.raw)
    values = {tuple(raw.values()): value for raw, value in zip(table.raw, table.mean_miou, strict=True)}
    assert [one.value for one in trials] == [pytest.approx(values[point]) for point in params]
    assert found[-1].mean_miou == pytest.approx(table.mean_miou.max())
    assert [one.mean_miou for one in found] == sorted(one.mean_miou for one in found)


def test_the_clock_lets_a_quick_trial_overtake_and_counts_frames_visit_by_visit() -> None:
    trials = [trial(0.0, 0.0, 0.5, 0.5, seconds=10.0), trial(0.5, 0.0, 0.6, 0.6), trial(1.0, 0.0, 0.7, 0.7)]
    table = RecordedTable(recording(), trials)
    sampler = build("random", table.space, 3, 0)
    clock = VirtualClock(table, sampler, None, 2)
    found = clock.search(10_000)
    order = [clock.sampler.rows[number] for number in range(3)]
    ends = {0: 20.0, 1: 4.0, 2: 4.0}
    first = sorted(order[:2], key=lambda row: ends[row])
    # Frames of all workers count: a visit of the slow trial that is under way does not.
    slow_is_running = 0 in order[:2]
    assert found[0] == Found(20 if slow_is_running else 30, pytest.approx(table.mean_miou[first[0]]))
    assert found[-1].frames <= 60


def test_a_pruned_trial_costs_its_visits_and_has_no_value() -> None:
    table = grid_table()
    clock = VirtualClock(table, build("random", table.space, 25, 0), HalvingSettings(min_visits=1), 1)
    found = clock.search(10_000)
    trials = clock.study.get_trials(deepcopy=False)
    pruned = [one for one in trials if one.state == optuna.trial.TrialState.PRUNED]
    assert 0 < len(pruned) < len(trials) == 25
    assert all(len(one.intermediate_values) == 1 for one in pruned)
    assert clock.frames == 10 * len(pruned) + 20 * (len(trials) - len(pruned))
    assert found[-1].frames <= clock.frames


def test_a_search_ends_with_its_budget() -> None:
    table = grid_table()
    clock = VirtualClock(table, build("random", table.space, 25, 0), None, 2)
    clock.search(100)
    assert clock.frames == 100


def test_scores_are_those_of_the_definition() -> None:
    found = {
        ReplayKey("random", "none", 0): [Found(10, 0.5), Found(80, 0.6)],
        ReplayKey("random", "none", 1): [Found(30, 0.7)],
        ReplayKey("genetic", "projected_gain", 0): [Found(20, 0.4), Found(25, 0.65)],
        ReplayKey("genetic", "projected_gain", 1): [Found(20, 0.4)],
    }
    scored = scores(found, 0.7, 100)
    assert scored["genetic", "projected_gain"].reached.tolist() == [0.25, math.inf]
    assert scored["random", "none"].reached.tolist() == [0.8, 0.3]
    np.testing.assert_allclose(
        scored["genetic", "projected_gain"].regret, [[0.7, 0.05, 0.05, 0.05], [0.7, 0.3, 0.3, 0.3]]
    )
    np.testing.assert_allclose(scored["random", "none"].regret, [[0.2, 0.2, 0.2, 0.1], [0.7, 0.7, 0.0, 0.0]])


def test_two_replays_are_equal_and_seeds_differ(tmp_path: Path) -> None:
    table = grid_table()
    write_table(table.recording, table.trials, tmp_path / "table.xz")
    one = Replay(tmp_path / "table.xz", 300, 2, 1)
    first, again, other = (one(ReplayKey("genetic", "projected_gain", seed)) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_the_command_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = grid_table()
    write_table(table.recording, table.trials, tmp_path / "table.xz")
    parser = argparse.ArgumentParser()
    replay.add_options(parser)
    words = [
        "--table",
        str(tmp_path / "table.xz"),
        "--seeds",
        "2",
        "--samplers",
        "genetic",
        "--out",
        str(tmp_path / "out"),
    ]
    replay.run(parser.parse_args(words))
    said = capsys.readouterr().out
    assert "25 recorded trials of tiny" in said
    assert "of 2" in said
    with (tmp_path / "out" / "replay.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(row["sampler"], row["pruning"]) for row in rows} == {
        (sampler, pruning) for sampler in ("genetic", "random") for pruning in ("none", "gain_so_far", "projected_gain")
    }


def test_the_shipped_table_has_whole_trials_of_the_study_that_makes_it() -> None:
    from hpo.config.study_file import load_study

    table = read_table(SHIPPED)
    study = load_study("random_dacs")
    assert len(table.trials) >= 300
    assert table.recording.command == "python -m hpo.run --space random_dacs.yaml"
    assert table.space.distributions() == study.space.distributions()
    assert table.recording.visits == study.run_settings().stream.all_visits()
    assert {len(one.visits) for one in table.trials} == {len(table.recording.visits)}
    assert {sum(visit.frames for visit in one.visits) for one in table.trials} == {table.frames}
    assert len({str(raw) for raw in table.raw}) == len(table.trials)
    assert sum(table.recording.relevance.values()) == pytest.approx(1.0, abs=1e-4)

"""Tests of routes, rounds and passes in all parts that count visits: frames, records, scores and rungs."""

from pathlib import Path

import pytest
import yaml

from hpo.config.objectives import domain_miou
from hpo.config.study_file import load_study
from segada.engine.run_data import RunData, prepare_data, run_data_key
from segada.engine.runner import Run
from segada.errors import InputError
from segada.records import RunReport
from segada.settings import RunSettings

THERE_AND_BACK = ["clear", "200mm", "clear"]


def _settings(tiny_run: dict[str, object], **stream: object) -> RunSettings:
    tree = {**tiny_run, "stream": {**tiny_run["stream"], "frames": 4, **stream}}  # type: ignore[dict-item]
    return RunSettings.model_validate(tree)


def _run(run: Run) -> RunReport:
    while not run.finished:
        run.next_visit()
    return run.report()


@pytest.fixture(scope="module")
def settings(tiny_run: dict[str, object]) -> RunSettings:
    return _settings(tiny_run, route="forward_and_back", rounds=2)


@pytest.fixture(scope="module")
def run_data(settings: RunSettings) -> RunData:
    return prepare_data(settings)


def test_a_run_records_and_scores_every_visit_of_every_round(settings: RunSettings, run_data: RunData) -> None:
    report = _run(Run(settings, run_data))

    assert [record.domain for record in report.visits] == THERE_AND_BACK * 2
    assert [record.visit for record in report.visits] == list(range(6))
    assert all(set(record.miou) == {"clear", "200mm"} for record in report.visits)
    visited = [record.miou[record.domain] for record in report.visits]
    assert report.mean_miou == pytest.approx(sum(visited) / 6)
    clear, rain = report.source_only["clear"], report.source_only["200mm"]
    assert report.source_only_mean_miou == pytest.approx((4 * clear + 2 * rain) / 6)
    assert report.forgetting == clear - report.visits[5].miou["clear"]
    # The search reads a domain that returned after its last visit.
    assert domain_miou(report, "200mm") == report.visits[4].miou["200mm"] != report.visits[1].miou["200mm"]


def test_a_run_stopped_in_its_second_round_ends_with_the_same_weights(
    settings: RunSettings, run_data: RunData, tmp_path: Path
) -> None:
    _run(Run(settings, run_data, tmp_path / "whole"))
    stopped = Run(settings, run_data, tmp_path / "stopped")
    for _ in range(4):
        stopped.next_visit()

    resumed = Run(settings, run_data, tmp_path / "stopped")
    assert resumed.visits_done == 4
    _run(resumed)

    one, other = (tmp_path / name / "weights.safetensors" for name in ("stopped", "whole"))
    assert one.read_bytes() == other.read_bytes()


def test_passes_count_their_frames_and_share_the_data_of_one(
    tiny_run: dict[str, object], settings: RunSettings, run_data: RunData
) -> None:
    thrice = _settings(tiny_run, route="forward_and_back", rounds=2, passes=3)
    assert _run(Run(thrice, run_data)).visits[3].frames == 3 * 4


@pytest.mark.parametrize("changes", [{"rounds": 2}, {"route": "forward_and_back"}, {"frames": 5}])
def test_another_drive_has_other_data(tiny_run: dict[str, object], changes: dict[str, object]) -> None:
    assert run_data_key(_settings(tiny_run)) != run_data_key(_settings(tiny_run, **changes))


def test_what_learns_and_how_leaves_the_data_as_it_is(tiny_run: dict[str, object]) -> None:
    model = {
        "freeze": "encoder",
        "frozen_modules": ("head.linear_fuse",),
        "trainable_modules": ("norm1",),
        "drop_path": 0.1,
    }
    changed = RunSettings.model_validate({**tiny_run, "model": model, "adapter": {"name": "adaptformer"}, "seed": 3})
    assert run_data_key(changed) == run_data_key(RunSettings.model_validate(tiny_run))


def test_a_search_counts_the_visits_of_the_whole_route(tmp_path: Path) -> None:
    study: dict[str, object] = {
        "name": "there_and_back",
        "run": {"stream": {"visits": ["clear", "25mm", "200mm"], "route": "forward_and_back", "rounds": 2}},
        "space": {"method.pseudo_threshold": {"type": "float", "low": 0.5, "high": 0.9, "default": 0.8}},
        "sampler": {"name": "random"},
        "pruning": {"name": "halving", "min_visits": 9},
    }
    file = tmp_path / "study.yaml"
    file.write_text(yaml.safe_dump(study))

    assert len(load_study(str(file)).run_settings().stream.all_visits()) == 10
    with pytest.raises(InputError, match="must be below the 10 visits of the stream, but is 10"):
        load_study(str(file), {"pruning.min_visits": 10})


def test_every_domain_of_the_route_is_scored_once(tiny_run: dict[str, object]) -> None:
    returning = _settings(tiny_run, visits=["clear", "25mm", "200mm"], route="forward_and_back")
    assert returning.scored_domains() == ("clear", "25mm", "200mm")
    with pytest.raises(ValueError, match="leaves out '25mm', but every visited domain is scored"):
        RunSettings.model_validate({**returning.model_dump(), "evaluation": {"domains": ("clear", "200mm")}})

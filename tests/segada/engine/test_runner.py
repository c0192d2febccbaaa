"""Tests of the loop: equal numbers when repeated, after a stop, and in another process; and its refusals."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from segada.engine.run_data import RunData, prepare_data
from segada.engine.runner import Diverged, Run
from segada.records import RunReport
from segada.settings import RunSettings

METHODS = {"dacs": {"name": "dacs", "pseudo_threshold": 0.1}, "batch_norm": {"name": "batch_norm"}}


@pytest.fixture(scope="module")
def run_data(tiny_run: dict[str, object]) -> RunData:
    return prepare_data(RunSettings.model_validate(tiny_run))


def _settings(tiny_run: dict[str, object], **changes: object) -> RunSettings:
    return RunSettings.model_validate({**tiny_run, **changes})


def _numbers(report: RunReport) -> dict[str, object]:
    """Returns the report without times."""
    content = report.model_dump()
    for part in (content, *content["visits"]):
        for timing in ("seconds", "frames_per_second"):
            part.pop(timing, None)
    return content


def _run(settings: RunSettings, run_data: RunData, folder: Path | None = None) -> RunReport:
    run = Run(settings, run_data, folder)
    while not run.finished:
        run.next_visit()
    return run.report()


@pytest.mark.parametrize("method", METHODS)
def test_a_run_stopped_after_a_visit_ends_with_the_same_bytes(
    method: str, tiny_run: dict[str, object], run_data: RunData, tmp_path: Path
) -> None:
    settings = _settings(
        tiny_run,
        method=METHODS[method],
        stream={**tiny_run["stream"], "replay": {"size": 12, "policy": "rare_class"}},  # type: ignore[dict-item]
    )
    whole = _run(settings, run_data, tmp_path / "whole")
    Run(settings, run_data, tmp_path / "stopped").next_visit()
    resumed = Run(settings, run_data, tmp_path / "stopped")
    assert resumed.visits_done == 1
    resumed.next_visit()
    assert _numbers(resumed.report()) == _numbers(whole)
    for name in ("weights.safetensors", "areas.npz"):
        assert (tmp_path / "stopped" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_what_a_kill_kept_from_being_written_is_written_on_resuming(
    tiny_run: dict[str, object], run_data: RunData, tmp_path: Path
) -> None:
    settings = _settings(tiny_run)
    _run(settings, run_data, tmp_path)
    published = ("report.json", "weights.safetensors", "visits.jsonl", "areas.npz")
    before = {name: (tmp_path / name).read_bytes() for name in published}
    for name in published:
        (tmp_path / name).unlink()
    assert Run(settings, run_data, tmp_path).finished
    assert {name: (tmp_path / name).read_bytes() for name in published} == before


def test_another_process_gives_the_same_numbers(tiny_run: dict[str, object], run_data: RunData, tmp_path: Path) -> None:
    here = _run(_settings(tiny_run), run_data)
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(tiny_run))
    command = [sys.executable, "-m", "segada.adapt", str(tmp_path / "run.yaml"), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    there = RunReport.model_validate(json.loads((tmp_path / "out" / "report.json").read_text()))
    assert _numbers(there) == _numbers(here)
    lines = (tmp_path / "out" / "visits.jsonl").read_text().splitlines()
    assert [json.loads(line)["domain"] for line in lines] == ["clear", "200mm"]


def test_report_is_what_its_contract_says(tiny_run: dict[str, object], run_data: RunData) -> None:
    report = _run(_settings(tiny_run, method={"name": "batch_norm"}), run_data)
    visited = [record.miou[record.domain] for record in report.visits]
    assert report.mean_miou == pytest.approx(sum(visited) / 2)
    assert report.source_only_mean_miou == pytest.approx(
        (report.source_only["clear"] + report.source_only["200mm"]) / 2
    )
    assert report.gain == pytest.approx(report.mean_miou - report.source_only_mean_miou)
    assert report.forgetting == pytest.approx(report.source_only["clear"] - report.visits[-1].miou["clear"])
    assert all(set(record.miou) == {"clear", "200mm"} for record in report.visits)


def test_source_only_gains_exactly_nothing(tiny_run: dict[str, object], run_data: RunData) -> None:
    report = _run(_settings(tiny_run, method={"name": "source_only"}), run_data)
    assert report.gain == 0.0
    assert report.forgetting == 0.0


@pytest.mark.parametrize(("method", "learns"), [("source_only", False), ("batch_norm", False), ("dacs", True)])
def test_a_method_that_learns_nothing_reports_no_trainable_parameter(
    method: str, learns: bool, tiny_run: dict[str, object], run_data: RunData
) -> None:
    report = _run(_settings(tiny_run, method={"name": method}), run_data)
    assert (report.trainable_parameters > 0) == learns


def test_the_seed_changes_the_numbers(tiny_run: dict[str, object], run_data: RunData) -> None:
    assert (
        _numbers(_run(_settings(tiny_run), run_data))["visits"]
        != (_numbers(_run(_settings(tiny_run, seed=1), run_data))["visits"])
    )


def test_a_loss_that_is_not_finite_names_itself_and_its_place(tiny_run: dict[str, object], run_data: RunData) -> None:
    settings = _settings(tiny_run, method={"name": "dacs", "optimizer": {"lr": 1e30}})
    with pytest.raises(Diverged, match=r"the loss term 'clean' is (nan|inf) in visit 0 \(clear\), step \d"):
        _run(settings, run_data)


def test_a_folder_of_other_settings_is_refused_and_left_alone(
    tiny_run: dict[str, object], run_data: RunData, tmp_path: Path
) -> None:
    _run(_settings(tiny_run), run_data, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match="holds a run of other settings"):
        Run(_settings(tiny_run, seed=5), run_data, tmp_path)
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_material_of_other_frames_is_refused(tiny_run: dict[str, object], run_data: RunData) -> None:
    with pytest.raises(ValueError, match="prepared from other settings"):
        Run(_settings(tiny_run, evaluation={"split": "test"}), run_data)


def _online(tiny_run: dict[str, object], **sections: object) -> float | None:
    merged = {**tiny_run, **sections, "stream": {**tiny_run["stream"], "visits": ["200mm"], **sections["stream"]}}  # type: ignore[dict-item]
    settings = RunSettings.model_validate(merged)
    run = Run(settings, prepare_data(settings))
    return run.next_visit().online_miou


FAST = {"name": "dacs", "target_labels": "ground_truth", "optimizer": {"lr": 0.01}, "evaluated_network": "student"}


def test_a_frame_is_predicted_before_it_is_learned_from(tiny_run: dict[str, object]) -> None:
    untouched = _online(tiny_run, method={"name": "source_only"}, stream={"frames": 4})
    assert _online(tiny_run, method=FAST, stream={"frames": 4}) == untouched
    assert _online(tiny_run, method=FAST, stream={"frames": 8}) != _online(
        tiny_run, method={"name": "source_only"}, stream={"frames": 8}
    )


def test_frames_that_were_learned_from_are_not_scored_again(tiny_run: dict[str, object]) -> None:
    once, thrice = (_online(tiny_run, method=FAST, stream={"passes": passes}) for passes in (1, 3))
    assert once == thrice

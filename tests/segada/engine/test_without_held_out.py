"""Tests of runs that evaluate no held-out frame: `evaluation.domains: []`."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from segada.artifacts.run_files import damages, read_report
from segada.cli.console import PlainConsole
from segada.cli.exit_codes import WRONG_INPUT
from segada.data.run_frames import read_places
from segada.engine.pretraining import pretrain
from segada.engine.run_data import prepare_data
from segada.engine.runner import Run
from segada.engine.session import adapt, print_report
from segada.evaluate import main
from segada.settings import RunSettings
from segada.settings.nested import Tree, merged


def _settings(tiny_run: Tree, **evaluation: object) -> RunSettings:
    changes: Tree = {"method": {"name": "dacs"}, "evaluation": evaluation}  # type: ignore[dict-item]
    return RunSettings.model_validate(merged(tiny_run, changes))


def _said(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


def test_it_reads_and_scores_no_held_out_frame_and_learns_the_same(tiny_run: Tree, tmp_path: Path) -> None:
    settings, whole = _settings(tiny_run, domains=[]), _settings(tiny_run)
    assert {split for _, split in read_places(settings)} == {"source", "adapt"}
    console = Console(file=io.StringIO(), width=300)
    report = adapt(settings, tmp_path / "run", console)
    print_report(report, console, holds_out=False)
    scored = adapt(whole, tmp_path / "whole", PlainConsole(quiet=True))

    assert [visit.miou for visit in report.visits] == [{}, {}]
    assert [visit.online_miou for visit in report.visits] == [visit.online_miou for visit in scored.visits]
    assert report.mean_miou != report.mean_miou
    assert damages(tmp_path / "run") == []
    first, second = (tmp_path / name / "weights.safetensors" for name in ("run", "whole"))
    assert first.read_bytes()[-1000:] == second.read_bytes()[-1000:]
    said = _said(console)
    assert "visit 1/2 clear: not evaluated, online mIoU" in said
    assert "no held-out frame was evaluated, because evaluation.domains is []" in said
    assert f"{100 * report.visits[1].adaptation_speed:.1f}" in said  # type: ignore[operator]
    assert "because no held-out frame has a label" not in said
    assert "visit 0 (clear): not evaluated" in (tmp_path / "run" / "log.txt").read_text()


def test_it_continues_to_the_same_bytes(tiny_run: Tree, tmp_path: Path) -> None:
    settings = _settings(tiny_run, domains=[])
    data = prepare_data(settings)
    assert data.held_out == data.source_only == {}
    for _ in Run(settings, data, tmp_path / "whole"):
        pass
    Run(settings, data, tmp_path / "stopped").next_visit()
    for _ in Run(settings, data, tmp_path / "stopped"):
        pass
    for name in ("weights.safetensors", "areas.npz"):
        assert (tmp_path / "stopped" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


@pytest.mark.parametrize("validate", [True, False])
def test_a_source_training_without_evaluation_says_so(validate: bool, tmp_path: Path) -> None:
    settings = RunSettings.model_validate(
        {
            "data": {"size": [32, 64], "splits": {"source": 12, "adapt": 1, "val": 4, "test": 4}},
            "stream": {"split": "source", "visits": ["clear", "clear"], "frames": 8, "batch_size": 4},
            "method": {"name": "supervised"},
            "evaluation": {"split": "val", "online": False, "domains": []},
        }
    )
    console = Console(file=io.StringIO(), width=200)
    weights = pretrain(settings, tmp_path, console, validate=validate)
    report = read_report(tmp_path).value
    assert weights.exists()
    assert report is not None
    assert all(visit.training_iou for visit in report.visits)
    assert not (tmp_path / "best.safetensors").exists()
    said = _said(console)
    assert "no best.safetensors: no visit was evaluated" in said
    assert "training, visit 2, accuracy" in said


def test_weights_of_such_a_run_are_evaluated_on_domains_that_are_named(
    tiny_run: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    adapt(_settings(tiny_run, domains=[]), tmp_path / "run", PlainConsole(quiet=True))
    assert main([str(tmp_path / "run" / "weights.safetensors"), "--split", "val"]) == WRONG_INPUT
    assert "evaluation.domains of these settings is [], so that nothing is evaluated; name --domains" in (
        " ".join(capsys.readouterr().err.split())
    )

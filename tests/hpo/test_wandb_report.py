"""The W&B report: built for real, down to what its server would be sent; and what is said where it cannot be."""

import json
import sys
import warnings
from pathlib import Path

import pytest
import yaml
from wandb_files import refusing_server

from hpo.config.study_file import StudyFile, load_study
from hpo.study.provenance import write_study
from hpo.study.study import open_study
from hpo.wandb_report import main

STUDY = {
    "name": "two-goals",
    "run": {"stream": {"visits": ["clear", "50mm", "200mm"]}},
    "space": {
        "method.pseudo_threshold": {"type": "float", "low": 0.5, "high": 0.9},
        "stream.passes": {"type": "int", "low": 1, "high": 4},
    },
    "sampler": {"name": "nsga2"},
    "objectives": [
        {"metric": "mean_miou", "goal": "maximize"},
        {"metric": "log(trainable_parameters)", "goal": "minimize"},
    ],
    "tracking": {"mode": "offline", "project": "rain"},
}


def study(folder: Path, **changes: object) -> StudyFile:
    (folder / "study-file.yaml").write_text(yaml.safe_dump({**STUDY, **changes}))
    return load_study(str(folder / "study-file.yaml"))


def sent(file: StudyFile) -> dict[str, object]:
    """What W&B's server would be sent."""
    pytest.importorskip("wandb_workspaces", reason="the extra `wandb` is not installed")
    with warnings.catch_warnings():
        # It still has validators of pydantic 1.
        warnings.simplefilter("ignore")
        from hpo.tracking.wandb_report_builder import report_of
    return json.loads(report_of(file, "lab")._to_model().model_dump_json(by_alias=True))


def test_the_report_draws_what_the_runs_are_told(tmp_path: Path) -> None:
    report = sent(study(tmp_path))
    grids = [block["metadata"] for block in report["spec"]["blocks"] if block["type"] == "panel-grid"]
    panels = [panel for grid in grids for panel in grid["panelBankSectionConfig"]["panels"]]
    assert report["project"] == {**report["project"], "name": "rain", "entityName": "lab"}
    configs = {panel["viewType"]: panel["config"] for panel in panels}
    columns = [column["accessor"] for column in configs["Parallel Coordinates Plot"]["columns"]]
    assert columns == [
        "config:method.value.pseudo_threshold",
        "config:stream.value.passes",
        "summary:objective/mean_miou",
        "summary:objective/log_trainable_parameters",
    ]
    assert configs["Parameter Importance"]["targetKey"] == "objective/mean_miou"
    scatter = configs["Scatter Plot"]
    assert (scatter["xAxis"], scatter["yAxis"]) == (
        "summary:objective/log_trainable_parameters",
        "summary:objective/mean_miou",
    )
    curves = [panel["config"]["metrics"] for panel in panels if panel["viewType"] == "Run History Line Plot"]
    assert curves == 3 * [["visited_miou"], ["miou/clear"], ["miou/50mm"], ["miou/200mm"]]
    (trials, _, baselines, confirmed, table) = (grid["runSets"][0] for grid in grids)
    assert "two-goals" in json.dumps(trials["filters"])
    assert "config:method.value.pseudo_threshold" in trials["runFeed"]["columnOrder"]
    assert "baseline" in json.dumps(baselines["filters"])
    assert "confirmation" in json.dumps(confirmed["filters"])
    assert "study" in json.dumps(table["filters"])


def test_a_single_objective_is_drawn_over_what_it_costs(tmp_path: Path) -> None:
    report = sent(study(tmp_path, objectives=[{"metric": "gain", "goal": "maximize"}]))
    text = json.dumps(report)
    assert '"xAxis": "summary:frames_per_second"' in text
    assert '"yAxis": "summary:objective/gain"' in text


def run_command(monkeypatch, out: Path) -> int:
    monkeypatch.setattr(sys, "argv", ["hpo.wandb_report", str(out)])
    return main()


def test_without_a_key_it_says_what_to_run(tmp_path: Path, monkeypatch, capsys) -> None:
    pytest.importorskip("wandb_workspaces", reason="the extra `wandb` is not installed")
    file = study(tmp_path)
    out = tmp_path / "out"
    open_study(file, out)
    write_study(file, out)
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert run_command(monkeypatch, out) == 0
    said = capsys.readouterr().out
    assert f"  wandb sync {out}/wandb/offline-run-*\n  python -m hpo.wandb_report {out}\n" in said


def test_a_study_of_which_wandb_knows_nothing_is_refused(tmp_path: Path, monkeypatch, capsys) -> None:
    pytest.importorskip("wandb_workspaces", reason="the extra `wandb` is not installed")
    assert run_command(monkeypatch, tmp_path) == 2
    assert "has no study.yaml" in capsys.readouterr().err
    out = tmp_path / "out"
    file = study(tmp_path, tracking={})
    open_study(file, out)
    write_study(file, out)
    assert run_command(monkeypatch, out) == 2
    assert "--set tracking.mode=offline" in capsys.readouterr().err


def test_a_server_that_refuses_is_one_line(tmp_path: Path, monkeypatch, capsys) -> None:
    pytest.importorskip("wandb_workspaces", reason="the extra `wandb` is not installed")
    file = study(tmp_path)
    out = tmp_path / "out"
    open_study(file, out)
    write_study(file, out)
    monkeypatch.setenv("WANDB_API_KEY", "5ecre7" * 7)
    with refusing_server() as address, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        monkeypatch.setenv("WANDB_BASE_URL", address)
        assert run_command(monkeypatch, out) == 2
    said = capsys.readouterr().err
    assert "error: W&B does not take the report" in said
    assert "5ecre7" not in said

"""A study with an external engine from trials to the confirmed configuration, on Ray."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from external_studies import tree

import hpo
from hpo.results.confirmation import Confirmation


def processes_in(folder: Path) -> list[str]:
    """Command lines of processes that name the folder."""
    lines = [
        path.read_bytes().replace(b"\0", b" ").decode()
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if path.exists()
    ]
    return [line for line in lines if str(folder) in line and "external_program.py" in line]


def test_trials_are_pruned_fail_and_resume_and_the_best_is_confirmed(tmp_path: Path) -> None:
    deeds = {"type": "choice", "choices": ["go", "sleep", "fail", "once:kill"], "default": "go"}
    points = [
        {"quality": 0.5, "deeds.night": "go"},
        {"quality": 0.2, "deeds.night": "sleep"},
        {"quality": 0.7, "deeds.night": "fail"},
        {"quality": 0.8, "deeds.night": "once:kill"},
    ]
    space = {"quality": {"type": "float", "low": 0.1, "high": 0.9, "default": 0.3}, "deeds.night": deeds}
    engine = {"baselines": {"untouched": {"quality": 0.1}}}
    study = tree(
        engine,
        space=space,
        start_from=points,
        pruning={"min_visits": 1},
        budget={"trials": 4},
        resources={"workers": 1},
    )
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    words = [sys.executable, "-m", "hpo.run", "--space", str(tmp_path / "study.yaml"), "--out", str(tmp_path / "out")]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300, env=os.environ)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert processes_in(tmp_path) == []

    with (tmp_path / "out/results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == ["complete", "pruned", "fail", "complete"]
    assert rows[1]["reason"].startswith("stopped after visit 1")
    assert rows[2]["reason"].endswith("warming up / ValueError: lr is too high")
    assert "it was killed by SIGKILL" in rows[3]["incidents"]
    assert [float(rows[number]["gain"]) for number in (0, 3)] == pytest.approx([0.4, 0.7])

    confirmed = Confirmation.model_validate_json((tmp_path / "out/best/confirmation.json").read_bytes())
    assert confirmed.best == "trial 3"
    assert confirmed.rests_on == "seeds"
    assert [run.name for run in confirmed.runs] == ["untouched", "default", "trial 3"]
    best = confirmed.runs[-1]
    assert best.gain["untouched"].value == pytest.approx(0.7)
    assert best.gain["untouched"].low == pytest.approx(0.7)
    assert best.mean_miou.low < 0.8015 < best.mean_miou.high
    assert json.loads((tmp_path / "out/best/settings.json").read_text())["quality"] == 0.8

    results = hpo.load_results(tmp_path / "out")
    assert results.no_answer is None
    page = results.report.read_text()
    assert "Adaptation helps: the best configuration beats the baseline untouched" in page
    assert "Intervals rest on the fresh seeds alone" in page
    assert "bootstrap over frames" not in page

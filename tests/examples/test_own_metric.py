"""The example of a metric of one's own: it keeps its promises, reads the classes that it names, and is searched by."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hpo.config.objectives import objective_value
from hpo.config.study_file import load_study
from hpo.testing.metrics import report_of
from hpo.testing.suites import checked
from segada.core.named_code import load_code
from segada.engine.session import run
from segada.settings.class_sets import CITYSCAPES

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "own_metric"
SMALL = {"run.stream.frames": 16, "run.data.splits.adapt": 16, "run.data.splits.source": 12, "run.data.splits.val": 8}
METRIC = f"{EXAMPLE / 'road_users.py'}:worst"


def test_it_keeps_every_promise_of_a_metric() -> None:
    title, findings = checked(METRIC)
    assert title == "a metric"
    assert [finding.problem for finding in findings] == [None] * 3


def test_its_value_is_the_mean_of_its_classes_in_the_worst_visit() -> None:
    users = load_code(f"{EXAMPLE / 'road_users.py'}:USERS")
    assert isinstance(users, tuple)
    assert set(users) < set(CITYSCAPES.names)
    report = report_of()
    means = [sum(visit.iou[visit.domain][name] for name in users) / len(users) for visit in report.visits]
    assert objective_value(METRIC, report) == pytest.approx(min(means))


def test_a_run_of_its_study_has_a_value() -> None:
    study = load_study(str(EXAMPLE / "study.yaml"), dict(SMALL))
    report = run(study.run_settings())
    assert 0.0 < objective_value(METRIC, report) < report.mean_miou


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_its_study_comes_to_a_conclusion_by_it(tmp_path: Path) -> None:
    study = load_study(str(EXAMPLE / "study.yaml"))
    assert [objective.metric for objective in study.settings.objectives] == [METRIC]
    options = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
    words = ["-m", "hpo.run", "--space", str(EXAMPLE / "study.yaml"), "--out", str(tmp_path / "out"), "--trials", "2"]
    # From another folder: the study names the file of the metric beside itself.
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, *words, *options], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode in (0, 4), ended.stderr
    assert "road_users.py:worst" in ended.stdout
    assert "2 of 2 trials over (2 complete, 0 pruned, 0 failed)" in ended.stdout
    assert (tmp_path / "out" / "best" / "confirmation.json").exists()

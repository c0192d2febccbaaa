"""The example of a method of one's own: it keeps its promises, adapts, and its own setting is searched."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hpo.config.study_file import load_study
from hpo.search_space.configuration import Configuration
from segada.engine.session import run
from segada.settings.files import load_run_settings
from segada.testing.suites import checked

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "own_method"
METHOD = f"{EXAMPLE / 'infomax.py'}:InfoMax"


def test_it_keeps_every_promise_of_a_method() -> None:
    title, findings = checked(METHOD)
    assert title == "a method"
    assert [finding for finding in findings if finding.problem is not None] == []


def test_it_adapts_to_rain() -> None:
    report = run(load_run_settings(EXAMPLE / "settings.yaml"))
    assert report.visits[0].visited_miou > report.source_only["rain"]


def test_its_own_setting_is_searched() -> None:
    study = load_study(str(EXAMPLE / "study.yaml"))
    assert study.run_settings().method.name == METHOD
    assert "method.diversity" in study.space.parameters
    assert (
        study.run_settings(Configuration(study.space.completed({}))).settings_hash()
        == study.run_settings().settings_hash()
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_its_study_comes_to_a_conclusion(tmp_path: Path) -> None:
    small = ["run.stream.frames=16", "run.data.splits.adapt=16", "run.data.splits.test=8", "run.data.splits.val=8"]
    options = [word for one in small for word in ("--set", one)]
    words = ["-m", "hpo.run", "--space", str(EXAMPLE / "study.yaml"), "--out", str(tmp_path / "out"), "--trials", "2"]
    # From another folder: the study names the file of the method beside itself.
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, *words, *options], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    confirmed = json.loads((tmp_path / "out" / "best" / "confirmation.json").read_text())
    assert {"source_only", "batch_norm", "default"} <= {run["name"] for run in confirmed["runs"]}

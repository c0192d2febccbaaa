"""The example on waste: eleven own classes in COCO format, from source training to a confirmed configuration."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from waste_set import CLASSES

EXAMPLE = Path(__file__).parents[2] / "examples" / "waste"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_study_on_eleven_classes_comes_to_a_conclusion(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(EXAMPLE / "waste_set.py"), str(tmp_path / "data")], check=True)
    words = ["-m", "hpo.run", "--space", str(EXAMPLE / "waste.yaml"), "--out", str(tmp_path / "out"), "--trials", "3"]
    environment = {**os.environ, "WASTE": str(tmp_path / "data")}
    ended = subprocess.run([sys.executable, *words], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    confirmed = json.loads((tmp_path / "out" / "best" / "confirmation.json").read_text())
    assert {"source_only", "batch_norm", "default"} <= {run["name"] for run in confirmed["runs"]}
    report = json.loads((tmp_path / "out" / "baselines" / "source_only" / "report.json").read_text())
    assert set(report["visits"][0]["iou"]["evening"]) == set(CLASSES)

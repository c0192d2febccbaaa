"""The example of a network from segmentation_models_pytorch, from source training to a confirmed configuration."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors import safe_open

from hpo import load_study

STUDY = Path(__file__).parents[2] / "examples" / "own_network" / "network.yaml"


def test_the_study_is_read_and_its_runs_have_the_network() -> None:
    study = load_study(STUDY)
    assert study.settings.run["model"] == {"network": "smp/Unet/resnet18"}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_study_on_a_u_net_comes_to_a_conclusion(tmp_path: Path) -> None:
    words = ["-m", "hpo.run", "--space", str(STUDY), "--out", str(tmp_path / "out"), "--trials", "2"]
    ended = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    confirmed = json.loads((tmp_path / "out" / "best" / "confirmation.json").read_text())
    assert {"source_only", "default"} <= {run["name"] for run in confirmed["runs"]}
    with safe_open(tmp_path / "out" / "source" / "weights.safetensors", framework="pt") as weights:
        assert json.loads(weights.metadata()["segada"])["network"] == "smp/Unet/resnet18"

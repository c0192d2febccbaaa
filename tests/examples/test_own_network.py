"""The example of a network from segmentation_models_pytorch, from source training to a confirmed configuration."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors import safe_open
from whole_networks import tiny_segformer

from hpo import InputError, load_study
from segada.engine.session import run
from segada.settings.class_sets import CITYSCAPES

STUDY = Path(__file__).parents[2] / "examples" / "own_network" / "network.yaml"


def test_the_study_is_read_and_its_runs_have_the_network() -> None:
    study = load_study(STUDY)
    assert study.settings.run["model"] == {"network": "smp/Unet/resnet18"}


def test_the_network_of_the_study_adapts() -> None:
    small = {"run.data.size": [32, 64], "run.data.splits.source": 8, "run.data.splits.adapt": 8, "run.stream.frames": 8}
    report = run(load_study(STUDY, {**small, "run.method.pseudo_threshold": 0.0}).run_settings())
    assert report.trainable_parameters > 10_000_000
    assert report.visits[0].losses["mix"] > 0


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


TINY = """
name: folder
run:
  data: {size: [32, 64], splits: {source: 12, adapt: 16, val: 4, test: 4}}
  stream: {visits: [200mm], frames: 8, batch_size: 2, replay: {size: 12}}
  model: {network: hf/mine}
  method: {name: dacs, pseudo_threshold: 0.1}
  evaluation: {split: val}
space:
  method.optimizer.lr: {type: float, low: 1e-4, high: 1e-2, log: true}
  model.network: {type: choice, choices: [hf/mine, torchvision/lraspp_mobilenet_v3_large]}
sampler: {name: random, seed: 0}
objectives: [{metric: mean_miou, goal: maximize}]
budget: {trials: 2}
confirm: {top: 1, seeds: 1, source_at_least: 0.0}
"""


def test_a_folder_that_is_not_there_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(TINY)
    with pytest.raises(
        InputError, match=r"study\.yaml:6: run\.model\.network: mine has no config\.json; give a folder"
    ):
        load_study(tmp_path / "study.yaml")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_study_searches_over_a_folder_of_transformers_and_another_network(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(TINY)
    tiny_segformer(tmp_path / "mine", CITYSCAPES.names)
    words = ["-m", "hpo.run", "--space", "study.yaml", "--out", "out"]
    environment = {**os.environ, "PYTHONPATH": str(STUDY.parents[2])}
    ended = subprocess.run(
        [sys.executable, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    trials = [json.loads(path.read_text()) for path in sorted(tmp_path.glob("out/trials/*/report.json"))]
    assert len(trials) == 2
    assert all(trial["trainable_parameters"] > 0 for trial in trials)

"""Tests of several real drivers, each with its own Ray."""

import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from drivers_bench import PATIENCE, ROOT, wait_for

from hpo.execution import tune as execution
from hpo.execution.cluster import Cluster, Resources

STUDY = """
name: real
space:
  method.pseudo_threshold: {type: float, low: 0.5, high: 0.9, default: 0.6}
sampler: {name: random}
budget: {trials: 4}
confirm: {top: 1, seeds: 1, source_at_least: 0}
resources: {workers: 1}
"""


def start(folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "hpo.run", "--space", str(folder / "real.yaml"), "--out", str(folder / "out")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


@pytest.mark.slow
def test_two_drivers_train_the_source_once_and_one_ends_what_the_other_had(tmp_path, tiny_run):
    study = yaml.safe_load(STUDY)
    study["pretrain"] = {
        "stream": {"split": "source", "visits": ["clear"], "frames": None},
        "method": {"name": "supervised"},
        "evaluation": {"split": "val", "online": False},
    }
    study["run"] = {**tiny_run, "model": {"checkpoint": None}}
    (tmp_path / "real.yaml").write_text(yaml.safe_dump(study))
    out = tmp_path / "out"
    both = [start(tmp_path) for _ in range(2)]
    try:
        wait_for(lambda: list(out.glob("trials/*/visits.jsonl")), *both)
        both[0].send_signal(signal.SIGKILL)
        both[0].communicate(timeout=PATIENCE)
        _, said = both[1].communicate(timeout=PATIENCE)
    finally:
        for process in both:
            process.kill()
            process.communicate()
    assert both[1].returncode == 0, said
    assert len((out / "source" / "visits.jsonl").read_text().splitlines()) == 1
    for folder in out.glob("trials/*"):
        assert len((folder / "visits.jsonl").read_text().splitlines()) == 2
        # Begun once, whoever ended it.
        assert (folder / "log.txt").read_text().count("settings ") == 1
    assert len(list(out.glob("trials/*/report.json"))) == 4
    assert not (out / "ray").exists()


@pytest.mark.parametrize("retries", [0, 5])
def test_a_worker_may_die_as_often_as_the_study_says(monkeypatch, tmp_path, retries):
    given = {}
    monkeypatch.setattr(
        execution.tune, "Tuner", lambda *_, **parts: given.update(parts) or SimpleNamespace(fit=lambda: None)
    )
    ray = Cluster(None, None, 1, Resources(1, 1, 0, 1, None))
    execution.execute(None, {}, ray, tmp_path, retries)
    assert given["run_config"].failure_config.max_failures == retries

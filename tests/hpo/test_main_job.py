"""The main job for real, Ray and engine included: killed in the middle, run again, read as people and scripts do."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from hpo.config.study_file import load_study
from hpo.results.collect import results_of
from hpo.results.confirmation import Confirmation
from hpo.study.plan import Plan
from hpo.study.study import open_study, read_study
from segada.records import RunReport

ROOT = Path(__file__).parents[2]
PATIENCE = 240
"""Seconds until a test gives up on a run that takes about 20 on a quiet machine."""

# Two of the learning rates are absurd: their trials diverge, whichever sampler meets them first.
STUDY = """
name: short
run:
  data: {splits: {source: 40, adapt: 40, val: 8, test: 8}}
  stream: {visits: [clear, 100mm, 200mm], frames: 32, replay: {size: 40}}
  model: {checkpoint: segada/models/checkpoints/streets_tiny.safetensors}
  evaluation: {split: val}
space:
  method.optimizer.lr: {type: choice, choices: [1e-3, 1e30], default: 1e-3}
  method.pseudo_threshold: {type: float, low: 0.5, high: 0.9, default: 0.9}
sampler: {name: random, seed: 0}
budget: {trials: 6}
confirm: {top: 1, seeds: 2}
"""


@dataclass(frozen=True)
class Finished:
    """A study that was killed once and then finished, and what was seen on the way."""

    out: Path
    reports_before: dict[str, bytes]
    killed: int
    code: int
    printed: str
    said: str


def start(file: Path, out: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "hpo.run", "--space", str(file), "--out", str(out)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def reports(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.glob("trials/*/report.json")}


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def wait_for(condition, process: "subprocess.Popen[str]") -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end, "the run has not come this far"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def study_path(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("study") / "short.yaml"
    path.write_text(STUDY)
    return path


@pytest.fixture(scope="session")
def finished(study_path, tmp_path_factory) -> Finished:
    """The study: its first driver is killed by SIGKILL after a trial, the second one ends it."""
    out = tmp_path_factory.mktemp("run") / "out"
    first = start(study_path, out)
    wait_for(lambda: reports(out), first)
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=PATIENCE)
    before = reports(out)
    second = start(study_path, out)
    printed, said = second.communicate(timeout=PATIENCE)
    return Finished(out, before, first.returncode, second.returncode, printed, said)


def test_the_second_driver_ends_what_the_first_began(finished):
    assert finished.killed == -signal.SIGKILL
    assert finished.code == 0, finished.said
    assert finished.said == ""
    assert not (finished.out / "ray").exists()


def test_finished_trials_are_not_run_again(finished):
    after = reports(finished.out)

    assert finished.reports_before
    assert finished.reports_before.items() <= after.items()


def test_the_total_is_as_asked_and_diverging_trials_say_why(finished):
    trials = rows(finished.out)

    assert [row["number"] for row in trials] == ["0", "1", "2", "3", "4", "5"]
    diverging = [row for row in trials if float(row["method.optimizer.lr"]) > 1]
    assert 0 < len(diverging) < 6
    assert {row["state"] for row in diverging} == {"fail"}
    assert all("learning rate" in row["reason"] for row in diverging)
    assert {row["state"] for row in trials if row not in diverging} == {"complete"}
    assert f"({6 - len(diverging)} complete, 0 pruned, {len(diverging)} failed)" in finished.printed
    assert "\nFailures:\n" in finished.printed


def test_results_csv_says_what_the_trials_say(finished):
    for row in rows(finished.out):
        if row["state"] != "complete":
            continue
        report = RunReport.model_validate_json((finished.out / "trials" / row["number"] / "report.json").read_bytes())
        assert float(row["mean_miou"]) == report.mean_miou
        assert float(row["gain"]) == report.gain
        assert float(row["miou/200mm"]) == report.visits[2].miou["200mm"]


def test_the_best_is_confirmed_beside_the_baselines(finished):
    best = finished.out / "best"
    confirmation = Confirmation.model_validate_json((best / "confirmation.json").read_bytes())
    study = open_study(load_study(str(finished.out / "study.yaml")), finished.out)

    assert [run.name for run in confirmation.runs] == ["source_only", "batch_norm", "default", confirmation.best]
    assert set(confirmation.runs[-1].gain) == {"source_only", "batch_norm", "default"}
    assert confirmation.best == f"trial {study.best(1)[0].number}"
    assert all(run.seeds == [1, 2] for run in confirmation.runs)
    settings = yaml.safe_load((best / "settings.yaml").read_text())
    assert (settings["seed"], settings["evaluation"]["split"]) == (1, "test")
    assert (best / "weights.safetensors").stat().st_size > 0


def test_the_report_and_the_terminal_give_the_answer(finished):
    html = (finished.out / "report.html").read_text()

    for shown in ("source only", "batch norm", "200mm"):
        assert shown in html
        assert shown in finished.printed
    assert "python -m segada.adapt" in finished.printed
    assert "dashboard http://127.0.0.1:" in finished.printed


def test_a_finished_study_has_nothing_left_to_do_and_its_report_can_be_made_anew(finished, study_path):
    before = rows(finished.out), reports(finished.out)
    again = start(study_path, finished.out)
    _, said = again.communicate(timeout=PATIENCE)
    assert again.returncode == 0, said
    assert (rows(finished.out), reports(finished.out)) == before

    html = (finished.out / "report.html").read_bytes()
    (finished.out / "report.html").unlink()
    subprocess.run([sys.executable, "-m", "hpo.report", str(finished.out)], check=True, cwd=ROOT, capture_output=True)
    rebuilt = (finished.out / "report.html").read_bytes()
    assert abs(len(rebuilt) - len(html)) < 200


def test_the_study_can_be_read_from_its_folder(finished):
    file = load_study(str(finished.out / "study.yaml"))
    results = results_of(open_study(file, finished.out), Plan(file, finished.out), None)

    assert results.visits == ("clear", "100mm", "200mm")
    assert set(results.baselines) == {"source_only", "batch_norm"}
    assert results.baselines["source_only"].gain == pytest.approx(0.0)


@pytest.mark.slow
def test_ctrl_c_lets_visits_end_and_a_killed_worker_costs_nothing(study_path, tmp_path, finished):
    out = tmp_path / "out"
    first = start(study_path, out)
    wait_for(lambda: list(out.glob("trials/*/visits.jsonl")), first)
    first.send_signal(signal.SIGINT)
    _, said = first.communicate(timeout=PATIENCE)
    assert first.returncode == 3
    assert "To go on: python -m hpo.run --space" in said
    assert not (out / "ray").exists()

    second = start(study_path, out)
    before = set(out.glob("trials/*/visits.jsonl"))
    wait_for(lambda: any(_is_half_way(path.parent) for path in set(out.glob("trials/*/visits.jsonl")) - before), second)
    workers = subprocess.run(["pgrep", "-f", "ray::.*Trainable"], capture_output=True, text=True, check=True)
    for pid in (int(word) for word in workers.stdout.split()):
        if _descends(pid, second.pid):
            os.kill(pid, signal.SIGKILL)
    printed, said = second.communicate(timeout=PATIENCE)
    assert second.returncode == 0, said
    assert "its worker died" in printed

    # Whatever happened on the way, every trial ends with the numbers of the study that was killed differently.
    for path in finished.out.glob("trials/*/report.json"):
        assert _numbers(out / path.relative_to(finished.out)) == _numbers(path)


@pytest.mark.slow
def test_a_search_that_could_not_be_confirmed_does_not_begin_and_goes_on_once_it_can(tmp_path):
    generator, labels = np.random.default_rng(0), {}
    for number in range(16):
        for folder, pixels in (
            ("train", generator.integers(256, size=(32, 64, 3))),
            ("trainannot", np.zeros((32, 64))),
        ):
            for part in (folder, folder.replace("train", "val")):
                (tmp_path / "photographs" / part).mkdir(parents=True, exist_ok=True)
            labels[number] = tmp_path / "photographs" / folder / f"N_{number:03}.png"
            assert cv2.imwrite(str(labels[number]), pixels.astype(np.uint8))
    missing = labels[15].read_bytes()
    labels[15].unlink()
    study = yaml.safe_load(STUDY) | {"budget": {"trials": 1}, "confirm": {"top": 1, "seeds": 1, "source_at_least": 0}}
    study["space"] = {"method.pseudo_threshold": {"type": "float", "low": 0.5, "high": 0.9, "default": 0.9}}
    # Seen from here, as a person may write it.
    root = os.path.relpath(tmp_path / "photographs", ROOT)
    domains = {"clear": {"dataset": "streets"}, "road": {"dataset": "camvid", "root": root}}
    study["run"]["data"] |= {"size": [32, 64], "domains": domains}
    study["run"]["stream"] = {"visits": ["road"], "frames": None, "replay": {"size": 8}}
    path, out = tmp_path / "study.yaml", tmp_path / "out"
    path.write_text(yaml.safe_dump(study))

    refused = start(path, out)
    _, said = refused.communicate(timeout=PATIENCE)
    assert refused.returncode == 2
    assert said.count("\n") == 1
    assert "N_015" in said
    assert read_study(load_study(str(path)), out).finished() == []
    assert not (out / "ray").exists()

    labels[15].write_bytes(missing)
    again = start(path, out)
    _, said = again.communicate(timeout=PATIENCE)
    assert again.returncode == 0, said


def _is_half_way(trial: Path) -> bool:
    return (trial / "visits.jsonl").read_text().count("\n") == 1 and not (trial / "report.json").exists()


def _descends(pid: int, ancestor: int) -> bool:
    while pid > 1:
        if pid == ancestor:
            return True
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return False


def _numbers(path: Path) -> object:
    """A report without what the clock says."""
    report = json.loads(path.read_text())
    for part in (report, *report["visits"]):
        part.pop("seconds")
        part.pop("frames_per_second", None)
    return report

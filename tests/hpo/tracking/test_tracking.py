"""Tests of W&B logging: its files hold what was logged, and no failing server delays the search."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from study_samples import report, results
from wandb_files import Kept, kept_runs, refusing_server, silent_server, stalling_server

from hpo.config.study_file import StudyFile, load_study
from hpo.study.jobs import Job, Outcome
from hpo.tracking.leaderboard import concluded
from hpo.tracking.pipe import ChildPipe
from hpo.tracking.wandb_logger import WandbTracking, tracked
from segada.errors import InputError

SECRET = "5ecre7" * 7
OFFLINE = {"tracking.mode": "offline", "tracking.tags": ["rain", "test"], "tracking.entity": "lab"}


@pytest.fixture(autouse=True, scope="module")
def environment() -> Iterator[None]:
    """None of wandb's own, but for a key that must be seen nowhere."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("WANDB_")]:
            patch.delenv(name)
        patch.setenv("WANDB_API_KEY", SECRET)
        yield


def study_of(**changes: object) -> StudyFile:
    return load_study("smoke.yaml", OFFLINE | {f"tracking.{name}": value for name, value in changes.items()})


def job_of(file: StudyFile, number: int, out: Path) -> Job:
    return Job("trial", f"trial {number}", out / "trials" / str(number), file.run_settings(), number, {})


def full_report():
    """With what only some methods report."""
    whole = report(0.1)
    extra = {"learning_rates": {"encoder": 1e-3}, "label_free": {"entropy": 0.25}, "controller": {"shift": 2.0}}
    return whole.model_copy(update={"visits": [visit.model_copy(update=extra) for visit in whole.visits]})


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session: a trial of three visits whose worker died after the first, a baseline, a failure, a winner."""
    out = tmp_path_factory.mktemp("session")
    file = load_study("smoke.yaml", OFFLINE | {"tracking.images": True, "run.logging.prediction_panels": 4})
    tracking = WandbTracking(file, out)
    job, failed = job_of(file, 7, out), job_of(file, 8, out)
    baseline = Job("baseline", "batch_norm", out, file.run_settings(), None, {})
    confirmed = Job("confirmation", "trial 7 seed 1", out, file.run_settings(), 7, {})
    repair = Job("repair", "trial 7 files", out, file.run_settings(), 7, {})
    (job.folder / "panels").mkdir(parents=True)
    cv2.imwrite(str(job.folder / "panels" / "prediction_1_00000.png"), np.zeros((8, 8, 3), np.uint8))
    (out / "best").mkdir()
    (out / "best" / "weights.safetensors").write_bytes(b"weights")
    for one in (baseline, confirmed, repair, job, failed):
        tracking.started(one)
    tracking.visited(job, full_report().model_copy(update={"visits": full_report().visits[:1]}))
    tracking.recovered(job)
    for one in (baseline, confirmed, repair, job):
        tracking.visited(one, full_report())
        tracking.ended(one, Outcome("complete", full_report()))
    tracking.ended(failed, Outcome("fail", None, "the loss <mix> is nan"))
    tracking.concluded(results(None))
    return out


@pytest.fixture(scope="module")
def runs(out: Path) -> dict[str, Kept]:
    return {run.name: run for run in kept_runs(out).values()}


def test_there_is_a_run_per_trial_baseline_and_confirmation_and_one_of_the_study(runs: dict[str, Kept]) -> None:
    kinds = {name: (run.kind, run.group, run.project, run.entity, run.tags) for name, run in runs.items()}
    told = ("smoke", "segada", "lab", ["rain", "test"])
    assert kinds == {
        "trial 7": ("trial", *told),
        "trial 8": ("trial", *told),
        "batch_norm": ("baseline", *told),
        "trial 7 seed 1": ("confirmation", *told),
        "smoke": ("study", *told),
    }


def test_the_config_is_the_settings_nested(runs: dict[str, Kept]) -> None:
    settings = load_study("smoke.yaml", {"run.logging.prediction_panels": 4}).run_settings()
    config = {key: value for key, value in runs["trial 7"].config.items() if key != "_wandb"}
    assert config == {**settings.model_dump(mode="json"), "settings_hash": settings.settings_hash()}


def test_history_has_every_visit_once_with_all_its_numbers(runs: dict[str, Kept]) -> None:
    history = runs["trial 7"].history
    assert [point["visit"] for point in history] == [0, 1, 2]
    for point, record in zip(history, full_report().visits, strict=True):
        assert point["domain"] == record.domain
        for domain, miou in record.miou.items():
            assert point[f"miou/{domain}"] == miou
        assert point["losses/mix"] == 0.1
        assert point["learning_rates/encoder"] == 1e-3
        assert point["label_free/entropy"] == 0.25
        assert point["controller/shift"] == 2.0
        assert point["visit_frames_per_second"] == 8.0
        assert point["visited_miou"] == record.visited_miou


def test_pictures_come_with_the_point_of_their_visit(runs: dict[str, Kept]) -> None:
    counts = [point.get("predictions/count", 0) for point in runs["trial 7"].history]
    assert counts == [0, 1, 0]
    (folder,) = runs["trial 7"].files
    assert len(list((folder / "files" / "media" / "images").glob("predictions*.png"))) == 1


def test_the_summary_is_the_report_with_speed_and_gain(runs: dict[str, Kept]) -> None:
    summary = runs["trial 7"].summary
    told = full_report().model_dump(mode="json", exclude={"visits"})
    assert {name: summary[name] for name in told if name != "source_only"} == {
        name: value for name, value in told.items() if name != "source_only"
    }
    assert summary["objective/mean_miou"] == told["mean_miou"]
    assert (summary["state"], summary["frames_per_second"], summary["gain"]) == ("complete", 8.0, 0.1)
    assert (runs["trial 8"].summary["state"], runs["trial 8"].summary["reason"]) == ("fail", "the loss <mix> is nan")


def test_the_study_s_run_has_the_leaderboard_and_the_winner(runs: dict[str, Kept]) -> None:
    study = runs["smoke"]
    (folder,) = study.files
    (table,) = (folder / "files" / "media" / "table").glob("leaderboard*.json")
    written = json.loads(table.read_text())
    expected = concluded(results(None), {}, None)
    assert (written["columns"], written["data"]) == (expected.columns, expected.rows)
    assert [row[:2] for row in expected.rows] == [
        ["trial 1", "complete"],
        ["trial 0", "complete"],
        ["trial 2", "pruned"],
        ["trial 3", "fail"],
    ]
    assert (study.summary["best/trial"], study.summary["best/mean_miou"]) == ("trial 1", 0.5)
    assert study.summary["trials/pruned"] == 1
    assert "smoke-best" in study.artifacts


def test_baselines_and_confirmation_runs_have_charts_and_summaries(runs: dict[str, Kept]) -> None:
    for name in ("batch_norm", "trial 7 seed 1"):
        history, summary = runs[name].history, runs[name].summary
        assert [point["miou/clear"] for point in history] == [one.miou["clear"] for one in full_report().visits]
        assert (summary["state"], summary["objective/mean_miou"]) == ("complete", full_report().mean_miou)


def test_a_study_with_the_name_of_a_baseline_has_a_run_of_its_own(tmp_path: Path) -> None:
    file = load_study("smoke.yaml", OFFLINE | {"name": "batch_norm", "tracking.artifacts": False})
    tracking = WandbTracking(file, tmp_path)
    baseline = Job("baseline", "batch_norm", tmp_path, file.run_settings(), None, {})
    tracking.started(baseline)
    tracking.ended(baseline, Outcome("complete", full_report()))
    tracking.concluded(results(None))
    assert sorted(run.kind for run in kept_runs(tmp_path).values()) == ["baseline", "study"]


def test_numbers_in_the_leaderboard_are_numbers() -> None:
    parameters = [
        {"lr": 0.1, "count": 3, "online": True, "stages": [1, 2], "margin": "auto"},
        {"lr": 2, "count": 4, "online": False, "stages": [1], "margin": 0.5},
        {"count": 5},
        {"lr": 3e-4, "count": 6, "online": True, "stages": [2], "margin": 1},
    ]
    whole = results(None)
    trials = [replace(trial, parameters=given) for trial, given in zip(whole.trials, parameters, strict=True)]
    table = concluded(replace(whole, trials=trials), {}, None)
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    assert [rows[f"trial {number}"]["lr"] for number in range(4)] == [0.1, 2, None, 3e-4]
    assert [rows[f"trial {number}"]["online"] for number in range(4)] == [True, False, None, True]
    assert [rows[f"trial {number}"]["margin"] for number in range(4)] == ["auto", "0.5", None, "1"]
    assert rows["trial 0"]["stages"] == "[1, 2]"
    assert all(isinstance(row["count"], int) for row in rows.values())


def test_the_key_is_in_no_file(out: Path) -> None:
    files = [path for path in out.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


def test_a_trial_goes_on_in_its_run_whoever_goes_on_with_it(tmp_path: Path) -> None:
    file = study_of(artifacts=False)
    job = job_of(file, 7, tmp_path)
    before = WandbTracking(file, tmp_path)
    before.started(job)
    before.visited(job, report(0.1, visits=1))
    before.dropped(job)
    before.concluded(results(None))
    after = WandbTracking(file, tmp_path)
    after.started(job)
    for visits in (1, 2, 3):
        after.visited(job, report(0.1, visits=visits))
    after.ended(job, Outcome("complete", report(0.1)))
    after.concluded(results(None))

    runs = kept_runs(tmp_path)
    assert sorted(run.name for run in runs.values()) == ["smoke", "trial 7"]
    assert [point["visit"] for run in runs.values() if run.name == "trial 7" for point in run.history] == [0, 1, 2]


@pytest.mark.parametrize("server", [silent_server, refusing_server, lambda: nullcontext("http://127.0.0.1:9")])
def test_no_server_holds_up_a_search_and_nothing_is_lost(server, tmp_path: Path, monkeypatch, capfd) -> None:
    monkeypatch.setenv("WANDB_INIT_TIMEOUT", "3")
    monkeypatch.setenv("WANDB_FINISH_TIMEOUT", "2")
    file = study_of(mode="online")
    with server() as address:
        monkeypatch.setenv("WANDB_BASE_URL", address)
        tracking = WandbTracking(file, tmp_path)
        delays = []
        for number in (0, 1):
            job = job_of(file, number, tmp_path)
            begun = time.monotonic()
            tracking.started(job)
            tracking.visited(job, report(0.1))
            tracking.ended(job, Outcome("complete", report(0.1)))
            delays.append(time.monotonic() - begun)
        begun = time.monotonic()
        tracking.concluded(results(None))
        waited = time.monotonic() - begun
    # A process is started in the first; beside it there is nothing to wait for.
    assert delays[1] < 0.1
    assert delays[0] < 2
    assert waited < 50
    said = capfd.readouterr().err
    assert said.count("warning: wandb accepts no runs, so they are kept in files") == 1
    assert f"wandb sync {tmp_path}/wandb/offline-run-*" in said
    assert SECRET not in said
    runs = {run.name: run for run in kept_runs(tmp_path).values()}
    assert [len(runs[name].history) for name in ("trial 0", "trial 1")] == [3, 3]
    assert "smoke" in runs


def test_a_server_that_stalls_in_the_middle_delays_nobody(tmp_path: Path, monkeypatch, capfd) -> None:
    monkeypatch.setenv("WANDB_INIT_TIMEOUT", "6")
    monkeypatch.setenv("WANDB_FINISH_TIMEOUT", "2")
    file = study_of(mode="online", artifacts=False)
    with stalling_server() as address:
        monkeypatch.setenv("WANDB_BASE_URL", address)
        tracking = WandbTracking(file, tmp_path)
        job = job_of(file, 0, tmp_path)
        begun = time.monotonic()
        tracking.started(job)
        tracking.visited(job, report(0.1))
        tracking.ended(job, Outcome("complete", report(0.1)))
        told = time.monotonic() - begun
        tracking.concluded(results(None))
        waited = time.monotonic() - begun
    assert told < 2
    assert waited < 50
    said = capfd.readouterr().err
    assert said.count("warning: wandb does not accept a run in time, so it is kept in files") == 1
    assert f"wandb: to upload what was not sent: wandb sync {tmp_path}/wandb/run-" in said
    (kept,) = (run for run in kept_runs(tmp_path, "run").values() if run.name == "trial 0")
    assert [point["visit"] for point in kept.history] == [0, 1, 2]


def test_who_hangs_is_left_behind_and_what_does_not_fit_is_counted() -> None:
    pipe = ChildPipe(["sleep", "60"], capacity=2)
    for _ in range(40):
        pipe.say("x" * 100_000)
    assert pipe.dropped >= 36
    begun = time.monotonic()
    assert not pipe.close(patience=0.3)
    assert time.monotonic() - begun < 2


def test_who_has_died_is_no_trouble() -> None:
    pipe = ChildPipe(["true"])
    time.sleep(0.3)
    for _ in range(10):
        pipe.say("x" * 100_000)
    assert pipe.close(patience=5)


def test_wandb_s_own_word_on_the_mode_holds_unless_the_study_does_without(tmp_path: Path, monkeypatch) -> None:
    assert tracked(study_of(mode="disabled"), tmp_path) == []
    assert len(tracked(study_of(mode="offline"), tmp_path)) == 1
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert tracked(study_of(mode="online"), tmp_path) == []
    monkeypatch.setenv("WANDB_MODE", "sideways")
    with pytest.raises(InputError, match="WANDB_MODE=sideways: must be online, offline or disabled"):
        tracked(study_of(mode="online"), tmp_path)


def test_without_a_key_it_is_not_online(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("WANDB_API_KEY")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with pytest.raises(InputError, match=r"tracking\.mode is online, but there is no key"):
        WandbTracking(study_of(mode="online"), tmp_path)
    (tmp_path / "netrc").write_text("machine api.wandb.ai login user password x\n")
    assert tracked(study_of(mode="online"), tmp_path)

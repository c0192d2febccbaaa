"""wandb, offline: what its files hold is what was told."""

import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import wandb
from study_samples import report
from wandb.proto.wandb_internal_pb2 import Record

from hpo.jobs import Job, Outcome
from hpo.study_file import load_study
from hpo.tracking import WandbTracking

BLOCK = 32768


def records(path: Path) -> Iterator[Record]:
    """Reads a `.wandb` file: a LevelDB log (7 bytes of file header, then blocks of checksummed fragments)."""
    data, position, whole = path.read_bytes(), 7, b""
    while position + 7 <= len(data):
        rest = BLOCK - position % BLOCK
        if rest < 7:
            position += rest
            continue
        _, length, kind = struct.unpack_from("<IHB", data, position)
        whole += data[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in (1, 4):
            yield Record.FromString(whole)
            whole = b""


def as_dict(items) -> dict[str, object]:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


@pytest.fixture(scope="module")
def run_records(tmp_path_factory) -> list[Record]:
    """Everything that wandb wrote about one trial of three visits, whose worker died after the first."""
    out = tmp_path_factory.mktemp("wandb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_MODE", "offline")
        patch.delenv("WANDB_DIR", raising=False)
        file = load_study("smoke.yaml")
        tracking = WandbTracking(file.settings, out)
        job = Job("trial", "trial 7", out / "trials" / "7", file.run_settings(), 7, {"method.threshold": 0.9})
        baseline = Job("baseline", "batch_norm", out, file.run_settings(), None, {})
        for one in (baseline, job):
            tracking.started(one)
        tracking.visited(job, report(0.1, visits=1))
        tracking.recovered(job)
        for one in (baseline, job):
            tracking.visited(one, report(0.1))
            tracking.ended(one, Outcome("complete", report(0.1)))
        # Only when its service has ended is everything in the file.
        wandb.teardown()
    (path,) = out.glob("wandb/offline-run-*/*.wandb")
    return list(records(path))


@pytest.fixture(autouse=True)
def fresh_wandb() -> Iterator[None]:
    """A process reads its environment for wandb once: makes it forget, before and after."""
    wandb.teardown()
    yield
    wandb.teardown()


def test_a_trial_is_one_run_of_the_study_s_group(run_records):
    (run,) = [record.run for record in run_records if record.HasField("run")]

    assert (run.display_name, run.run_group, run.project, run.job_type) == ("trial 7", "smoke", "segada", "trial")
    config = as_dict(run.config.update)
    assert config["method.threshold"] == 0.9
    assert config["seed"] == 0


def test_history_has_every_visit_once(run_records):
    points = [as_dict(record.history.item) for record in run_records if record.HasField("history")]

    assert [point["visit"] for point in points] == [0, 1, 2]
    assert [point["domain"] for point in points] == ["clear", "50mm", "200mm"]
    assert points[2]["visited_miou"] == pytest.approx(0.33)
    assert points[0]["miou/200mm"] == pytest.approx(0.33)
    assert points[0]["losses/mix"] == 0.1


def test_the_summary_is_the_report(run_records):
    summary: dict[str, object] = {}
    for record in run_records:
        summary |= as_dict(record.summary.update)

    assert summary["state"] == "complete"
    assert summary["gain"] == 0.1
    assert summary["mean_miou"] == pytest.approx(report(0.1).mean_miou)


def test_a_trial_that_is_resumed_goes_on_in_its_run(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.delenv("WANDB_DIR", raising=False)
    file = load_study("smoke.yaml")
    job = Job("trial", "trial 7", tmp_path / "trials" / "7", file.run_settings(), 7, {})
    before = WandbTracking(file.settings, tmp_path)
    before.started(job)
    before.visited(job, report(0.1, visits=1))
    # As at the end of a stopped session's process; the process of the next one knows the folder alone.
    wandb.teardown()
    # wandb names its files by the second.
    time.sleep(1.1)
    after = WandbTracking(file.settings, tmp_path)
    after.started(job)
    for visits in (1, 2, 3):
        after.visited(job, report(0.1, visits=visits))
    after.ended(job, Outcome("complete", report(0.1)))
    wandb.teardown()

    everything = [one for path in tmp_path.glob("wandb/offline-run-*/*.wandb") for one in records(path)]
    assert len({one.run.run_id for one in everything if one.HasField("run")}) == 1
    steps = sorted(as_dict(one.history.item)["visit"] for one in everything if one.HasField("history"))
    assert steps == [0, 1, 2]


def test_a_refused_key_is_said_once_and_the_search_goes_on(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("WANDB_API_KEY", "short")
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    file = load_study("smoke.yaml")
    tracking = WandbTracking(file.settings, tmp_path)
    for number in (0, 1):
        job = Job("trial", f"trial {number}", tmp_path, file.run_settings(), number, {})
        tracking.started(job)
        tracking.visited(job, report(0.1))
        tracking.ended(job, Outcome("complete", report(0.1)))

    said = capsys.readouterr().err
    assert said.count("warning: wandb failed, and the search goes on without it") == 1
    assert "API key" in said

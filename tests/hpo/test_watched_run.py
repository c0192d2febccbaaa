"""A whole study, watched: what wandb keeps is what the study found, and no secret is anywhere."""

import csv
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from wandb_files import Kept, kept_runs

from segada.records import RunReport

ROOT = Path(__file__).parents[2]
SECRETS = {
    "WANDB_API_KEY": "a5ecretkey" * 4,
    "RAY_AUTH_TOKEN": "a5ecrettoken" * 4,
    "PGPASSWORD": "a5ecretpassword" * 4,
}
STUDY = {
    "name": "watched",
    "space": {"method.pseudo_threshold": {"type": "float", "low": 0.5, "high": 0.9, "default": 0.9}},
    "sampler": {"name": "random", "seed": 0},
    "budget": {"trials": 2},
    "confirm": {"top": 1, "seeds": 1, "source_at_least": 0},
    "resources": {"workers": 1},
    "tracking": {"mode": "offline", "project": "rain", "tags": ["watched"]},
}


@dataclass(frozen=True)
class Watched:
    out: Path
    logs: Path
    printed: str


def run(file: Path, out: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "hpo.run", "--space", str(file), "--out", str(out)]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **SECRETS, **environment}, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, tiny_run: dict[str, object]):
    folder = tmp_path_factory.mktemp("watched")
    checkpoint = {"checkpoint": "segada/models/checkpoints/streets_tiny.safetensors"}
    settings = {**STUDY, "run": {**tiny_run, "model": checkpoint}}
    (folder / "watched.yaml").write_text(yaml.safe_dump(settings))
    # Ray's sockets have no room for a longer path.
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as logs:
        done = run(folder / "watched.yaml", folder / "out", RAY_AUTH_MODE="token", RAY_TMPDIR=logs)
        assert done.returncode == 0, done.stderr
        yield Watched(folder / "out", Path(logs), done.stdout + done.stderr)


@pytest.fixture(scope="module")
def runs(watched: Watched) -> dict[str, Kept]:
    return {kept.name: kept for kept in kept_runs(watched.out).values()}


def test_a_run_per_trial_is_what_the_study_found(watched: Watched, runs: dict[str, Kept]) -> None:
    winner = json.loads((watched.out / "best" / "confirmation.json").read_text())["best"]
    kinds = {name: kept.kind for name, kept in runs.items()}
    assert kinds == {
        **dict.fromkeys(("trial 0", "trial 1"), "trial"),
        **dict.fromkeys(("batch_norm", "source_only"), "baseline"),
        **dict.fromkeys((f"{name} seed 1" for name in ("source_only", "batch_norm", winner)), "confirmation"),
        "watched": "study",
    }
    with (watched.out / "results.csv").open(newline="") as file:
        rows = {f"trial {row['number']}": row for row in csv.DictReader(file)}
    for name, row in rows.items():
        kept, folder = runs[name], watched.out / "trials" / row["number"]
        assert (kept.group, kept.project, kept.tags) == ("watched", "rain", ["watched"])
        settings = yaml.safe_load((folder / "settings.yaml").read_text())
        assert {section: kept.config[section] for section in settings} == settings
        assert kept.config["method"]["pseudo_threshold"] == pytest.approx(float(row["method.pseudo_threshold"]))
        report = RunReport.model_validate_json((folder / "report.json").read_bytes())
        for point, visit in zip(kept.history, report.visits, strict=True):
            assert (point["visit"], point["domain"]) == (visit.visit, visit.domain)
            assert {domain: point[f"miou/{domain}"] for domain in visit.miou} == visit.miou
            assert {part: point[f"learning_rates/{part}"] for part in visit.learning_rates} == visit.learning_rates
            assert {loss: point[f"losses/{loss}"] for loss in visit.losses} == visit.losses
        assert kept.summary["gain"] == pytest.approx(float(row["gain"]))
        assert kept.summary["objective/mean_miou"] == pytest.approx(float(row["mean_miou"]))
        assert kept.summary["state"] == row["state"] == "complete"
        assert kept.summary["frames_per_second"] > 0


def test_the_winner_s_weights_are_an_artifact(watched: Watched, runs: dict[str, Kept]) -> None:
    assert (watched.out / "best" / "weights.safetensors").exists()
    assert "watched-best" in runs["watched"].artifacts
    best = json.loads((watched.out / "best" / "confirmation.json").read_text())["best"]
    assert runs["watched"].summary["confirmed/best"] == best


def test_how_to_watch_is_printed(watched: Watched) -> None:
    assert f"trials in a browser: optuna-dashboard {watched.out / 'study.journal'}" in watched.printed
    assert 'its token: echo "$RAY_AUTH_TOKEN"' in watched.printed
    assert f"wandb sync {watched.out}/wandb/offline-run-*" in watched.printed


def test_secrets_are_in_no_file_and_in_no_line(watched: Watched) -> None:
    files = [path for folder in (watched.out, watched.logs) for path in folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".wandb" for path in files)
    assert any(path.is_relative_to(watched.logs) for path in files)
    for name, secret in SECRETS.items():
        assert secret not in watched.printed, name
        assert [path for path in files if secret.encode() in path.read_bytes()] == [], name


def test_the_password_of_a_database_that_does_not_answer_is_not_said(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    (tmp_path / "watched.yaml").write_text(yaml.safe_dump(STUDY))
    secret = "a5ecret%21password"
    url = f"postgresql://me:{secret}@127.0.0.1:9/studies"
    done = run(tmp_path / "watched.yaml", tmp_path / "out", HPO_STORAGE=url)
    assert done.returncode == 2
    said = done.stdout + done.stderr
    assert "127.0.0.1:9" in said
    assert secret not in said
    assert "a5ecret!password" not in said
    written = [path.read_bytes() for path in tmp_path.rglob("out/**/*") if path.is_file()]
    assert not any(b"a5ecret" in content for content in written)

"""Tests of the printed dashboard command: it opens the study in a browser and contains no password."""

import json
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from hpo.config.study_file import load_study
from hpo.study.dashboard import trials_command
from hpo.study.study import open_study

STARTS = 60
"""Seconds at most until the server answers."""


def test_a_study_is_seen_in_optuna_dashboard(tmp_path: Path) -> None:
    pytest.importorskip("optuna_dashboard", reason="the extra `dashboard` is not installed")
    out = tmp_path / "a folder"
    study = open_study(load_study("smoke.yaml"), out)
    proposal = study.ask()
    study.complete(proposal.number, [0.5])
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    _, *arguments = shlex.split(trials_command(None, out))
    beside = Path(sys.executable).parent / "optuna-dashboard"
    server = subprocess.Popen([beside, *arguments, "--port", str(port)], stderr=subprocess.DEVNULL)
    try:
        (shown,) = answer(f"http://127.0.0.1:{port}/api/studies", server)["study_summaries"]
        assert shown["study_name"] == "smoke"
        trials = answer(f"http://127.0.0.1:{port}/api/studies/{shown['study_id']}?after=0", server)["trials"]
        assert [trial["values"] for trial in trials if trial["state"] == "Complete"] == [[0.5]]
    finally:
        server.kill()
        server.wait()


def answer(url: str, server: "subprocess.Popen[bytes]") -> dict[str, list[dict[str, object]]]:
    end = time.monotonic() + STARTS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=20) as page:
                return json.load(page)
        except OSError:
            assert server.poll() is None
            assert time.monotonic() < end
            time.sleep(0.2)


def test_the_command_of_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HPO_STORAGE", raising=False)
    assert trials_command("sqlite:////home/me/my studies.db", tmp_path) == (
        "optuna-dashboard 'sqlite:////home/me/my studies.db'"
    )
    place = "postgresql://me@head:5432/studies"
    assert trials_command(place, tmp_path) == "optuna-dashboard postgresql+psycopg://me@head:5432/studies"
    monkeypatch.setenv("HPO_STORAGE", "postgresql://me:5ecret@head:5432/studies")
    command = trials_command(place, tmp_path)
    assert "5ecret" not in command
    said = subprocess.run(["bash", "-c", f"echo {command}"], capture_output=True, text=True, check=True).stdout
    assert said == "optuna-dashboard postgresql+psycopg://me:5ecret@head:5432/studies\n"

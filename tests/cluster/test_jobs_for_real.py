"""A study sent to a Ray head with a token on loopback: followed, left, stopped; no secret is left behind."""

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from segada.cli.exit_codes import DONE, INTERRUPTED, WRONG_INPUT

pytestmark = pytest.mark.slow

PATIENCE = 900.0
"""Seconds for a busy machine to start what takes ten."""
PORTS = (
    "dashboard-port",
    "dashboard-agent-listen-port",
    "dashboard-agent-grpc-port",
    "metrics-export-port",
    "runtime-env-agent-port",
    "ray-client-server-port",
)
"""All that Ray would take by their usual numbers, where another Ray may be."""
BASE = {
    "name": "base",
    "space": {"method.ema_alpha": {"type": "float", "low": 0.9, "high": 0.99, "default": 0.99}},
    "sampler": {"name": "random", "seed": 0},
    "budget": {"trials": 1},
    "confirm": {"top": 0, "source_at_least": 0},
    # Of the GPU that the head only says it has: the runs are on the processor.
    "resources": {"gpus_per_trial": 0.5, "accelerator": "A100"},
}


@dataclass(frozen=True)
class Head:
    """A running head node: its HTTP address, its token, and the folder of everything that Ray writes."""

    address: str
    token: str
    folder: Path

    def submit(self, *words: str, token: str | None = None, **variables: str) -> "subprocess.Popen[str]":
        environment = {**_without_ray(), "RAY_AUTH_TOKEN": token or self.token, **variables}
        command = [sys.executable, "-m", "hpo.submit", *words, "--address", self.address]
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.folder
        )

    def said(self, *words: str, token: str | None = None, **variables: str) -> tuple[int, str]:
        process = self.submit(*words, token=token, **variables)
        output, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, output


def _without_ray() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}


def _ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [taken.getsockname()[1] for taken in sockets]
    for taken in sockets:
        taken.close()
    return ports


def _wait_for(what: Callable[[], bool], process: "subprocess.Popen[str]", log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < until, f"it took too long: {log.read_text()}"
        assert process.poll() is None, f"it has ended: {log.read_text()}"
        time.sleep(0.5)


@pytest.fixture(scope="module")
def head(tiny_run: dict[str, object]) -> Iterator[Head]:
    # A short path: Ray's sockets are in it, whose names have at most 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="sg", dir="/tmp"))
    (folder / "base.yaml").write_text(yaml.safe_dump({**BASE, "run": tiny_run}))
    (folder / "mine.yaml").write_text("extends: base.yaml\nname: mine\n")
    token = secrets.token_hex(16)
    ports = dict(zip(PORTS, _ports(len(PORTS)), strict=True))
    command = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--port=0", "--num-cpus=2"]
    command += ["--num-gpus=1", '--resources={"accelerator_type:A100": 1}', "--dashboard-host=127.0.0.1"]
    command += [f"--temp-dir={folder / 'ray'}", "--disable-usage-stats", "--object-store-memory=200000000"]
    command += [f"--{name}={port}" for name, port in ports.items()]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**_without_ray(), "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token, "PATH": path}
    environment["SEGADA_RUNS"] = str(folder / "runs")
    with (folder / "head.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, text=True, start_new_session=True)
    found = Head(f"http://127.0.0.1:{ports['dashboard-port']}", token, folder)
    try:
        _wait_for(lambda: "Ray runtime started" in (folder / "head.log").read_text(), process, folder / "head.log")
        yield found
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)
        shutil.rmtree(folder, ignore_errors=True)


def test_a_study_is_sent_followed_and_done(head: Head) -> None:
    out = head.folder / "out"
    words = ["--space", "mine.yaml", "--out", str(out), "--env", "PLANTED", "--set", "budget.trials=2"]
    code, said = head.said(*words, PLANTED="planted-secret")
    assert code == DONE, said
    assert "2 files, " in said
    assert "study/mine.yaml (" in said
    assert "study/base.yaml (" in said
    assert re.search(r"submitted mine-[0-9a-f]{6}: python -m hpo.run --space study/mine.yaml --out ", said)
    assert "2/2 trials: 2 done" in said
    assert re.search(r"mine-[0-9a-f]{6}: SUCCEEDED, exit code 0, since ", said)
    assert (out / "report.html").exists()
    assert len((out / "results.csv").read_text().splitlines()) == 3
    for secret in ("planted-secret", head.token):
        assert secret not in said
        for path in out.rglob("*"):
            assert path.is_dir() or secret.encode() not in path.read_bytes(), path


def test_ctrl_c_leaves_the_job_and_stop_lets_its_visits_finish(head: Head) -> None:
    out = head.folder / "long"
    words = ["--space", "mine.yaml", "--out", str(out), "--set", "budget.trials=1000"]
    following = head.submit(*words)
    _wait_for(lambda: len(list((out / "trials").glob("*/report.json"))) > 1, following, head.folder / "head.log")
    following.send_signal(signal.SIGINT)
    said, _ = following.communicate(timeout=PATIENCE)
    assert following.returncode == INTERRUPTED
    job = re.findall(r"submitted (\S+):", said)[0]
    assert f"{job} goes on without being followed" in said
    assert f"python -m hpo.submit logs --follow {job} --address {head.address}" in said

    assert f"{job}: RUNNING, since" in head.said("status", job)[1]
    assert head.said("stop", job)[0] == DONE
    code, said = head.said("logs", "--follow", job)
    assert code == INTERRUPTED
    assert "stopping after the visits that run now" in said
    assert "SIGTERM received" not in said
    assert f"{job}: STOPPED, since" in head.said("list")[1]
    # It has said its last word by itself.
    assert "interrupted; what is finished is kept" in head.said("logs", job)[1]
    done = len(list((out / "trials").glob("*/report.json")))
    assert 2 <= done < 1000
    assert (out / "results.csv").exists()


def test_a_wrong_token_and_a_wrong_study_are_one_line(head: Head) -> None:
    code, said = head.said("list", token="another")
    assert code == WRONG_INPUT
    assert said.startswith(f"error: the Ray at {head.address} refuses the token of RAY_AUTH_TOKEN")
    assert said.count("\n") == 1
    # What is only wrong there is said there, and the code is the job's.
    code, said = head.said("--space", "ga_camvid.yaml", "--out", str(head.folder / "gone"))
    assert code == WRONG_INPUT, said
    assert "run.data.root: there is no folder" in said


def test_a_head_that_dies_is_one_line_too(head: Head) -> None:
    following = head.submit("--space", "mine.yaml", "--set", "budget.trials=1000")
    _wait_for(lambda: "RUNNING" in head.said("list")[1], following, head.folder / "head.log")
    _kill_all_of(head.folder)
    said, _ = following.communicate(timeout=PATIENCE)
    assert following.returncode == WRONG_INPUT, said
    assert f"error: no Ray head node answers at {head.address} (" in said.splitlines()[-1]
    assert "Traceback" not in said


def _kill_all_of(folder: Path) -> None:
    """Kills what was started with this folder among its arguments: Ray's processes, and nobody else's."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in command and b"hpo.submit" not in command:
            os.kill(int(process.name), signal.SIGKILL)

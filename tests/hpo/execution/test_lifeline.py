"""Tests of the loss of Ray: the driver ends at once, no trial fails, and a signal to its group does not reach Ray."""

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from benchmarks.search.fault import command, descendants
from hpo.execution import cluster, lifeline
from hpo.execution.failures import Deaths
from hpo.execution.lifeline import Lifeline
from segada.cli.exit_codes import INTERRUPTED

PATIENCE = 120.0
BOUND = 20.0
PROGRAM = """
import signal, sys, time
import ray
from hpo.execution.cluster import Resources, cluster
from segada.cli.exit_codes import exit_code

def work():
    told = []
    with cluster(Resources(1, 1, 0, 1), None, told.append):
        print("up", flush=True)
        if sys.argv[1] == "group":
            # Of the signal itself this driver hears nothing.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            print("ready", flush=True)
            sys.stdin.readline()
            print(ray.get(ray.put("alive"), timeout=10), len(ray.nodes()), flush=True)
            raise KeyboardInterrupt
        time.sleep(600)

sys.exit(exit_code(work))
"""


@pytest.fixture
def servers() -> Iterator[list[socket.socket]]:
    both = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    yield both
    for one in both:
        one.close()


def _lifeline(servers: list[socket.socket], monkeypatch: pytest.MonkeyPatch, *, is_own: bool) -> Lifeline:
    control, manager = (server.getsockname() for server in servers)
    context = SimpleNamespace(gcs_address=f"{control[0]}:{control[1]}", get_node_id=lambda: "a")
    node = {"NodeID": "a", "NodeManagerAddress": manager[0], "NodeManagerPort": manager[1]}
    monkeypatch.setattr("ray.get_runtime_context", lambda: context)
    monkeypatch.setattr("ray.nodes", lambda: [node])
    return Lifeline(is_own=is_own)


@pytest.mark.parametrize(("gone", "name"), [(0, "control service"), (1, "node manager")])
def test_what_of_an_own_ray_is_gone_is_said_at_once(
    gone: int, name: str, servers: list[socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = _lifeline(servers, monkeypatch, is_own=True)
    assert line.lost() is None
    place = servers[gone].getsockname()
    servers[gone].close()
    assert name in str(line.lost())
    assert f" is gone ({place[0]}:{place[1]}: Connection refused)" in str(line.lost())


def test_the_control_service_of_a_cluster_may_come_back(
    servers: list[socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = _lifeline(servers, monkeypatch, is_own=False)
    servers[0].close()
    assert line.lost() is None
    monkeypatch.setattr(lifeline, "PATIENCE", 0.0)
    assert "control service" in str(line.lost())


def test_no_job_is_to_blame_for_what_dies_with_ray() -> None:
    searcher = SimpleNamespace()
    deaths = Deaths(searcher, 0, lambda: "Ray's node manager (raylet) is gone")  # type: ignore[arg-type]
    trial = SimpleNamespace(trial_id="a")
    deaths.on_trial_recover(0, [], trial)  # type: ignore[arg-type]
    deaths.on_trial_error(0, [], trial)  # type: ignore[arg-type]
    # Neither looks at the job, nor does the agenda hear of it.
    assert vars(searcher) == {}


@pytest.mark.parametrize("hit", ["group", "raylet", "gcs_server"])
def test_a_real_ray_survives_a_signal_to_the_group_and_its_loss_ends_the_driver(hit: str, tmp_path: Path) -> None:
    (tmp_path / "driver.py").write_text(PROGRAM)
    driver = subprocess.Popen(
        [sys.executable, str(tmp_path / "driver.py"), hit],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    # Whatever it waits for.
    impatience = threading.Timer(PATIENCE, driver.kill)
    impatience.start()
    assert driver.stdin is not None
    assert driver.stdout is not None
    try:
        assert driver.stdout.readline() == "up\n"
        if hit == "group":
            assert driver.stdout.readline() == "ready\n"
            os.killpg(driver.pid, signal.SIGTERM)
            time.sleep(1)
            driver.stdin.write("\n")
            driver.stdin.flush()
            assert driver.stdout.readline() == "alive 1\n"
        else:
            programs = {pid: command(pid).partition(b"\0")[0] for pid in descendants(driver.pid)}
            (process,) = (pid for pid, program in programs.items() if program.endswith(f"/{hit}".encode()))
            os.kill(process, signal.SIGKILL)
        _, said = driver.communicate(timeout=BOUND)
    finally:
        impatience.cancel()
        driver.kill()
        driver.communicate()
    assert driver.returncode == INTERRUPTED
    assert said.count("To go on: ") == 1
    assert hit == "group" or " is gone (" in said


class _Waits:
    """An object of a cycle, as Tune's, whose finalizer would ask a Ray that is gone."""

    def __init__(self, ended: list[str]) -> None:
        self.itself = self
        self.ended = ended

    def __del__(self) -> None:
        self.ended.append("asked")


def test_no_object_is_finalized_once_ray_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []
    monkeypatch.setattr(cluster.atexit, "register", lambda _: None)
    _Waits(ended)
    try:
        cluster._leave(cast(Lifeline, SimpleNamespace(found="the GCS is gone", close=lambda: None)))
        gc.collect()
        assert ended == []
    finally:
        gc.unfreeze()
    gc.collect()
    assert ended == ["asked"]

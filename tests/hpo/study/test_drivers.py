"""Tests of several drivers on one study: every run has one driver, and runs of a dead driver resume at once."""

import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from drivers_bench import PATIENCE, RUNS, STUDY, Bench, finish, wait_for

from hpo.study.heartbeats import DEAD_AFTER_SECONDS, DRIVERS


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    (tmp_path / "shared.yaml").write_text(STUDY)
    with Bench(tmp_path / "shared.yaml", tmp_path / "out", tmp_path / "gate") as made:
        yield made


@pytest.fixture(scope="module")
def control(tmp_path_factory) -> list[dict[str, str]]:
    """Rows of results.csv of the study as one driver makes it that nobody disturbs."""
    folder = tmp_path_factory.mktemp("control")
    (folder / "shared.yaml").write_text(STUDY)
    with Bench(folder / "shared.yaml", folder / "out", folder) as alone:
        finish(alone.start())
        return alone.rows()


@pytest.mark.parametrize("storage", ["journal", "sqlite"])
def test_two_drivers_share_the_work_and_nothing_is_run_twice(bench, tmp_path, control, storage):
    options = ["--storage", f"sqlite:///{tmp_path / 'studies.db'}"] if storage == "sqlite" else []
    both = [bench.start(*options, waits=True, pace=0.02) for _ in range(2)]
    wait_for(lambda: len(bench.busy()) == 2, *both)
    bench.gate.touch()
    finish(*both)

    made = bench.visits()
    assert len(made) == RUNS
    # All three visits of a run are one driver's, who never lost it to the other.
    assert {(len(processes), len(set(processes))) for processes in made.values()} == {(3, 1)}
    assert bench.busy() == {process.pid for process in both}
    assert bench.rows() == control
    assert (bench.out / "study.journal").exists() == (storage == "journal")
    assert not (bench.out / DRIVERS).exists()


def test_what_a_killed_driver_had_goes_on_at_once_in_the_other(bench, control):
    first = bench.start(waits=True, slots=4)
    wait_for(lambda: len(bench.visits()) == 4, first)
    second = bench.start(pace=0.02)
    wait_for(lambda: second.pid in bench.busy(), first, second)
    first.kill()
    killed = time.monotonic()
    wait_for(lambda: sum(len(made) == 3 for made in bench.visits().values()) > 18)
    assert time.monotonic() - killed < DEAD_AFTER_SECONDS / 2
    first.communicate()
    finish(second)

    made = bench.visits()
    assert len(made) == RUNS
    taken = [first.pid, second.pid, second.pid]
    assert Counter(map(tuple, made.values())) == {tuple(taken): 4, (second.pid,) * 3: RUNS - 4}
    assert bench.rows() == control


def test_a_driver_that_has_nothing_left_waits_for_the_others_and_says_so(bench):
    slow = bench.start("--set", "confirm.top=0", waits=True, slots=14)
    wait_for(lambda: len(bench.visits()) == 14, slow)
    idle = bench.start("--set", "confirm.top=0")
    said = idle.stdout.readline()
    bench.gate.touch()
    finish(idle, slow)

    assert said.startswith("waiting for the remaining runs of ")
    assert said.endswith(f" (process {slow.pid})\n")
    assert bench.busy() == {slow.pid}
    assert len(bench.rows()) == 12


def test_ctrl_c_once_lets_visits_end_and_the_command_that_is_printed_goes_on(bench, control):
    first = bench.start("--new", pace=0.2)
    wait_for(lambda: any(name.startswith("trials") for name in bench.visits()), first)
    first.send_signal(signal.SIGINT)
    _, said = first.communicate(timeout=PATIENCE)
    assert first.returncode == 3
    assert "stopping after the visits that run now" in said
    assert f"To go on: python -m hpo.run --space {bench.path} --out {bench.out}\n" in said
    before = bench.visits()

    finish(bench.start("--resume"))
    assert all(bench.visits()[name][: len(made)] == made for name, made in before.items())
    assert bench.rows() == control


def test_sigterm_gives_visits_so_long_and_then_writes_what_is_finished(bench):
    bench.environment = {**bench.environment, "SEGADA_STOP_WAIT": "1"}
    process = bench.start(waits=True)
    wait_for(lambda: len(bench.visits()) == 2, process)
    # As `timeout` does: to the process and to its group.
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    told = time.monotonic()
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 3
    assert time.monotonic() - told > 0.9
    assert said.splitlines()[0] == "stopping after the visits that run now; once more stops at once"
    assert said.splitlines()[1].startswith("interrupted; what is finished is kept. To go on: python -m hpo.run ")
    assert (bench.out / "report.html").exists()
    assert len(bench.rows()) == 0


def test_ctrl_c_twice_stops_at_once(bench):
    process = bench.start(waits=True)
    wait_for(lambda: len(bench.visits()) == 2, process)
    process.send_signal(signal.SIGINT)
    assert "once more stops at once" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 3
    assert {len(made) for made in bench.visits().values()} == {1}

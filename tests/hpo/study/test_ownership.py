"""Tests of leases and heartbeats: drivers in one process are as independent of each other as those in two."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from drivers_bench import ROOT, STUDY, wait_for
from study_samples import report
from test_coordinator import Diary

from hpo.config.study_file import StudyFile, load_study
from hpo.orchestration.coordinator import RunCoordinator
from hpo.study.drivers import LOCK, Driver, joined
from hpo.study.file_lock import locked
from hpo.study.heartbeats import DEAD_AFTER_SECONDS, read_record, record_path
from hpo.study.jobs import Job, RunUpdate
from hpo.study.journal.file import JOURNAL_LOCK
from hpo.study.leases import OWNER
from hpo.study.plan import Plan
from hpo.study.study import Study, open_study, read_study


@pytest.fixture
def file(tmp_path) -> StudyFile:
    (tmp_path / "shared.yaml").write_text(STUDY)
    return load_study(str(tmp_path / "shared.yaml"))


class Desk:
    """A driver with its agenda."""

    def __init__(self, file: StudyFile, out: Path) -> None:
        self.driver = Driver(out)
        with self.driver.exclusive():
            self.study = open_study(file, out, self.driver)
        self.diary = Lost()
        self.coordinator = RunCoordinator(self.study, Plan(file, out), [self.diary])

    def trial(self) -> Job:
        while (job := self.coordinator.next_job()) is not None and job.kind != "trial":
            pass
        assert job is not None
        return job


class Lost(Diary):
    """Remembers what was taken away, too."""

    def __init__(self) -> None:
        super().__init__()
        self.lost: list[str] = []

    def dropped(self, job: Job) -> None:
        self.lost.append(job.name)


@pytest.fixture
def desks(file, tmp_path):
    made = [Desk(file, tmp_path / "out") for _ in range(2)]
    yield made
    for desk in made:
        desk.driver.leave()


def test_a_driver_whose_trial_was_taken_drops_it_without_a_word_to_the_study(desks):
    asleep, other = desks
    job = asleep.trial()
    assert other.trial().name != job.name
    take_over(other.study, job.trial)

    assert not asleep.coordinator.visited(job, RunUpdate(report=report(0.02), finished=True))
    assert asleep.diary.lost == [job.name]
    assert asleep.diary.ends == {}
    trial = other.study.optuna_study.trials[job.trial]
    assert (trial.state.name, trial.intermediate_values) == ("RUNNING", {})
    asleep.coordinator.broke(job, "its worker died")
    assert other.study.optuna_study.trials[job.trial].state.name == "RUNNING"


def take_over(study: Study, number: int) -> None:
    trial = study.optuna_study.trials[number]
    study.leases.acquire_trial(trial._trial_id)


def test_baselines_go_on_elsewhere_when_their_driver_leaves_and_failed_ones_do_not(desks):
    first, second = desks
    failed, begun = (first.coordinator.next_job() for _ in range(2))
    assert (failed.name, begun.name) == ("source_only", "batch_norm")
    first.coordinator.broke(failed, "no memory")
    assert second.coordinator.next_job().name == "trial 0"
    first.driver.leave()

    assert second.coordinator.next_job().name == "batch_norm"
    assert second.coordinator.failures == {"source_only": "no memory"}
    # The next session may have more memory.
    second.study.leases.forget_failures()
    assert second.coordinator.failures == {}


def test_of_this_machine_the_lock_says_who_lives_and_of_another_the_age_of_the_card(tmp_path):
    me, out = Driver(tmp_path), tmp_path
    elsewhere = read_record(out, me.id).model_copy(update={"id": "elsewhere", "boot": "another", "host": "far"})
    path = record_path(out, "elsewhere")
    path.write_text(elsewhere.model_dump_json())
    for age, alive in ((0.0, True), (DEAD_AFTER_SECONDS - 2, True), (DEAD_AFTER_SECONDS + 2, False)):
        # The clock of the file server may be years ahead of the other machines', and this process has touched its own.
        now = record_path(out, me.id).stat().st_mtime
        os.utime(path, (now - age, now - age))
        assert me.is_at_work("elsewhere") == alive
    assert me.others() == []
    path.write_text(elsewhere.model_copy(update={"boot": read_record(out, me.id).boot}).model_dump_json())
    os.utime(path)
    assert not me.is_at_work("elsewhere")
    assert me.is_at_work(me.id)
    assert not me.is_at_work("nobody")
    me.leave()


def test_a_card_is_kept_fresh(tmp_path, monkeypatch):
    monkeypatch.setattr("hpo.study.drivers.HEARTBEAT_SECONDS", 0.01)
    with joined(tmp_path) as driver:
        record = record_path(tmp_path, driver.id)
        os.utime(record, (0, 0))
        wait_for(lambda: record.stat().st_mtime > 1e9)
    assert not record.exists()


@pytest.mark.parametrize("lock", [LOCK, JOURNAL_LOCK])
def test_a_driver_killed_with_a_lock_holds_nobody_up(file, tmp_path, lock):
    out = tmp_path / "out"
    open_study(file, out)
    code = "from hpo.study.file_lock import take; import time, pathlib; "
    code += f"f = take(pathlib.Path({str(out / lock)!r})); "
    holder = subprocess.Popen(
        [sys.executable, "-c", code + "print('held', flush=True); time.sleep(1000)"], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert holder.stdout.readline() == b"held\n"
    taken = threading.Event()

    def work() -> None:
        with joined(out) as driver, driver.exclusive():
            open_study(file, out, driver).ask()
        taken.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert not taken.wait(0.5)
    holder.kill()
    assert taken.wait(10)
    holder.communicate()
    thread.join()


def test_half_a_line_that_a_killed_driver_leaves_is_gone_before_another_writes(file, tmp_path):
    out = tmp_path / "out"
    study = open_study(file, out)
    study.ask()
    with (out / "study.journal").open("a") as journal:
        journal.write('{"op_code":8,"worker_id":"dead')
    study.complete(0, [0.25])

    assert [trial.values for trial in read_study(file, out).finished()] == [[0.25]]


def test_who_waits_for_a_lock_gets_that_of_the_file_that_is_there(tmp_path):
    path, order = tmp_path / "folder" / "a.lock", []

    def wait() -> None:
        with locked(path):
            order.append("second")

    with locked(path):
        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.1)
        path.unlink()
        path.parent.rmdir()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert path.exists()


def test_the_source_training_is_one_drivers_at_a_time(desks):
    first, second = desks
    order: list[str] = []

    def wait() -> None:
        with second.study.leases.hold("source"):
            order.append("second")

    with first.study.leases.hold("source"):
        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert second.study.leases.owner("source") is None


def test_a_trial_carries_the_id_of_its_driver(desks):
    first, second = desks
    jobs = {desk.driver.id: desk.trial() for desk in desks}
    trials = second.study.optuna_study.trials
    assert {trials[job.trial].system_attrs[OWNER]: job.trial for job in jobs.values()} == {
        first.driver.id: 0,
        second.driver.id: 1,
    }

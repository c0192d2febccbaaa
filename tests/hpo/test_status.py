"""What `python -m hpo.status` tells of a study at work, at rest and over, and that it leaves no trace."""

import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from study_samples import leave_run, random_areas, report, visit
from study_texts import study_text

import hpo.status
from hpo.config.study_file import load_study
from hpo.monitoring.locations import places
from hpo.monitoring.status import StudyStatus, status_of
from hpo.monitoring.status_view import print_plain, print_table
from hpo.orchestration.coordinator import RunCoordinator
from hpo.study.drivers import Driver, joined
from hpo.study.jobs import Job, RunUpdate
from hpo.study.plan import Plan
from hpo.study.provenance import write_study
from hpo.study.study import open_study
from segada.cli.exit_codes import DONE, WRONG_INPUT

STUDY = study_text(
    "constraints: [{metric: frames_per_second, at_least: 1}]", "budget: {trials: 6}", "confirm: {top: 1, seeds: 2}"
)
MOMENT = time.mktime(time.strptime("2026-11-21 12:00:00", "%Y-%m-%d %H:%M:%S"))


class Desk:
    """A driver's agenda, and what its runs leave behind as time goes by."""

    def __init__(self, driver: Driver, storage: str | None = None) -> None:
        path = driver.out.parent / "study-file.yaml"
        path.write_text(STUDY)
        self.file = load_study(str(path)).kept_in(storage)
        self.plan = Plan(self.file, driver.out)
        with driver.exclusive():
            self.study = open_study(self.file, driver.out, driver)
            write_study(self.file, driver.out)
        self.coordinator = RunCoordinator(self.study, self.plan, [])
        self.jobs: dict[str, Job] = {}

    def begin(self, count: int) -> None:
        """Hands out runs."""
        for _ in range(count):
            job = self.coordinator.next_job()
            assert job is not None
            self.jobs[job.name] = job

    def drive(self, name: str, visits: int, gain: float = 0.0, minutes: float = 1.0) -> None:
        """A run has done so many visits, the last one so many minutes before `MOMENT`."""
        job, finished = self.jobs[name], visits == 3
        job.folder.mkdir(parents=True, exist_ok=True)
        lines = "".join(visit(number, gain).model_dump_json() + "\n" for number in range(visits))
        (job.folder / "visits.jsonl").write_text(lines)
        with (job.folder / "log.txt").open("a") as log:
            log.write(f"{_clock(minutes + 2)} settings 0123456789, seed 0\n")
            for number in range(visits):
                log.write(f"{_clock(minutes)} visit {number} (somewhere): mIoU 0.5\n")
        whole = report(gain, visits).model_copy(update={"settings_hash": job.settings.settings_hash()})
        if finished:
            leave_run(job, whole, random_areas(np.random.default_rng(0), 0.6, frames=8))
        self.coordinator.visited(job, RunUpdate(report=whole, finished=finished))


def _clock(minutes: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(MOMENT - 60 * minutes))


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Driver]:
    with joined(tmp_path / "out") as driver:
        yield driver


@pytest.fixture
def desk(driver: Driver) -> Desk:
    """Baselines done, trial 0 done, 1 better, 2 failed, 3 in its last visit, 4 just begun."""
    desk = Desk(driver)
    desk.begin(7)
    for name in ("source_only", "batch_norm"):
        desk.drive(name, 3, minutes=30.0)
    desk.drive("trial 0", 3, gain=0.01, minutes=8.0)
    desk.drive("trial 1", 3, gain=0.03, minutes=4.0)
    desk.coordinator.recovered(desk.jobs["trial 3"], "killed")
    desk.coordinator.visited(desk.jobs["trial 2"], RunUpdate(report=None, finished=False, failure="the loss is nan"))
    desk.drive("trial 3", 2, gain=0.02, minutes=2.0)
    return desk


def _status(out: Path) -> StudyStatus:
    (place,) = places(str(out))
    return status_of(place, MOMENT)


def print_lines(status: StudyStatus) -> list[str]:
    lines: list[str] = []
    print_plain(status, lines.append)
    return lines


def _bytes(out: Path) -> dict[Path, tuple[bytes, int]]:
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in out.rglob("*") if path.is_file()}


def test_a_study_at_work_is_told_as_it_is(desk: Desk, driver: Driver) -> None:
    status = _status(driver.out)

    counts = (status.trials, status.complete, status.pruned, status.failed)
    assert counts == (6, 2, 0, 1)
    half, fresh = status.running
    assert (half.name, half.visits, half.of, half.domain) == ("trial 3", 2, 3, "200mm")
    assert half.miou == pytest.approx((0.59 + 0.55) / 2 + 0.02)
    assert half.driver is not None
    assert half.driver.endswith(")")
    assert status.drivers == [half.driver]
    assert (fresh.name, fresh.visits, fresh.domain, fresh.miou) == ("trial 4", 0, "clear", None)
    assert status.failures == {"trial 2": "the loss is nan"}
    assert status.incidents == {"trial 3": ["its worker died: killed"]}
    assert (status.best_trial, status.best) == (1, {"mean_miou": pytest.approx(report(0.03).mean_miou)})
    assert (status.baselines, status.confirmed, status.to_confirm) == (2, 0, (1 + 2 + 1) * 2)
    assert not status.is_over


def test_the_speed_is_that_of_the_last_ten_minutes_and_says_what_is_left(desk: Desk, driver: Driver) -> None:
    status = _status(driver.out)

    # Three visits of each of two trials and two of another, in the ten minutes since the first of these began.
    assert status.visits_per_minute == pytest.approx(8 / 10)
    # Finished trials have driven 3, 3 and, failed, no visit: 2 each. One of trial 3's is left over, two of trial 4's
    # are to come and two of trial 5's; then the confirmation, of whole runs.
    assert status.seconds_left == pytest.approx(60 * (0 + 2 + 2 + 8 * 3) / 0.8)
    (place,) = places(str(driver.out))
    later = status_of(place, MOMENT + 3600)
    assert (later.visits_per_minute, later.seconds_left) == (None, None)


def test_looking_writes_no_byte(desk: Desk, driver: Driver) -> None:
    before = _bytes(driver.out)
    _status(driver.out)
    after = _bytes(driver.out)
    # The driver itself keeps its card fresh.
    assert {path: kept[0] for path, kept in after.items()} == {path: kept[0] for path, kept in before.items()}
    assert [path for path in before if before[path][1] != after[path][1] and "drivers" not in path.parts] == []


def test_a_study_that_nobody_works_on_has_interrupted_runs(tmp_path: Path) -> None:
    with joined(tmp_path / "out") as driver:
        desk = Desk(driver)
        desk.begin(3)
        desk.drive("source_only", 1)
        desk.drive("trial 0", 1)
    trial, baseline = _status(tmp_path / "out").running

    assert (trial.name, trial.visits, trial.driver) == ("trial 0", 1, None)
    assert (baseline.name, baseline.visits, baseline.domain, baseline.driver) == ("source_only", 1, "50mm", None)
    assert _status(tmp_path / "out").drivers == []


def test_half_a_line_of_a_run_that_writes_just_now_is_passed_over(desk: Desk, driver: Driver) -> None:
    with (desk.jobs["trial 3"].folder / "visits.jsonl").open("a") as file:
        file.write('{"visit": 2, "dom')
    assert [run.visits for run in _status(driver.out).running] == [2, 0]


def test_confirmation_is_counted_and_its_runs_are_shown(tmp_path: Path) -> None:
    with joined(tmp_path / "out") as driver:
        desk = Desk(driver)
        desk.begin(8)
        for name in list(desk.jobs):
            desk.drive(name, 3)
        desk.begin(6)
        for name in ("source_only seed 1", "trial 0 seed 1"):
            desk.drive(name, 3)
        desk.drive("trial 0 seed 2", 1)
        status = _status(tmp_path / "out")

    assert (status.complete, status.confirmed) == (6, 2)
    assert ("trial 0 seed 2", 1, "50mm") in [(run.name, run.visits, run.domain) for run in status.running]


def test_a_database_is_asked_by_its_url_and_by_its_folder(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    with joined(tmp_path / "out") as driver:
        desk = Desk(driver, url)
        desk.begin(3)
        desk.drive("trial 0", 2)
        by_url, by_folder = (status_of(place, MOMENT) for where in (url, str(driver.out)) for place in places(where))

    assert (by_url.running, by_url.trials) == (by_folder.running, 6)
    assert [place.optuna_study.study_name for place in places(url, "tiny")] == ["tiny"]
    (tmp_path / "out").rename(tmp_path / "elsewhere")
    (place,) = places(url)
    alone = status_of(place, MOMENT)
    assert (alone.state, alone.to_confirm, alone.next_steps) == ("unknown", 0, ())
    assert print_lines(alone)[1] == "search: 0 trials over (0 complete, 0 pruned, 0 failed), 1 running"
    assert (alone.trials, alone.running[0].name, alone.running[0].of) == (None, "trial 0", None)


def _command(*arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["status", *arguments])
    return hpo.status.main()


def test_the_command_prints_lines_and_json(
    desk: Desk, driver: Driver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _command(str(driver.out), monkeypatch=monkeypatch) == DONE
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"tiny ({driver.out})"
    assert lines[1] == "search: 3 of 6 trials over (2 complete, 0 pruned, 1 failed), 2 running, 1 to start"
    assert lines[2].startswith("best so far: trial 1: mean mIoU ")
    assert any(line.startswith("running: trial 3, visits 2/3, in 200mm, mIoU 59.0 %, since ") for line in lines)
    assert "failed: trial 2: the loss is nan" in lines
    assert "incident: trial 3: its worker died: killed" in lines

    assert _command(str(driver.out), "--json", monkeypatch=monkeypatch) == DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["name"], told["running"][0]["name"], told["failed"]) == ("tiny", "trial 3", 1)


def test_a_terminal_is_shown_a_table(desk: Desk, driver: Driver) -> None:
    console = Console(force_terminal=True, width=160, record=True, file=io.StringIO())
    print_table(_status(driver.out), console)
    shown = console.export_text()
    for part in ("trial 3", "2/3", "200mm", "59.0", "the loss is nan", "its worker died: killed", "3 of 6"):
        assert part in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gone"], "gone: there is no such folder"),
        (["."], "holds no study; name the folder of one"),
        (["sqlite:///gone.db"], "there is no such file"),
        (["mysql://host/name"], "must begin with sqlite:/// or postgresql://"),
        (["out", "--name", "other"], "holds no study 'other', but tiny"),
        (["out", "--watch", "0"], "--watch must be a number of seconds above 0, but is 0.0"),
    ],
)
def test_what_is_no_study_is_one_line(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with joined(tmp_path / "out") as driver:
        Desk(driver)
    monkeypatch.chdir(tmp_path)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert _command(*arguments, monkeypatch=monkeypatch) == WRONG_INPUT
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before


def test_watching_ends_with_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    looks: list[float] = []
    with joined(tmp_path / "out") as driver:
        desk = Desk(driver)
        desk.begin(8)
        for name in list(desk.jobs):
            desk.drive(name, 3)
    status = _status(tmp_path / "out")
    at_work = status.model_copy(update={"drivers": ["somebody (process 7)"]})
    monkeypatch.setattr(hpo.status.time, "sleep", looks.append)
    monkeypatch.setattr("hpo.monitoring.status.status_of", lambda *_: status if looks else at_work)
    assert _command(str(tmp_path / "out"), "--watch", "3", monkeypatch=monkeypatch) == DONE
    assert looks == [3.0]
    assert capsys.readouterr().out.count("search: 6 of 6 trials over") == 2


def test_neither_torch_nor_ray_is_needed() -> None:
    heavy = "[name for name in ('torch', 'ray', 'deap', 'wandb', 'plotly') if name in sys.modules]"
    asked = [sys.executable, "-c", f"import sys, hpo.status; print({heavy})"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout == "[]\n"

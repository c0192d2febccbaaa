"""What befalls a run, by its own fault or not: what is tried again, and what the study is told."""

import errno
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from optuna.trial import TrialState
from ray import cloudpickle
from ray.exceptions import OutOfMemoryError, RayTaskError
from study_samples import report
from study_texts import study_text

import segada.engine.divergence
import segada.engine.runner
from hpo.config.study_file import load_study
from hpo.execution.failures import Deaths
from hpo.execution.trainable import GIVEN_UP, LEAN, PROGRESS, VisitTrainable, config_of
from hpo.orchestration.coordinator import RunCoordinator
from hpo.results.collect import results_of
from hpo.results.results import write_csv
from hpo.run import main
from hpo.session import command
from hpo.study.attributes import INCIDENTS, REASON
from hpo.study.drivers import joined
from hpo.study.jobs import Job, RunUpdate
from hpo.study.plan import Plan
from hpo.study.provenance import write_study
from hpo.study.study import Study, open_study
from segada.core.storage_errors import StorageError, storage_error
from segada.engine.run_data import RunData, prepare_data
from segada.engine.runner import Run
from segada.settings import RunSettings

STUDY = study_text(
    "objectives: [{metric: label_free/entropy, goal: minimize}]", "budget: {trials: 2}", "confirm: {top: 0}"
)
EVICTED = "Memory on the node was 15.3GB / 16.0GB. 1 worker(s) were killed due to the node running low on memory."


@pytest.fixture
def coordinator(tmp_path: Path) -> RunCoordinator:
    (tmp_path / "study-file.yaml").write_text(STUDY)
    file = load_study(str(tmp_path / "study-file.yaml"))
    return RunCoordinator(open_study(file, tmp_path / "out"), Plan(file, tmp_path / "out"), [])


def _jobs(coordinator: RunCoordinator) -> dict[str, Job]:
    jobs = [coordinator.next_job() for _ in range(4)]
    return {job.name: job for job in jobs if job is not None}


def test_a_metric_that_is_missing_fails_one_trial_and_not_the_study(coordinator: RunCoordinator) -> None:
    jobs = _jobs(coordinator)
    coordinator.visited(jobs["trial 0"], RunUpdate(report=report(0.1), finished=True))
    scored = report(0.1)
    visits = [visit.model_copy(update={"label_free": {"entropy": 0.2}}) for visit in scored.visits]
    coordinator.visited(jobs["trial 1"], RunUpdate(report=scored.model_copy(update={"visits": visits}), finished=True))

    missing, there = coordinator._study.optuna_study.trials
    assert (missing.state, missing.user_attrs[REASON]) == (TrialState.FAIL, "label_free/entropy is nan")
    assert (there.state, there.values) == (TrialState.COMPLETE, [pytest.approx(0.2)])
    assert coordinator.obstacle is None


def test_a_full_disk_stops_the_study_and_fails_no_trial(coordinator: RunCoordinator) -> None:
    jobs = _jobs(coordinator)
    full = RunUpdate(report=None, finished=False, failure="/ is full", concerns_all=True, passes=True)

    assert not coordinator.visited(jobs["trial 0"], full)
    assert coordinator.obstacle is not None
    obstacle = coordinator.obstacle
    assert (obstacle.failure, obstacle.passes, coordinator.is_over) == ("/ is full", True, True)
    assert {trial.state for trial in coordinator._study.optuna_study.trials} == {TrialState.RUNNING}


def test_what_befell_a_trial_stands_in_the_results(coordinator: RunCoordinator, tmp_path: Path) -> None:
    jobs = _jobs(coordinator)
    coordinator.recovered(jobs["source_only"], "of a baseline nobody keeps it")
    coordinator.recovered(jobs["trial 0"], "killed\nby somebody")
    coordinator.visited(
        jobs["trial 0"], RunUpdate(report=report(0.1, 1), finished=False, incident="out of memory (so and so)")
    )
    coordinator.broke(jobs["trial 0"], "its worker died 3 times")

    incidents = ["its worker died: killed by somebody", "out of memory (so and so)"]
    assert coordinator._study.optuna_study.trials[0].user_attrs[INCIDENTS] == incidents
    write_study(coordinator._study.file, tmp_path / "out")
    write_csv(results_of(coordinator._study, coordinator._plan, None), tmp_path / "results.csv")
    header, row, _ = (tmp_path / "results.csv").read_text().splitlines()
    assert header.endswith(",seconds,reason,incidents,origin")
    assert row.endswith(
        ",its worker died 3 times,its worker died: killed by somebody; out of memory (so and so),sampler"
    )


@pytest.fixture(scope="module")
def settings(tiny_run: dict[str, object]) -> RunSettings:
    return RunSettings.model_validate({**tiny_run, "method": {"pseudo_threshold": 0.1}, "logging": {"frames": True}})


@pytest.fixture(scope="module")
def run_data(settings: RunSettings) -> RunData:
    return prepare_data(settings)


@pytest.fixture(scope="module")
def control(settings: RunSettings, run_data: RunData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("control")
    run = Run(settings, run_data, folder)
    while not run.finished:
        run.next_visit()
    return folder


def _numbers(folder: Path) -> object:
    """A report without what a clock and a memory gave."""
    content = json.loads((folder / "report.json").read_text())
    for part in (content, *content["visits"]):
        for name in ("seconds", "frames_per_second", "peak_memory"):
            part.pop(name, None)
    return content


def _worker(settings: RunSettings, run_data: RunData, folder: Path, **told: str) -> VisitTrainable:
    """A worker as Tune has it, without Ray."""
    job = Job("trial", "trial 0", folder, settings, 0, {})
    worker = VisitTrainable.__new__(VisitTrainable)
    worker._shared = {}
    worker._run_data = {settings.evaluation.split: run_data}
    worker._proven = {settings.evaluation.split}
    worker.reset_config({**config_of(job), **told})
    return worker


def _steps(worker: VisitTrainable) -> Iterator[RunUpdate]:
    """What it says, until it is done."""
    while True:
        result = worker.step()
        yield RunUpdate.model_validate_json(result[PROGRESS])
        if result["done"]:
            return


class _Memory:
    """Takes the place of the evaluation, and has too little memory for large batches from some call on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, first: int, most: int, error: Exception) -> None:
        self._evaluate, self._first, self._most, self._error = segada.engine.runner.evaluate, first, most, error
        self.batches: list[int] = []
        monkeypatch.setattr(segada.engine.runner, "evaluate", self)

    def __call__(self, predict: Any, frames: Any, batch_size: int, device: Any) -> Any:
        self.batches.append(batch_size)
        if len(self.batches) > self._first and batch_size > self._most:
            raise self._error
        return self._evaluate(predict, frames, batch_size, device)


SHORTAGES = [
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried to allocate"
    ),
    RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB."),
    MemoryError(),
]


@pytest.mark.parametrize("shortage", SHORTAGES, ids=["torch on a processor", "torch on a GPU", "python"])
def test_want_of_memory_is_tried_once_more_from_the_checkpoint_with_less_and_to_the_same_numbers(
    shortage: Exception,
    settings: RunSettings,
    run_data: RunData,
    control: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    memory = _Memory(monkeypatch, first=3, most=1, error=shortage)
    first, second = _steps(_worker(settings, run_data, tmp_path))

    assert (first.incident, second.finished, second.failure) == (None, True, None)
    assert second.incident is not None
    assert second.incident.endswith("; from there evaluated in batches of 1")
    assert memory.batches == [8, 8, 8, 8, 1, 1]
    assert _numbers(tmp_path) == _numbers(control)
    for name in ("weights.safetensors", "areas.npz", "frames.jsonl"):
        assert (tmp_path / name).read_bytes() == (control / name).read_bytes()


def test_want_of_memory_the_second_time_is_a_failure_with_its_reason(
    settings: RunSettings, run_data: RunData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = _Memory(monkeypatch, first=2, most=0, error=SHORTAGES[1])
    first, second = _steps(_worker(settings, run_data, tmp_path))

    assert first.failure is None
    assert (
        second.failure == "out of memory, evaluated in batches of 1: CUDA out of memory. Tried to allocate 20.00 MiB."
    )
    assert second.report == first.report
    assert memory.batches == [8, 8, 8, 1]
    assert not second.concerns_all


def test_a_job_that_begins_lean_has_no_second_try_and_one_that_is_given_up_no_first(
    settings: RunSettings, run_data: RunData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = _Memory(monkeypatch, first=0, most=0, error=SHORTAGES[2])
    (lean,) = _steps(_worker(settings, run_data, tmp_path, **{LEAN: "yes"}))
    (given_up,) = _steps(_worker(settings, run_data, tmp_path, **{GIVEN_UP: "out of memory, twice"}))

    assert lean.failure == "out of memory, evaluated in batches of 1: MemoryError"
    assert given_up.failure == "out of memory, twice"
    assert memory.batches == [1]


@pytest.mark.parametrize(
    "error", [segada.engine.divergence.Diverged("the loss is nan"), ValueError("placement: no such block")]
)
def test_a_failure_of_the_runs_own_is_never_tried_again(
    error: Exception, settings: RunSettings, run_data: RunData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = _Memory(monkeypatch, first=0, most=0, error=error)
    (said,) = _steps(_worker(settings, run_data, tmp_path))

    assert (said.failure, said.concerns_all, memory.batches) == (str(error), False, [8])


@dataclass
class _Trial:
    """Tune's, as far as a callback reads it."""

    folder: Path
    trial_id: str = "a"
    config: dict[str, str] = field(default_factory=lambda: {LEAN: "", GIVEN_UP: ""})
    pickled_error_file: str | None = None
    run_metadata: Any = field(default_factory=lambda: SimpleNamespace(num_failures=0))

    @property
    def error_file(self) -> str:
        return str(self.folder / "error.txt")

    def fails(self, error: Exception) -> "_Trial":
        """As `Trial.handle_error` notes it: of these errors, some are pickled."""
        self.run_metadata.num_failures += 1
        with Path(self.error_file).open("a") as file:
            file.write(f"Failure # {self.run_metadata.num_failures} (occurred at noon)\n{error}\n")
        if isinstance(error, RayTaskError):
            self.pickled_error_file = str(self.folder / "error.pkl")
            Path(self.pickled_error_file).write_bytes(cloudpickle.dumps(error))
        return self


class _Heard:
    """An agenda that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []
        self.passed: list[bool] = []

    def recovered(self, _job: Job, reason: str) -> None:
        self.told.append(("recovered", reason))

    def returned(self, job: Job) -> None:
        self.told.append(("returned", job.name))

    def broke(self, _job: Job, reason: str, *, passes: bool = False) -> None:
        self.passed.append(passes)
        self.told.append(("broke", reason))

    def visited(self, _job: Job, progress: RunUpdate) -> bool:
        self.told.append(("visited", progress))
        return False


@pytest.fixture
def heard() -> _Heard:
    return _Heard()


@pytest.fixture
def deaths(heard: _Heard, tmp_path: Path) -> Deaths:
    job = SimpleNamespace(name="trial 0", folder=tmp_path)
    return Deaths(SimpleNamespace(coordinator=heard, job=lambda _: job), retries=1)  # type: ignore[arg-type]


def test_a_worker_that_ray_ends_for_want_of_memory_is_tried_lean_and_then_given_up(
    deaths: Deaths, heard: _Heard, tmp_path: Path
) -> None:
    trial: Any = _Trial(tmp_path).fails(
        RuntimeError("The actor died unexpectedly before finishing this task.\n pid: 7")
    )
    deaths.on_trial_recover(0, [], trial)
    assert trial.config == {LEAN: "", GIVEN_UP: ""}
    deaths.on_trial_recover(0, [], trial.fails(OutOfMemoryError(EVICTED)))
    assert trial.config[LEAN]
    assert not trial.config[GIVEN_UP]
    deaths.on_trial_recover(0, [], trial.fails(OutOfMemoryError(EVICTED)))
    assert trial.config[GIVEN_UP] == f"out of memory, evaluated in batches of 1: {EVICTED}"

    died = "The actor died unexpectedly before finishing this task."
    assert heard.told == [("recovered", died), ("recovered", EVICTED), ("recovered", EVICTED)]


def test_the_last_death_says_what_the_worker_died_of(deaths: Deaths, heard: _Heard, tmp_path: Path) -> None:
    trial: Any = _Trial(tmp_path).fails(_in_a_worker(KeyError("a bug"))).fails(OutOfMemoryError(EVICTED))
    deaths.on_trial_error(0, [], trial)
    deaths.on_trial_error(0, [], trial.fails(_in_a_worker(KeyError("another bug"))))

    assert heard.told == [
        ("broke", f"out of memory: its worker died 2 times, last with: {EVICTED}"),
        ("broke", "KeyError: 'another bug'"),
    ]
    assert heard.passed == [True, False]


def test_deaths_between_two_jobs_send_a_job_back_until_there_were_too_many(
    deaths: Deaths, heard: _Heard, tmp_path: Path
) -> None:
    trial: Any = _Trial(tmp_path).fails(RuntimeError("killed"))
    deaths.on_trial_error(0, [], trial)
    again: Any = _Trial(tmp_path)
    deaths.on_trial_start(0, [], again)
    assert again.max_failures == 0
    deaths.on_trial_error(0, [], again.fails(RuntimeError("killed anew")))

    told = [("recovered", "killed"), ("returned", "trial 0")]
    assert heard.told == [*told, ("broke", "its worker died 2 times, last with: killed anew")]
    assert heard.passed == [True]


def test_a_death_that_is_told_of_twice_counts_once(deaths: Deaths, heard: _Heard, tmp_path: Path) -> None:
    trial: Any = _Trial(tmp_path).fails(RuntimeError("worker 7 was killed"))
    deaths.on_trial_recover(0, [], trial)
    deaths.on_trial_error(0, [], trial.fails(RuntimeError("worker 7 was killed")))

    assert heard.told == [("recovered", "worker 7 was killed"), ("returned", "trial 0")]


def test_a_job_that_came_back_is_the_next_one_and_stays_this_drivers(coordinator: RunCoordinator) -> None:
    jobs = _jobs(coordinator)
    assert coordinator.next_job() is None
    coordinator.returned(jobs["trial 1"])

    assert coordinator.next_job() is jobs["trial 1"]
    assert coordinator.next_job() is None
    coordinator.broke(jobs["trial 1"], "its worker died 2 times")
    coordinator.returned(jobs["trial 1"])
    assert coordinator.next_job() is None


def test_a_worker_that_could_not_write_fails_no_job(deaths: Deaths, heard: _Heard, tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "/tmp/somewhere")
    deaths.on_trial_error(0, [], _Trial(tmp_path).fails(_in_a_worker(full)))  # type: ignore[arg-type]

    ((what, progress),) = heard.told
    assert what == "visited"
    assert isinstance(progress, RunUpdate)
    assert (progress.concerns_all, progress.passes) == (True, True)
    assert " is full (" in str(progress.failure)


def _in_a_worker(error: Exception) -> RayTaskError:
    return RayTaskError("step", f"Traceback (most recent call last): {error!r}", error)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EDQUOT, "quota", "/x"), "the file system at / has no quota left ("),
        (PermissionError(errno.EACCES, "no", "/x"), "/x: Permission denied; change the permissions"),
        (OSError(errno.EROFS, "ro"), "the file system at "),
        (
            RuntimeError("(sqlite3.OperationalError) database or disk is full\n[SQL: x]"),
            "a file system is full: (sqlite3.",
        ),
        (OSError(errno.ENOENT, "gone"), None),
        (ValueError("a bug"), None),
    ],
)
def test_a_file_system_that_refuses_is_recognized_behind_other_errors(
    error: Exception, said: str | None, tmp_path: Path
) -> None:
    wrapped = RuntimeError("of another library")
    wrapped.__cause__ = error
    found = storage_error(wrapped, tmp_path / "study.journal")
    assert (found is None) == (said is None)
    assert str(found).startswith(str(said))


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 64 KiB."""
    place = tmp_path / "small"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode != 0:
        pytest.skip("no file system can be mounted here: needs root")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_run_on_a_disk_that_is_full_goes_on_when_it_is_not(
    settings: RunSettings, run_data: RunData, control: Path, small: Path
) -> None:
    out = small / "0"
    (full,) = _steps(_worker(settings, run_data, out))
    assert (full.concerns_all, full.passes) == (True, True)
    assert str(full.failure).startswith(f"the file system at {small} is full (")

    subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
    *_, last = _steps(_worker(settings, run_data, out))
    assert last.finished
    assert _numbers(out) == _numbers(control)
    assert (out / "frames.jsonl").read_bytes() == (control / "frames.jsonl").read_bytes()


def test_a_run_on_a_disk_that_is_read_only_goes_on_when_it_is_not(
    settings: RunSettings, run_data: RunData, control: Path, small: Path
) -> None:
    subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
    out = small / "0"
    Run(settings, run_data, out).next_visit()
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    (closed,) = _steps(_worker(settings, run_data, out))
    assert (closed.concerns_all, closed.passes) == (True, True)
    assert str(closed.failure).startswith(f"the file system at {small} is read-only (")

    subprocess.run(["mount", "-o", "remount,rw", str(small)], check=True)
    *_, last = _steps(_worker(settings, run_data, out))
    assert last.finished
    assert _numbers(out) == _numbers(control)


def _fill(folder: Path) -> Path:
    """Leaves no room on a file system."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        file.writelines(itertools.repeat(bytes(4096)))
    return path


def _ask_all(study: Study, numbers: list[int]) -> None:
    while (proposal := study.ask()) is not None:
        numbers.append(proposal.number)


def test_a_journal_on_a_disk_that_is_full_loses_nothing(small: Path) -> None:
    (small / "study-file.yaml").write_text(STUDY.replace("trials: 2", "trials: 2000"))
    file, out = load_study(str(small / "study-file.yaml")), small / "out"
    numbers: list[int] = []
    with joined(out) as driver:
        study = open_study(file, out, driver)
        numbers.append(study.ask().number)  # type: ignore[union-attr]
        filler = _fill(small)
        with pytest.raises(OSError, match="No space left") as full:
            _ask_all(study, numbers)
        assert str(storage_error(full.value, out)).startswith(f"the file system at {small} is full (")
        filler.unlink()
    with joined(out) as driver:
        again = open_study(file, out, driver)
        assert [again.ask().number for _ in numbers] == numbers  # type: ignore[union-attr]
        # The trial that was being asked for when the disk was full, or the next one.
        later = again.ask()
        assert later is not None
        assert later.number == numbers[-1] + 1


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/x"), 3, "error: the file system at / is full ("),
        (StorageError("the file system at /y is read-only"), 3, "error: the file system at /y is read-only; what is"),
    ],
)
def test_the_main_job_ends_with_the_line_to_go_on(
    error: OSError,
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(*_: object) -> bool:
        raise error

    (tmp_path / "study-file.yaml").write_text(STUDY)
    monkeypatch.setattr(command, "finish", full)
    options = ["--space", str(tmp_path / "study-file.yaml"), "--out", str(tmp_path / "o")]
    monkeypatch.setattr(sys, "orig_argv", ["/usr/bin/python", "-m", "hpo.run", *options, "--new"])
    assert main([*options, "--new"]) == code
    line = capsys.readouterr().err
    assert line.startswith(said)
    assert line.endswith(f"To go on: python -m hpo.run --space {tmp_path / 'study-file.yaml'} --out {tmp_path / 'o'}\n")
    assert line.count("\n") == 1

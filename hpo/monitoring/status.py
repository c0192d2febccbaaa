"""How far a study is, from what it and its runs have written; nothing is opened for writing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState
from pydantic import Field

from hpo.config.document import STUDY
from hpo.monitoring.run_progress import progress_of, visits_per_minute
from hpo.monitoring.trial_counts import count_trials
from hpo.study.admission import admitted_of, note_on
from hpo.study.attributes import INCIDENTS
from hpo.study.heartbeats import driver_records, is_alive
from hpo.study.leases import OWNER, leased_runs
from hpo.study.names import BASELINES, confirmation_folder_name, confirmation_runs_each
from hpo.study.origin import account
from segada.artifacts.run_files import read, read_report
from segada.core.run_names import REPORT
from segada.records import Record
from segada.settings.files import read_value
from segada.settings.nested import Tree, Value
from segada.settings.stream import StreamSettings


class Running(Record):
    """A run that has started and has not ended."""

    name: str
    visits: int
    """Number of completed visits."""
    of: int | None
    """Number of visits of the whole run; null if the results folder is not accessible."""
    domain: str | None
    """Domain of the current visit."""
    miou: float | None
    """Mean over the visits so far of the mIoU on the domain being visited."""
    since: float | None
    """Start time, in seconds since 1970."""
    driver: str | None
    """Driver running it; null if interrupted: it resumes with the study."""


class StudyStatus(Record):
    """Status of a study at one time."""

    name: str
    place: str
    trials: int | None
    """Number of trials in the budget; null if the results folder is not accessible."""
    complete: int
    pruned: int
    failed: int
    running: list[Running]
    failures: dict[str, str]
    """Reasons of the failed runs, by run."""
    incidents: dict[str, list[str]]
    """Incidents of trials that continued, by trial."""
    best_trial: int | None
    """Number of the best trial by the first objective, among those that satisfy every constraint."""
    best: dict[str, float]
    """Objective values of the best trial; empty if there is none."""
    baselines: int
    """Number of completed baseline runs."""
    confirmed: int
    """Number of completed confirmation runs."""
    to_confirm: int
    """Greatest number of confirmation runs of the whole study."""
    visits_per_minute: float | None
    """Visits of all runs per minute, over the last ten minutes; null if none ended then."""
    seconds_left: float | None
    """Expected time to the end at that rate, in seconds; null if there is no rate."""
    drivers: list[str]
    """Drivers that run the study now."""
    damages: Sequence[str] = ()
    """Damaged files, each with the problem."""
    uncounted: int = 0
    """Number of these trials that the budget does not count: retries, and results from outside."""
    notes: Mapping[str, str] = Field(default_factory=dict)
    """Complete trials that came from outside or do not count, with what they are."""

    @property
    def over(self) -> int:
        """Number of trials of the budget that are over."""
        return self.complete + self.pruned + self.failed - self.uncounted

    @property
    def is_over(self) -> bool:
        """True if the budget is spent and no driver is alive."""
        return not self.drivers and self.trials is not None and self.over >= self.trials


@dataclass(frozen=True)
class StudyLocation:
    """Place of a study.

    Attributes:
        optuna_study: Its trials.
        out: Results folder; None if it is not accessible from here.
        shown: Place as it is printed.
    """

    optuna_study: optuna.Study
    out: Path | None
    shown: str


def status_of(place: StudyLocation, now: float) -> StudyStatus:
    """Returns the status of a study at a time, in seconds since 1970."""
    file = _Folder(place.out)
    trials = place.optuna_study.get_trials(deepcopy=False)
    admitted = admitted_of(place.optuna_study)
    counts = count_trials(place.optuna_study, admitted)
    leases = leased_runs(place.optuna_study.user_attrs)
    drivers = _drivers(place.out, now)
    best = counts.best_trial
    failures = {f"trial {one.number}": account(one) for one in trials if _is_failed(one)}
    notes = {f"trial {one.number}": note_on(one, admitted) for one in trials if one.state == TrialState.COMPLETE}
    status = StudyStatus(
        name=place.optuna_study.study_name,
        place=place.shown,
        trials=file.trials,
        complete=counts.complete,
        pruned=counts.pruned,
        failed=counts.failed,
        running=[*_running_trials(trials, file, drivers), *_running_others(leases, file, drivers)],
        failures=failures | {name: lease["failure"] for name, lease in leases.items() if "failure" in lease},
        incidents={f"trial {one.number}": one.user_attrs[INCIDENTS] for one in trials if INCIDENTS in one.user_attrs},
        best_trial=None if best is None else best.number,
        best={} if best is None else dict(zip(file.objectives(len(best.values)), best.values, strict=True)),
        baselines=file.finished("baselines"),
        confirmed=file.finished("confirmation"),
        to_confirm=file.to_confirm(),
        visits_per_minute=None if place.out is None else visits_per_minute(place.out, now),
        seconds_left=None,
        drivers=sorted(drivers.values()),
        damages=file.damages,
        uncounted=counts.uncounted,
        notes={name: note for name, note in notes.items() if note},
    )
    return status.model_copy(update={"seconds_left": _seconds_left(status, trials, file)})


_REQUIRED = {"name", "space", "sampler"}
"""Keys without which no study file is valid; its schema would bring the samplers' libraries along."""
_NO_STUDY: tuple[Tree, Sequence[str]] = ({}, ())


class _Folder:
    """Content of a results folder; empty if the folder is not accessible."""

    def __init__(self, out: Path | None) -> None:
        self.out = out
        self.damages: list[str] = []
        self._tree: Tree = {}
        self.visits: Sequence[str] = ()
        if out is not None and (out / STUDY).exists():
            found = read(out / STUDY, _study, _NO_STUDY)
            self._tree, self.visits = found.value
            self.damages += [f"{found.damage}; the study's own command writes it again"] if found.damage else []

    @property
    def trials(self) -> int | None:
        """Trials of the budget."""
        budget = self._at("budget", "trials")
        return budget if isinstance(budget, int) else None

    def objectives(self, count: int) -> list[str]:
        """Returns the metrics; numbers, if they cannot be seen."""
        known = self._tree.get("objectives")
        if not isinstance(known, list):
            return [f"objective {number}" for number in range(count)]
        return [str(objective["metric"]) for objective in known if isinstance(objective, dict)]

    def finished(self, part: str) -> int:
        """Runs of a folder of runs that have their report."""
        if self.out is None:
            return 0
        readings = [read_report(path.parent) for path in sorted(self.out.glob(f"{part}/*/{REPORT}"))]
        self.damages += [f"{one.damage}; the study's own command makes it again" for one in readings if one.damage]
        return sum(one.value is not None for one in readings)

    def to_confirm(self) -> int:
        """Returns the number of confirmation runs, at most."""
        top, seeds = self._at("confirm", "top"), self._at("confirm", "seeds")
        if not isinstance(top, int) or not isinstance(seeds, int) or top == 0:
            return 0
        default = 0 if self._is_default_among_the_best() else 1
        return seeds * (len(BASELINES) + confirmation_runs_each(top) + default)

    def _is_default_among_the_best(self) -> bool:
        """Known once confirmation has begun, in which the default has its turn last."""
        assert self.out is not None
        over = (self.out / "best" / "confirmation.json").exists()
        return over and not any(self.out.glob("confirmation/default-*"))

    def _at(self, part: str, name: str) -> Value:
        inner = self._tree.get(part)
        return inner.get(name) if isinstance(inner, dict) else None


def _study(content: bytes) -> tuple[Tree, Sequence[str]]:
    """Returns a written study file and the visits of its runs; loads no sampler, unlike `load_written`."""
    tree = read_value(content.decode("utf-8"), STUDY)
    run = tree.get("run") if isinstance(tree, dict) else None
    if not isinstance(tree, dict) or not isinstance(run, dict) or not tree.keys() >= _REQUIRED:
        raise ValueError("is no study file that this version has written")
    return tree, StreamSettings.model_validate(run.get("stream")).all_visits()


def _running_trials(trials: Sequence[FrozenTrial], file: _Folder, drivers: Mapping[str, str]) -> list[Running]:
    found = []
    for trial in trials:
        if trial.state == TrialState.RUNNING:
            begun = None if trial.datetime_start is None else trial.datetime_start.timestamp()
            folder = None if file.out is None else file.out / "trials" / str(trial.number)
            driver = drivers.get(str(trial.user_attrs.get(OWNER)))
            found.append(_running(f"trial {trial.number}", folder, file.visits, begun, driver))
    return found


def _running_others(
    leases: Mapping[str, Mapping[str, str]], file: _Folder, drivers: Mapping[str, str]
) -> list[Running]:
    """Returns the baseline and confirmation runs that a driver has started and that have neither failed nor ended."""
    found = []
    for name, lease in leases.items():
        if file.out is None or "failure" in lease or "driver" not in lease:
            continue
        folder = next((path for path in _folders(file.out, name) if path.is_dir()), None)
        if folder is not None and not progress_of(folder).is_over:
            # The source training, in the study's own folder, has another stream.
            visits = () if folder.parent == file.out else file.visits
            found.append(_running(name, folder, visits, None, drivers.get(lease["driver"])))
    return found


def _folders(out: Path, name: str) -> list[Path]:
    """Returns the possible folders of a run that is not a trial; `trial 7 seed 2 val` is in `trial-7-s2-val`."""
    return [out / name, out / "baselines" / name, out / "confirmation" / confirmation_folder_name(name)]


def _running(name: str, folder: Path | None, visits: Sequence[str], begun: float | None, driver: str | None) -> Running:
    progress = None if folder is None else progress_of(folder)
    done = 0 if progress is None else progress.visits
    return Running(
        name=name,
        visits=done,
        of=len(visits) or None,
        domain=visits[done] if done < len(visits) else None,
        miou=None if progress is None else progress.miou,
        since=begun if begun is not None or progress is None else progress.begun,
        driver=driver,
    )


def _drivers(out: Path | None, now: float) -> dict[str, str]:
    """Returns the drivers that are alive in a folder, as host and process, by id."""
    found = [] if out is None else driver_records(out)
    return {
        record.id: f"{record.host} (process {record.pid})"
        for record in found
        if out is not None and is_alive(out, record, now, read_only=True)
    }


def _is_failed(trial: FrozenTrial) -> bool:
    return trial.state == TrialState.FAIL


def _seconds_left(status: StudyStatus, trials: Sequence[FrozenTrial], file: _Folder) -> float | None:
    """From the visits that are left: a trial that has not begun takes as many as those did that are over."""
    whole = len(file.visits)
    if status.visits_per_minute is None or status.trials is None or file.out is None or not whole:
        return None
    over = [trial.number for trial in trials if trial.state.is_finished()]
    driven = [progress_of(file.out / "trials" / str(number)).visits for number in over]
    usual = sum(driven) / len(driven) if driven else float(whole)
    searching = [run for run in status.running if run.name.startswith("trial") and " seed " not in run.name]
    fresh = max(status.trials - status.over - len(searching), 0)
    fixed = max(len(BASELINES) - status.baselines, 0) + max(status.to_confirm - status.confirmed, 0)
    begun = sum(max(usual - run.visits, 0) if run in searching else -run.visits for run in status.running)
    return 60 * max(fresh * usual + fixed * whole + begun, 0) / status.visits_per_minute

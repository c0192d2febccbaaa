"""How far a study is, from what it and its runs have written; nothing is opened for writing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState
from pydantic import Field

from hpo.monitoring.run_progress import progress_of, visits_per_minute
from hpo.monitoring.study_folder import BrokenConstraint, ConfirmedBest, State, StudyFolder, broken_constraint
from hpo.results.feasibility import recorded_results
from hpo.study.admission import admitted_of, note_on
from hpo.study.attributes import INCIDENTS, TAKEN_OVER, system_attributes
from hpo.study.budget import ConfirmationBudget, EndedBy, TrialBudget
from hpo.study.heartbeats import driver_records, is_alive
from hpo.study.leases import OWNER, leased_runs
from hpo.study.names import confirmation_folder_name
from hpo.study.origin import account
from segada.records import Record


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
    """Number of finished trials that the budget does not count: retries, results from outside and of former studies."""
    retries: int = 0
    """Number of retries that are not over; the budget does not count them."""
    notes: Mapping[str, str] = Field(default_factory=dict)
    """Complete trials that came from outside or do not count, with what they are."""
    trials_running: int = 0
    """Number of trials that have started and are not over, interrupted ones included."""
    trials_to_start: int = 0
    """Number of trials that have yet to start within the budget."""
    trials_enqueued: int = 0
    """Number of enqueued trials among `trials_to_start`."""
    trials_beyond: int = 0
    """Number of enqueued trials that the budget does not reach."""
    ended_by: EndedBy = ""
    """Limit that ended the search before all trials of the budget: `hours`, or `space` if every configuration has been
    tried; empty if none did."""
    confirmation_failed: int = 0
    """Number of failed confirmation runs; `to_confirm` includes them, `confirmed` does not."""
    is_search_over: bool = False
    """True if no trial is left, so that `to_confirm` is the exact number."""
    infeasible: Mapping[str, list[BrokenConstraint]] = Field(default_factory=dict)
    """Constraints that complete trials break, by trial."""
    state: State = "unknown"
    """Running with a live driver; interrupted without one while runs are left; finished if none are left; unknown if
    the results folder is not accessible.
    """
    confirmed_best: ConfirmedBest | None = None
    """Result of the best confirmed configuration; null before the confirmation is over, or if there is none."""
    conclusion: str | None = None
    """Headline of the report; null before the study is finished."""
    details: str | None = None
    """Sentences after the headline."""
    exit_code: int | None = None
    """Exit code of the study's command: 0 with an answer, 4 without; null before the study is finished."""
    next_steps: Sequence[str] = ()
    """Sentences on the next steps, with the command; empty while a driver runs the study."""

    @property
    def budget(self) -> TrialBudget:
        """Numbers of the trials, beside the number that the budget allows."""
        over = {"complete": self.complete, "pruned": self.pruned, "failed": self.failed}
        waiting = self.trials_enqueued + self.trials_beyond
        return TrialBudget(
            self.trials,
            **over,
            running=self.trials_running,
            waiting=waiting,
            ended_by=self.ended_by,
            uncounted=self.uncounted,
            retries=self.retries,
        )

    @property
    def confirmation(self) -> ConfirmationBudget:
        """Numbers of the confirmation runs."""
        return ConfirmationBudget(self.to_confirm, self.confirmed, self.confirmation_failed, self.is_search_over)

    @property
    def is_over(self) -> bool:
        """True if no trial is left and no driver is alive."""
        return not self.drivers and self.trials is not None and self.budget.left == 0


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
    folder = StudyFolder(place.optuna_study, place.out)
    trials = place.optuna_study.get_trials(deepcopy=False)
    budget, confirmation, best = folder.budget(), folder.confirmation(), folder.best()
    leases = leased_runs(system_attributes(place.optuna_study))
    drivers = _drivers(place.out, now)
    failures = {f"trial {one.number}": account(one) for one in trials if _is_failed(one)}
    admitted = admitted_of(place.optuna_study)
    notes = {f"trial {one.number}": note_on(one, admitted) for one in trials if one.state == TrialState.COMPLETE}
    status = StudyStatus(
        name=place.optuna_study.study_name,
        place=place.shown,
        trials=budget.trials,
        complete=budget.complete,
        pruned=budget.pruned,
        failed=budget.failed,
        running=[*_running_trials(trials, folder, drivers), *_running_others(leases, folder, drivers)],
        failures=failures | {name: lease["failure"] for name, lease in leases.items() if "failure" in lease},
        incidents={f"trial {one.number}": one.user_attrs[INCIDENTS] for one in trials if INCIDENTS in one.user_attrs},
        best_trial=None if best is None else best.number,
        best={} if best is None else dict(zip(folder.objectives, best.values, strict=True)),
        baselines=folder.finished_baselines(),
        confirmed=confirmation.done,
        to_confirm=confirmation.planned,
        visits_per_minute=None if place.out is None else visits_per_minute(place.out, now),
        seconds_left=None,
        drivers=sorted(drivers.values()),
        damages=folder.damages,
        trials_running=budget.running,
        trials_to_start=budget.to_start,
        trials_enqueued=budget.enqueued,
        trials_beyond=budget.beyond,
        ended_by=budget.ended_by,
        confirmation_failed=confirmation.failed,
        is_search_over=confirmation.is_final,
        infeasible=_infeasible(trials, folder),
        uncounted=budget.uncounted,
        retries=budget.retries,
        notes={name: note for name, note in notes.items() if note},
    )
    left = {"seconds_left": _seconds_left(status, trials, folder)}
    return status.model_copy(update={**left, **folder.outcome(has_driver=bool(drivers))._asdict()})


def _infeasible(trials: Sequence[FrozenTrial], folder: StudyFolder) -> dict[str, list[BrokenConstraint]]:
    found = {}
    for trial in trials:
        results = recorded_results(folder.constraints, trial.constraints)
        broken = [broken_constraint(one) for one in results if not one.is_kept]
        if broken and trial.state == TrialState.COMPLETE:
            found[f"trial {trial.number}"] = broken
    return found


def _running_trials(trials: Sequence[FrozenTrial], folder: StudyFolder, drivers: Mapping[str, str]) -> list[Running]:
    found = []
    for trial in trials:
        if trial.state == TrialState.RUNNING:
            begun = None if trial.datetime_start is None else trial.datetime_start.timestamp()
            path = None if folder.out is None else folder.out / "trials" / str(trial.number)
            driver = drivers.get(str(trial.system_attrs.get(OWNER)))
            found.append(_running(f"trial {trial.number}", path, folder.visits, begun, driver))
    return found


def _running_others(
    leases: Mapping[str, Mapping[str, str]], folder: StudyFolder, drivers: Mapping[str, str]
) -> list[Running]:
    """Returns the baseline and confirmation runs that a driver has started and that have neither failed nor ended."""
    found = []
    for name, lease in leases.items():
        if folder.out is None or "failure" in lease or "driver" not in lease:
            continue
        path = next((path for path in _folders(folder.out, name) if path.is_dir()), None)
        if path is not None and not progress_of(path).is_over:
            # The source training, in the study's own folder, has another stream.
            visits = () if path.parent == folder.out else folder.visits
            found.append(_running(name, path, visits, None, drivers.get(lease["driver"])))
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


def _seconds_left(status: StudyStatus, trials: Sequence[FrozenTrial], folder: StudyFolder) -> float | None:
    """From the visits that are left: a trial that has not begun takes as many as those did that are over."""
    whole = len(folder.visits)
    if status.visits_per_minute is None or status.trials is None or folder.out is None or not whole:
        return None
    over = [trial.number for trial in trials if trial.state.is_finished() and TAKEN_OVER not in trial.user_attrs]
    driven = [progress_of(folder.out / "trials" / str(number)).visits for number in over]
    usual = sum(driven) / len(driven) if driven else float(whole)
    searching = [run for run in status.running if run.name.startswith("trial") and " seed " not in run.name]
    fixed = max(len(folder.baseline_names) - status.baselines, 0) + status.confirmation.left
    begun = sum(max(usual - run.visits, 0) if run in searching else -run.visits for run in status.running)
    return 60 * max(status.trials_to_start * usual + fixed * whole + begun, 0) / status.visits_per_minute

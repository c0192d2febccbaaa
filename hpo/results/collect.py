"""From a study and the folders of its runs to its results."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from optuna.trial import FrozenTrial, TrialState
from pydantic import TypeAdapter

from hpo.config.objectives import objective_value
from hpo.results.confirmation import Bootstrap, Candidate, Confirmation, SeedRun, confirm
from hpo.results.digest import Report, Visits
from hpo.results.results import StudyResults, TrialResult
from hpo.study.attributes import INCIDENTS, REASON
from hpo.study.jobs import Job
from hpo.study.names import BASELINES, DEFAULT, SPLITS, confirmation_name
from hpo.study.plan import Plan, trial_damages
from hpo.study.study import Study
from segada.artifacts.run_files import REPORT, Reading, damages, read, read_areas, read_report, read_visits

FAILURES = "failures.json"
CONFIRMATION = Path("best", "confirmation.json")

_FAILURES = TypeAdapter(dict[str, str])
_AGAIN = "the study's own command makes it again"
_LOST = "{trial} counts as before, but what this file said of its visits is lost"
_BECOMES = {
    "complete": f"{{trial}} counts by its values, which the study keeps, and {_AGAIN}",
    "pruned": _LOST,
    "fail": _LOST,
    "running": "the run writes it again when it goes on",
    "waiting": "",
}
"""What is said of a trial's damaged file, by the trial's state."""
_STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "fail",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


def results_of(study: Study, plan: Plan, confirmation: Confirmation | None) -> StudyResults:
    """Everything that the study has found so far."""
    objectives = study.file.settings.objectives
    folders = {name: plan.out / "baselines" / name for name in BASELINES}
    return StudyResults(
        name=study.file.settings.name,
        objectives=tuple(objective.metric for objective in objectives),
        maximized=tuple(objective.goal == "maximize" for objective in objectives),
        trials=tuple(_trial(study, plan, trial) for trial in study.optuna_study.get_trials(deepcopy=False)),
        baselines={name: found for name, path in folders.items() if (found := read_report(path).value) is not None},
        confirmation=confirmation,
        visits=plan.search_settings().stream.all_visits(),
        study_yaml=(plan.out / "study.yaml").read_text(encoding="utf-8", errors="replace"),
        failures=read_failures(plan.out).value,
        search_seconds=_search_seconds(study),
        damages=damages_of(study, plan),
    )


def damages_of(study: Study, plan: Plan) -> tuple[str, ...]:
    """What is damaged or missing of the files of a study's runs, and what becomes of it; a line for each."""
    jobs = [*plan.source_training(), *plan.baselines(), *plan.confirmed_baselines()]
    if study.is_search_over():
        jobs += plan.confirmations(study)
    lost = _lost_reports(study, plan, jobs) if (plan.out / CONFIRMATION).exists() else []
    lines = [f"{damage}; {_AGAIN}" for job in jobs for damage in damages(job.folder, job.needs)]
    lines += [f"{path}: is missing; {_AGAIN}" for path in lost]
    for trial in study.optuna_study.get_trials(deepcopy=False):
        found = trial_damages(plan.trial_folder(trial.number), is_complete=trial.state == TrialState.COMPLETE)
        becomes = _BECOMES[_STATES[trial.state]].format(trial=f"trial {trial.number}")
        lines += [f"{damage}; {becomes}" for damage in found]
    return tuple(lines)


def _lost_reports(study: Study, plan: Plan, jobs: Sequence[Job]) -> list[Path]:
    """Reports that are missing, of runs of a study that was over."""
    failed = {*study.leases.failures(), *read_failures(plan.out).value}
    paths = [job.folder / REPORT for job in jobs if job.name not in failed]
    return [path for path in paths if path.parent.is_dir() and not path.exists()]


def confirmation_of(study: Study, plan: Plan, failures: Mapping[str, str]) -> Confirmation | None:
    """The confirmation, once every run of it is there or has failed.

    Args:
        study: the study.
        plan: where its runs are.
        failures: confirmation runs that failed, with the reason, by name.
    """
    trials = study.best(study.file.settings.confirm.top)
    if not study.is_search_over() or not trials:
        return None
    default = plan.trial_of_default(study)
    names: dict[str, int | None] = {**dict.fromkeys(BASELINES), DEFAULT: default}
    names |= {f"trial {one.number}": one.number for one in trials}
    candidates, failed = [], {}
    for name, number in names.items():
        # The default is not run a second time where a trial beside it has the same configuration.
        ran = name if number is None else f"trial {number}"
        reason = _failure(plan, ran, failures)
        done = [run for seed in plan.seeds if (run := read_seed_run(plan.confirmation_folder(ran, seed))) is not None]
        scores = _scores(study, plan, ran) if number is not None and len(trials) > 1 else []
        if reason is not None:
            failed[name] = reason
        elif len(done) < len(plan.seeds) or None in scores:
            return None
        else:
            candidates.append(Candidate(name, number, tuple(done), _mean(scores)))
    if not candidates:
        return None
    compared = (*BASELINES, DEFAULT)
    baselines = [one for one in candidates if one.name in compared]
    configurations = _best_first(study, [one for one in candidates if one.name not in compared])
    return confirm(configurations, baselines, failed, Bootstrap())


def kept_confirmation(study: Study, plan: Plan) -> Confirmation | None:
    """The confirmation as it was written when all runs of it were whole; None if it is of other runs, or unreadable.

    Args:
        study: the study.
        plan: where its runs are.
    """
    kept = read(plan.out / CONFIRMATION, Confirmation.model_validate_json, None).value
    trials = {trial.number for trial in study.best(study.file.settings.confirm.top)}
    if kept is None or not study.is_search_over():
        return None
    is_same = {run.trial for run in kept.runs if run.name not in (*BASELINES, DEFAULT)} <= trials
    return kept if is_same and all(run.seeds == plan.seeds for run in kept.runs) else None


def _failure(plan: Plan, name: str, failures: Mapping[str, str]) -> str | None:
    """Why a confirmation run of this name failed under one of the seeds, if one did."""
    runs = {confirmation_name(name, seed, split): seed for split in SPLITS for seed in plan.seeds}
    return next((f"seed {seed}: {failures[run]}" for run, seed in runs.items() if run in failures), None)


def _scores(study: Study, plan: Plan, name: str) -> list[float | None]:
    """The first objective on the frames of the search, seed by seed; None where the run is not over."""
    metric = study.file.settings.objectives[0].metric
    reports = [read_report(plan.confirmation_folder(name, seed, "val")).value for seed in plan.seeds]
    return [None if report is None else objective_value(metric, report) for report in reports]


def _mean(scores: Sequence[float | None]) -> float | None:
    """None for no scores, or if one of them is no number."""
    known = [score for score in scores if score is not None and math.isfinite(score)]
    return float(np.mean(known)) if known and len(known) == len(scores) else None


def _best_first(study: Study, candidates: Sequence[Candidate]) -> list[Candidate]:
    """By `selection`, those without it last; of equals, the search's first."""
    sign = -1.0 if study.file.settings.objectives[0].goal == "maximize" else 1.0
    return sorted(candidates, key=lambda one: math.inf if one.selection is None else sign * one.selection)


def read_failures(out: Path) -> Reading[dict[str, str]]:
    """Runs other than trials that failed, with the reason, by name; what the last driver left."""
    return read(out / FAILURES, _FAILURES.validate_json, {})


def _search_seconds(study: Study) -> float:
    """Length of the union of the trials' times; those that are not over count for nothing."""
    seconds, end = 0.0, -math.inf
    spans = [
        (trial.datetime_start.timestamp(), trial.datetime_complete.timestamp())
        for trial in study.finished()
        if trial.datetime_start is not None and trial.datetime_complete is not None
    ]
    for begun, over in sorted(spans):
        seconds += max(over - max(begun, end), 0.0)
        end = max(end, over)
    return seconds


def read_seed_run(folder: Path) -> SeedRun | None:
    """A finished confirmation run; None before its end, or if what it left is damaged."""
    report, areas = read_report(folder).value, read_areas(folder).value
    return None if report is None or len(areas) != len(report.visits) else SeedRun(report, areas)


def _trial(study: Study, plan: Plan, trial: FrozenTrial) -> TrialResult:
    folder = plan.trial_folder(trial.number)
    state = _STATES[trial.state]
    report = read_report(folder).value if state == "complete" else None
    visits = read_visits(folder).value if report is None else tuple(report.visits)
    stopped = f"stopped after visit {trial.last_step or len(visits)}" if state == "pruned" else ""
    return TrialResult(
        number=trial.number,
        state=state,
        values=tuple(trial.values) if state == "complete" else (),
        parameters=dict(study.configuration(trial).values),
        visits=Visits.of(visits),
        report=None if report is None else Report.of(report),
        seconds=sum(visit.seconds for visit in visits),
        reason=str(trial.user_attrs.get(REASON, stopped)),
        incidents=tuple(trial.user_attrs.get(INCIDENTS, ())),
    )

"""From a study and the folders of its runs to its results."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from optuna.trial import FrozenTrial, TrialState
from pydantic import TypeAdapter

from hpo.attributes import MISHAPS, REASON
from hpo.confirm import DEFAULT, Bootstrap, Candidate, Confirmation, SeedRun, confirm
from hpo.digest import Report, Visits
from hpo.objectives import objective_value
from hpo.plan import BASELINES, SPLITS, Plan, confirmation_name
from hpo.results import StudyResults, TrialResult
from hpo.study import Study
from segada.records import RunReport, VisitRecord

FAILURES = "failures.json"

_FAILURES = TypeAdapter(dict[str, str])
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
        maximised=tuple(objective.goal == "maximise" for objective in objectives),
        trials=tuple(_trial(study, plan, trial) for trial in study.ledger.get_trials(deepcopy=False)),
        baselines={name: report for name, path in folders.items() if (report := read_report(path)) is not None},
        confirmation=confirmation,
        visits=plan.search_settings().stream.all_visits(),
        study_yaml=(plan.out / "study.yaml").read_text(encoding="utf-8"),
        failures=read_failures(plan.out),
        search_seconds=_search_seconds(study),
    )


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


def _failure(plan: Plan, name: str, failures: Mapping[str, str]) -> str | None:
    """Why a confirmation run of this name failed under one of the seeds, if one did."""
    runs = {confirmation_name(name, seed, split): seed for split in SPLITS for seed in plan.seeds}
    return next((f"seed {seed}: {failures[run]}" for run, seed in runs.items() if run in failures), None)


def _scores(study: Study, plan: Plan, name: str) -> list[float | None]:
    """The first objective on the frames of the search, seed by seed; None where the run is not over."""
    metric = study.file.settings.objectives[0].metric
    reports = [read_report(plan.confirmation_folder(name, seed, "select")) for seed in plan.seeds]
    return [None if report is None else objective_value(metric, report) for report in reports]


def _mean(scores: Sequence[float | None]) -> float | None:
    """None for no scores, or if one of them is no number."""
    known = [score for score in scores if score is not None and math.isfinite(score)]
    return float(np.mean(known)) if known and len(known) == len(scores) else None


def _best_first(study: Study, candidates: Sequence[Candidate]) -> list[Candidate]:
    """By `selection`, those without it last; of equals, the search's first."""
    sign = -1.0 if study.file.settings.objectives[0].goal == "maximise" else 1.0
    return sorted(candidates, key=lambda one: math.inf if one.selection is None else sign * one.selection)


def read_failures(out: Path) -> dict[str, str]:
    """Runs other than trials that failed, with the reason, by name; what the last driver left."""
    path = out / FAILURES
    return _FAILURES.validate_json(path.read_bytes()) if path.exists() else {}


def read_report(folder: Path) -> RunReport | None:
    """The report of a finished run; None before its end."""
    path = folder / "report.json"
    return RunReport.model_validate_json(path.read_bytes()) if path.exists() else None


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
    """A finished confirmation run; None before its end."""
    report = read_report(folder)
    if report is None:
        return None
    with np.load(folder / "areas.npz") as areas:
        return SeedRun(report, tuple(areas[f"visit{visit.visit}"] for visit in report.visits))


def _trial(study: Study, plan: Plan, trial: FrozenTrial) -> TrialResult:
    folder = plan.trial_folder(trial.number)
    state = _STATES[trial.state]
    visits = _visits(folder)
    report = read_report(folder) if state == "complete" else None
    stopped = f"stopped after visit {len(visits)}" if state == "pruned" else ""
    return TrialResult(
        number=trial.number,
        state=state,
        values=tuple(trial.values) if state == "complete" else (),
        parameters=dict(study.configuration(trial).values),
        visits=Visits.of(visits),
        report=None if report is None else Report.of(report),
        seconds=sum(visit.seconds for visit in visits),
        reason=str(trial.user_attrs.get(REASON, stopped)),
        mishaps=tuple(trial.user_attrs.get(MISHAPS, ())),
    )


def _visits(folder: Path) -> tuple[VisitRecord, ...]:
    path = folder / "visits.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return tuple(VisitRecord.model_validate_json(line) for line in lines)

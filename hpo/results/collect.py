"""Collection of a study's results from its storage and its run folders."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from hpo.config.code_metric import is_unread
from hpo.config.document import STUDY
from hpo.config.objectives import objective_value
from hpo.results.confirmation import Candidate, Confirmation, SeedRun
from hpo.results.damages import CONFIRMATION, damages_of, read_failures
from hpo.results.digest import Report, Visits
from hpo.results.feasibility import constraint_results, mean_violations, recorded_results
from hpo.results.reference import over
from hpo.results.results import StudyResults, TrialResult
from hpo.results.seed_run import read_seed_run
from hpo.results.source_model import SourceModel, source_model_of
from hpo.results.source_models import by_source_model
from hpo.study.attributes import INCIDENTS
from hpo.study.beginning import folder_of, taken_over_from
from hpo.study.names import DEFAULT, SPLITS, confirmation_name
from hpo.study.origin import account, is_counted, is_retry, origin_of
from hpo.study.plan import Plan
from hpo.study.study import Study
from hpo.study.trial_records import STATES
from segada.artifacts.run_files import read, read_report, read_visits
from segada.records import RunReport
from segada.settings import RunSettings
from segada.settings.named_kinds import portable


def results_of(study: Study, plan: Plan, confirmation: Confirmation | None) -> StudyResults:
    """Collects the results of the study so far."""
    objectives, budget = study.file.settings.objectives, study.budget()
    folders = {name: plan.out / "baselines" / name for name in plan.baseline_names}
    best = [trial.number for trial in study.best(1)]
    found = {name: report for name, path in folders.items() if (report := read_report(path).value) is not None}
    reference = found.get(next(iter(folders), ""))
    baselines = {name: over(report, reference) for name, report in found.items()}
    admitted = study.admitted()
    trials = tuple(
        _trial(study, plan, trial, admitted.left_out(trial), reference)
        for trial in study.optuna_study.get_trials(deepcopy=False)
    )
    source = next((_source_model(plan, report) for report in baselines.values()), None)
    if confirmation is not None and confirmation.source_models:
        source = confirmation.source
    end = study.exhaustion()
    return StudyResults(
        name=study.file.settings.name,
        objectives=tuple(portable(objective.metric) for objective in objectives),
        maximized=tuple(objective.goal == "maximize" for objective in objectives),
        trials=trials,
        baselines=baselines,
        folder=plan.out,
        best=next((trial for trial in trials if trial.number in best), None),
        front=tuple(trial.number for trial in study.front()) if len(objectives) > 1 else (),
        source=source if confirmation is None else confirmation.source,
        confirmed=confirmation,
        visits=plan.search_settings().stream.all_visits(),
        rendered=plan.search_settings().rendered_domains(),
        study_yaml=(plan.out / STUDY).read_text(encoding="utf-8", errors="replace"),
        failures=read_failures(plan.out).value,
        search_seconds=_search_seconds(study),
        exhausted=None
        if end is None
        else f"{end}, before the {study.file.settings.budget.trials} trials of the budget",
        damages=damages_of(study, plan),
        limits=tuple(constraint.text for constraint in study.file.settings.constraints),
        budget_trials=budget.trials,
        ended_by=budget.ended_by,
        confirms=study.file.settings.confirm.top > 0,
        references=plan.baseline_names,
        is_external=study.file.settings.engine is not None,
        holds_out=_holds_out(plan),
        caveats=plan.file.caveats(),
    )


def _holds_out(plan: Plan) -> bool:
    run = plan.search_settings()
    return not isinstance(run, RunSettings) or run.evaluation.holds_out


def read_results(study: Study, plan: Plan) -> StudyResults:
    """Reads what the study has found so far from its folder; writes nothing."""
    confirmation = confirmation_of(study, plan, read_failures(plan.out).value) or kept_confirmation(study, plan)
    return results_of(study, plan, confirmation)


def confirmation_of(study: Study, plan: Plan, failures: Mapping[str, str]) -> Confirmation | None:
    """Computes the confirmation once all its runs are over or have failed; None before, and where it needs metrics of
    the user whose code is not imported.

    Args:
        study: the study.
        plan: plan of its runs.
        failures: reasons of failed confirmation runs, by name.
    """
    trials = study.best(study.file.settings.confirm.top)
    if not study.is_search_over() or not trials or is_unread(study.file.settings.metrics()):
        return None
    default = plan.trial_of_default(study)
    names: dict[str, int | None] = {**dict.fromkeys(plan.baseline_names), DEFAULT: default}
    names |= {f"trial {one.number}": one.number for one in trials}
    candidates, failed = [], {}
    for name, number in names.items():
        # The default configuration is not run twice if a confirmed trial has it.
        ran = name if number is None else f"trial {number}"
        reason = _failure(plan, ran, failures)
        folders = [plan.confirmation_folder(ran, repeat) for repeat in plan.repeats]
        done = [run for one in folders if (run := read_seed_run(one, has_areas=plan.has_areas)) is not None]
        scores = _scores(study, plan, ran) if number is not None and len(trials) > 1 else []
        if reason is not None:
            failed[name] = reason
        elif len(done) < len(folders) or None in scores:
            return None
        else:
            broken = mean_violations(study.file.settings.constraints, [run.report for run in done])
            is_eligible = name != DEFAULT or not _breaks_in_search(study, plan)
            objectives, first = _objectives(study, done)
            one = Candidate(name, number, tuple(done), _mean(scores), objectives, first, broken, is_eligible)
            candidates.append(replace(one, source_models=plan.file.source_models))
    if not candidates:
        return None
    compared = (*plan.baseline_names, DEFAULT)
    baselines = [one for one in candidates if one.name in compared]
    configurations = _best_first(study, plan, [one for one in candidates if one.name not in compared])
    rendered = plan.search_settings().rendered_domains()
    return by_source_model(configurations, baselines, failed, _source_models(plan, candidates[0]), rendered)


def kept_confirmation(study: Study, plan: Plan) -> Confirmation | None:
    """Reads the confirmation written when all its runs were intact; None if it is of other runs, or unreadable.

    Args:
        study: the study.
        plan: plan of its runs.
    """
    kept = read(plan.out / CONFIRMATION, Confirmation.model_validate_json, None).value
    trials = {trial.number for trial in study.best(study.file.settings.confirm.top)}
    if kept is None or not study.is_search_over():
        return None
    is_same = {run.trial for run in kept.runs if run.name not in (*plan.baseline_names, DEFAULT)} <= trials
    is_same = is_same and [one.name for one in kept.source_models] == list(_names(plan))
    return kept if is_same and all(run.seeds == plan.seeds for run in kept.runs) else None


def _failure(plan: Plan, name: str, failures: Mapping[str, str]) -> str | None:
    """Returns why a confirmation run of this name failed under one of the seeds; None if none failed."""
    runs = {confirmation_name(name, repeat, split): repeat.seed for split in SPLITS for repeat in plan.repeats}
    return next((f"seed {seed}: {failures[run]}" for run, seed in runs.items() if run in failures), None)


def _scores(study: Study, plan: Plan, name: str) -> list[float | None]:
    """Returns the first objective on the split `val`, run by run; None where the run is not over."""
    metric = study.file.settings.objectives[0].metric
    reports = [read_report(plan.confirmation_folder(name, repeat, "val")).value for repeat in plan.repeats]
    return [None if report is None else objective_value(metric, report) for report in reports]


def _source_model(plan: Plan, report: RunReport) -> SourceModel | None:
    """Returns the source model's result on its own domain from the report of any run of the study."""
    return source_model_of(report, plan.search_settings().stream.source, plan.file.settings.confirm.source_at_least)


def _source_models(plan: Plan, confirmed: Candidate) -> dict[str, SourceModel | None]:
    """Returns the results of the source models on their own domain by name; a single one has the name \"\"."""
    found: dict[str, SourceModel | None] = {}
    for number, name in enumerate(_names(plan) or ("",)):
        source = _source_model(plan, confirmed.of(number).runs[0].report)
        found[name] = None if source is None else source.model_copy(update={"name": name})
    return found


def _names(plan: Plan) -> Sequence[str]:
    """Returns the names of several source models; none if there is one."""
    return plan.sources.titles() if plan.file.source_models > 1 else ()


def _objectives(study: Study, runs: Sequence[SeedRun]) -> tuple[dict[str, float], list[float]]:
    """Returns the mean of each objective over the runs, and the values of the first; both as in `Confirmed`."""
    metrics = [objective.metric for objective in study.file.settings.objectives]
    if len(metrics) == 1 and any(visit.is_scored for visit in runs[0].report.visits):
        return {}, []
    values = {metric: [objective_value(metric, run.report) for run in runs] for metric in metrics}
    means = {portable(metric): mean for metric, found in values.items() if (mean := _mean(found)) is not None}
    return means, values[metrics[0]] if portable(metrics[0]) in means else []


def _mean(scores: Sequence[float | None]) -> float | None:
    """Returns the mean of the scores; None without scores, or if one of them is not finite."""
    known = [score for score in scores if score is not None and math.isfinite(score)]
    return float(np.mean(known)) if known and len(known) == len(scores) else None


def _best_first(study: Study, plan: Plan, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Sorts by whether the runs on the split `val` keep the constraints, then by `selection`, candidates without it
    last; ties keep the order of the search.
    """
    sign = -1.0 if study.file.settings.objectives[0].goal == "maximize" else 1.0

    def key(one: Candidate) -> tuple[bool, float]:
        reports = [read_report(plan.confirmation_folder(one.name, repeat, "val")).value for repeat in plan.repeats]
        known = [report for report in reports if report is not None]
        is_broken = bool(known and mean_violations(study.file.settings.constraints, known))
        return is_broken, math.inf if one.selection is None else sign * one.selection

    return sorted(candidates, key=key)


def _breaks_in_search(study: Study, plan: Plan) -> bool:
    """Returns True if a completed trial of the search with the default configuration does not keep every constraint."""
    default = plan.default().hash
    trials = study.admitted().get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return any(study.configuration(trial).hash == default and not study.is_feasible(trial) for trial in trials)


def _search_seconds(study: Study) -> float:
    """Returns the length in seconds of the union of the trials' time spans; unfinished trials do not count."""
    seconds, end = 0.0, -math.inf
    spans = [
        (trial.datetime_start.timestamp(), trial.datetime_complete.timestamp())
        for trial in study.finished()
        if trial.datetime_start is not None and trial.datetime_complete is not None
    ]
    for begun, ended in sorted(spans):
        seconds += max(ended - max(begun, end), 0.0)
        end = max(end, ended)
    return seconds


def _trial(study: Study, plan: Plan, trial: FrozenTrial, left_out: str, reference: RunReport | None) -> TrialResult:
    folder = folder_of(trial, plan.trial_folder(trial.number))
    state = STATES[trial.state]
    report = read_report(folder).value if state == "complete" else None
    visits = tuple(report.visits) if report is not None else read_visits(folder).value
    stopped = f"stopped after visit {trial.last_step or len(visits)}" if state == "pruned" else ""
    constraints = study.file.settings.constraints if state == "complete" else ()
    # A trial that lacks a recorded limit cannot be chosen, whatever its files say.
    is_recorded = report is not None and all(one.text in trial.constraints for one in constraints)
    is_computed = is_recorded and not is_unread(one.metric for one in constraints)
    recorded = recorded_results(constraints, trial.constraints)
    reasons = [reason for reason in (taken_over_from(trial) or account(trial) or stopped, left_out) if reason]
    return TrialResult(
        number=trial.number,
        state=state,
        values=_values(trial, len(study.file.settings.objectives)),
        parameters=study.parameters(trial),
        visits=Visits.of(visits),
        report=None if report is None else Report.of(over(report, reference)),
        seconds=sum(visit.seconds for visit in visits),
        reason="; ".join(reasons),
        is_counted=is_counted(trial),
        is_retry=is_retry(trial),
        incidents=tuple(trial.user_attrs.get(INCIDENTS, ())),
        constraints=constraint_results(constraints, report) if report is not None and is_computed else recorded,
        origin=origin_of(trial),
        left_out=left_out,
    )


def _values(trial: FrozenTrial, objectives: int) -> tuple[float, ...]:
    """Returns the objective values of a complete trial; none if another program gave it another number of them."""
    values = tuple(trial.values or ())
    return values if trial.state == TrialState.COMPLETE and len(values) == objectives else ()

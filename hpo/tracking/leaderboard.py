"""Leaderboard and summary of a study for its own W&B run."""

import math

from pydantic import JsonValue

from hpo.results.results import StudyResults, TrialResult
from hpo.tracking.messages import Concluded
from hpo.tracking.points import objective_key
from segada.settings.nested import Tree


def concluded(results: StudyResults, study: Tree, winner: object | None) -> Concluded:
    """Builds the message with the content of the study's own run.

    Args:
        results: results of the study so far.
        study: study file with every default filled in.
        winner: folder of the confirmed winner's weights and settings; None if there is none.
    """
    parameters = {name: _column(results, name) for name in sorted(_names(results))}
    done = results.completed()
    others = [trial for trial in results.trials if trial.state != "complete" or trial.left_out]
    return Concluded(
        config=study,
        columns=[
            "trial",
            "state",
            *results.objectives,
            *(f"violation/{text}" for text in results.limits),
            "gain",
            "frames per second",
            *parameters,
            "reason",
        ],
        rows=[_row(trial, parameters, results) for trial in [*done, *others]],
        summary=_summary(results),
        winner=None if winner is None else str(winner),
    )


def _names(results: StudyResults) -> set[str]:
    return {name for trial in results.trials for name in trial.parameters}


def _column(results: StudyResults, name: str) -> dict[int, JsonValue]:
    """Returns the values of a parameter by trial: as numbers, or as truth values, if all are; otherwise as text.

    A table column in W&B has one type, so that a list of stages beside a number would be refused.
    """
    values = {trial.number: trial.parameters[name] for trial in results.trials if name in trial.parameters}
    kinds = {float if type(value) is int else type(value) for value in values.values()}
    return {number: value if kinds in ({float}, {bool}) else str(value) for number, value in values.items()}


def _row(trial: TrialResult, parameters: dict[str, dict[int, JsonValue]], results: StudyResults) -> list[JsonValue]:
    values = [_number(value) for value in trial.values] or [None] * len(results.objectives)
    broken = [constraint.excess for constraint in trial.constraints] or [None] * len(results.limits)
    violations = [None if excess is None else _number(max(excess, 0.0)) for excess in broken]
    speed = None if trial.report is None else trial.report.frames_per_second
    chosen = [column.get(trial.number) for column in parameters.values()]
    return [f"trial {trial.number}", trial.state, *values, *violations, trial.gain, speed, *chosen, trial.reason]


def _summary(results: StudyResults) -> dict[str, JsonValue]:
    states = [trial.state for trial in results.trials]
    summary: dict[str, JsonValue] = {f"trials/{state}": states.count(state) for state in sorted(set(states))}
    if results.best is not None:
        best = dict(zip(results.objectives, map(_number, results.best.values), strict=True))
        summary |= {
            "best/trial": f"trial {results.best.number}",
            **{f"best/{name}": value for name, value in best.items()},
        }
    summary |= {f"baselines/{name}": _number(report.mean_miou) for name, report in results.baselines.items()}
    if results.confirmed is not None:
        summary |= {"confirmed/best": results.confirmed.best}
        for run in results.confirmed.runs:
            # Without labels there is no mIoU, and a run is known by its objectives.
            found = {name: value for name, value in run.objectives.items() if run.mean_miou is None}
            summary |= {f"confirmed/{run.name}/{objective_key(name)}": value for name, value in found.items()}
            summary |= {} if run.mean_miou is None else {f"confirmed/{run.name}": run.mean_miou.value}
    return {key: value for key, value in summary.items() if value is not None or key == "confirmed/best"}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None

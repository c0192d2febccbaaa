"""Leaderboard and summary of a study for its own W&B run."""

import math

from pydantic import JsonValue

from hpo.results.results import StudyResults, TrialResult
from hpo.tracking.messages import Concluded
from segada.settings.nested import Tree


def concluded(results: StudyResults, study: Tree, winner: object | None) -> Concluded:
    """Builds the message with the content of the study's own run.

    Args:
        results: results of the study so far.
        study: study file with every default filled in.
        winner: folder of the confirmed winner's weights and settings; None if there is none.
    """
    parameters = sorted({name for trial in results.trials for name in trial.parameters})
    done = results.completed()
    others = [trial for trial in results.trials if trial.state != "complete" or trial.left_out]
    return Concluded(
        config=study,
        columns=["trial", "state", *results.objectives, "gain", "frames per second", *parameters, "reason"],
        rows=[_row(trial, parameters, results) for trial in [*done, *others]],
        summary=_summary(results),
        winner=None if winner is None else str(winner),
    )


def _row(trial: TrialResult, parameters: list[str], results: StudyResults) -> list[JsonValue]:
    values = [_number(value) for value in trial.values] or [None] * len(results.objectives)
    speed = None if trial.report is None else trial.report.frames_per_second
    # A table column in W&B has one type, so a list of stages beside a number would be refused.
    chosen = [None if name not in trial.parameters else str(trial.parameters[name]) for name in parameters]
    return [f"trial {trial.number}", trial.state, *values, trial.gain, speed, *chosen, trial.reason]


def _summary(results: StudyResults) -> dict[str, JsonValue]:
    states = [trial.state for trial in results.trials]
    summary: dict[str, JsonValue] = {f"trials/{state}": states.count(state) for state in sorted(set(states))}
    done = results.completed()
    if done:
        best = dict(zip(results.objectives, map(_number, done[0].values), strict=True))
        summary |= {"best/trial": f"trial {done[0].number}", **{f"best/{name}": value for name, value in best.items()}}
    summary |= {f"baselines/{name}": report.mean_miou for name, report in results.baselines.items()}
    if results.confirmed is not None:
        runs = {run.name: run.mean_miou.value for run in results.confirmed.runs}
        summary |= {"confirmed/best": results.confirmed.best, **{f"confirmed/{name}": runs[name] for name in runs}}
    return summary


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None

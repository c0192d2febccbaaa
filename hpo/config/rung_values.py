"""Values by which trials are compared after some of their visits."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from hpo.config.objectives import ObjectiveSettings, is_predicted, objective_value
from segada.core.named_code import is_code
from segada.records import RunReport, VisitRecord


class Visited(Protocol):
    """Part of a visit's record from which a rung value is computed."""

    @property
    def domain(self) -> str:
        """Domain that was visited."""

    @property
    def miou(self) -> Mapping[str, float]:
        """Mean IoU of every domain after the visit."""


RungValue = Callable[[Sequence[Visited], Mapping[str, float], Sequence[str]], float]
"""Function of the visits so far, the source model's mIoU by domain, and the domains of the whole stream in order."""


def gain_so_far(visits: Sequence[Visited], source_only: Mapping[str, float], route: Sequence[str] = ()) -> float:  # noqa: ARG001
    """Returns the mean gain over the source model on the visited domains, each evaluated right after its visit.

    It is 0 before the first visit to a domain with labels.

    Prefixes of one stream can be compared by it: raw mIoU depends more on which domains came first than on the trial.
    """
    return _mean(_gains(visits, source_only))


def projected_gain(visits: Sequence[Visited], source_only: Mapping[str, float], route: Sequence[str]) -> float:
    """Returns the gain over the whole stream if the model stayed as it is now: domains ahead count with their current
    mIoU.

    Every domain is evaluated after every visit anyway. A configuration that hardly learns gains most while the weather
    has hardly changed, and is overtaken later; the mIoU on the domains ahead shows this from the second visit on
    (`docs/samplers.md` has the numbers).
    """
    now = visits[-1].miou
    ahead = [now[domain] - source_only.get(domain, 0.0) for domain in route[len(visits) :] if domain in now]
    return _mean(_gains(visits, source_only) + ahead)


def _gains(visits: Sequence[Visited], source_only: Mapping[str, float]) -> list[float]:
    """Returns the gain of each visit to a domain that has labels; the mIoU where the source model is not known, which
    orders trials after the same visits alike.
    """
    scored = [visit for visit in visits if visit.domain in visit.miou]
    return [visit.miou[visit.domain] - source_only.get(visit.domain, 0.0) for visit in scored]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0


RUNG_VALUES: Mapping[str, RungValue] = {"gain_so_far": gain_so_far, "projected_gain": projected_gain}
"""Values by which trials can be compared after a visit; larger is better."""


def rung_losses(objectives: Sequence[ObjectiveSettings], report: RunReport, visits: int, value: float) -> list[float]:
    """Returns the losses by which trials with several objectives are compared after a number of visits; smaller is
    better.

    The rung's value replaces all objectives that it predicts (`is_predicted`). The other objectives, such as frames per
    second or trainable parameters, are evaluated as if the run ended here; what needs labels is 0 before the first
    visit to a domain with labels, for every trial alike. Functions of the user are left out, since they are promised
    complete runs.

    Args:
        objectives: objectives of the study.
        report: report of the trial.
        visits: number of first visits that count.
        value: value of the rung, one of `RUNG_VALUES`; larger is better.
    """
    early = _with(report, report.visits[:visits])
    is_scored = any(visit.is_scored for visit in early.visits)
    losses = [-value] if any(is_predicted(one) for one in objectives) else []
    for objective in objectives:
        if not is_predicted(objective) and not is_code(objective.metric):
            reached = objective_value(objective.metric, early)
            reached = 0.0 if math.isnan(reached) and not is_scored else reached
            losses.append(-reached if objective.goal == "maximize" else reached)
    return losses


def objective_so_far(objective: ObjectiveSettings, report: RunReport, visits: int, route: Sequence[str]) -> float:
    """Returns the value of an objective after a number of visits, on the scale of its final value.

    An objective that a rung's value predicts is that of the whole stream if the model stayed as it is: domains ahead
    count with their current mIoU, since the mean over the first visits depends more on their weather than on the trial.
    Others are evaluated as if the run ended here; that of a function of the user is NaN before the last visit.

    Args:
        objective: objective of the study.
        report: report of the trial.
        visits: number of first visits that count.
        route: domains of the whole stream in order.
    """
    if is_code(objective.metric) and visits < len(route):
        return math.nan
    known = report.visits[:visits]
    ahead = [known[-1].model_copy(update={"domain": domain}) for domain in route[visits:]]
    return objective_value(objective.metric, _with(report, [*known, *ahead] if is_predicted(objective) else known))


def _with(report: RunReport, visits: list[VisitRecord]) -> RunReport:
    """Returns the report of a run with these visits."""
    if visits == report.visits:
        return report
    before = report.source_only
    is_scored = any(visit.domain in before for visit in visits)
    gain = gain_so_far(visits, before) if is_scored else math.nan
    source_only = _mean([before[visit.domain] for visit in visits if visit.domain in before])
    first = next((visit.domain for visit in report.visits if visit.domain in before), None)
    changed = {
        "visits": visits,
        "mean_miou": source_only + gain,
        "source_only_mean_miou": source_only,
        "gain": gain,
        "forgetting": math.nan if first is None else before[first] - visits[-1].miou[first],
    }
    return report.model_copy(update=changed)

"""Means and standard deviations over seeds: from the reports of all runs to one row per method."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpo.config.objectives import ADAPTATION_SPEED, ONLINE_MIOU, objective_value
from segada.records import RunReport


@dataclass(frozen=True, slots=True)
class Spread:
    """One number over the seeds of a method; `deviation` is that of a sample (n - 1), NaN for one seed."""

    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class MethodResult:
    """One method over its seeds; mIoU and differences of it as fractions.

    Attributes:
        name: Name in the file of methods.
        seeds: Seeds of the runs that finished.
        miou: mIoU on the visited domain after each visit, in the order of the stream.
        gains: The same, minus that of the source model.
        mean_miou: Mean over visits.
        mean_gain: Mean of `gains`.
        over_batch_norm: `mean_miou` minus that of the batch-norm baseline with the same seed; None without one.
        forgetting: Drop on the first visited domain from the source model to the end of the run.
        online_miou: Mean over visits of the mIoU of frames that are predicted before they are learned from; None if it
            is not known of a run.
        adaptation_speed: The same over the first frames of the visits, as in `segada.records.VisitRecord`.
        frames_per_second: Median over the visits of all seeds, prediction and adaptation.
        trainable_parameters: Numbers that learn by gradients.
        failures: Reasons why runs did not finish, by seed.
    """

    name: str
    seeds: tuple[int, ...]
    miou: tuple[Spread, ...]
    gains: tuple[Spread, ...]
    mean_miou: Spread
    mean_gain: Spread
    over_batch_norm: Spread | None
    forgetting: Spread
    online_miou: Spread | None
    adaptation_speed: Spread | None
    frames_per_second: float
    trainable_parameters: int
    failures: Mapping[int, str]


def summarize(
    name: str, reports: Mapping[int, RunReport], batch_norm: Mapping[int, RunReport], failures: Mapping[int, str]
) -> MethodResult:
    """Returns the row of a method of which at least one run finished.

    Args:
        name: Name of the method.
        reports: Reports by seed.
        batch_norm: Reports of the batch-norm baseline, by seed; empty if there is none.
        failures: Reasons why the other runs did not finish, by seed.
    """
    runs = list(reports.values())
    visits = range(len(runs[0].visits))
    over = [reports[seed].mean_miou - batch_norm[seed].mean_miou for seed in reports if seed in batch_norm]
    return MethodResult(
        name=name,
        seeds=tuple(reports),
        miou=tuple(spread([run.visits[visit].visited_miou for run in runs]) for visit in visits),
        gains=tuple(spread([_visit_gain(run, visit) for run in runs]) for visit in visits),
        mean_miou=spread([run.mean_miou for run in runs]),
        mean_gain=spread([run.gain for run in runs]),
        over_batch_norm=spread(over) if over else None,
        forgetting=spread([run.forgetting for run in runs]),
        online_miou=_known([objective_value(ONLINE_MIOU, run) for run in runs]),
        adaptation_speed=_known([objective_value(ADAPTATION_SPEED, run) for run in runs]),
        frames_per_second=float(np.median([visit.frames_per_second for run in runs for visit in run.visits])),
        trainable_parameters=runs[0].trainable_parameters,
        failures=failures,
    )


def spread(values: Sequence[float]) -> Spread:
    """Returns mean and standard deviation of a sample."""
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
    return Spread(float(np.mean(values)), deviation)


def _known(values: Sequence[float]) -> Spread | None:
    return None if any(map(math.isnan, values)) else spread(values)


def _visit_gain(report: RunReport, visit: int) -> float:
    record = report.visits[visit]
    return record.visited_miou - report.source_only.get(record.domain, math.nan)

"""Results on the frames of the stream, each predicted before the step that learns from it, with intervals."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
from pydantic import Field

from hpo.config.objectives import ADAPTATION_SPEED, ONLINE_MIOU
from hpo.results.seed_run import SeedRun
from hpo.results.spread import Bootstrap, Draws, Estimate, Measured, Scored, Spread
from hpo.statistics.recordings import Recordings
from segada.metrics import Floats, learning_curve
from segada.records import Record, VisitRecord, visit_labels


class Prequential(Record):
    """A metric of the stream's own frames over all seeds; visits to domains with labels, in stream order."""

    mean: Estimate
    """Mean over visits."""
    visits: dict[str, Estimate]
    """By label of the visit."""
    gain: dict[str, Estimate]
    """Difference of `mean` to every baseline and to the default configuration, by name; frames and seeds paired."""


class Online(Record):
    """Results of a configuration on the frames that it adapts on."""

    metrics: dict[str, Prequential]
    """By name of the metric: `online_miou` and `adaptation_speed`."""
    curve: list[float]
    """Prequential mIoU of the first frame of a visit, of the first two and so on, as a mean over visits and seeds; ends
    with the shortest visit, or after `LONGEST_CURVE` frames."""
    speed_frames: int
    """Number of frames, from the beginning of a visit, that count in `adaptation_speed`; the greatest of a visit."""
    pseudo_labels: dict[str, dict[str, float]] = Field(default_factory=dict)
    """Means over seeds of `coverage`, `accuracy` and `miou` of the sure pseudo-labels, by label of the visit; empty for
    configurations without pseudo-labels, and a figure that a run lacks is absent."""


LONGEST_CURVE: Final = 200
"""Greatest number of frames of a curve that is kept."""


class _Candidate(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def runs(self) -> Sequence[SeedRun]: ...


@dataclass(frozen=True)
class _Metric:
    value: Callable[[VisitRecord], float | None]
    is_speed: bool
    """True if the first frames alone count, with the weights of `speed_weights`."""


_METRICS: Final[Mapping[str, _Metric]] = {
    ONLINE_MIOU: _Metric(lambda visit: visit.online_miou, is_speed=False),
    ADAPTATION_SPEED: _Metric(lambda visit: visit.adaptation_speed, is_speed=True),
}


def speed_weights(frames: int) -> Floats:
    """Returns the weights [frames] of frames in the area under their learning curve, of mean 1.

    The mean over t of a mean over the first t of n frames is their weighted mean, in which frame i counts
    1/i + 1/(i + 1) + ... + 1/n times.
    """
    return np.asarray(np.cumsum(1 / np.arange(frames, 0, -1))[::-1], dtype=np.float64)


def online_results(
    candidates: Sequence[_Candidate], references: Sequence[str], bootstrap: Bootstrap
) -> dict[str, Online]:
    """Returns the results of every configuration on its own frames, by name; empty if some run has no such areas, or
    no frame of the stream is labelled.

    Intervals are those of the confirmation: blocks of frames are drawn with replacement, and the seeds add their
    standard error. To first order the adaptation speed is the mIoU of the first frames, weighted by `speed_weights`:
    its deviations are those of their mIoU times the root of the mean squared weight, about 1.4. That is right for
    independent frames, and too much for correlated ones.

    Args:
        candidates: Configurations and baselines, with the same visits, frames and seeds.
        references: Names of those over which gains are computed.
        bootstrap: Settings of the draws.
    """
    labels = _labelled(candidates)
    if not labels:
        return {}
    spreads = {metric: _spreads(candidates, metric, list(labels), bootstrap) for metric in _METRICS}
    return {one.name: _online(one, labels, spreads, references) for one in candidates}


def _labelled(candidates: Sequence[_Candidate]) -> dict[int, str]:
    """Returns labels of the visits of which every run has areas of labelled frames, by number; none if some has not."""
    runs = [run for one in candidates for run in one.runs]
    if not all(run.online for run in runs):
        return {}
    first = runs[0].report.visits
    labels = visit_labels([visit.domain for visit in first])
    known = [number for number in range(len(first)) if all(len(run.online[number].areas) for run in runs)]
    return {number: labels[number] for number in known if all(_has_values(run.report.visits[number]) for run in runs)}


def _has_values(visit: VisitRecord) -> bool:
    return all(metric.value(visit) is not None for metric in _METRICS.values())


def _spreads(
    candidates: Sequence[_Candidate], metric: str, visits: Sequence[int], bootstrap: Bootstrap
) -> dict[str, Spread]:
    measured = {one.name: _measured(one, _METRICS[metric], visits) for one in candidates}
    draws = Draws.of(list(measured.values()), bootstrap)
    spreads = {name: Spread.of(one, draws) for name, one in measured.items()}
    if not _METRICS[metric].is_speed:
        return spreads
    weights = [speed_weights(recordings.frames) for recordings in spreads[candidates[0].name].recordings]
    widths = np.array([[math.sqrt(np.mean(some**2))] for some in weights])
    return {name: replace(one, deviations=widths * one.deviations) for name, one in spreads.items()}


def _measured(one: _Candidate, metric: _Metric, visits: Sequence[int]) -> Measured:
    values = [[metric.value(run.report.visits[number]) for number in visits] for run in one.runs]
    frames = [[_scored(run, metric, number) for number in visits] for run in one.runs]
    return Measured(np.array(values, dtype=np.float64), frames)


def _scored(run: SeedRun, metric: _Metric, visit: int) -> Scored:
    whole = run.online[visit]
    if not metric.is_speed:
        return whole
    first = run.report.visits[visit].speed_frames
    return Scored(whole.areas[:first], Recordings.of(whole.recordings.numbers[:first]))


def _online(
    one: _Candidate, labels: Mapping[int, str], spreads: Mapping[str, Mapping[str, Spread]], references: Sequence[str]
) -> Online:
    areas = [run.online[number].areas for run in one.runs for number in labels]
    length = min(LONGEST_CURVE, *map(len, areas))
    curves = np.array([learning_curve(some[:length]) for some in areas])
    known = ~np.isnan(curves).any(axis=0)
    return Online(
        metrics={
            name: _prequential(one.name, found, list(labels.values()), references) for name, found in spreads.items()
        },
        curve=curves[:, known].mean(axis=0).tolist(),
        speed_frames=max(one.runs[0].report.visits[number].speed_frames for number in labels),
        pseudo_labels={label: found for number, label in labels.items() if (found := _quality(one, number))},
    )


def _quality(one: _Candidate, visit: int) -> dict[str, float]:
    """Returns the means over the runs of the figures that all of them have."""
    first, *others = [run.report.visits[visit].pseudo_labels for run in one.runs]
    shared = [name for name in first if all(name in other for other in others)]
    return {name: float(np.mean([first[name], *(other[name] for other in others)])) for name in shared}


def _prequential(
    name: str, spreads: Mapping[str, Spread], labels: Sequence[str], references: Sequence[str]
) -> Prequential:
    own = spreads[name]
    return Prequential(
        mean=own.mean(),
        visits={label: own.visit(place) for place, label in enumerate(labels)},
        gain={other: (own - spreads[other]).mean() for other in references},
    )

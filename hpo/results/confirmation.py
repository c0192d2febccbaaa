"""Confirmation: what a configuration is worth with fresh seeds, on frames that nothing was chosen by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpo.study.names import DEFAULT
from segada.metrics import Areas as Areas
from segada.metrics import Floats, mean_iou_by_set
from segada.records import Record, RunReport, visit_labels


class Estimate(Record):
    """A mean with the ends of its confidence interval."""

    value: float
    low: float
    high: float


class Confirmed(Record):
    """One configuration or baseline over all seeds; mIoU in [0, 1], visits in stream order."""

    name: str
    trial: int | None
    """Number of the trial that it repeats; null for a baseline, and for the default if no trial beside it had it."""
    seeds: list[int]
    mean_miou: Estimate
    miou: dict[str, Estimate]
    """On the domain being visited, by the visit's label."""
    gain: dict[str, Estimate]
    """Difference of `mean_miou` to every baseline and to the default, by name; frames and seeds paired."""
    miou_gain: dict[str, dict[str, Estimate]]
    """The same per visit: baseline, then the visit's label."""
    mean_miou_by_seed: list[float]
    selection: float | None
    """Mean over the same seeds of the first objective on the frames of the search, by which the best was picked; null
    if there was nothing to pick from."""
    seed_deviation: float | None
    """Standard deviation of `mean_miou_by_seed`; null with a single seed."""


class Confirmation(Record):
    """`best/confirmation.json`."""

    best: str | None
    """The first by `selection` of the configurations that came through; null if none did."""
    by_mean: str | None
    """Whatever was confirmed with the greatest `mean_miou` on the reported frames, for information: to call it the best
    would be to report on frames that were chosen by. Baselines do not take part, the default does."""
    split: str = "test"
    confidence: float
    replicates: int
    """Bootstrap replicates: frames and seeds are drawn with replacement."""
    runs: list[Confirmed]
    """Baselines first, then the default, then the configurations, best first."""
    failures: dict[str, str]
    """Configurations and baselines that failed under a fresh seed, with the reason."""


@dataclass(frozen=True)
class SeedRun:
    """One confirmation run: its report and, per visit, the areas of the visited domain's held-out frames."""

    report: RunReport
    areas: tuple[Areas, ...]


@dataclass(frozen=True)
class Candidate:
    """What is confirmed: a configuration or a baseline, run once per seed."""

    name: str
    trial: int | None
    runs: tuple[SeedRun, ...]
    selection: float | None = None
    """As of `Confirmed`."""


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are drawn."""

    replicates: int = 2000
    confidence: float = 0.95
    seed: int = 0


def confirm(
    candidates: Sequence[Candidate], baselines: Sequence[Candidate], failures: Mapping[str, str], bootstrap: Bootstrap
) -> Confirmation:
    """Compares configurations with the baselines, the default among them, by a paired bootstrap over frames and seeds.

    Everything was run on the same frames with the same seeds, in the same order. Candidates come best first, picked by
    other frames: to choose by these would be to report on frames that were chosen by.
    """
    everyone = [*baselines, *candidates]
    draws = _draw(everyone[0].runs, bootstrap)
    spreads = {one.name: _Spread(one, draws) for one in everyone}
    reference = {one.name: spreads[one.name] for one in baselines}
    rows = [spreads[one.name].summary(reference, bootstrap.confidence) for one in everyone]
    configurations = [one for one in rows if one.name == DEFAULT or one.name not in reference]
    foremost = max(configurations, key=lambda one: one.mean_miou.value, default=None)
    return Confirmation(
        best=candidates[0].name if candidates else None,
        by_mean=None if foremost is None else foremost.name,
        confidence=bootstrap.confidence,
        replicates=bootstrap.replicates,
        runs=rows,
        failures=dict(failures),
    )


@dataclass(frozen=True)
class _Draws:
    """How often each replicate takes each frame and each seed; shared by all candidates, which pairs them."""

    frames: Mapping[int, Floats]
    """By the number of frames of a domain: [replicates, frames]. Domains of equal length show the same scenes or
    unrelated ones; drawing both alike is right for the first and harmless for the second."""
    seeds: Floats
    """[replicates, seeds], rows sum to 1."""


def _draw(runs: Sequence[SeedRun], bootstrap: Bootstrap) -> _Draws:
    generator = np.random.default_rng(bootstrap.seed)
    lengths = sorted({len(areas) for areas in runs[0].areas})
    frames = {
        length: generator.multinomial(length, np.full(length, 1 / length), bootstrap.replicates) for length in lengths
    }
    seeds = generator.multinomial(len(runs), np.full(len(runs), 1 / len(runs)), bootstrap.replicates) / len(runs)
    return _Draws({length: counts.astype(float) for length, counts in frames.items()}, seeds)


class _Spread:
    """The replicates of one candidate."""

    def __init__(self, candidate: Candidate, draws: _Draws) -> None:
        self.candidate = candidate
        first = candidate.runs[0].report
        self.labels = visit_labels([visit.domain for visit in first.visits])
        by_seed = np.stack([_run_replicates(run, draws) for run in candidate.runs])
        self.replicates: Floats = np.einsum("svr,rs->vr", by_seed, draws.seeds)
        self.values: Floats = np.array([[visit.visited_miou for visit in run.report.visits] for run in candidate.runs])

    def summary(self, baselines: Mapping[str, "_Spread"], confidence: float) -> Confirmed:
        means = self.values.mean(axis=1)
        gains = {name: self._gain(other, confidence) for name, other in baselines.items()}
        return Confirmed(
            name=self.candidate.name,
            trial=self.candidate.trial,
            seeds=[run.report.seed for run in self.candidate.runs],
            mean_miou=_estimate(float(means.mean()), self.replicates.mean(axis=0), confidence),
            miou=self._by_visit(self.values.mean(axis=0), self.replicates, confidence),
            gain={name: mean for name, (mean, _) in gains.items()},
            miou_gain={name: visits for name, (_, visits) in gains.items()},
            mean_miou_by_seed=[float(value) for value in means],
            selection=self.candidate.selection,
            seed_deviation=float(means.std(ddof=1)) if len(means) > 1 else None,
        )

    def _gain(self, other: "_Spread", confidence: float) -> tuple[Estimate, dict[str, Estimate]]:
        values = self.values.mean(axis=0) - other.values.mean(axis=0)
        replicates = self.replicates - other.replicates
        mean = _estimate(float(values.mean()), replicates.mean(axis=0), confidence)
        return mean, self._by_visit(values, replicates, confidence)

    def _by_visit(self, values: Floats, replicates: Floats, confidence: float) -> dict[str, Estimate]:
        rows = zip(self.labels, values, replicates, strict=True)
        return {label: _estimate(float(value), spread, confidence) for label, value, spread in rows}


def _run_replicates(run: SeedRun, draws: _Draws) -> Floats:
    """mIoU of the visited domain: [visits, replicates]."""
    return np.stack([resampled_miou(draws.frames[len(areas)], areas) for areas in run.areas])


def resampled_miou(counts: Floats, areas: Areas) -> Floats:
    """Returns the mIoU [replicates] of resampled frames as the engine counts it: areas are summed first.

    Args:
        counts: how often each frame is drawn, [replicates, frames].
        areas: of the frames, [frames, 3, classes].
    """
    frames, parts, classes = areas.shape
    return mean_iou_by_set((counts @ areas.reshape(frames, parts * classes)).reshape(-1, parts, classes))


def _estimate(value: float, replicates: Floats, confidence: float) -> Estimate:
    tail = (1 - confidence) / 2
    low, high = np.quantile(replicates, (tail, 1 - tail))
    return Estimate(value=value, low=float(low), high=float(high))

"""Confirmation: results of configurations with fresh seeds, on frames that were not used for any choice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from pydantic import Field

from hpo.results.source_model import SourceModel
from hpo.study.names import DEFAULT
from segada.metrics import Areas as Areas
from segada.metrics import Floats, mean_iou_by_set
from segada.records import Record, RunReport, visit_labels


class Estimate(Record):
    """Mean with the ends of its confidence interval."""

    value: float
    low: float
    high: float


class Confirmed(Record):
    """Results of a configuration or baseline over all seeds; mIoU in [0, 1], visits in stream order."""

    name: str
    trial: int | None
    """Number of the repeated trial; null for a baseline, and for the default configuration if no confirmed trial has
    it.
    """
    seeds: list[int]
    mean_miou: Estimate | None
    """Mean IoU over the visits to domains with labels; null if no visited domain has labels, as are then the gains and
    figures by visit empty."""
    miou: dict[str, Estimate]
    """Mean IoU on the visited domain, by label of the visit."""
    gain: dict[str, Estimate]
    """Difference of `mean_miou` to every baseline and to the default configuration, by name; frames and seeds
    paired.
    """
    miou_gain: dict[str, dict[str, Estimate]]
    """Difference of `miou` to every baseline and to the default configuration: by name, then by label of the visit."""
    mean_miou_by_seed: list[float]
    selection: float | None
    """Mean, over the same seeds, of the first objective on the split `val`, by which the best is chosen; null if there
    was no choice.
    """
    seed_deviation: float | None
    """Standard deviation of `mean_miou_by_seed`; null with a single seed."""
    objectives: dict[str, float]
    """Mean over the seeds of each objective on these frames, by its metric; empty with a single objective if a visited
    domain has labels, and without an objective that a run does not define.
    """
    first_by_seed: list[float] = Field(default_factory=list)
    """First objective by seed, if `objectives` has it; empty otherwise."""
    violations: dict[str, float] = Field(default_factory=dict)
    """Mean amount over the seeds, on these frames, by which each broken constraint is broken, by its text; empty if all
    are kept.
    """

    @property
    def scored_miou(self) -> Estimate:
        """`mean_miou` of a study of which a visited domain has labels."""
        assert self.mean_miou is not None
        return self.mean_miou


class Confirmation(Record):
    """Content of `best/confirmation.json`."""

    best: str | None
    """Name of the best confirmed configuration by `selection`; null if all failed."""
    by_mean: str | None
    """Name of the configuration with the greatest `mean_miou` on the reported frames, for information only: choosing by
    it would bias the reported result. The default configuration takes part, baselines do not, nor what breaks a
    constraint. Null if no visited domain has labels.
    """
    split: str = "test"
    confidence: float
    replicates: int
    """Number of replicates from which the intervals are."""
    rests_on: Literal["frames and seeds", "seeds"] = "frames and seeds"
    """Units that intervals generalize to. With frames and seeds, a bootstrap draws both with replacement. With seeds
    alone, because the runs have no areas, intervals are Student's t over the seeds.
    """
    runs: list[Confirmed]
    """Baselines first, then the default configuration, then the other configurations, best first."""
    failures: dict[str, str]
    """Reasons of configurations and baselines that failed under a fresh seed, by name."""
    source: SourceModel | None = None
    """Result of the source model on its own domain; null if the runs did not score this domain."""

    @property
    def is_scored(self) -> bool:
        """False if no visited domain has labels."""
        return self.runs[0].mean_miou is not None


@dataclass(frozen=True)
class SeedRun:
    """Confirmation run: its report and, per visit, the areas of the visited domain's held-out frames; empty for an
    external engine that writes none.
    """

    report: RunReport
    areas: tuple[Areas, ...]


@dataclass(frozen=True)
class Candidate:
    """Confirmed configuration or baseline, run once per seed."""

    name: str
    trial: int | None
    runs: tuple[SeedRun, ...]
    selection: float | None = None
    """Value by which the best is chosen, as in `Confirmed`."""
    objectives: Mapping[str, float] = field(default_factory=dict)
    """Objectives on the reported frames, as in `Confirmed`."""
    first_by_seed: Sequence[float] = ()
    """First objective by seed, as in `Confirmed`."""
    violations: Mapping[str, float] = field(default_factory=dict)
    """Broken constraints, as in `Confirmed`."""
    is_eligible: bool = True
    """False for the default configuration if it broke a constraint in the search."""


@dataclass(frozen=True)
class Bootstrap:
    """Settings of the bootstrap."""

    replicates: int = 2000
    confidence: float = 0.95
    seed: int = 0


def confirm(
    candidates: Sequence[Candidate],
    baselines: Sequence[Candidate],
    failures: Mapping[str, str],
    bootstrap: Bootstrap,
    source: SourceModel | None = None,
) -> Confirmation:
    """Compares configurations with the baselines and the default configuration, by a paired bootstrap over frames and
    seeds.

    All runs have the same frames and the same seeds, in the same order. Candidates are given best first, chosen on
    other frames: a choice on these frames would bias the reported result.
    """
    everyone = [*baselines, *candidates]
    draws = _draw(everyone[0].runs, bootstrap)
    spreads = {one.name: _Spread(one, draws) for one in everyone}
    reference = {one.name: spreads[one.name] for one in baselines}
    rows = [spreads[one.name].summary(reference, bootstrap.confidence) for one in everyone]
    barred = {one.name for one in everyone if one.violations or not one.is_eligible}
    eligible = [one for one in rows if one.name not in barred]
    configurations = [one for one in eligible if one.name == DEFAULT or one.name not in reference]
    by_mean = {one.name: one.mean_miou.value for one in configurations if one.mean_miou is not None}
    return Confirmation(
        best=candidates[0].name if candidates else None,
        by_mean=max(by_mean, key=lambda name: by_mean[name], default=None),
        confidence=bootstrap.confidence,
        replicates=bootstrap.replicates,
        rests_on="frames and seeds" if everyone[0].runs[0].areas else "seeds",
        runs=rows,
        failures=dict(failures),
        source=source,
    )


@dataclass(frozen=True)
class _Draws:
    """Counts of each frame and each seed per replicate; shared by all candidates, which pairs them."""

    frames: Mapping[int, Floats]
    """Counts [replicates, frames] by the number of frames of a domain. Domains with the same number show the same
    scenes or unrelated ones; common draws are right for the first and harmless for the second.
    """
    seeds: Floats
    """Weights [replicates, seeds]; rows sum to 1."""


def _draw(runs: Sequence[SeedRun], bootstrap: Bootstrap) -> _Draws:
    generator = np.random.default_rng(bootstrap.seed)
    if not runs[0].areas:
        return _Draws({}, _student(generator, len(runs), bootstrap.replicates))
    lengths = sorted({len(areas) for areas in runs[0].areas if len(areas)})
    frames = {
        length: generator.multinomial(length, np.full(length, 1 / length), bootstrap.replicates) for length in lengths
    }
    seeds = generator.multinomial(len(runs), np.full(len(runs), 1 / len(runs)), bootstrap.replicates) / len(runs)
    return _Draws({length: counts.astype(float) for length, counts in frames.items()}, seeds)


def _student(generator: np.random.Generator, seeds: int, replicates: int) -> Floats:
    """Returns weights [replicates, seeds] such that weighted means of any values by seed have Student's t distribution
    around their mean, with their own standard error and `seeds` - 1 degrees of freedom.

    A bootstrap of two or three seeds would never leave their range, and so claim too much.
    """
    normal, freedom = generator.standard_normal((replicates, seeds)), max(seeds - 1, 1)
    normal -= normal.mean(axis=1, keepdims=True)
    scale = np.sqrt(generator.chisquare(freedom, (replicates, 1)) / freedom)
    return np.asarray(1 / seeds + normal / scale / np.sqrt(seeds * freedom), dtype=np.float64)


class _Spread:
    """Bootstrap replicates of one candidate."""

    def __init__(self, candidate: Candidate, draws: _Draws) -> None:
        self.candidate = candidate
        first = candidate.runs[0].report
        labels = visit_labels([visit.domain for visit in first.visits])
        # Visits to domains without labels are not scored; they are the same in every run.
        self._scored = [number for number, visit in enumerate(first.visits) if visit.is_scored]
        self.labels = [labels[number] for number in self._scored]
        by_seed = np.stack([self._run_replicates(run, draws) for run in candidate.runs])
        self.replicates: Floats = np.einsum("svr,rs->vr", by_seed, draws.seeds)
        self.values: Floats = np.array(
            [[run.report.visits[number].visited_miou for number in self._scored] for run in candidate.runs]
        )

    def summary(self, baselines: Mapping[str, "_Spread"], confidence: float) -> Confirmed:
        if not self._scored:
            return self._unscored()
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
            objectives=dict(self.candidate.objectives),
            first_by_seed=list(self.candidate.first_by_seed),
            violations=dict(self.candidate.violations),
        )

    def _unscored(self) -> Confirmed:
        """Returns the summary of a candidate of which no visited domain has labels."""
        one = self.candidate
        return Confirmed(
            name=one.name,
            trial=one.trial,
            seeds=[run.report.seed for run in one.runs],
            mean_miou=None,
            miou={},
            gain={},
            miou_gain={},
            mean_miou_by_seed=[],
            selection=one.selection,
            seed_deviation=None,
            objectives=dict(one.objectives),
            first_by_seed=list(one.first_by_seed),
            violations=dict(one.violations),
        )

    def _gain(self, other: "_Spread", confidence: float) -> tuple[Estimate, dict[str, Estimate]]:
        values = self.values.mean(axis=0) - other.values.mean(axis=0)
        replicates = self.replicates - other.replicates
        mean = _estimate(float(values.mean()), replicates.mean(axis=0), confidence)
        return mean, self._by_visit(values, replicates, confidence)

    def _run_replicates(self, run: SeedRun, draws: _Draws) -> Floats:
        """Returns the mIoU of the visited domain, [scored visits, replicates]."""
        if not run.areas:
            values = [run.report.visits[number].visited_miou for number in self._scored]
            return np.repeat(np.array(values)[:, None], len(draws.seeds), axis=1)
        scored = [run.areas[number] for number in self._scored]
        if not scored:
            return np.zeros((0, len(draws.seeds)))
        return np.stack([resampled_miou(draws.frames[len(areas)], areas) for areas in scored])

    def _by_visit(self, values: Floats, replicates: Floats, confidence: float) -> dict[str, Estimate]:
        rows = zip(self.labels, values, replicates, strict=True)
        return {label: _estimate(float(value), spread, confidence) for label, value, spread in rows}


def resampled_miou(counts: Floats, areas: Areas) -> Floats:
    """Returns the mIoU [replicates] of resampled frames as computed by the engine: areas are summed first.

    Args:
        counts: number of times that each frame is drawn, [replicates, frames].
        areas: areas of the frames, [frames, 3, classes].
    """
    frames, parts, classes = areas.shape
    return mean_iou_by_set((counts @ areas.reshape(frames, parts * classes)).reshape(-1, parts, classes))


def _estimate(value: float, replicates: Floats, confidence: float) -> Estimate:
    tail = (1 - confidence) / 2
    low, high = np.quantile(replicates, (tail, 1 - tail))
    return Estimate(value=value, low=float(low), high=float(high))

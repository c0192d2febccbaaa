"""Confirmation: results of configurations with fresh seeds, on frames that were not used for any choice."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from pydantic import Field

from hpo.results.prequential import Online, online_results
from hpo.results.seed_run import SeedRun as SeedRun
from hpo.results.source_model import SourceModel
from hpo.results.spread import Bootstrap as Bootstrap
from hpo.results.spread import Draws, Measured, Spread
from hpo.results.spread import Estimate as Estimate
from hpo.statistics.recordings import Recordings
from hpo.study.names import DEFAULT
from segada.metrics import Areas as Areas
from segada.records import Record, visit_labels

Kind = Literal["photographed", "rendered"]
"""Kind of a domain: photographed as it is, or with frames or weather that are computed."""


class Confirmed(Record):
    """Results of a configuration or baseline over all seeds; mIoU in [0, 1], visits in stream order."""

    name: str
    trial: int | None
    """Number of the repeated trial; null for a baseline, and for the default configuration if no confirmed trial has
    it.
    """
    seeds: list[int]
    """Seeds, each with every source model."""
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
    gain_by_kind: dict[Kind, dict[str, Estimate]] = Field(default_factory=dict)
    """`gain` over the visits to domains of one kind, by kind, then by name; empty unless domains of both are visited
    and have labels."""
    mean_miou_by_seed: list[float]
    """Mean IoU over the visits by seed, in the mean over source models."""
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
    """First objective by seed, if `objectives` has it; empty otherwise. With several source models by run, the runs of
    the first one first."""
    violations: dict[str, float] = Field(default_factory=dict)
    """Mean amount over the seeds, on these frames, by which each broken constraint is broken, by its text; empty if all
    are kept.
    """
    online: Online | None = None
    """Results on the frames that were adapted on; null if the runs have no such areas, or none is labelled."""

    @property
    def scored_miou(self) -> Estimate:
        """`mean_miou` of a study of which a visited domain has labels."""
        assert self.mean_miou is not None
        return self.mean_miou


class Blocks(Record):
    """Frames of a visited domain, and the blocks in which they are drawn."""

    frames: int
    recordings: int
    """Number of recordings; as great as `frames` if the frames are independent scenes."""
    block_length: int
    """Number of frames in a block, by the rule of Politis and White (2004; corrected 2009)."""


class SourceModelResults(Record):
    """Confirmed results on one of several source models."""

    name: str
    """Checkpoint of the source model, or the seed of its training."""
    source: SourceModel | None
    """Result of the source model on its own domain; null if the runs did not score this domain."""
    runs: list[Confirmed]
    """Rows as in `Confirmation`, with this source model alone: gains are within it, intervals over frames and seeds."""


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
    rests_on: Literal["frames and seeds", "frames and source models", "seeds"] = "frames and seeds"
    """Units that intervals generalize to. With frames and seeds, blocks of frames are drawn with replacement, and the
    seeds add their standard error; several source models, each with its mean over the seeds, take the place of the
    seeds. With seeds alone, because the runs have no areas, intervals are Student's t.
    """
    blocks: dict[str, Blocks] = Field(default_factory=dict)
    """Frames and blocks by label of the visit; empty if the intervals rest on the seeds alone."""
    runs: list[Confirmed]
    """Baselines first, then the default configuration, then the other configurations, best first."""
    failures: dict[str, str]
    """Reasons of configurations and baselines that failed under a fresh seed, by name."""
    source: SourceModel | None = None
    """Result of the source model on its own domain; null if the runs did not score this domain. Of several source
    models, that with the lowest mIoU."""
    source_models: list[SourceModelResults] = Field(default_factory=list)
    """Results by source model; empty with a single one."""

    @property
    def is_scored(self) -> bool:
        """False if no visited domain has labels."""
        return self.runs[0].mean_miou is not None


@dataclass(frozen=True)
class Candidate:
    """Confirmed configuration or baseline, run once per source model and seed."""

    name: str
    trial: int | None
    runs: tuple[SeedRun, ...]
    """Runs of the first source model, seed by seed, then of the next."""
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
    source_models: int = 1
    """Number of source models."""

    def of(self, number: int) -> "Candidate":
        """Returns the candidate with the runs of one source model."""
        each = len(self.runs) // self.source_models
        return replace(self, runs=self.runs[number * each : (number + 1) * each], source_models=1)


def confirm(
    candidates: Sequence[Candidate],
    baselines: Sequence[Candidate],
    failures: Mapping[str, str],
    bootstrap: Bootstrap,
    source: SourceModel | None = None,
    rendered: Collection[str] = (),
) -> Confirmation:
    """Compares configurations with the baselines and the default configuration, by a paired bootstrap over blocks of
    frames and over seeds.

    All runs have the same frames and the same seeds, in the same order. Candidates are given best first, chosen on
    other frames: a choice on these frames would bias the reported result.

    Args:
        candidates: Configurations, best first.
        baselines: Baselines and the default configuration.
        failures: Reasons of those that failed, by name.
        bootstrap: Settings of the draws.
        source: Result of the source model on its own domain, if it is known.
        rendered: Visited domains that are rendered.
    """
    everyone = [*baselines, *candidates]
    scores = {one.name: _Scores(one, rendered) for one in everyone}
    draws = Draws.of([one.measured for one in scores.values()], bootstrap)
    spreads = {name: Spread.of(one.measured, draws) for name, one in scores.items()}
    reference = {one.name: spreads[one.name] for one in baselines}
    online = online_results(everyone, list(reference), bootstrap)
    rows = [scores[one.name].summary(spreads[one.name], reference, online.get(one.name)) for one in everyone]
    barred = {one.name for one in everyone if one.violations or not one.is_eligible}
    eligible = [one for one in rows if one.name not in barred]
    configurations = [one for one in eligible if one.name == DEFAULT or one.name not in reference]
    by_mean = {one.name: one.mean_miou.value for one in configurations if one.mean_miou is not None}
    return Confirmation(
        best=candidates[0].name if candidates else None,
        by_mean=max(by_mean, key=lambda name: by_mean[name], default=None),
        confidence=bootstrap.confidence,
        replicates=bootstrap.replicates,
        rests_on=_rests_on(everyone[0]),
        blocks=scores[everyone[0].name].blocks(draws),
        runs=rows,
        failures=dict(failures),
        source=source,
    )


def _rests_on(candidate: Candidate) -> Literal["frames and seeds", "frames and source models", "seeds"]:
    if not candidate.runs[0].areas:
        return "seeds"
    return "frames and seeds" if candidate.source_models == 1 else "frames and source models"


class _Scores:
    """Scored visits of one candidate."""

    def __init__(self, candidate: Candidate, rendered: Collection[str]) -> None:
        self.candidate = candidate
        first = candidate.runs[0].report
        labels = visit_labels([visit.domain for visit in first.visits])
        # Visits to domains without labels are not scored; they are the same in every run.
        scored = [number for number, visit in enumerate(first.visits) if visit.is_scored]
        self.labels = [labels[number] for number in scored]
        self.kinds: dict[Kind, list[int]] = {}
        for place, number in enumerate(scored):
            kind: Kind = "rendered" if first.visits[number].domain in rendered else "photographed"
            self.kinds.setdefault(kind, []).append(place)
        values = [[run.report.visits[number].visited_miou for number in scored] for run in candidate.runs]
        has_areas = bool(candidate.runs[0].areas)
        frames = [[run.scored(number) for number in scored] for run in candidate.runs] if has_areas else []
        # [source models, seeds, visits]; an interval counts source models if there are several, else seeds.
        shape = (candidate.source_models, len(candidate.runs) // candidate.source_models, len(scored))
        by_source = np.array(values).reshape(shape)
        self.by_seed = by_source.mean(axis=0)
        self.measured = Measured(self.by_seed if len(by_source) == 1 else by_source.mean(axis=1), frames)

    def summary(self, spread: Spread, references: Mapping[str, Spread], online: Online | None) -> Confirmed:
        one, by_seed = self.candidate, self.by_seed.mean(axis=1) if self.labels else np.zeros(0)
        gains = {name: spread - other for name, other in references.items()} if self.labels else {}
        return Confirmed(
            name=one.name,
            trial=one.trial,
            seeds=[run.report.seed for run in one.of(0).runs],
            mean_miou=spread.mean() if self.labels else None,
            miou=self._by_visit(spread),
            gain={name: gain.mean() for name, gain in gains.items()},
            miou_gain={name: self._by_visit(gain) for name, gain in gains.items()},
            gain_by_kind=self._by_kind(gains),
            mean_miou_by_seed=[float(value) for value in by_seed],
            selection=one.selection,
            seed_deviation=float(by_seed.std(ddof=1)) if len(by_seed) > 1 else None,
            objectives=dict(one.objectives),
            first_by_seed=list(one.first_by_seed),
            violations=dict(one.violations),
            online=online,
        )

    def _by_visit(self, spread: Spread) -> dict[str, Estimate]:
        return {label: spread.visit(number) for number, label in enumerate(self.labels)}

    def _by_kind(self, gains: Mapping[str, Spread]) -> dict[Kind, dict[str, Estimate]]:
        if len(self.kinds) < 2:
            return {}
        return {kind: {name: gain.over(among) for name, gain in gains.items()} for kind, among in self.kinds.items()}

    def blocks(self, draws: Draws) -> dict[str, Blocks]:
        """Returns the blocks of each visited domain."""
        if not self.measured.frames:
            return {}
        known = zip(self.labels, self.measured.frames[0], strict=True)
        return {label: _blocks(scored.recordings, draws) for label, scored in known}


def _blocks(recordings: Recordings, draws: Draws) -> Blocks:
    return Blocks(frames=recordings.frames, recordings=len(recordings.lengths), block_length=draws.lengths[recordings])

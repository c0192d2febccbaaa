"""Replicates of results over resampled frames and seeds, and the intervals that they give."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hpo.statistics.block_draws import block_draws
from hpo.statistics.block_length import block_length
from hpo.statistics.decay import decay_of
from hpo.statistics.influence import frame_influence
from hpo.statistics.recordings import Recordings
from hpo.statistics.small_sample import correction, seed_weights, student_factor, total_freedom
from segada.metrics import Areas, Floats, mean_iou_by_set
from segada.records import Record


class Estimate(Record):
    """Mean with the ends of its confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Bootstrap:
    """Settings of the bootstrap."""

    replicates: int = 2000
    confidence: float = 0.95
    seed: int = 0


@dataclass(frozen=True)
class Scored:
    """Frames of a visit under one seed: their areas and recordings."""

    areas: Areas
    recordings: Recordings


@dataclass(frozen=True)
class Measured:
    """Scored visits of one configuration.

    Attributes:
        values: mIoU [seeds, visits]; of several source models [source models, visits], in the mean over seeds.
        frames: Frames by run and visit; empty if the runs have no areas.
    """

    values: Floats
    frames: Sequence[Sequence[Scored]]

    def influence(self, visit: int) -> Floats:
        """Returns the influence of each frame of a visit on its mIoU [frames], in the mean over runs."""
        return np.asarray(np.mean([frame_influence(run[visit].areas) for run in self.frames], axis=0))


@dataclass(frozen=True)
class Draws:
    """Draws of frames and seeds that all configurations share, which pairs them.

    Attributes:
        bootstrap: Settings of the draws.
        lengths: Length of blocks, by the recordings of the frames.
        seeds: Weights [replicates, seeds]; rows sum to 1.
    """

    bootstrap: Bootstrap
    lengths: Mapping[Recordings, int]
    seeds: Floats

    @classmethod
    def of(cls, everyone: Sequence[Measured], bootstrap: Bootstrap) -> "Draws":
        """Draws for configurations of the same visits, frames and seeds.

        Visits to domains with the same recordings share draws: they show the same scenes or unrelated ones; common
        draws are right for the first and harmless for the second. The length of blocks is the median over
        configurations and visits.
        """
        found: dict[Recordings, list[int]] = {}
        for one in everyone:
            for visit, scored in enumerate(one.frames[0] if one.frames else ()):
                found.setdefault(scored.recordings, []).append(block_length(one.influence(visit), scored.recordings))
        lengths = {recordings: math.ceil(np.median(several)) for recordings, several in found.items()}
        generator = np.random.default_rng(bootstrap.seed)
        return cls(bootstrap, lengths, seed_weights(len(everyone[0].values), bootstrap.replicates, generator))

    @cached_property
    def counts(self) -> Mapping[Recordings, Floats]:
        """How often each frame is drawn [replicates, frames], by the recordings of the frames."""
        generator, replicates = np.random.default_rng((self.bootstrap.seed, 1)), self.bootstrap.replicates
        return {one: block_draws(one, length, replicates, generator) for one, length in self.lengths.items()}


@dataclass(frozen=True)
class Spread:
    """Results of a configuration, or differences of two, with their deviations over drawn frames.

    Attributes:
        draws: Draws of the deviations.
        values: mIoU [seeds, visits].
        recordings: Recordings of the frames, by visit; empty if the runs have no areas.
        influences: Influence of each frame [frames] on the mIoU, in the mean over seeds, by visit.
        deviations: Differences of the mIoU of drawn frames and of all, in the mean over seeds: [visits, replicates].
    """

    draws: Draws
    values: Floats
    recordings: Sequence[Recordings]
    influences: Sequence[Floats]
    deviations: Floats

    @classmethod
    def of(cls, one: Measured, draws: Draws) -> "Spread":
        """Resamples the frames of a configuration."""
        first = one.frames[0] if one.frames else ()
        deviations = [
            np.mean([_deviations(draws.counts[scored.recordings], run[visit].areas) for run in one.frames], axis=0)
            for visit, scored in enumerate(first)
        ]
        influences = [one.influence(visit) for visit in range(len(first))]
        return cls(draws, one.values, [scored.recordings for scored in first], influences, np.array(deviations))

    def __sub__(self, other: "Spread") -> "Spread":
        """Returns the differences to another configuration, frames and seeds paired."""
        influences = [one - two for one, two in zip(self.influences, other.influences, strict=True)]
        deviations = self.deviations - other.deviations
        return Spread(self.draws, self.values - other.values, self.recordings, influences, deviations)

    def mean(self) -> Estimate:
        """Returns the mean over visits."""
        return self.over(range(self.values.shape[1]))

    def visit(self, number: int) -> Estimate:
        """Returns the result of a visit."""
        return self.over([number])

    def over(self, visits: Sequence[int]) -> Estimate:
        """Returns the mean over some visits; its interval is that of Student's t with the degrees of freedom of the
        seeds and of the blocks of frames together.
        """
        by_seed = self.values[:, list(visits)].mean(axis=1)
        seeds, value = len(by_seed), float(by_seed.mean())
        deviations = self.draws.seeds @ (by_seed - value)
        variances = [float(by_seed.var(ddof=1)) / seeds if seeds > 1 else 0.0]
        freedoms = [max(seeds - 1.0, 1.0)]
        for recordings in dict.fromkeys(self.recordings[visit] for visit in visits if self.recordings):
            drawn, freedom = self._over_frames(recordings, visits)
            deviations = deviations + drawn
            variances.append(float(drawn.var()))
            freedoms.append(freedom)
        tail = (1 - self.draws.bootstrap.confidence) / 2
        widened = student_factor(total_freedom(variances, freedoms), 1 - tail)
        low, high = value + widened * np.quantile(deviations, (tail, 1 - tail))
        return Estimate(value=value, low=float(low), high=float(high))

    def _over_frames(self, recordings: Recordings, visits: Sequence[int]) -> tuple[Floats, float]:
        """Returns the corrected deviations [replicates] of the mean over visits by the frames of some recordings, and
        the degrees of freedom of their variance.
        """
        among = [visit for visit in visits if self.recordings[visit] == recordings]
        decay = decay_of(np.sum([self.influences[visit] for visit in among], axis=0), recordings)
        corrected = correction(recordings, self.draws.lengths[recordings], decay)
        return corrected.factor * self.deviations[among].sum(axis=0) / len(visits), corrected.freedom


def _deviations(counts: Floats, areas: Areas) -> Floats:
    return resampled_miou(counts, areas) - resampled_miou(np.ones((1, len(areas))), areas)


def resampled_miou(counts: Floats, areas: Areas) -> Floats:
    """Returns the mIoU [replicates] of resampled frames as computed by the engine: areas are summed first.

    Args:
        counts: number of times that each frame is drawn, [replicates, frames].
        areas: areas of the frames, [frames, 3, classes].
    """
    frames, parts, classes = areas.shape
    return mean_iou_by_set((counts @ areas.reshape(frames, parts * classes)).reshape(-1, parts, classes))

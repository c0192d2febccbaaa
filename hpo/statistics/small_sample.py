"""Corrections for few blocks of frames and for few seeds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtri, stdtrit

from hpo.statistics.decay import Decay
from hpo.statistics.recordings import Recordings
from segada.metrics import Floats

FEW: Final = 4
"""Number c of the factor 1 + c / freedom by which a variance counts more among degrees of freedom, see
`total_freedom`."""


@dataclass(frozen=True, slots=True)
class Correction:
    """Correction of the deviations of a block bootstrap of frames.

    Attributes:
        factor: Factor of the deviations, at least 1.
        freedom: Degrees of freedom of their variance, at least 1.
    """

    factor: float
    freedom: float


def correction(recordings: Recordings, length: int, decay: Decay) -> Correction:
    """Returns the correction of deviations of the mean over frames, drawn in blocks.

    Deviations of drawn blocks have a smaller variance than the mean itself: the blocks' own mean is taken off, and
    frames of different blocks count as independent. The factor is the square root of the true variance over the
    expected one for frames of which the correlations are given. For independent frames it is the square root of
    n / (n - 1). The degrees of freedom are those of the variance of as many independent values as there are blocks.

    Args:
        recordings: Recordings of the frames.
        length: Number of frames in a block.
        decay: Correlations of the frames.
    """
    frames, sums, true = recordings.frames, decay.sums(recordings.longest), decay.variance_of_mean(recordings)
    expected = blocks = 0.0
    for size in recordings.lengths:
        block = min(length, size)
        inside = (size - block + 1) * sums[block]
        # Blocks that go on at the beginning have two parts.
        wrapped = (sums[1:block] + sums[1:block][::-1]).sum() if block < size else (size - 1) * sums[size]
        expected += ((inside + wrapped) / block - size * block * true) / frames**2
        blocks += size / block
    # The correlations are estimated, too: the logarithm of (1 + r) / (1 - r) has the variance 4 / (n (1 - r^2)).
    noise = 2 / (frames * (1 - decay.rate**2)) if recordings.longest > 1 else 0.0
    freedom = max(1 / (1 / max(blocks - 1, 1.0) + noise), 1.0)
    return Correction(math.sqrt(true / expected) if expected > 0 else 1.0, freedom)


def seed_weights(seeds: int, replicates: int, generator: np.random.Generator) -> Floats:
    """Draws weights [replicates, seeds] such that weighted means of any values by seed are normal around their mean,
    with their own standard error s / sqrt(n), of which s^2 is the variance of a sample (n - 1).

    A bootstrap of two or three seeds has a variance that is too small by (n - 1) / n, and never leaves their range.
    """
    normal = generator.standard_normal((replicates, seeds))
    normal -= normal.mean(axis=1, keepdims=True)
    return np.asarray(1 / seeds + normal / math.sqrt(seeds * max(seeds - 1, 1)), dtype=np.float64)


def total_freedom(variances: Sequence[float], freedoms: Sequence[float]) -> float:
    """Returns the degrees of freedom of a sum of independent variances (Satterthwaite 1946; Welch 1947).

    An estimated variance of few degrees of freedom is below the true one more often than above, and its share is then
    too small: with two seeds the formula gives intervals that cover 87 to 95 %. Each variance counts 1 + 4 / freedom
    times in it, with which they cover 93 to 97 % (`python -m benchmarks.search coverage`).

    Args:
        variances: Variances, each at least 0; inf is returned if all are 0.
        freedoms: Degrees of freedom of each.
    """
    terms = [(variance * (1 + FEW / freedom), freedom) for variance, freedom in zip(variances, freedoms, strict=True)]
    spread = sum(variance**2 / freedom for variance, freedom in terms)
    return sum(variance for variance, _ in terms) ** 2 / spread if spread > 0 else math.inf


def student_factor(freedom: float, share: float) -> float:
    """Returns the quantile of Student's t distribution over that of the normal distribution.

    Args:
        freedom: Degrees of freedom, above 0; inf gives 1.
        share: Probability of the quantile, above 0.5.
    """
    return float(stdtrit(freedom, share) / ndtri(share)) if math.isfinite(freedom) else 1.0

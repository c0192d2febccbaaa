"""Correlation of frames by their distance in time."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from hpo.statistics.recordings import Recordings
from segada.metrics import Floats

GREATEST: Final = 0.97
"""Greatest correlation of neighboring frames, and greatest rate, that are told; beyond, the frames are almost one."""
LAGS: Final = 4
"""Number of correlations from which the rate is estimated."""
ROUNDS: Final = 4
"""Number of times that the bias is estimated."""


@dataclass(frozen=True, slots=True)
class Decay:
    """Correlations that fall geometrically: first * rate^(k - 1) for frames that are k apart.

    With `first` = `rate` these are the correlations of an autoregression; with a smaller first one, those of an
    autoregression that is seen with independent noise, as scenes are that change slowly and frames that differ.

    Attributes:
        first: Correlation of neighboring frames, 0 to 0.97.
        rate: Ratio of the correlations of successive distances, `first` to 0.97.
    """

    first: float
    rate: float

    def sums(self, longest: int) -> Floats:
        """Returns the variance of the sum of 0 to `longest` successive frames of variance 1."""
        correlations = self.first * self.rate ** np.arange(max(longest - 1, 0))
        added = 1 + 2 * np.concatenate([[0.0], np.cumsum(correlations)])
        return np.concatenate([[0.0], np.cumsum(added[:longest])])

    def variance_of_mean(self, recordings: Recordings) -> float:
        """Returns the variance of the mean over the frames of recordings, of frames of variance 1."""
        sums = self.sums(recordings.longest)
        return float(sum(sums[length] for length in recordings.lengths)) / recordings.frames**2


INDEPENDENT: Final = Decay(0.0, 0.0)


def autocovariances(series: Floats, recordings: Recordings, lags: int) -> Floats:
    """Returns autocovariances at lags 0 to `lags`, from pairs of frames of the same recording.

    The sum of products at lag k is divided by the number of pairs plus k. With one recording this is the number of
    frames, as usual, which lets correlations at great lags, of few pairs, tend to zero.

    Args:
        series: Values of the frames [frames].
        recordings: Recordings of the frames.
        lags: Greatest lag.
    """
    centered, numbers = series - series.mean(), recordings.numbers
    found = np.zeros(lags + 1)
    for lag in range(min(lags, recordings.longest - 1) + 1):
        first, second = slice(0, len(series) - lag), slice(lag, len(series))
        same = numbers[first] == numbers[second]
        found[lag] = (centered[first] * centered[second])[same].sum() / (recordings.pairs(lag) + lag)
    return found


def decay_of(series: Floats, recordings: Recordings) -> Decay:
    """Estimates how correlations fall with the distance of frames.

    Autocovariances about the sample's mean are too small by the mean's variance, which is added, as it follows from the
    estimate. The rate is the least-squares ratio of successive correlations, the first four, if the first two are above
    their standard error 1 / sqrt(n); otherwise it is the first correlation.

    Args:
        series: Values of the frames [frames].
        recordings: Recordings of the frames.
    """
    pairs = np.array([recordings.pairs(lag) for lag in range(LAGS + 1)])
    # The mean over pairs: few lags need no protection from those that have few pairs.
    found = autocovariances(series, recordings, LAGS) * (1 + np.arange(LAGS + 1) / np.maximum(pairs, 1))
    if found[0] <= 0 or recordings.longest < 2:
        return INDEPENDENT
    fitted = INDEPENDENT
    for _ in range(ROUNDS):
        bias = min(fitted.variance_of_mean(recordings), 0.5) if fitted is not INDEPENDENT else 0.0
        fitted = _fitted(found / found[0] * (1 - bias) + bias, recordings.frames)
    return fitted


def _fitted(correlations: Floats, frames: int) -> Decay:
    first = float(np.clip(correlations[1], 0.0, GREATEST))
    if min(correlations[1:3]) <= 1 / math.sqrt(frames):
        return Decay(first, first)
    before, after = correlations[1:LAGS], correlations[2 : LAGS + 1]
    rate = float((before * after).sum() / (before * before).sum())
    return Decay(first, float(np.clip(rate, first, GREATEST)))

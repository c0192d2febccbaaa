"""Length of blocks for a block bootstrap of the frames of recordings."""

import math
from typing import Final

import numpy as np

from hpo.statistics.decay import autocovariances
from hpo.statistics.recordings import Recordings
from segada.metrics import Floats

CIRCULAR: Final = 4 / 3
"""Factor of the variance of a circular block bootstrap's variance, D = 4/3 g(0)^2 (Lahiri 1999; Patton et al. 2009)."""
BAND: Final = 2.0
"""Width of the band in which correlations count as zero, in units of sqrt(log10(n) / n)."""
LEAST_RUN: Final = 5
"""Least number of successive correlations within the band, after which all are taken for zero."""


def block_length(series: Floats, recordings: Recordings) -> int:
    """Returns the length of blocks by which the bootstrap's variance of the mean has the least mean squared error.

    The automatic rule of Politis and White (2004) for the circular block bootstrap, with the correction of Patton,
    Politis and White (2009): b = (2 G^2 / D)^(1/3) n^(1/3), where G is the sum of |k| R(k), D = 4/3 g(0)^2, and g(0) is
    the sum of R(k), both with the flat-top window. It is rounded up. The longest recording, 3 sqrt(n) and n / 3 limit
    it. Frames that are all of different recordings have blocks of one frame.

    Args:
        series: Values of the frames [frames].
        recordings: Recordings of the frames.
    """
    frames = recordings.frames
    greatest = min(math.ceil(min(3 * math.sqrt(frames), frames / 3)), recordings.longest)
    if greatest < 2:
        return 1
    run = max(LEAST_RUN, math.ceil(math.sqrt(math.log10(frames))))
    lags = math.ceil(math.sqrt(frames)) + run
    found = autocovariances(series, recordings, lags)
    if found[0] <= 0:
        return 1
    width = min(2 * max(_last_correlated(found / found[0], frames, run), 1), lags)
    window = _flat_top(width)
    spectrum = (window * found[: width + 1]).sum()
    slope = (window * np.arange(width + 1) * found[: width + 1]).sum()
    if spectrum == 0:
        return greatest
    best: float = (2 * slope**2 / (CIRCULAR * spectrum**2) * frames) ** (1 / 3)
    return min(max(math.ceil(best), 1), greatest)


def _last_correlated(correlations: Floats, frames: int, run: int) -> int:
    """Returns the least lag after which `run` successive correlations are within the band; if there is none, the last
    lag that is not.
    """
    outside = np.abs(correlations) >= BAND * math.sqrt(math.log10(frames) / frames)
    for lag in range(len(correlations) - run):
        if not outside[lag + 1 : lag + 1 + run].any():
            return lag
    return int(np.flatnonzero(outside)[-1])


def _flat_top(width: int) -> Floats:
    """Returns the window of Politis and Romano (1995) at lags 0 to `width`, doubled above 0 for both sides."""
    window = np.minimum(1.0, 2.0 * (1.0 - np.arange(width + 1) / width))
    window[1:] *= 2
    return np.asarray(window, dtype=np.float64)

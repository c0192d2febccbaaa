"""One-sided test of paired differences of frames."""

import math

import numpy as np

from hpo.statistics.block_draws import block_variance
from hpo.statistics.block_length import block_length
from hpo.statistics.decay import decay_of
from hpo.statistics.recordings import Recordings
from hpo.statistics.small_sample import correction
from segada.metrics import Floats


def lower_p(differences: Floats, recordings: Recordings) -> float:
    """Returns the p-value of the hypothesis that differences are not below zero.

    Independent frames have Wilcoxon's signed-rank test (1945), in which a difference of zero counts half for each side.
    Frames of recordings have a t-test whose standard error is that of a block bootstrap of the mean, corrected as that
    of intervals.

    Args:
        differences: Differences of the frames [frames].
        recordings: Recordings of the frames.
    """
    # Imported here: scipy.stats takes longer to import than all else that a study file needs.
    from scipy.stats import t, wilcoxon

    if recordings.longest < 2:
        return float(wilcoxon(differences, alternative="less", zero_method="zsplit").pvalue)
    length = block_length(differences, recordings)
    corrected = correction(recordings, length, decay_of(differences, recordings))
    error = corrected.factor * math.sqrt(block_variance(differences, recordings, length))
    mean = float(np.mean(differences))
    if error == 0:
        return 0.0 if mean < 0 else 1.0
    return float(t.cdf(mean / error, corrected.freedom))

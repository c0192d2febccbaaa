"""Elastic weight consolidation, which keeps a run close to its source model."""

from segada.settings.base import Count, NonNegative, Settings


class ConsolidationSettings(Settings):
    """A quadratic penalty on changes of weights that matter for the source model (Kirkpatrick et al. 2017, arXiv
    1612.00796)."""

    weight: NonNegative = 0.0
    """Lambda in lambda/2 * sum F_i (theta_i - theta*_i)^2 over the trainable parameters, F the Fisher information; 0
    skips the term. Under DACS on the default streets it begins to have an effect at 1e4."""
    frames: Count = 32
    """Number of source frames, spread evenly over the replay buffer, on which the Fisher information is estimated once
    at the start; costs a forward and a backward pass each."""

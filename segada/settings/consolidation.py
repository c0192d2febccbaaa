"""Elastic weight consolidation: how strongly a run is held to its source model."""

from segada.settings.base import Count, NonNegative, Settings


class ConsolidationSettings(Settings):
    """A quadratic penalty on moving what the source model needs (Kirkpatrick et al. 2017, arXiv 1612.00796)."""

    weight: NonNegative = 0.0
    """Lambda in lambda/2 * sum F_i (theta_i - theta*_i)^2 over what learns, F the Fisher information; 0 skips it.
    Under DACS on the default streets it begins to bind at 1e4."""
    frames: Count = 32
    """Source frames, spread evenly over the replay buffer, that the Fisher information is estimated on, once, at the
    start; a forward and a backward pass each."""

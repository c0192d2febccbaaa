"""Settings of guards that keep a learner near its source model."""

from segada.settings.base import Count, Fraction, Settings


class GuardSettings(Settings):
    """Guards of every method that learns by gradients, against errors that add up over a long stream."""

    source_share: Fraction = 0.0
    """Share of the source model in the learning parameters after each step: theta becomes (1 - share) theta + share
    theta_0 (weight ensembling of ROID, Marsden et al. 2024, arXiv 2306.00650, where it is 0.01); 0 is off."""
    reset_every: Count | None = None
    """Number of steps that learn after which the method begins anew: networks with their running statistics, optimizer
    and teacher are those of the beginning of the run (RDumb, Press et al. 2023, arXiv 2306.05401, where it is 1000);
    null is never."""

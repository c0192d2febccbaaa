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
    collapse_share: Fraction = 0.0
    """Share of its first value below which the diversity of predictions counts as a collapse, after which the method
    begins anew as with `reset_every`. Diversity is the entropy of the mean softmax over the frames of a step, a moving
    average with a decay of 0.9; a network that predicts one class everywhere has 0. The criterion is ours; RDumb and
    SAR reset after steps, and at small entropies of pixels. Costs a prediction in each step; 0 is off."""

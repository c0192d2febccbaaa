"""Mixtures of a source model's batch-norm statistics with those of target frames: with a fixed share, or with a share
that their distance decides, without labels."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, NamedTuple

import torch
from torch import Tensor

from segada.settings.batch_norm import BatchNormStatistics

STANDARD_ERRORS: Final = 4.0
"""Factor k of the standard errors of instance-aware batch norm, as in its authors' experiments."""


class Statistics(NamedTuple):
    """Means and variances of the channels, [1, C, 1, ...], or [B, C, 1, ...] for each frame by itself."""

    mean: Tensor
    variance: Tensor


class Sample(NamedTuple):
    """Values from which the target's statistics are."""

    frames: int
    cells: int
    """Number of values per channel."""
    eps: float
    """Addend of variances in a norm."""


Mixture = Callable[[Statistics, Statistics, Sample], Statistics]
"""Function of the source model's statistics, the target's, and what those are from, to the statistics that normalize.
Partial functions of this module, so that a network with them can be copied."""


def mixture(settings: BatchNormStatistics) -> Mixture:
    """Returns the mixture of `statistics: mixed`."""
    return MIXTURES[settings.share](settings)


def target_alone(source: Statistics, target: Statistics, sample: Sample) -> Statistics:
    """Returns the target's statistics, as the fixed mixture with N = 0."""
    return fixed(source, target, sample, source_prior=0.0)


def fixed(source: Statistics, target: Statistics, sample: Sample, *, source_prior: float) -> Statistics:
    """Returns N/(N+n) of the source model's and n/(N+n) of the target's statistics (arXiv 2006.16971)."""
    share = sample.frames / (source_prior + sample.frames)
    return Statistics(*(torch.lerp(one, other, share) for one, other in zip(source, target, strict=True)))


def by_distance(source: Statistics, target: Statistics, sample: Sample) -> Statistics:
    """Returns the fixed mixture with N = 1 / D: the share of n frames is n D / (1 + n D).

    The further the target is, the less do the source model's statistics count. The share is a choice, through which no
    gradient flows.
    """
    scaled = sample.frames * distance(source, target, sample.eps).detach()
    share = scaled / (1 + scaled)
    return Statistics(*(torch.lerp(one, other, share) for one, other in zip(source, target, strict=True)))


def distance(source: Statistics, target: Statistics, eps: float) -> Tensor:
    """Returns D [1 or B, 1, 1, ...], the mean over channels of ((mu_s - mu_t)^2 + (sigma_s - sigma_t)^2) / sigma_s^2:
    the squared 2-Wasserstein distance of normal distributions, in units of the source model's variance."""
    means = (source.mean - target.mean) ** 2
    deviations = (source.variance.sqrt() - target.variance.sqrt()) ** 2
    return ((means + deviations) / (source.variance + eps)).mean(dim=1, keepdim=True)


def by_channel(source: Statistics, target: Statistics, sample: Sample) -> Statistics:
    """Returns statistics that differ from the source model's by as much as the target's differ by more than four
    standard errors (instance-aware batch norm, arXiv 2208.05117): mu_s + psi(mu_t - mu_s, k s) with the soft shrinkage
    psi(x, l) = sign(x) max(|x| - l, 0) and s = sigma_s / sqrt(L), for L values; for variances
    s = sigma_s^2 sqrt(2 / (L - 1)).

    Deviation: variances are of all L values, as in a norm, where the authors divide by L - 1; a single value moves
    nothing, as maps do for them up to a number of values that they set.
    """
    if sample.cells == 1:
        return source
    variance = source.variance + sample.eps
    error = (variance / sample.cells).sqrt()
    error_of_variance = variance * math.sqrt(2 / (sample.cells - 1))
    mean = source.mean + _shrunk(target.mean - source.mean, STANDARD_ERRORS * error)
    moved = source.variance + _shrunk(target.variance - source.variance, STANDARD_ERRORS * error_of_variance)
    return Statistics(mean, moved.clamp(min=0.0))


def _shrunk(difference: Tensor, threshold: Tensor) -> Tensor:
    return (difference - threshold).relu() - (-difference - threshold).relu()


MIXTURES: Final[Mapping[str, Callable[[BatchNormStatistics], Mixture]]] = {
    "fixed": lambda settings: partial(fixed, source_prior=settings.source_prior),
    "by_distance": lambda _: by_distance,
    "by_channel": lambda _: by_channel,
}
"""Mixtures by `share`."""

"""Settings of the statistics by which batch norms normalize."""

from typing import Annotated, Literal

from pydantic import Field

from segada.settings.base import NonNegative, Settings


class BatchNormStatistics(Settings):
    """Statistics of every batch norm in encoder, adapters and head; without effect on other norms.

    `momentum` and `reset_per_domain` apply to `follow` and `robust`, `share` and `source_prior` to `mixed` alone.
    """

    statistics: Literal["frozen", "follow", "target", "mixed", "robust"] = "follow"
    """Means and variances that normalize. `frozen`: the source model's, in every pass. `follow`: those of the batch
    while learning, and in predictions running statistics, which move towards those of the batch. `target`: those of the
    batch while learning, and those of each frame in its prediction, which no other frame thus affects. `mixed`: those
    of `target`, mixed with the source model's (Schneider et al. 2020, arXiv 2006.16971). `robust`: running statistics,
    into which each batch is mixed before it is normalized (Yuan et al. 2023, arXiv 2303.13899)."""
    momentum: Annotated[float, Field(gt=0.0, le=1.0)] | None = None
    """Weight of the newest batch in running statistics; null keeps each norm's own, mostly 0.1."""
    source_prior: NonNegative = 16.0
    """Number N of frames that the source model's statistics count as: the mean is N/(N+n) mu_s + n/(N+n) mu_t, with n
    the number of frames of mu_t, and the variance likewise. 0 is `target`. For `share: fixed`."""
    share: Literal["fixed", "by_distance", "by_channel"] = "fixed"
    """Choice of the share of the target's statistics, without labels. `fixed`: by `source_prior`. `by_distance`: of
    each frame and norm, N is 1 / D, with D the mean over channels of the squared 2-Wasserstein distance of the source
    model's and the frame's normal distribution, over the source model's variance (arXiv 2006.16971 relates the
    distance of these statistics to the loss of accuracy; to take it for 1 / N is this project's choice).
    `by_channel`: statistics move by as much as they differ more than 4 standard errors from the source model's, channel
    by channel (instance-aware batch norm, Gong et al. 2022, arXiv 2208.05117)."""
    reset_per_domain: bool = False
    """If true, running statistics return to the source model's at each visit to another domain. The stream says when
    that is, which a camera would not."""


class FrozenStatistics(BatchNormStatistics):
    """Statistics of a method whose authors run every network in evaluation mode."""

    statistics: Literal["frozen", "follow", "target", "mixed", "robust"] = "frozen"


class TargetStatistics(BatchNormStatistics):
    """Statistics of a method whose authors keep no running statistics."""

    statistics: Literal["frozen", "follow", "target", "mixed", "robust"] = "target"


class RobustStatistics(BatchNormStatistics):
    """Statistics of RoTTA, with its authors' momentum."""

    statistics: Literal["frozen", "follow", "target", "mixed", "robust"] = "robust"
    momentum: Annotated[float, Field(gt=0.0, le=1.0)] | None = 0.05


class EstimatedStatistics(BatchNormStatistics):
    """Statistics of the batch-norm baseline, which has one momentum for the norms of every network."""

    momentum: Annotated[float, Field(gt=0.0, le=1.0)] | None = 0.1

"""Which trials stop before their last visit."""

from typing import Literal

from optuna.pruners import BasePruner, NopPruner, SuccessiveHalvingPruner
from pydantic import Field

from segada.settings.base import Count, Settings


class HalvingSettings(Settings):
    """Asynchronous successive halving over visits (Li et al. 2020, arXiv 1810.05934).

    After `min_visits`, and again after `reduction` times as many, a trial goes on only if it is among the best
    1 / `reduction` of all that came as far.
    """

    name: Literal["halving"] = "halving"
    min_visits: Count = 2
    """Visits that every trial completes."""
    reduction: int = Field(default=2, ge=2)


def build_pruner(settings: HalvingSettings | None) -> BasePruner:
    """The pruner of a study; one that never prunes without settings."""
    if settings is None:
        return NopPruner()
    return SuccessiveHalvingPruner(min_resource=settings.min_visits, reduction_factor=settings.reduction)

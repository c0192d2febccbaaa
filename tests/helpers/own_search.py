"""Code of a user in the roles of a search, right and wrong; tests name it by the path of this file."""

import math
from pathlib import Path
from typing import Any

from optuna import Study
from optuna.pruners import BasePruner, MedianPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial

from segada.records import RunReport
from segada.settings.base import Count
from segada.settings.base import Settings as Base

FILE = Path(__file__)


def named(attribute: str) -> str:
    """Returns the name of an attribute of this file in settings."""
    return f"{FILE}:{attribute}"


def halves(report: RunReport) -> float:
    """Returns half of the mean mIoU."""
    return report.mean_miou / 2


def undefined(report: RunReport) -> float:
    """Returns no number."""
    return math.nan


def raising(report: RunReport) -> float:
    """Asks for a domain that is not there."""
    return report.visits[0].miou["night\nand fog"]


def textual(report: RunReport) -> str:
    """Returns a text."""
    return f"{report.mean_miou}"


def changing(report: RunReport) -> float:
    """Returns another number each time, and changes the report."""
    report.visits.append(report.visits[0])
    return float(len(report.visits))


def of_two(report: RunReport, weight: float) -> float:
    """Asks for a weight, which there is not."""
    return report.gain * weight


class Tree:
    """Sampler with a setting of its own."""

    class Settings(Base):
        """Settings of the sampler."""

        startup: Count = 3
        """Number of first trials that are drawn at random."""

    def __new__(cls, settings: Any, seed: int) -> BaseSampler:  # type: ignore[misc]
        """Returns the sampler of a point."""
        return TPESampler(n_startup_trials=settings.startup, seed=seed)


def without_a_seed(settings: Any, seed: int) -> BaseSampler:
    """Returns a sampler whose draws the seed does not determine."""
    return RandomSampler()


def number(settings: Any, seed: int) -> int:
    """Returns the seed in place of a sampler."""
    return seed


def broken(settings: Any, seed: int) -> BaseSampler:
    """Raises an error of two lines when it is called."""
    raise KeyError("startup\nand more")


class _Answer(RandomSampler):
    """Sampler whose values are not of the space, or that fails if there is none."""

    def __init__(self, seed: int, value: object) -> None:
        super().__init__(seed)
        self.value = value

    def sample_independent(self, *_: Any, **__: Any) -> Any:
        if self.value is None:
            raise ZeroDivisionError("by\nzero")
        return self.value


def outside(settings: Any, seed: int) -> BaseSampler:
    """Returns a sampler that proposes 17 for everything."""
    return _Answer(seed, 17.0)


def words(settings: Any, seed: int) -> BaseSampler:
    """Returns a sampler that proposes a text for everything."""
    return _Answer(seed, "much")


def failing(settings: Any, seed: int) -> BaseSampler:
    """Returns a sampler that fails when it is asked."""
    return _Answer(seed, None)


class Median:
    """Pruner with a setting of its own."""

    class Settings(Base):
        """Settings of the pruner."""

        first: Count = 1
        """Number of first trials that are not pruned."""

    def __new__(cls, settings: Any) -> BasePruner:  # type: ignore[misc]
        """Returns the pruner of a study."""
        return MedianPruner(settings.first, 0)


class _Verdict(BasePruner):
    """Pruner that gives the same answer each time; an error is raised."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def prune(self, study: Study, trial: FrozenTrial) -> bool:  # noqa: ARG002
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[no-any-return]


def always(settings: Any) -> BasePruner:
    """Returns a pruner that prunes every trial."""
    return _Verdict(answer=True)


def yes(settings: Any) -> BasePruner:
    """Returns a pruner that answers with a text."""
    return _Verdict("yes")


def crashing(settings: Any) -> BasePruner:
    """Returns a pruner that fails when it is asked."""
    return _Verdict(RuntimeError("no trial\ntoday"))


def no_pruner(settings: Any) -> None:
    """Returns nothing."""


def of_no_settings() -> BasePruner:
    """Takes no settings."""
    return MedianPruner()

"""Base class of the settings of all samplers."""

from abc import abstractmethod
from dataclasses import dataclass

from optuna import Study
from optuna.samplers import BaseSampler

from hpo.search_space import Space
from segada.settings.base import Seed, Settings


class SamplerSettings(Settings):
    """Section `sampler` of a study file: the sampler and its settings."""

    seed: Seed = 0
    """Seed of every draw of the sampler."""

    @abstractmethod
    def build(self, space: Space, trials: int) -> "StudySampler":
        """Builds the sampler. Its whole state is in the study, so that a new process can continue it.

        Args:
            space: search space.
            trials: number of trials in the study's budget.
        """


@dataclass(frozen=True)
class UsedUp:
    """End of a sampler's configurations.

    Attributes:
        configurations: Number of configurations, all of which trials have.
        is_whole: True if these are all of the space, False if they are the sampler's selection, such as a grid.
    """

    configurations: int
    is_whole: bool


class StudySampler(BaseSampler):
    """Sampler of a study: knows when it has no other configuration to propose."""

    @abstractmethod
    def used_up(self, study: Study) -> UsedUp | None:
        """Returns the end of the configurations if a trial would repeat one; None while there is a new one.

        Running trials count. A trial that failed for a passing reason does not: its configuration may come again.
        """

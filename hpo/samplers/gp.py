"""Bayesian optimization with Gaussian processes: Optuna's implementation, on the whole space. Proposals are slow, but
few trials are needed.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import optuna
from optuna.samplers import GPSampler
from optuna.trial import FrozenTrial
from pydantic import Field

from hpo.samplers.base import SamplerSettings
from hpo.samplers.history import Genome, complete
from hpo.samplers.ranking import places
from hpo.samplers.unconditional import UnconditionalSampler
from hpo.search_space import Space

MEMORY = 100
"""Number of complete trials in the model: half the best, half the latest of the others. The time of a proposal grows
with the cube of it.
"""


class GpSettings(SamplerSettings):
    """Settings of `GPSampler`. It computes with torch, which Optuna loads when it fits the first model."""

    name: Literal["gp"]
    n_startup_trials: int = Field(default=10, ge=2, le=MEMORY)
    """Number of random trials before the model is used."""

    def build(self, space: Space, trials: int) -> "GpFlatSampler":  # noqa: ARG002 - it may be stopped at any time
        return GpFlatSampler(space, self.seed, self._gp)

    def _gp(self, seed: int) -> GPSampler:
        return GPSampler(n_startup_trials=self.n_startup_trials, warn_independent_sampling=False, seed=seed)


class GpFlatSampler(UnconditionalSampler):
    """Limits the trials in the model, and the attempts per trial to three, because a proposal takes about a second."""

    attempts: ClassVar[int] = 3

    def propose(self, study: optuna.Study, trial: FrozenTrial, attempt: int) -> Genome:
        self._rank = places(complete(study.get_trials(deepcopy=False)), study.directions)
        return super().propose(study, trial, attempt)

    def _shown(self, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        left_out = self._left_out()
        return super()._shown([trial for trial in trials if trial.number not in left_out])

    def _left_out(self) -> set[int]:
        """Returns the numbers of the complete trials that are not in the model."""
        if len(self._rank) <= MEMORY:
            return set()
        others = sorted(self._rank, key=self._rank.__getitem__)[MEMORY // 2 :]
        return set(sorted(others)[: -(MEMORY // 2)])

"""Bayesian optimization with Gaussian processes, Optuna's, on the whole space: slow to propose, frugal with trials."""

from typing import ClassVar, Literal

from optuna.samplers import GPSampler
from pydantic import Field

from hpo.samplers.base import SamplerSettings
from hpo.samplers.unconditional import UnconditionalSampler
from hpo.search_space import Space
from segada.settings.limits import COUNT


class GpSettings(SamplerSettings):
    """Settings of `GPSampler`. It computes with torch, which Optuna loads when the first model is fitted."""

    name: Literal["gp"]
    n_startup_trials: int = Field(default=10, ge=2, le=COUNT)
    """Trials drawn at random before the model is used."""

    def build(self, space: Space, trials: int) -> "GpFlatSampler":  # noqa: ARG002 - it may be stopped at any time
        return GpFlatSampler(space, self.seed, self._gp)

    def _gp(self, seed: int) -> GPSampler:
        return GPSampler(n_startup_trials=self.n_startup_trials, warn_independent_sampling=False, seed=seed)


class GpFlatSampler(UnconditionalSampler):
    """Asks three times at most: a proposal takes about a second."""

    attempts: ClassVar[int] = 3

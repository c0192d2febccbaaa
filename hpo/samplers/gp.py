"""Bayesian optimization with Gaussian processes: Optuna's implementation, on the whole space. Proposals are slow, but
few trials are needed.
"""

from typing import ClassVar, Literal

from optuna.samplers import GPSampler
from pydantic import Field

from hpo.samplers.base import SamplerSettings
from hpo.samplers.unconditional import UnconditionalSampler
from hpo.search_space import Space
from segada.settings.limits import COUNT


class GpSettings(SamplerSettings):
    """Settings of `GPSampler`. It computes with torch, which Optuna loads when it fits the first model."""

    name: Literal["gp"]
    n_startup_trials: int = Field(default=10, ge=2, le=COUNT)
    """Number of random trials before the model is used."""

    def build(self, space: Space, trials: int) -> "GpFlatSampler":  # noqa: ARG002 - it may be stopped at any time
        return GpFlatSampler(space, self.seed, self._gp)

    def _gp(self, seed: int) -> GPSampler:
        return GPSampler(n_startup_trials=self.n_startup_trials, warn_independent_sampling=False, seed=seed)


class GpFlatSampler(UnconditionalSampler):
    """Limits the attempts per trial to three, because a proposal takes about a second."""

    attempts: ClassVar[int] = 3

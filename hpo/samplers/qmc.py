"""Quasi-random points (a scrambled Sobol sequence), Optuna's: more even than random ones, and as blind."""

import warnings
from typing import Literal

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import QMCSampler

from hpo.samplers.base import SamplerSettings
from hpo.samplers.unconditional import UnconditionalSampler
from hpo.search_space import Space


class QmcSettings(SamplerSettings):
    """Settings of `QMCSampler`."""

    name: Literal["qmc"]
    qmc_type: Literal["sobol", "halton"] = "sobol"
    """Which points; halton is as even at any number of trials, sobol at powers of two more so."""

    def build(self, space: Space, trials: int) -> UnconditionalSampler:  # noqa: ARG002 - a sequence has no end
        return UnconditionalSampler(space, self.seed, self._qmc)

    def _qmc(self, seed: int) -> QMCSampler:  # noqa: ARG002 - one sequence is for all trials
        with warnings.catch_warnings():
            # Optuna may yet change the sampler; the contract tests would tell.
            warnings.simplefilter("ignore", ExperimentalWarning)
            # Each attempt takes the next point; how far the sequence has come, Optuna keeps in the study.
            return QMCSampler(qmc_type=self.qmc_type, scramble=True, seed=self.seed, warn_independent_sampling=False)

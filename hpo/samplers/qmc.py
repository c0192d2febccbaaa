"""Quasi-random points (scrambled Sobol or Halton sequence): Optuna's implementation. They cover the space more evenly
than random points, and do not learn.
"""

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
    """Type of sequence; halton is even at any number of trials, sobol is more even at powers of two."""

    def build(self, space: Space, trials: int) -> UnconditionalSampler:  # noqa: ARG002 - a sequence has no end
        return UnconditionalSampler(space, self.seed, self._qmc)

    def _qmc(self, seed: int) -> QMCSampler:  # noqa: ARG002 - one sequence is for all trials
        with warnings.catch_warnings():
            # The sampler is experimental in Optuna and may change; the contract tests would show it.
            warnings.simplefilter("ignore", ExperimentalWarning)
            # Each attempt takes the next point; Optuna stores the position in the sequence in the study.
            return QMCSampler(qmc_type=self.qmc_type, scramble=True, seed=self.seed, warn_independent_sampling=False)

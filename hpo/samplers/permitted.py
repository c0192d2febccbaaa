"""Any sampler, of whose proposals the forbidden ones are drawn again."""

from collections.abc import Sequence

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from hpo.parameters.base import Raw
from hpo.space import Space

TRIES = 100
"""Proposals of the sampler before the point is drawn evenly from all that are permitted."""

FIXED = "fixed_params"
"""System attribute in which Optuna keeps what an enqueued trial must have."""

LAST_RESORT = 5
"""The word after the seed of the draw that takes the place of a sampler's proposal."""


def permitted(sampler: BaseSampler, space: Space, seed: int) -> BaseSampler:
    """The sampler itself if nothing is forbidden, else one that proposes the same, forbidden points excepted.

    These are rejected and another is asked for, which leaves the sampler's distribution over the others as it is
    (ConfigSpace does the same). No trial is spent on it. A sampler that insists gets a point drawn evenly at random.

    Args:
        sampler: the sampler; asked again for the same trial, it should give another point.
        space: the space.
        seed: of the last resort.
    """
    return Permitted(sampler, space, seed) if space.forbidden else sampler


class Permitted(BaseSampler):
    """Asks another sampler for whole points until one is not forbidden; see `permitted`."""

    def __init__(self, sampler: BaseSampler, space: Space, seed: int) -> None:
        self._sampler = sampler
        self._space = space
        self._seed = seed

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:  # noqa: ARG002
        return self._space.distributions()

    def sample_relative(
        self,
        study: Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],  # noqa: ARG002 - always the whole space
    ) -> dict[str, Raw]:
        fixed = trial.system_attrs.get(FIXED, {})
        for _ in range(TRIES):
            proposal = {**self._proposal(study, trial), **fixed}
            if self._space.permits(proposal):
                return proposal
        # What a person has enqueued stays, even if it can be completed in no other way than a forbidden one.
        generator = np.random.default_rng((self._seed, LAST_RESORT, trial.number))
        drawn = [{**self._space.draw_raw(generator), **fixed} for _ in range(TRIES)]
        return next((point for point in drawn if self._space.permits(point)), drawn[0])

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Raw:
        value: Raw = self._sampler.sample_independent(study, trial, param_name, param_distribution)
        return value

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        self._sampler.before_trial(study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        self._sampler.after_trial(study, trial, state, values)

    def _proposal(self, study: Study, trial: FrozenTrial) -> dict[str, Raw]:
        """A value for every dimension: what is inactive in the end changes nothing."""
        together = self._sampler.infer_relative_search_space(study, trial)
        relative = self._sampler.sample_relative(study, trial, together)
        return {
            name: relative[name] if name in relative else self.sample_independent(study, trial, name, distribution)
            for name, distribution in self._space.distributions().items()
        }

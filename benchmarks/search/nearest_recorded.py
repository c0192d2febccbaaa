"""Another sampler, whose proposals become recorded configurations: each is tried once."""

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from benchmarks.search.recorded import RecordedTable
from hpo.search_space.parameter import Raw


class Snapped(BaseSampler):
    """Gives every trial the nearest recorded configuration that none has had.

    The study holds what was recorded, never a proposal with somebody else's result. The sampler itself is unchanged.
    """

    def __init__(self, sampler: BaseSampler, table: RecordedTable) -> None:
        self._sampler = sampler
        self._table = table
        self._left = set(range(len(table.trials)))
        self.rows: dict[int, int] = {}
        """The recorded trial that each trial is, by number."""

    @property
    def is_spent(self) -> bool:
        """Whether every recorded trial has been given away."""
        return not self._left

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:  # noqa: ARG002
        return self._table.space.distributions()

    def sample_relative(
        self,
        study: Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],  # noqa: ARG002 - always the whole space
    ) -> dict[str, Raw]:
        space = self._sampler.infer_relative_search_space(study, trial)
        together = self._sampler.sample_relative(study, trial, space)
        proposed = self._table.space.walk(
            lambda one: (
                together[one.name]
                if one.name in together
                else self._sampler.sample_independent(study, trial, one.name, one.distribution)
            )
        )
        row = self._table.nearest(proposed, self._left)
        self._left.remove(row)
        self.rows[trial.number] = row
        return self._table.raw[row]

    def sample_independent(self, *asked: object) -> Raw:
        raise AssertionError(f"{asked} is about no dimension of the table's space")

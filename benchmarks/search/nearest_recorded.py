"""Wraps a sampler so that its proposals become recorded configurations, each tried once."""

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from benchmarks.search.recorded import RecordedTable
from hpo.search_space.parameter import Raw


class NearestRecordedSampler(BaseSampler):
    """Replaces each proposal by the nearest recorded configuration that no trial has had.

    The study contains the recorded configuration, never the proposal with a result of another one. The sampler itself
    is unchanged.
    """

    def __init__(self, sampler: BaseSampler, table: RecordedTable) -> None:
        self._sampler = sampler
        self._table = table
        self._left = set(range(len(table.trials)))
        self.rows: dict[int, int] = {}
        """Index of the recorded trial by number of the study's trial."""

    @property
    def is_spent(self) -> bool:
        """True if every recorded trial has been used."""
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
        raise AssertionError(f"{asked} belongs to no dimension of the table's space")

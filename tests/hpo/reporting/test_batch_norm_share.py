"""The conclusion says how much of the gain over the source model batch norm alone has."""

import numpy as np
import pytest
from study_samples import candidate, random_areas, results

from hpo.reporting.conclusion import conclusion
from hpo.results.confirmation import Bootstrap, Confirmation, confirm

BASE = random_areas(np.random.default_rng(0), 0.6)


def confirmed(**right: int) -> Confirmation:
    """Configurations with so many pixels more than the source model right, of 100 of each class; the last is best."""
    runs = []
    for name, more in right.items():
        areas = BASE.copy()
        areas[:, 0] += more
        runs.append(candidate("trial 1" if name == "trial" else name, 1 if name == "trial" else None, areas))
    return confirm(runs[-1:], runs[:-1], {}, Bootstrap(replicates=200))


@pytest.mark.parametrize(("batch_norm", "trial"), [(3, 8), (-2, 5), (4, -3)])
def test_its_points_are_the_difference_of_the_two_gains(batch_norm: int, trial: int) -> None:
    found = confirmed(source_only=0, batch_norm=batch_norm, trial=trial)
    means = {run.name: 100 * run.scored_miou.value for run in found.runs}
    whole, part = (means[name] - means["source_only"] for name in ("trial 1", "batch_norm"))
    gain = f"Its gain over the untouched source model is {whole:+.1f} points"
    assert f"{gain}; batch-norm re-estimation alone has {part:+.1f} (" in conclusion(results(found)).detail


def test_nothing_is_said_without_one_of_the_baselines() -> None:
    for found in (confirmed(source_only=0, trial=5), confirmed(batch_norm=0, trial=5)):
        assert "Its gain over" not in conclusion(results(found)).detail

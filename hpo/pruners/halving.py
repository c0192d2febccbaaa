"""Asynchronous successive halving over visits, with one or several objectives."""

import numpy as np
from optuna import Study
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial

from hpo.samplers.history import RUNG, rung_losses_of
from hpo.samplers.ranking import Losses, fronts


class HalvingPruner(BasePruner):
    """Prunes a trial that, at a rung, is not among the best 1 / `reduction_factor` of all trials that reached the rung.

    Trials are ranked by the rung's value, with several objectives by non-dominated rank (Schmucker et al. 2021, arXiv
    2106.12639); the front that contains the last kept rank continues as a whole. The only state is the losses of trials
    at their rungs; intermediate values are the objective's, for people.
    """

    def __init__(self, min_visits: int, reduction: int) -> None:
        self._min_visits = min_visits
        self._reduction = reduction

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Returns True if the trial stops after its last reported visit."""
        judged = rung_losses_of(trial)
        visits = max(judged, default=0)
        if not self._is_rung(visits):
            return False
        mine = judged[visits]
        if np.isnan(mine).any():
            return True
        rung = RUNG.format(visits=visits)
        others = [one.system_attrs.get(rung) for one in study.get_trials(deepcopy=False) if one.number != trial.number]
        came = np.array([mine, *(losses for losses in others if losses is not None and not np.isnan(losses).any())])
        ranks = _ranks(came)
        kept = max(len(came) // self._reduction, 1)
        return bool(ranks[0] > np.sort(ranks)[kept - 1])

    def _is_rung(self, visits: int) -> bool:
        rung = self._min_visits
        while rung < visits:
            rung *= self._reduction
        return rung == visits


def _ranks(losses: Losses) -> Losses:
    """Returns the number of the front of each row (n × m); 0 for non-dominated rows."""
    ranks = np.zeros(len(losses))
    if losses.shape[1] == 1:
        return np.unique(losses[:, 0], return_inverse=True)[1].astype(float)
    for rank, front in enumerate(fronts(losses)):
        ranks[front] = rank
    return ranks

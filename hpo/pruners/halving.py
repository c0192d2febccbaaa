"""Asynchronous successive halving over visits, with one or several objectives."""

import numpy as np
from optuna import Study
from optuna.pruners import BasePruner
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from hpo.samplers.ranking import Losses, fronts

RUNG = "rung/{visits}"
"""User attribute of a trial with several objectives: `objectives.rung_losses` after this number of visits. The trial's
intermediate values stay empty, because Optuna's samplers would take them for those of a single objective.
"""


class HalvingPruner(BasePruner):
    """Prunes a trial that, at a rung, is not among the best 1 / `reduction_factor` of all trials that reached the rung.

    Trials are ranked by the rung's value, with several objectives by non-dominated rank (Schmucker et al. 2021, arXiv
    2106.12639); the front that contains the last kept rank continues as a whole. The only state is the trials' reports.
    """

    def __init__(self, min_visits: int, reduction: int) -> None:
        self._min_visits = min_visits
        self._reduction = reduction

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Returns True if the trial stops after its last reported visit."""
        visits = _visits(trial)
        if not self._is_rung(visits):
            return False
        mine = _losses(study, trial, visits)
        if mine is None or np.isnan(mine).any():
            return True
        others = [_losses(study, one, visits) for one in study.get_trials(deepcopy=False) if one.number != trial.number]
        came = np.array([mine, *(losses for losses in others if losses is not None and not np.isnan(losses).any())])
        ranks = _ranks(came)
        kept = max(len(came) // self._reduction, 1)
        return bool(ranks[0] > np.sort(ranks)[kept - 1])

    def _is_rung(self, visits: int) -> bool:
        rung = self._min_visits
        while rung < visits:
            rung *= self._reduction
        return rung == visits


def _visits(trial: FrozenTrial) -> int:
    prefix = RUNG.format(visits="")
    noted = [int(name.removeprefix(prefix)) for name in trial.user_attrs if name.startswith(prefix)]
    return max([*trial.intermediate_values, *noted], default=0)


def _losses(study: Study, trial: FrozenTrial, visits: int) -> list[float] | None:
    """Returns a trial's losses after this number of visits, smaller is better; None if it did not get that far."""
    if len(study.directions) > 1:
        return trial.user_attrs.get(RUNG.format(visits=visits))
    if visits not in trial.intermediate_values:
        return None
    value = trial.intermediate_values[visits]
    return [-value if study.direction == StudyDirection.MAXIMIZE else value]


def _ranks(losses: Losses) -> Losses:
    """Returns the number of the front of each row (n × m); 0 for non-dominated rows."""
    ranks = np.zeros(len(losses))
    if losses.shape[1] == 1:
        return np.unique(losses[:, 0], return_inverse=True)[1].astype(float)
    for rank, front in enumerate(fronts(losses)):
        ranks[front] = rank
    return ranks

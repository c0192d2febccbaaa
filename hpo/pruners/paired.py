"""A paired test, frame by frame, of a running trial against the best one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from optuna import Study
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial
from scipy.stats import wilcoxon

from hpo.samplers.ranking import best_first
from segada.artifacts.run_files import read_areas
from segada.metrics import Areas, Floats, mean_iou_by_set


class PairedPruner(BasePruner):
    """Stops a trial that predicts the held-out frames worse than the best complete trial did after the same visits.

    All trials see the same frames, so that the differences of the frames' mIoU say it with far fewer of them than two
    means would: the trial stops if their mean is below zero and Wilcoxon's signed-rank test (Wilcoxon 1945), one-sided,
    gives less than `alpha`. Optuna's own `WilcoxonPruner` wants a report per frame, and reports are visits here.

    The frames are read from the trials' folders, where the engine writes them before it reports a visit. Where drivers
    on several machines share the folder of the study, they see each other's; a folder that is not there, not up to
    date yet, or damaged, stops nothing.
    """

    def __init__(self, min_visits: int, alpha: float, trials: Path) -> None:
        """Takes the least number of visits, the level of the test, and the folder of the trials' folders."""
        self._min_visits = min_visits
        self._alpha = alpha
        self._trials = trials

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial stops after the visits that it reported last."""
        best = next(iter(best_first(study.get_trials(deepcopy=False), study.directions)), None)
        if best is None:
            return False
        ours, theirs = (read_areas(self._trials / str(one.number)).value for one in (trial, best))
        visits = min(len(ours), len(theirs), trial.last_step or 0)
        if visits < self._min_visits:
            return False
        differences = frame_differences(ours[:visits], theirs[:visits])
        # Frames that are predicted alike count half for either side.
        test = wilcoxon(differences, alternative="less", zero_method="zsplit")
        return bool(differences.mean() < 0 and test.pvalue < self._alpha)


def frame_differences(ours: Sequence[Areas], theirs: Sequence[Areas]) -> Floats:
    """By how much each frame's mIoU is higher in the first run than in the second, on average over the visits.

    Frames are the unit of the test. The same frame, or the same scene in other weather, after another visit tells
    little that is new, so visits to domains of equally many frames are averaged frame by frame.

    Args:
        ours: areas of the visited domain's held-out frames, visit by visit.
        theirs: the same of the other run.

    Returns:
        [frames], over all numbers of frames that a domain has.
    """
    by_length: dict[int, list[Floats]] = {}
    for first, second in zip(ours, theirs, strict=True):
        by_length.setdefault(len(first), []).append(mean_iou_by_set(first) - mean_iou_by_set(second))
    return np.concatenate([np.mean(visits, axis=0) for visits in by_length.values()])

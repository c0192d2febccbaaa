"""Pruner with a paired test, frame by frame, of a running trial against the best trial."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from optuna import Study
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial

from hpo.samplers.history import rung_losses_of
from hpo.samplers.ranking import best_first
from hpo.statistics.paired_test import lower_p
from hpo.statistics.recordings import Recordings
from segada.artifacts.run_files import read_areas, read_recordings
from segada.metrics import Areas, Floats, mean_iou_by_set


class PairedPruner(BasePruner):
    """Prunes a trial that predicts the held-out frames worse than the best complete trial did after the same visits.

    All trials see the same frames, so the paired differences of the frames' mIoU need far fewer frames than two means.
    The trial stops if their mean is below zero and a one-sided test gives p < `alpha`: the signed-rank test (Wilcoxon
    1945) for independent scenes, a t-test with the standard error of a block bootstrap for frames of recordings, which
    are correlated.
    Optuna's `WilcoxonPruner` needs a report per frame, while a report here is a visit.

    The frames' areas are read from the trials' folders, where the engine writes them before it reports a visit. Drivers
    on several machines that share the run folder see each other's areas. A folder that is missing, not up to date, or
    damaged prunes nothing.
    """

    def __init__(self, min_visits: int, alpha: float, trials: Path) -> None:
        """Stores the minimum number of visits, the level of the test, and the parent folder of the trials' folders."""
        self._min_visits = min_visits
        self._alpha = alpha
        self._trials = trials

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Returns True if the trial stops after its last reported visit."""
        best = next(iter(best_first(study.get_trials(deepcopy=False), study.directions)), None)
        if best is None:
            return False
        ours, theirs = (read_areas(self._trials / str(one.number)).value for one in (trial, best))
        visits = min(len(ours), len(theirs), max(rung_losses_of(trial), default=0))
        if visits < self._min_visits:
            return False
        recordings = [Recordings.of(one) for one in read_recordings(self._trials / str(best.number)).value[:visits]]
        differences, recorded = frame_differences(ours[:visits], theirs[:visits], recordings)
        if len(differences) == 0:
            # None of these visits was to a domain with labels.
            return False
        return bool(differences.mean() < 0 and lower_p(differences, recorded) < self._alpha)


def frame_differences(
    ours: Sequence[Areas], theirs: Sequence[Areas], recordings: Sequence[Recordings]
) -> tuple[Floats, Recordings]:
    """Returns by how much each frame's mIoU is higher in the first run than in the second, averaged over visits.

    Frames are the unit of the test. The same frame after another visit, or the same scene in other weather, adds little
    information, so visits to domains with the same recordings are averaged frame by frame.

    Args:
        ours: areas of the visited domain's held-out frames in the first run, by visit.
        theirs: areas of the second run, by visit.
        recordings: recordings of these frames, by visit.

    Returns:
        Differences [frames], concatenated over distinct recordings, and these recordings.
    """
    found: dict[Recordings, list[Floats]] = {}
    for first, second, known in zip(ours, theirs, recordings, strict=True):
        found.setdefault(known, []).append(mean_iou_by_set(first) - mean_iou_by_set(second))
    lengths = tuple(length for known in found for length in known.lengths)
    return np.concatenate([np.mean(visits, axis=0) for visits in found.values()]), Recordings(lengths)

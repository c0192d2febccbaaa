"""First trials of a new study as they are added to its storage."""

from dataclasses import dataclass, field
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial

from hpo.search_space.parameter import Raw
from hpo.study.attributes import HASH, ORIGIN, TAKEN_OVER
from hpo.study.origin import START


@dataclass
class Beginning:
    """First trials of a new study.

    Attributes:
        points: Stored values of the points to try, each once.
        results: Finished trials of former studies.
        notes: Sentences about what was taken over, changed and left out.
    """

    points: list[dict[str, Raw]] = field(default_factory=list)
    results: list[FrozenTrial] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def begin(optuna_study: optuna.Study, beginning: Beginning) -> None:
    """Adds the first trials to a new study; what an earlier driver added before it died is not added again."""
    there = optuna_study.get_trials(deepcopy=False)
    known = {trial.system_attrs[HASH] for trial in there if TAKEN_OVER in trial.user_attrs}
    for trial in beginning.results:
        if trial.system_attrs[HASH] not in known:
            optuna_study.add_trial(trial)
    if all(TAKEN_OVER in trial.user_attrs for trial in there):
        for point in beginning.points:
            optuna_study.enqueue_trial(point, {ORIGIN: START})


def taken_over_from(trial: FrozenTrial) -> str | None:
    """Returns where a result that was taken over comes from; None for a trial of the study itself."""
    origin = trial.user_attrs.get(TAKEN_OVER)
    return None if origin is None else f"taken over from trial {origin['trial']} of {origin['study']}"


def folder_of(trial: FrozenTrial, own: Path) -> Path:
    """Returns the folder of a trial's files: its own, or that in the former study from which it was taken over."""
    origin = trial.user_attrs.get(TAKEN_OVER)
    return own if origin is None else Path(origin["study"]) / "trials" / str(origin["trial"])

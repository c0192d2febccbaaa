"""History of a study's points, with each trial read once."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from hpo.samplers.active_genes import ActiveGenes
from hpo.search_space import Space
from hpo.search_space.parameter import Raw
from hpo.search_space.scaling import from_unit

Genome = dict[str, Raw]
"""Value for every dimension of the space, active or not."""

GENOME = "genome"
"""System attribute of a trial: its proposed genome, including inactive values."""

FIXED = "fixed_params"
"""System attribute in which Optuna stores the fixed values of an enqueued trial."""

OURS = "hpo:"
"""Prefix of the system attributes that this package adds to studies and trials."""

RUNG = f"{OURS}rung/{{visits}}"
"""System attribute of a trial: `rung_values.rung_losses` after this number of visits, by which pruners and samplers
compare trials that are not complete.
"""

PASSING = f"{OURS}passing"
"""System attribute of a failed trial: True if it failed for a reason that is not its configuration's, such as a lost
worker.
"""

ATTEMPTS = 3
"""Number of trials of one configuration that fail for passing reasons, after which it is not proposed again."""

MISSING = 3
"""Word after the seed for drawing genes that a trial lacks."""


DIGITS = 12
"""Number of significant digits up to which two numbers count as equal, so that only one is tried."""


class TrialHistory:
    """Points of a study's trials. It has no state of its own: a new process reads the same from the study."""

    def __init__(self, space: Space, study: Study | None = None, aside: Sequence[FrozenTrial] = ()) -> None:
        """Starts without any trial read; without a study it stays empty.

        Args:
            space: search space.
            study: study of the trials.
            aside: trials that the study does not show, but whose points are not tried again.
        """
        self._active_genes = ActiveGenes(space)
        self._study = study
        self._tried = {self._key(trial.params) for trial in aside}
        self._attempts: Counter[frozenset[tuple[str, Raw]]] = Counter()
        self._open: dict[int, dict[str, Raw]] = {}
        self._count = 0

    def is_of(self, study: Study) -> bool:
        """Returns True if this is the history of the given study, read through the same view."""
        return self._study is study

    def look(self) -> list[FrozenTrial]:
        """Reads new trials; returns those that finished since the last call, in order of their numbers."""
        assert self._study is not None
        trials = self._study.get_trials(deepcopy=False)
        # Numbers are no positions: trials of other programs may be left out.
        unread = [trial for trial in trials if trial.number >= self._count or trial.number in self._open]
        finished = [trial for trial in unread if trial.state.is_finished()]
        self._count = max((trial.number + 1 for trial in unread), default=self._count)
        for trial in finished:
            self._try(trial)
        self._open = {
            trial.number: self._active_genes(promised(trial)) for trial in unread if not trial.state.is_finished()
        }
        return finished

    def running(self, number: int) -> list[dict[str, Raw]]:
        """Returns the known points of unfinished trials other than the one with this number."""
        return [point for other, point in self._open.items() if other != number]

    def is_new(self, point: Mapping[str, Raw], number: int) -> bool:
        """Returns True if no trial other than the one with this number has this configuration."""
        key = self._key(point)
        return key not in self._tried and all(key != _rounded(other) for other in self.running(number))

    def _try(self, trial: FrozenTrial) -> None:
        key = self._key(trial.params)
        self._attempts[key] += is_passing(trial)
        if not is_passing(trial) or self._attempts[key] >= ATTEMPTS:
            self._tried.add(key)

    def _key(self, point: Mapping[str, Raw]) -> frozenset[tuple[str, Raw]]:
        return _rounded(self._active_genes(point))


def _rounded(point: Mapping[str, Raw]) -> frozenset[tuple[str, Raw]]:
    """Returns a point rounded for comparison: other processors may compute the same number with other last bits."""
    return frozenset(
        (name, float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value) for name, value in point.items()
    )


def is_passing(trial: FrozenTrial) -> bool:
    """Returns True if a trial failed for a passing reason, so that its configuration may come again."""
    return trial.state == TrialState.FAIL and bool(trial.system_attrs.get(PASSING))


def promised(trial: FrozenTrial) -> dict[str, Raw]:
    """Returns the known values of a trial that may not have set all its parameters yet."""
    return {**trial.system_attrs.get(FIXED, {}), **trial.system_attrs.get(GENOME, {}), **trial.params}


def rung_losses_of(trial: FrozenTrial) -> dict[int, list[float]]:
    """Returns the losses by which a trial is compared with others, by number of visits; smaller is better."""
    prefix = RUNG.format(visits="")
    noted = {name: losses for name, losses in trial.system_attrs.items() if name.startswith(prefix)}
    return {int(name.removeprefix(prefix)): losses for name, losses in noted.items()}


def whole(space: Space, trial: FrozenTrial, seed: int) -> Genome:
    """Returns all genes of a trial: its parameters, its recorded inactive genes, and draws by its number for missing
    genes.

    Trials that were enqueued, or that came from another study, may have no recorded genes.
    """
    carried = {**trial.system_attrs.get(GENOME, {}), **trial.params}
    distributions = space.distributions()
    lacking = [name for name in distributions if name not in carried]
    if not lacking:
        return {name: carried[name] for name in distributions}
    units = np.random.default_rng((seed, MISSING, trial.number)).random(len(distributions))
    drawn = {name: from_unit(one, unit) for (name, one), unit in zip(distributions.items(), units, strict=True)}
    return {name: carried.get(name, drawn[name]) for name in distributions}


def complete(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Returns the trials with a result, neither pruned nor failed."""
    return [trial for trial in trials if trial.state == TrialState.COMPLETE]

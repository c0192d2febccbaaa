"""What Tune says of workers that die."""

from pathlib import Path

from ray import cloudpickle
from ray.exceptions import RayTaskError
from ray.tune import Callback
from ray.tune.experiment import Trial
from typing_extensions import override

from hpo.tuning.search import AgendaSearcher


class Deaths(Callback):
    """Tells the agenda of jobs that go on in another worker, and of those that nobody could finish.

    Tune also tells its scheduler of errors, but of every error: those that it tries again are not told apart there.
    """

    def __init__(self, searcher: AgendaSearcher) -> None:
        self._searcher = searcher

    @override
    def on_trial_recover(self, iteration: int, trials: list[Trial], trial: Trial, **info: object) -> None:
        """Called before the retry."""
        self._searcher.agenda.recovered(self._searcher.job(trial.trial_id))

    @override
    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: object) -> None:
        """Called when there is no retry left."""
        self._searcher.agenda.broke(self._searcher.job(trial.trial_id), _reason(trial))


def _reason(trial: Trial) -> str:
    # From the file that Tune has just written: what `Trial.get_error` reads may not have been uploaded yet.
    path = trial.pickled_error_file
    error = cloudpickle.loads(Path(path).read_bytes()) if path else None
    if isinstance(error, RayTaskError):
        return f"{type(error.cause).__name__}: {error.cause}"
    return f"its worker died {trial.run_metadata.num_failures} times, last with: {str(error).splitlines()[0]}"

"""Handling of dead workers: Tune callback that reports retries and failures to the coordinator."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from ray import cloudpickle
from ray.exceptions import RayTaskError
from ray.tune import Callback
from ray.tune.experiment import Trial
from typing_extensions import override

from hpo.execution.memory import LEAN_BATCH, was_evicted
from hpo.execution.searcher import JobSearcher
from hpo.execution.trainable import DEVICE, GIVEN_UP, LEAN
from hpo.study.jobs import RunUpdate
from segada.cli.exit_codes import is_out_of_memory
from segada.core.storage_errors import DeniedError, storage_error

_FAILURE = "Failure # "
"""First words of each entry in a trial's error file."""


class Deaths(Callback):
    """Tells the coordinator which jobs resume in another worker, and which jobs failed in every attempt.

    Tune's scheduler is told of every error as well, but cannot distinguish those that Tune retries. Tune also sees the
    death of a worker that is taking its next job twice, the second time without a retry; such a job returns to the
    coordinator, which hands it out again.
    """

    def __init__(self, searcher: JobSearcher, retries: int, lost: Callable[[], str | None] = lambda: None) -> None:
        """Watches the jobs of a searcher.

        Args:
            searcher: searcher that maps Tune's trials to jobs.
            retries: number of times that a job is tried again, in any worker.
            lost: names the lost Ray process, if any; jobs do not fail from such a loss, and the driver is ending.
        """
        self._searcher = searcher
        self._retries = retries
        self._lost = lost
        self._deaths: Counter[str] = Counter()
        self._heard: dict[str, str] = {}

    @override
    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: object) -> None:
        """Sets the remaining retries when a worker takes the trial: deaths before it was requeued count."""
        trial.max_failures = self._retries - self._deaths[self._searcher.job(trial.trial_id).name]

    @override
    def on_trial_recover(self, iteration: int, trials: list[Trial], trial: Trial, **info: object) -> None:
        """Handles an error before the retry, for which the trial's configuration may still be changed."""
        if self._lost() is not None:
            return
        reason = _reason(trial)
        self._heard[trial.trial_id] = _latest(trial)
        if _is_for_memory(trial):
            # The retry that Tune has already started ends at once if it is the second for lack of memory.
            key = GIVEN_UP if trial.config[LEAN] else LEAN
            trial.config = {**trial.config, key: f"out of memory, evaluated in batches of {LEAN_BATCH}: {reason}"}
        self._searcher.coordinator.recovered(self._searcher.job(trial.trial_id), reason)

    @override
    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: object) -> None:
        """Handles an error without a retry left."""
        if self._lost() is not None:
            return
        job = self._searcher.job(trial.trial_id)
        error = _own_error(trial)
        refused = None if error is None else storage_error(error, job.folder)
        if refused is not None:
            denied = isinstance(refused, DeniedError)
            said = RunUpdate(report=None, finished=False, failure=str(refused), concerns_all=True)
            said = said.model_copy(update={"passes": not denied, "denied": denied})
            self._searcher.coordinator.visited(job, said)
            return
        is_known = self._heard.get(trial.trial_id) == _latest(trial)
        self._deaths[job.name] += trial.run_metadata.num_failures - is_known
        deaths = self._deaths[job.name]
        if error is None and deaths <= self._retries:
            if not is_known:
                self._searcher.coordinator.recovered(job, _reason(trial))
            self._searcher.coordinator.returned(job)
            return
        times = f"its worker died {deaths} times, last with: " if error is None else ""
        memory = "out of memory: " if _is_for_memory(trial) else ""
        passes = error is None or bool(memory) or isinstance(error, OSError) or DEVICE in str(error)
        self._searcher.coordinator.broke(job, f"{memory}{times}{_reason(trial)}", passes=passes)


def _is_for_memory(trial: Trial) -> bool:
    error = _own_error(trial)
    return was_evicted(_latest(trial)) if error is None else is_out_of_memory(error)


def _reason(trial: Trial) -> str:
    """Returns the reason of the latest error in one line."""
    error = _own_error(trial)
    if error is not None:
        return f"{type(error).__name__}: {error}"
    lines = [line.strip() for line in _latest(trial).splitlines() if line.strip()]
    return lines[0] if lines else "unknown"


def _own_error(trial: Trial) -> Exception | None:
    """Returns the exception that the job's own code raised; None if its worker died of another cause."""
    # The file was just written by Tune; the file that `Trial.get_error` reads may not be uploaded yet.
    path = trial.pickled_error_file
    error = cloudpickle.loads(Path(path).read_bytes()) if path else None
    # A worker that is killed for lack of memory leaves the pickle of the previous error.
    if not isinstance(error, RayTaskError) or str(error).strip() != _latest(trial).strip():
        return None
    cause: Exception = error.cause
    return cause


def _latest(trial: Trial) -> str:
    """Returns Tune's note of the latest error; empty before the first error."""
    path = trial.error_file
    noted = Path(path).read_text(encoding="utf-8") if path else ""
    return noted.rpartition(_FAILURE)[2].partition("\n")[2]

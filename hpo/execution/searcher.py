"""Ray Tune searcher that hands out the coordinator's jobs."""

from pathlib import Path

from ray.tune.search import Searcher
from typing_extensions import override

from hpo.execution.trainable import Config, config_of
from hpo.orchestration.coordinator import RunCoordinator
from hpo.study.jobs import Job


class JobSearcher(Searcher):
    """Suggests jobs while the coordinator has any.

    It has no state that could be lost: finished jobs are recorded in the study and in the jobs' folders. Results arrive
    through the scheduler, which sees every visit; the searcher ignores the end of a trial.
    """

    def __init__(self, coordinator: RunCoordinator) -> None:
        super().__init__()
        self.coordinator = coordinator
        self._jobs: dict[str, Job] = {}

    def __getstate__(self) -> dict[str, object]:
        """Returns an empty state: Tune pickles its arguments for a restore that is never used."""
        return {}

    def job(self, trial_id: str) -> Job:
        """Returns the job of a Tune trial."""
        return self._jobs[trial_id]

    @override
    def suggest(self, trial_id: str) -> Config | str | None:  # type: ignore[override]  # its annotation forgets FINISHED
        """Returns the next job; None while it depends on running jobs; FINISHED when there will be no more."""
        job = self.coordinator.next_job()
        if job is None:
            return Searcher.FINISHED if self.coordinator.is_over else None
        self._jobs[trial_id] = job
        return config_of(job)

    @override
    def set_search_properties(self, metric: str | None, mode: str | None, config: object, **spec: object) -> bool:
        """Ignores Tune's metric and mode: the study defines its objectives."""
        return True

    @override
    def on_trial_complete(self, trial_id: str, result: object = None, error: bool = False) -> None:
        """Does nothing; Tune may call it several times per trial."""

    @override
    def save(self, checkpoint_path: str) -> None:
        """Creates the empty file that Tune moves into place."""
        Path(checkpoint_path).touch()

    @override
    def restore(self, checkpoint_path: str) -> None:
        """Does nothing: there is no state (see the class)."""

"""The one Ray Tune searcher: hands out the agenda's jobs."""

from pathlib import Path

from ray.tune.search import Searcher
from typing_extensions import override

from hpo.execution.trainable import Config, config_of
from hpo.orchestration.coordinator import RunCoordinator
from hpo.study.jobs import Job


class JobSearcher(Searcher):
    """Suggests jobs while the agenda has any.

    It keeps nothing that could be lost: what is done stands in the study and in the jobs' folders. Results arrive
    through the scheduler, which sees every visit; here a trial's end says nothing new.
    """

    def __init__(self, coordinator: RunCoordinator) -> None:
        super().__init__()
        self.coordinator = coordinator
        self._jobs: dict[str, Job] = {}

    def __getstate__(self) -> dict[str, object]:
        """Nothing: Tune pickles all that it is given for a restore that is never used."""
        return {}

    def job(self, trial_id: str) -> Job:
        """The job behind Tune's trial."""
        return self._jobs[trial_id]

    @override
    def suggest(self, trial_id: str) -> Config | str | None:  # type: ignore[override]  # its annotation forgets FINISHED
        """The next job, None while it depends on running ones, FINISHED when there will be no more."""
        job = self.coordinator.next_job()
        if job is None:
            return Searcher.FINISHED if self.coordinator.is_over else None
        self._jobs[trial_id] = job
        return config_of(job)

    @override
    def set_search_properties(self, metric: str | None, mode: str | None, config: object, **spec: object) -> bool:
        """Accepts whatever Tune says: the study knows its objectives."""
        return True

    @override
    def on_trial_complete(self, trial_id: str, result: object = None, error: bool = False) -> None:
        """Does nothing, as often as Tune likes."""

    @override
    def save(self, checkpoint_path: str) -> None:
        """Leaves the empty file that Tune wants to move into place."""
        Path(checkpoint_path).touch()

    @override
    def restore(self, checkpoint_path: str) -> None:
        """Has nothing to restore; see the class."""

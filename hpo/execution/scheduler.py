"""The Ray Tune scheduler: tells the agenda of every visit, and stops what the agenda stops."""

from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from typing_extensions import override

from hpo.execution.searcher import JobSearcher
from hpo.execution.trainable import PROGRESS
from hpo.study.jobs import RunUpdate

Result = dict[str, str]


class VisitScheduler(FIFOScheduler):
    """First come, first served; pruning is the study's decision, taken at the end of a visit."""

    _supports_buffered_results = False

    def __init__(self, searcher: JobSearcher) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._searcher = searcher

    @override
    def on_trial_result(self, tune_controller: TuneController, trial: Trial, result: Result) -> str:
        """A visit that is not the last one."""
        goes_on = self._searcher.coordinator.visited(self._searcher.job(trial.trial_id), _progress(result))
        return str(TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP)

    @override
    def on_trial_complete(self, tune_controller: TuneController, trial: Trial, result: Result) -> None:
        """The last visit, or a failure of the run's own."""
        self._searcher.coordinator.visited(self._searcher.job(trial.trial_id), _progress(result))


def _progress(result: Result) -> RunUpdate:
    return RunUpdate.model_validate_json(result[PROGRESS])

"""Ray Tune scheduler that reports every visit to the coordinator, and stops the jobs that the coordinator stops."""

from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from typing_extensions import override

from hpo.execution.naming import name_actors
from hpo.execution.searcher import JobSearcher
from hpo.execution.trainable import PROGRESS
from hpo.study.jobs import RunUpdate

Result = dict[str, str]


class VisitScheduler(FIFOScheduler):
    """First-in-first-out scheduler; the study decides about pruning at the end of every visit."""

    _supports_buffered_results = False

    def __init__(self, searcher: JobSearcher) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._searcher = searcher

    @override
    def on_trial_add(self, tune_controller: TuneController, trial: Trial) -> None:
        """Names Tune's actors before the first one starts."""
        # Tune passes its controller in a wrapper that has a part of its attributes.
        controller: TuneController = vars(tune_controller)["_tune_controller"]
        name_actors(controller, self._searcher.coordinator.study_name)

    @override
    def on_trial_result(self, tune_controller: TuneController, trial: Trial, result: Result) -> str:
        """Handles a visit that is not the last one."""
        goes_on = self._searcher.coordinator.visited(self._searcher.job(trial.trial_id), _progress(result))
        return str(TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP)

    @override
    def on_trial_complete(self, tune_controller: TuneController, trial: Trial, result: Result) -> None:
        """Handles the last visit, or a failure of the run itself."""
        self._searcher.coordinator.visited(self._searcher.job(trial.trial_id), _progress(result))


def _progress(result: Result) -> RunUpdate:
    return RunUpdate.model_validate_json(result[PROGRESS])

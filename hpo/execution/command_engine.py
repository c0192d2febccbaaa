"""Ray Tune trainable that runs jobs of an external engine; one step is one visit."""

from pathlib import Path

from ray import tune
from ray.tune.result import DONE

from hpo.config.program import ProgramRun
from hpo.execution.trainable import GIVEN_UP, PROGRESS, Config
from hpo.external.run import ProgramTrial
from hpo.study.jobs import RunUpdate


class CommandTrainable(tune.Trainable):
    """Runs one job of an external engine.

    Tune stops the actor when the job is pruned, which ends the program; so each job has an actor of its own, and no
    actor imports torch.
    """

    def setup(self, config: Config, shared_data: object = None) -> None:  # noqa: ARG002
        """Prepares the job; the program starts with the first step."""
        run = ProgramRun.model_validate_json(config["settings"])
        self._given_up = config[GIVEN_UP]
        self._trial = ProgramTrial(run, Path(config["folder"]))

    def step(self) -> dict[str, object]:
        """Waits for the next visit of the program."""
        if self._given_up:
            progress = RunUpdate(report=None, finished=False, failure=self._given_up, passes=True)
        else:
            progress = self._trial.next_visit()
        over = progress.finished or progress.failure is not None
        return {PROGRESS: progress.model_dump_json(), DONE: over}

    def cleanup(self) -> None:
        """Ends the program, politely first."""
        self._trial.close()

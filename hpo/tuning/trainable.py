"""The Ray Tune trainable: one step = one visit. The only bridge from the search to the engine.

The engine is imported inside functions: the driver imports this module too, and must not load torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import ray
from ray import tune
from ray.exceptions import RayTaskError
from ray.tune.result import DONE

from hpo.jobs import Job, Progress
from segada.records import RunReport
from segada.settings import RunSettings

if TYPE_CHECKING:
    from segada.material import Material
    from segada.stream import Adaptation

PROGRESS = "progress"
"""Key of a step's result: a `Progress` as JSON."""

Config = dict[str, str]


def config_of(job: Job) -> Config:
    """What the trainable is told of a job."""
    return {"name": job.name, "folder": str(job.folder), "settings": job.settings.model_dump_json()}


class VisitTrainable(tune.Trainable):
    """Runs jobs one after the other; an actor is reused, so that torch and the frames are loaded once.

    Whichever way a job starts, fresh, after its worker's death or after the driver's, the engine goes on from the
    checkpoint in the job's folder; Tune's own checkpoints are not used.
    """

    def setup(  # type: ignore[override]  # tune.with_parameters adds the materials
        self, config: Config, materials: dict[str, ray.ObjectRef[Material]]
    ) -> None:
        """Takes the first job.

        Args:
            config: of the job, see `config_of`.
            materials: the frames that jobs share, by the split that is scored; fetched when they are first needed.
        """
        import segada.stream  # noqa: F401 - while the frames are still being made

        self._shared = materials
        self._materials: dict[str, Material] = {}
        self._adaptation: Adaptation | None = None
        self._begin(config)

    def reset_config(self, new_config: Config) -> bool:
        """Takes the next job."""
        self._begin(new_config)
        return True

    def step(self) -> dict[str, object]:
        """Does the next visit.

        A run that cannot go on ends here with its reason: raising would make Tune try it again.
        """
        from segada.stream import Diverged

        try:
            progress = self._visit()
        except RayTaskError as error:
            if not isinstance(error.cause, ValueError):
                raise
            progress = Progress(report=None, finished=False, failure=str(error.cause), concerns_all=True)
        except (Diverged, ValueError) as error:
            progress = Progress(report=self._report, finished=False, failure=str(error))
        over = progress.finished or progress.failure is not None
        if over:
            self._adaptation = None
        return {PROGRESS: progress.model_dump_json(), DONE: over}

    def _begin(self, config: Config) -> None:
        self._settings = RunSettings.model_validate_json(config["settings"])
        self._folder = Path(config["folder"])
        self._adaptation = None
        self._report: RunReport | None = None

    def _visit(self) -> Progress:
        from segada.stream import Adaptation

        run = self._adaptation or Adaptation(self._settings, self._material(), self._folder)
        self._adaptation = run
        if not run.finished:
            run.next_visit()
        self._report = run.report()
        # The confirmation's too: what cannot be confirmed need not be searched. By now they are long there.
        for split in self._shared:
            self._frames(split)
        return Progress(report=self._report, finished=run.finished)

    def _material(self) -> Material:
        from segada.material import material_key, prepare

        shared = self._frames(self._settings.evaluation.split)
        # A space that changes the data itself: its frames are shared by nobody.
        return shared if shared.key == material_key(self._settings) else prepare(self._settings)

    def _frames(self, split: str) -> Material:
        if split not in self._materials:
            self._materials[split] = ray.get(self._shared[split])
        return self._materials[split]


@ray.remote(num_cpus=0)
def prepare_material(settings: str, _after: object) -> Material:
    """Prepares what all runs with these settings share, once `_after` is there."""
    from segada.material import prepare

    return prepare(RunSettings.model_validate_json(settings))


@ray.remote
def pretrain_source(settings: str, folder: Path) -> None:
    """Trains the source model, or finishes what an earlier driver began."""
    from segada.pretrain import pretrain

    pretrain(RunSettings.model_validate_json(settings), folder)

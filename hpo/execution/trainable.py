"""Ray Tune trainable in which one step is one visit. It is the only bridge from the search to the engine.

The engine is imported inside functions: the driver also imports this module, and must not load torch.
"""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING

import ray
from ray import tune
from ray.exceptions import RayTaskError
from ray.tune.result import DONE

from hpo.execution.memory import LEAN_BATCH
from hpo.study.jobs import Job, RunUpdate
from segada.cli.exit_codes import is_out_of_memory
from segada.core.named_code import failed_code
from segada.core.storage_errors import DeniedError, StorageError, storage_error
from segada.errors import InputError
from segada.records import RunReport
from segada.settings import RunSettings

if TYPE_CHECKING:
    from segada.engine.run_data import RunData
    from segada.engine.runner import Run
    from segada.engine.shared_data import SharedRunData

TITLE = "title"
"""Key of a job's configuration; its value is the name that Ray shows."""
PROGRESS = "progress"
"""Key of a step's result; its value is a `RunUpdate` as JSON."""
LEAN = "lean"
"""Key of a job's configuration; its value is not empty after a worker was killed for lack of memory."""
GIVEN_UP = "given up"
"""Key of a job's configuration; its value is the reason why the job is not tried again, empty if it is."""
DEVICE = "CUDA error"
"""Words of torch for a GPU that fails, in any of its exceptions."""

Config = dict[str, str]


class Unshared(Exception):
    """Error of a node that cannot read the frames that all jobs share.

    Attributes:
        cause: The same error with its cure, for the user.
    """

    def __init__(self, problem: ValueError) -> None:
        cure = "put the data set where all nodes find it, or send its frames to the nodes: data.loading.cache: null"
        path = problem.path if isinstance(problem, InputError) else ()
        self.cause = InputError(f"on node {platform.node()}: {problem}; {cure}", path)
        super().__init__(str(self.cause))


def config_of(job: Job) -> Config:
    """Returns the Tune configuration of a job."""
    settings = job.settings.model_dump_json()
    return {"name": job.name, TITLE: job.title, "folder": str(job.folder), "settings": settings, LEAN: "", GIVEN_UP: ""}


class VisitTrainable(tune.Trainable):
    """Runs jobs one after the other; an actor is reused, so that torch and the frames are loaded once.

    A job may start fresh, after the death of its worker, or after the death of the driver; the engine always resumes
    from the checkpoint in the job's folder. Tune's own checkpoints are not used.
    """

    def setup(  # type: ignore[override]  # tune.with_parameters adds the shared data
        self, config: Config, shared_data: dict[str, ray.ObjectRef[SharedRunData]]
    ) -> None:
        """Starts the first job.

        Args:
            config: configuration of the job, from `config_of`.
            shared_data: shared frames by evaluated split; fetched when they are first needed.
        """
        import segada.engine.runner  # noqa: F401 - while the frames are still being made

        self._shared = shared_data
        self._run_data: dict[str, RunData] = {}
        self._proven: set[str] = set()
        self._run: Run | None = None
        self._begin(config)

    def reset_config(self, new_config: Config) -> bool:
        """Starts the next job."""
        self._begin(new_config)
        return True

    def _begin(self, config: Config) -> None:
        self._settings = RunSettings.model_validate_json(config["settings"])
        self._folder = Path(config["folder"])
        self._lean = bool(config[LEAN])
        self._given_up = config[GIVEN_UP]
        self._run = None
        self._report: RunReport | None = None
        self._incident: str | None = None
        self._shortage = ""

    def step(self) -> dict[str, object]:
        """Runs the next visit.

        A run that cannot continue ends here with its reason: an exception would make Tune retry it. Only a visit that
        ran out of memory is repeated, from the checkpoint, with a smaller evaluation batch.
        """
        progress = self._attempt()
        if progress is None and not self._lean and self._settings.evaluation.batch_size > LEAN_BATCH:
            # Outside the handler, whose exception keeps references to the tensors that filled the memory.
            self._lean = True
            self._incident = f"out of memory ({self._shortage}); from there evaluated in batches of {LEAN_BATCH}"
            progress = self._attempt()
        if progress is None:
            said = f"out of memory, evaluated in batches of {LEAN_BATCH}: {self._shortage}"
            progress = self._failed(said, passes=True)
        over = progress.finished or progress.failure is not None
        if over:
            self._run = None
        return {PROGRESS: progress.model_dump_json(), DONE: over}

    def _attempt(self) -> RunUpdate | None:
        """Runs the visit and returns its update, or the failure; None if memory ran out."""
        from segada.engine.divergence import Diverged

        if self._given_up:
            return self._failed(self._given_up, passes=True)
        try:
            return self._visit()
        except (RayTaskError, Unshared) as error:
            return _obstacle(error.cause)
        except StorageError as error:
            denied = isinstance(error, DeniedError)
            return RunUpdate(
                report=None, finished=False, failure=str(error), concerns_all=True, passes=not denied, denied=denied
            )
        except Diverged as error:
            return self._failed(str(error))
        except ValueError as error:
            return self._failed(str(error), fails_alike=self._fails_alike(str(error)))
        except Exception as error:  # noqa: BLE001 - code of the user may raise anything; the rest is raised again
            if not is_out_of_memory(error):
                return self._failed(_failed_code(error))
            self._run = None
            self._shortage = str(error).splitlines()[0] if str(error) else type(error).__name__
            return None

    def _failed(self, reason: str, *, passes: bool = False, fails_alike: bool = False) -> RunUpdate:
        failed = RunUpdate(report=self._report, finished=False, failure=reason, incident=self._incident)
        return failed.model_copy(update={"passes": passes, "fails_alike": fails_alike})

    def _fails_alike(self, reason: str) -> bool:
        """Returns True if a run without the parameters of a trial fails in its first visit for the same reason."""
        from segada.engine.runner import Run

        split = self._settings.evaluation.split
        if self._report is not None or split in self._proven:
            return False
        self._run = None
        fixed = ray.get(self._shared[split]).settings
        try:
            Run(fixed, self._frames(split)).next_visit()
        except (ValueError, RuntimeError) as error:
            return str(error) == reason
        self._proven.add(split)
        return False

    def _visit(self) -> RunUpdate:
        from segada.engine.runner import Run

        run = self._run
        if run is None:
            batch = LEAN_BATCH if self._lean else None
            run = Run(self._settings, self._job_data(), self._folder, evaluation_batch=batch)
        self._run = run
        if not run.finished:
            run.next_visit()
        self._report = run.report()
        # The frames of the confirmation are fetched too: a study that cannot be confirmed need not be searched. They
        # are ready by now.
        for split in self._shared:
            self._frames(split)
        incident, self._incident = self._incident, None
        return RunUpdate(report=self._report, finished=run.finished, incident=incident)

    def _job_data(self) -> RunData:
        from segada.engine.run_data import prepare_data, rescored, run_data_key

        split = self._settings.evaluation.split
        shared = self._frames(split)
        if shared.key == run_data_key(self._settings):
            return shared
        # If the space changes the data themselves, the job prepares its own frames; of another source model only the
        # scores are its own.
        settings = self._settings_of_frames()
        return rescored(shared, ray.get(self._shared[split]).settings, settings) or prepare_data(settings)

    def _settings_of_frames(self) -> RunSettings:
        """Returns the settings for preparing the job's frames, which also evaluates the source model on them."""
        if not self._lean:
            return self._settings
        evaluation = self._settings.evaluation.model_copy(update={"batch_size": LEAN_BATCH})
        return self._settings.model_copy(update={"evaluation": evaluation})

    def _frames(self, split: str) -> RunData:
        if split not in self._run_data:
            shared = ray.get(self._shared[split])
            try:
                self._run_data[split] = shared.unpacked()
            except ValueError as error:
                raise Unshared(error) from error
        return self._run_data[split]


def _failed_code(error: Exception) -> str:
    """Returns what to say of an error of code of the user; raises any other, which another worker may not meet."""
    said = failed_code(error)
    if said is None or isinstance(error, OSError) or DEVICE in str(error):
        raise error
    return said


def _obstacle(cause: Exception) -> RunUpdate:
    """Returns the update that ends the study, because the frames that all runs share cannot be prepared."""
    refused = storage_error(cause, Path())
    if refused is not None:
        return RunUpdate(report=None, finished=False, failure=str(refused), concerns_all=True, passes=True)
    is_expected = isinstance(cause, ValueError) or is_out_of_memory(cause)
    reason = str(cause) if is_expected else f"{type(cause).__name__}: {cause}; segada adapt shows where"
    path = cause.path if isinstance(cause, InputError) else ()
    return RunUpdate(report=None, finished=False, failure=reason, concerns_all=True, path=path)


@ray.remote(num_cpus=0)
def prepare_shared_data(settings: str, _after: object) -> SharedRunData:
    """Prepares the data that all runs with these settings share, once `_after` is available."""
    from segada.engine.run_data import prepare_data
    from segada.engine.shared_data import packed

    run = RunSettings.model_validate_json(settings)
    return packed(prepare_data(run), run)


@ray.remote
def pretrain_source(settings: str, folder: Path) -> None:
    """Trains the source model, or resumes a training that an earlier driver started."""
    from segada.engine.pretraining import pretrain

    pretrain(RunSettings.model_validate_json(settings), folder)


# Each measurement has its own process: memory left on a GPU by an earlier task would be counted.
@ray.remote(num_gpus=1, max_calls=1, max_retries=0)
def measure_footprint(settings: str) -> tuple[int, int]:
    """Returns the bytes of GPU memory that a run with these settings takes, and the GPU's total bytes."""
    from segada.engine.gpu_memory import footprint

    found = footprint(RunSettings.model_validate_json(settings))
    return found.used, found.total

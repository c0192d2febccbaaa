"""Execution of the coordinator's jobs on Ray Tune."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import ray
from ray import tune
from ray.exceptions import RayTaskError

from hpo.execution.cluster import Cluster, Resources
from hpo.execution.command_engine import CommandTrainable
from hpo.execution.failures import Deaths
from hpo.execution.scheduler import VisitScheduler
from hpo.execution.searcher import JobSearcher
from hpo.execution.trainable import TITLE, VisitTrainable, prepare_shared_data, pretrain_source
from hpo.orchestration.coordinator import RunCoordinator
from segada.core.storage_errors import StorageError
from segada.errors import InputError
from segada.settings import RunSettings

if TYPE_CHECKING:
    from segada.engine.shared_data import SharedRunData

SharedData = dict[str, "ray.ObjectRef[SharedRunData]"]


@dataclass(frozen=True)
class Preparation:
    """Work before the first job: the source trainings, then the frames that the jobs share.

    Attributes:
        trainings: Settings and folders of the source trainings whose weights do not exist.
        search: Settings whose frames the trials share (split `val`).
        confirmation: Settings whose frames the confirmation shares (split `test`, never used to choose).
    """

    trainings: Sequence[tuple[RunSettings, Path]]
    search: RunSettings
    confirmation: RunSettings


def prepare(preparation: Preparation, resources: Resources) -> SharedData:
    """Trains the source models if the study asks for it, at the same time if resources allow, and starts
    preparing the shared frames.

    Args:
        preparation: settings of the preparation.
        resources: resources of a trial; the preparation uses the same GPUs.

    Returns:
        References to the frames by evaluated split. The frames of the confirmation are prepared after the others.

    Raises:
        InputError: the source training lacks data.
        StorageError: the results cannot be written.
    """
    _pretrain(preparation.trainings, resources)
    search, confirmation = preparation.search, preparation.confirmation

    def made(run: RunSettings, after: object) -> "ray.ObjectRef[SharedRunData]":
        name = f"frames of the split {run.evaluation.split}"
        making = prepare_shared_data.options(name=name, num_gpus=resources.gpus, resources=resources.kind)
        return making.remote(run.model_dump_json(), after)

    first = made(search, None)
    second = made(confirmation, first)
    if resources.gpus:
        # A worker keeps its GPU until the end of the study, and would wait forever for frames that wait for a GPU.
        ray.wait([first, second], num_returns=2)
    return {search.evaluation.split: first, confirmation.evaluation.split: second}


def _pretrain(trainings: Sequence[tuple[RunSettings, Path]], resources: Resources) -> None:
    training = pretrain_source.options(name="source training", num_gpus=resources.gpus, resources=resources.kind)
    try:
        ray.get([training.remote(settings.model_dump_json(), folder) for settings, folder in trainings])
    except RayTaskError as error:
        if isinstance(error.cause, InputError):
            raise InputError(str(error.cause), error.cause.path) from None
        if isinstance(error.cause, StorageError):
            raise type(error.cause)(str(error.cause)) from None
        raise


def execute(
    coordinator: RunCoordinator,
    shared_data: SharedData,
    ray_cluster: Cluster,
    scratch: Path,
    retries: int,
    trainable: type[tune.Trainable] = VisitTrainable,
) -> None:
    """Runs all jobs of the coordinator; returns when it is over.

    Args:
        coordinator: coordinator that hands out the jobs and takes in the results.
        shared_data: shared frames from `prepare`.
        ray_cluster: cluster that runs the jobs.
        scratch: folder for Tune's own files; nothing in it is ever read, and the caller removes it.
        retries: number of times that a job is tried again after the death of its worker.
        trainable: trainable class that runs the jobs.
    """
    wanted = ray_cluster.resources
    searcher = JobSearcher(coordinator)
    informed = tune.with_parameters(trainable, shared_data=shared_data)
    placed: type[tune.Trainable] = tune.with_resources(
        informed, {"cpu": wanted.cpus, "gpu": wanted.gpus, **wanted.kind}
    )
    # Ray would show the name of Tune's own class around it.
    placed.__name__ = placed.__qualname__ = trainable.__name__
    tuner = tune.Tuner(
        placed,
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            scheduler=VisitScheduler(searcher),
            num_samples=-1,
            max_concurrent_trials=ray_cluster.workers,
            reuse_actors=trainable is not CommandTrainable,
            trial_name_creator=_name,
            trial_dirname_creator=_folder,
        ),
        run_config=tune.RunConfig(
            name=scratch.name,
            storage_path=str(scratch.parent),
            callbacks=[Deaths(searcher, retries, ray_cluster.lost)],
            failure_config=tune.FailureConfig(max_failures=retries),
            checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
            # Says nothing, as verbose=0 asks; Tune's choice in a notebook shows a table.
            progress_reporter=tune.CLIReporter(),
            verbose=0,
        ),
    )
    tuner.fit()


def _name(trial: tune.experiment.Trial) -> str:
    return str(trial.config[TITLE])


def _folder(trial: tune.experiment.Trial) -> str:
    return _name(trial).replace(" ", "-")

"""Runs an agenda on Ray Tune."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import ray
from ray import tune
from ray.exceptions import RayTaskError

from hpo.execution.cluster import Cluster, Resources
from hpo.execution.failures import Deaths
from hpo.execution.scheduler import VisitScheduler
from hpo.execution.searcher import JobSearcher
from hpo.execution.trainable import VisitTrainable, prepare_shared_data, pretrain_source
from hpo.orchestration.coordinator import RunCoordinator
from segada.core.storage_errors import StorageError
from segada.errors import InputError
from segada.settings import RunSettings

if TYPE_CHECKING:
    from segada.engine.shared_data import SharedRunData

SharedData = dict[str, "ray.ObjectRef[SharedRunData]"]


@dataclass(frozen=True)
class Preparation:
    """What happens before the first job: the source training, then the frames that the jobs share.

    Attributes:
        pretrain: Settings of the source training; None where the weights exist.
        source: Folder of the source training.
        search: Settings whose frames the trials share.
        confirmation: The same, scored on the frames that nothing is chosen by.
    """

    pretrain: RunSettings | None
    source: Path
    search: RunSettings
    confirmation: RunSettings


def prepare(preparation: Preparation, resources: Resources) -> SharedData:
    """Trains the source model where the study says so, and has the shared frames made while the first jobs start.

    Args:
        preparation: what to prepare.
        resources: of a trial; its GPUs are what this needs too, on a node that has them.

    Returns:
        The frames by the split that is scored, still to come. Those of the confirmation are made after the others.

    Raises:
        InputError: the source training lacks data.
        StorageError: what it finds cannot be written.
    """
    if preparation.pretrain is not None:
        _pretrain(preparation.pretrain, preparation.source, resources)
    search, confirmation = preparation.search, preparation.confirmation
    making = prepare_shared_data.options(num_gpus=resources.gpus, resources=resources.kind)
    first = making.remote(search.model_dump_json(), None)
    second = making.remote(confirmation.model_dump_json(), first)
    if resources.gpus:
        # A worker keeps its GPU to the end of the study and would wait for ever for frames that wait for a GPU.
        ray.wait([first, second], num_returns=2)
    return {search.evaluation.split: first, confirmation.evaluation.split: second}


def _pretrain(settings: RunSettings, folder: Path, resources: Resources) -> None:
    training = pretrain_source.options(num_gpus=resources.gpus, resources=resources.kind)
    try:
        ray.get(training.remote(settings.model_dump_json(), folder))
    except RayTaskError as error:
        if isinstance(error.cause, InputError):
            raise InputError(str(error.cause)) from None
        if isinstance(error.cause, StorageError):
            raise StorageError(str(error.cause)) from None
        raise


def execute(
    coordinator: RunCoordinator,
    shared_data: SharedData,
    ray_cluster: Cluster,
    scratch: Path,
    retries: int,
    trainable: type[tune.Trainable] = VisitTrainable,
) -> None:
    """Works off the agenda; returns when it is over.

    Args:
        coordinator: says what to do and takes the results.
        shared_data: from `prepare`.
        ray_cluster: where.
        scratch: folder of what Tune writes for itself; nothing in it is ever read, and the caller removes it.
        retries: times that a job is tried again after its worker's death.
        trainable: does the jobs.
    """
    wanted = ray_cluster.resources
    searcher = JobSearcher(coordinator)
    informed = tune.with_parameters(trainable, shared_data=shared_data)
    tuner = tune.Tuner(
        tune.with_resources(informed, {"cpu": wanted.cpus, "gpu": wanted.gpus, **wanted.kind}),
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            scheduler=VisitScheduler(searcher),
            num_samples=-1,
            max_concurrent_trials=ray_cluster.workers,
            reuse_actors=True,
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
    return str(trial.config["name"])


def _folder(trial: tune.experiment.Trial) -> str:
    return _name(trial).replace(" ", "-")

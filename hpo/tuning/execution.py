"""Runs an agenda on Ray Tune."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import ray
from ray import tune
from ray.exceptions import RayTaskError

from hpo.agenda import Agenda
from hpo.tuning.callbacks import Deaths
from hpo.tuning.cluster import Cluster
from hpo.tuning.scheduler import VisitScheduler
from hpo.tuning.search import AgendaSearcher
from hpo.tuning.trainable import VisitTrainable, prepare_material, pretrain_source
from segada.settings import RunSettings
from segada.settings.files import InputError

if TYPE_CHECKING:
    from segada.material import Material

Materials = dict[str, "ray.ObjectRef[Material]"]

MAX_FAILURES = 2
"""Times that a job is tried again after its worker's death."""


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


def prepare(preparation: Preparation) -> Materials:
    """Trains the source model where the study says so, and has the shared frames made while the first jobs start.

    Returns:
        The frames by the split that is scored, still to come. Those of the confirmation are made after the others.

    Raises:
        InputError: the source training lacks data.
    """
    if preparation.pretrain is not None:
        _pretrain(preparation.pretrain, preparation.source)
    search, confirmation = preparation.search, preparation.confirmation
    first = prepare_material.remote(search.model_dump_json(), None)
    second = prepare_material.remote(confirmation.model_dump_json(), first)
    return {search.evaluation.split: first, confirmation.evaluation.split: second}


def _pretrain(settings: RunSettings, folder: Path) -> None:
    try:
        ray.get(pretrain_source.remote(settings.model_dump_json(), folder))
    except RayTaskError as error:
        if isinstance(error.cause, InputError):
            raise InputError(str(error.cause)) from None
        raise


def execute(agenda: Agenda, materials: Materials, ray_cluster: Cluster, scratch: Path) -> None:
    """Works off the agenda; returns when it is over.

    Args:
        agenda: says what to do and takes the results.
        materials: from `prepare`.
        ray_cluster: where.
        scratch: folder of what Tune writes for itself; nothing in it is ever read, and the caller removes it.
    """
    searcher = AgendaSearcher(agenda)
    trainable = tune.with_parameters(VisitTrainable, materials=materials)
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": ray_cluster.resources.cpus, "gpu": ray_cluster.resources.gpus}),
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
            callbacks=[Deaths(searcher)],
            failure_config=tune.FailureConfig(max_failures=MAX_FAILURES),
            checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
            verbose=0,
        ),
    )
    tuner.fit()


def _name(trial: tune.experiment.Trial) -> str:
    return str(trial.config["name"])


def _folder(trial: tune.experiment.Trial) -> str:
    return _name(trial).replace(" ", "-")

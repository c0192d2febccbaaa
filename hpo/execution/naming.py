"""Names under which Ray shows actors and tasks: in its dashboard, in `ray list`, in the titles of processes."""

import copy
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ray.air.execution._internal.actor_manager import RayActorManager
from ray.air.execution._internal.tracked_actor import TrackedActor
from ray.air.execution._internal.tracked_actor_task import TrackedActorTask
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial
from typing_extensions import override

STEP = "train"
"""Method of a trainable that runs a visit; its task has the job's name alone."""


def name_actors(controller: TuneController, study: str) -> None:
    """Makes Tune name its actors `STUDY worker N`, and their tasks by the job, such as `trial 7` or `trial 7: reset`.

    An actor is reused for many jobs, and Ray cannot rename it; the name of each task is new. Tune has no option for
    either name. Call it before Tune has started an actor.
    """
    if not isinstance(controller._actor_manager, _NamingManager):
        manager = _NamingManager(resource_manager=controller._actor_manager._resource_manager)
        manager.study, manager.jobs = study, controller._actor_to_trial
        controller._actor_manager = manager


class _NamingManager(RayActorManager):
    study = ""
    jobs: Mapping[TrackedActor, Trial] = MappingProxyType({})
    """Tune's trial of each actor that has one."""
    count = 0

    @override
    def add_actor(self, cls: Any, *arguments: Any, **more: Any) -> TrackedActor:
        self.count += 1
        named = copy.copy(cls)
        named._default_options = {**cls._default_options, "name": f"{self.study} worker {self.count}"}
        return super().add_actor(named, *arguments, **more)

    @override
    def _schedule_tracked_actor_task(self, tracked_actor_task: TrackedActorTask, method_name: str, **more: Any) -> Any:
        tracked = tracked_actor_task._tracked_actor
        actor: Any
        actor, resources = self._live_actors_to_ray_actors_resources[tracked]
        job = self.jobs.get(tracked)
        if job is not None:
            named: Any = _NamingHandle(actor, f"{job}" if method_name == STEP else f"{job}: {method_name}")
            self._live_actors_to_ray_actors_resources[tracked] = named, resources
        try:
            return super()._schedule_tracked_actor_task(tracked_actor_task, method_name, **more)
        finally:
            self._live_actors_to_ray_actors_resources[tracked] = actor, resources


class _NamingHandle:
    """Handle of an actor whose tasks have a name."""

    def __init__(self, actor: object, name: str) -> None:
        self._actor = actor
        self._name = name

    def __getattr__(self, method: str) -> Any:
        return getattr(self._actor, method).options(name=self._name)

"""Engines of a study: each checks what its runs need, sizes them, and prepares what they share."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rich.console import Console

from hpo.config.data_check import check_data, placed
from hpo.config.free_settings import placeholders
from hpo.config.program_study import ProgramStudy
from hpo.study.drivers import Driver
from hpo.study.plan import Plan, undone
from hpo.study.study import Study
from segada.core.run_names import WEIGHTS
from segada.errors import InputError
from segada.settings import RunSettings

if TYPE_CHECKING:
    from ray import tune

    from hpo.execution.cluster import Cluster, Resources
    from hpo.execution.tune import SharedData


class Engine(Protocol):
    """Engine of a study, as a session uses it."""

    def check(self, address: str | None, console: Console) -> None:
        """Checks what every run needs, before Ray starts.

        Raises:
            InputError: no run could start.
        """

    def resources(self) -> "Resources":
        """Returns the resources of a trial."""

    def prepare(self, found: "Cluster", console: Console) -> "tuple[Cluster, SharedData]":
        """Prepares what all runs share, and returns it with the cluster as the runs use it.

        Raises:
            InputError: it cannot be prepared.
        """

    def trainable(self) -> "type[tune.Trainable]":
        """Returns the class that runs jobs in a worker."""


def engine_of(study: Study, driver: Driver) -> Engine:
    """Returns the engine that a study file names."""
    file = study.file
    return CommandEngine(file) if isinstance(file, ProgramStudy) else SegadaEngine(study, driver)


@dataclass(frozen=True)
class SegadaEngine:
    """Engine `segada`, which trains source models if asked to, and shares the frames of all runs."""

    study: Study
    driver: Driver

    @property
    def _plan(self) -> Plan:
        return Plan(self.study.file, self.driver.out)

    def check(self, address: str | None, console: Console) -> None:  # noqa: ARG002
        """Checks the data."""
        check_data(self.study.file, console)

    def resources(self) -> "Resources":
        """Returns the resources of a trial; with `auto`, those of one trial per GPU."""
        from hpo.execution.cluster import Resources
        from hpo.execution.gpu_share import check_uses_gpu

        wanted, settings = self.study.file.settings.resources, self._plan.segada_settings()
        if wanted.gpus_per_trial == "auto":
            check_uses_gpu(settings)
        gpus = 1.0 if wanted.gpus_per_trial == "auto" else wanted.gpus_per_trial
        return Resources(wanted.workers, wanted.cpus_per_trial, gpus, settings.runtime.threads, wanted.accelerator)

    def prepare(self, found: "Cluster", console: Console) -> "tuple[Cluster, SharedData]":
        """Measures the memory of a run if asked to, trains the source models, and starts making the frames."""
        from hpo.execution.gpu_share import FILE as SHARES
        from hpo.execution.gpu_share import sized
        from hpo.execution.tune import Preparation, prepare

        plan, driver = self._plan, self.driver
        # A source training that is over need not have its checkpoint any more.
        left = undone(plan.sources.trainings())
        trainings = [(job.settings, job.folder) for job in left if isinstance(job.settings, RunSettings)]
        search, confirmation = plan.segada_settings(), plan.segada_settings("test", plan.seeds[0])
        preparation = Preparation(trainings, search, confirmation)
        if plan.file.settings.resources.gpus_per_trial == "auto":
            with driver.made.noting(plan.out / SHARES):
                found = sized(found, plan.segada_settings(configuration=plan.default()), plan.out, console.print)
        for job in left:
            driver.made.run(job.folder)
            if not (job.folder / WEIGHTS).exists():
                console.print(f"training the source model; how far it is: {job.folder / 'log.txt'}")
        try:
            with self.study.leases.hold(plan.sources.folder(0).name) if left else nullcontext():
                return found, prepare(preparation, found.resources)
        except InputError as error:
            raise placed(plan.file, "pretrain", error.path, str(error)) from None

    def trainable(self) -> "type[tune.Trainable]":
        """Returns the trainable that runs `segada` in the worker itself."""
        from hpo.execution.trainable import VisitTrainable

        return VisitTrainable


@dataclass(frozen=True)
class CommandEngine:
    """External engine, whose program knows its own data."""

    file: ProgramStudy

    def check(self, address: str | None, console: Console) -> None:  # noqa: ARG002
        """Checks that the program or function exists, unless the runs are on other machines."""
        if address is None and "RAY_ADDRESS" not in os.environ:
            check_program(self.file)

    def resources(self) -> "Resources":
        """Returns the resources of a trial."""
        from hpo.execution.cluster import Resources

        wanted = self.file.settings.resources
        assert not isinstance(wanted.gpus_per_trial, str)
        threads = max(1, int(wanted.cpus_per_trial))
        return Resources(wanted.workers, wanted.cpus_per_trial, wanted.gpus_per_trial, threads, wanted.accelerator)

    def prepare(self, found: "Cluster", console: Console) -> "tuple[Cluster, SharedData]":  # noqa: ARG002
        """Prepares nothing."""
        return found, {}

    def trainable(self) -> "type[tune.Trainable]":
        """Returns the trainable that runs the program beside the worker."""
        from hpo.execution.command_engine import CommandTrainable

        return CommandTrainable


def check_program(file: ProgramStudy) -> None:
    """Checks that the program of a study, or its function, is on this machine.

    Raises:
        InputError: it is not; one line with the place in the study file.
    """
    engine = file.settings.engine
    assert engine is not None
    if engine.function is not None:
        _check_function(engine.function, lambda problem: file.document.error(("engine", "function"), problem))
        return
    first = engine.command[0]
    if not placeholders(first) and shutil.which(first, path=engine.env.get("PATH")) is None:
        raise file.document.error(("engine", "command", 0), f"there is no program {first!r}; write its path")
    for index, word in enumerate(engine.command[1:], start=1):
        is_script = word.endswith((".py", ".sh")) and not placeholders(word) and not word.startswith("-")
        if is_script and not Path(word).is_file():
            problem = f"there is no file {word} (seen from {Path.cwd()}, where the program runs)"
            raise file.document.error(("engine", "command", index), problem)


def _check_function(name: str, error: Callable[[str], InputError]) -> None:
    """Imports the function in another process, so that what it imports does not stay in this one."""
    command = [sys.executable, "-m", "hpo.external.call", name]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, start_new_session=True)
    if ended.returncode:
        raise error((ended.stderr.strip().splitlines() or ["cannot be imported"])[-1])

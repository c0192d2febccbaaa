"""The main job with runs that compute nothing: `python noop_driver.py GATE PACE SLOTS` and the options of `hpo.run`.

Everything is as in `hpo.run`, but for Ray and the engine: SLOTS runs at a time make a visit each every PACE seconds,
after the first one only while the file GATE is there. They leave the files that runs of the engine leave, and like
those they go on after the last visit that is in their folder.
"""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import yaml
from rich.console import Console
from safetensors.numpy import save
from study_samples import random_areas, report

import hpo.session.main_job
from hpo.orchestration.coordinator import RunCoordinator
from hpo.run import main as run_main
from hpo.study.drivers import Driver
from hpo.study.jobs import Job, RunUpdate
from hpo.study.study import Study
from segada.core.atomic_io import write_bytes, write_text
from segada.records import RunReport
from segada.settings.nested import Value

GATE, PACE, SLOTS = Path(sys.argv.pop(1)), float(sys.argv.pop(1)), int(sys.argv.pop(1))
# The command line that is printed to resume is that of the main job.
sys.orig_argv = ["python", "-m", "hpo.run", *sys.argv[1:]]
VISITS = 3


def gain_of(parameters: Mapping[str, Value]) -> float:
    """What a run gains: of the best threshold, 0.05."""
    threshold = parameters.get("method.pseudo_threshold", 0.5)
    assert isinstance(threshold, float)
    return 0.05 - (threshold - 0.7) ** 2


def visit(job: Job) -> RunUpdate:
    """The next visit; its line names the process, which plays no part in any result."""
    lines = job.folder / "visits.jsonl"
    done = lines.read_text().splitlines() if lines.exists() else []
    whole = report(gain_of(job.parameters), min(len(done) + 1, VISITS), job.settings.seed)
    whole = whole.model_copy(update={"settings_hash": job.settings.settings_hash()})
    if len(done) < VISITS:
        record = whole.visits[-1].model_copy(update={"losses": {"process": float(os.getpid())}})
        write_text(lines, "\n".join([*done, record.model_dump_json(), ""]))
    if len(whole.visits) == VISITS and not (job.folder / "report.json").exists():
        leave(job, whole)
    return RunUpdate(report=whole, finished=len(whole.visits) == VISITS)


def leave(job: Job, whole: RunReport) -> None:
    """What is there when a run is over, the report last."""
    areas = random_areas(np.random.default_rng(0), 0.6 + whole.gain, frames=4)
    np.savez(job.folder / "areas.npz", allow_pickle=False, **{f"visit{number}": areas for number in range(VISITS)})
    write_text(job.folder / "settings.yaml", yaml.safe_dump(job.settings.model_dump(mode="json")))
    write_bytes(job.folder / "weights.safetensors", save({"weight": areas}))
    write_text(job.folder / "report.json", whole.model_dump_json())


def work_off(
    coordinator: RunCoordinator, _study: Study, _driver: Driver, _address: str | None, _console: Console
) -> None:
    running: list[Job] = []
    while running or not coordinator.is_over:
        while len(running) < SLOTS and (job := coordinator.next_job()) is not None:
            running.append(job)
        time.sleep(PACE)
        running = [job for job in running if coordinator.visited(job, visit(job))]
        while not GATE.exists():
            time.sleep(0.01)


hpo.session.main_job._work_off = work_off
sys.exit(run_main())

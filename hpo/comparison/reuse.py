"""Runs that several studies of a comparison have in common are done once: the baselines, and the source training."""

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from hpo.study.folder import COPY
from hpo.study.plan import Plan, undone
from segada.artifacts.run_files import damages, read_report


def take_over(plan: Plan, siblings: Iterable[Path]) -> None:
    """Copies, from studies beside this one, finished runs that it would do in the same way.

    A study's folder holds all that is its own, so that it can be reported on, gone on with and moved by itself.

    Args:
        plan: of the study.
        siblings: folders of other studies.
    """
    finished = {
        report.settings_hash: path.parent
        for sibling in siblings
        for pattern in ("source", "sources/*", "baselines/*", "confirmation/*")
        for path in sibling.glob(f"{pattern}/report.json")
        if (report := read_report(path.parent).value) is not None and not damages(path.parent)
    }
    wanted = {job.folder: job.settings for job in undone([*plan.baselines(), *plan.confirmed_baselines()])}
    wanted |= {job.folder: job.settings for job in plan.sources.trainings()}
    for folder, settings in wanted.items():
        found = finished.get(settings.settings_hash())
        if found is not None and not folder.exists():
            _copy(found, folder)


def _copy(run: Path, folder: Path) -> None:
    # Under another name until all of it is there: half a run must not be taken for one.
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{COPY}.") as above:
        shutil.copytree(run, Path(above) / folder.name).rename(folder)

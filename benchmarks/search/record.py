"""Writes a table for `replay` from a study whose trials all ran to the end.

Pruned and failed trials are left out. The relevance of each parameter is computed with a forest of extremely randomized
trees (Geurts et al. 2006): the share of the variance of mean mIoU that it explains.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.search.recorded import SHIPPED, RecordedTable, RecordedTrial, RecordedVisit, Recording, write_table
from hpo.config.study_file import StudyFile, load_written
from hpo.results.collect import results_of
from hpo.results.results import TrialResult
from hpo.samplers.surrogate import Coordinates
from hpo.search_space import Space
from hpo.study.plan import Plan
from hpo.study.provenance import provenance
from hpo.study.study import read_study
from segada.artifacts.run_files import read_report
from segada.cli.console import terminal
from segada.errors import InputError
from segada.records import RunReport

TREES = 500
DIGITS = 6
"""Number of decimals that are kept; one pixel of the held-out frames changes the sixth decimal of mIoU."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    parser.add_argument("out", type=Path, help="folder of the study")
    parser.add_argument("--to", type=Path, default=SHIPPED, metavar="FILE", help="(default: the shipped table)")


def run(arguments: argparse.Namespace) -> None:
    """Writes the table and prints its fidelity.

    Raises:
        InputError: if the folder contains no study, or none with a complete trial.
    """
    out = arguments.out.resolve()
    file = load_written(out)
    plan = Plan(file, out)
    results = results_of(read_study(file, out), plan, None)
    done = [trial for trial in results.trials if trial.state == "complete"]
    read = [(trial, read_report(plan.trial_folder(trial.number)).value) for trial in done]
    complete = [(trial, report) for trial, report in read if report is not None]
    table = recorded(file, complete, results.visits, provenance(out / "study.yaml"))
    write_table(table.recording, table.trials, arguments.to)
    terminal().print(
        f"{len(table.trials)} trials, {table.frames} frames each; {arguments.to.stat().st_size / 1024:.0f} KiB in "
        f"{arguments.to}\nthe nearest other trial predicts a result with Spearman correlation {table.fidelity():.2f}",
        highlight=False,
        soft_wrap=True,
    )


def recorded(
    file: StudyFile,
    complete: Sequence[tuple[TrialResult, RunReport]],
    visits: tuple[str, ...],
    made_with: Sequence[str],
) -> RecordedTable:
    """Returns the table of a study.

    Args:
        file: the study file.
        complete: its complete trials, with their reports.
        visits: domains in stream order.
        made_with: revision and versions of packages, as comments.

    Raises:
        InputError: if no trial is complete.
    """
    if not complete:
        raise InputError(f"{file.settings.name}: has no complete trial")
    shown = file.settings.model_dump(mode="json")
    recording = Recording(
        study=file.settings.name,
        command=f"python -m hpo.run --space {file.settings.name}.yaml",
        provenance=tuple(line.removeprefix("# ") for line in made_with),
        space=shown["space"],
        forbidden=tuple(shown["forbidden"]),
        visits=visits,
        source_only={name: round(value, DIGITS) for name, value in complete[0][1].source_only.items()},
        relevance=relevance(file.space, [trial for trial, _ in complete]),
    )
    return RecordedTable(recording, [_trial(trial, report) for trial, report in complete])


def relevance(space: Space, trials: list[TrialResult]) -> dict[str, float]:
    """Returns, for every dimension of a space, the share of the variance of mean mIoU that it explains in a forest."""
    # Imported here because it takes seconds and has no other use.
    from sklearn.ensemble import ExtraTreesRegressor

    coordinates = Coordinates(space)
    points = np.array([coordinates.of(space.encode(trial.parameters)) for trial in trials])
    values = np.array([trial.report.mean_miou for trial in trials if trial.report is not None])
    forest = ExtraTreesRegressor(TREES, random_state=0).fit(points, values)
    shares = coordinates.by_dimension(forest.feature_importances_.tolist())
    return {name: round(share, DIGITS) for name, share in shares.items()}


def _trial(trial: TrialResult, report: RunReport) -> RecordedTrial:
    visits = (
        RecordedVisit(
            domain=visit.domain,
            frames=visit.frames,
            seconds=round(visit.seconds, 3),
            miou={name: round(value, DIGITS) for name, value in visit.miou.items()},
            label_free={name: round(value, DIGITS) for name, value in visit.label_free.items()},
        )
        for visit in report.visits
    )
    return RecordedTrial(values=trial.parameters, visits=tuple(visits))

"""One trial of a study with an external engine, to see whether its program reports what the study needs."""

import math
from pathlib import Path
from typing import Final

from rich.console import Console

from hpo.config.objectives import objective_value
from hpo.config.program_study import ProgramStudy
from hpo.config.study_file import StudyFile
from hpo.external.run import ProgramTrial
from hpo.reporting.wording import listed, metric_name, metric_with_unit, tenths
from hpo.results.feasibility import constraint_results
from hpo.session.engines import check_program
from hpo.study.plan import Plan
from segada.core.run_names import LOG
from segada.errors import InputError
from segada.records import RunReport, VisitRecord

CURE: Final = "report the mIoU of the visited domains, or write another objective, such as metrics/NAME of a figure"
"""How an objective gets a value, if it has none."""


def check_trial(file: StudyFile, folder: Path, console: Console) -> None:
    """Runs the default configuration of a study in a folder, without Ray, and prints what the program reports.

    Args:
        file: study with an external engine.
        folder: folder of the run; what is there is continued.
        console: console of the command.

    Raises:
        InputError: the study has no external engine, its program is missing, or the run fails; one line says why.
    """
    if not isinstance(file, ProgramStudy):
        raise InputError(f"{file.document.file}: has no engine to check; hpo space check looks at a study of segada")
    check_program(file)
    plan = Plan(file, folder)
    run = file.run_settings(plan.default())
    trial = ProgramTrial(run, folder)
    told = 0
    try:
        update = trial.next_visit()
        while not update.finished and update.failure is None:
            told = _tell(update.report, told, console)
            update = trial.next_visit()
        _tell(update.report, told, console)
    finally:
        trial.close()
    if update.failure is not None:
        raise InputError(f"{update.failure} (log: {folder / LOG})")
    assert update.report is not None
    for line in _summary(file, update.report):
        console.print(line, soft_wrap=True)


def _tell(report: RunReport | None, told: int, console: Console) -> int:
    """Prints the visits after the first `told`, and returns the number of all."""
    visits = [] if report is None else report.visits
    for visit in visits[told:]:
        console.print(_line(visit), soft_wrap=True)
    return max(told, len(visits))


def _line(visit: VisitRecord) -> str:
    miou = f"mIoU {tenths(visit.visited_miou)} %" if visit.is_scored else "not scored"
    figures = ", ".join(f"{name} {value:.4g}" for name, value in visit.metrics.items())
    parts = [
        f"visit {visit.visit}, {visit.domain}: {miou}",
        f"{visit.frames} frames" if visit.frames else "",
        f"{visit.seconds:.1f} s",
        figures,
    ]
    return ", ".join(filter(None, parts))


def _summary(file: ProgramStudy, report: RunReport) -> list[str]:
    engine, settings = file.settings.engine, file.settings
    assert engine is not None
    domains = listed(sorted({name for visit in report.visits for name in visit.miou}))
    figures = listed(sorted({f"metrics/{name}" for visit in report.visits for name in visit.metrics}))
    lines = [f"{len(report.visits)} visits in {report.seconds:.1f} s, mIoU of {domains or 'no domain'}"]
    lines.append(f"further figures: {figures or 'none'}")
    for objective in settings.objectives:
        value = objective_value(objective.metric, report)
        if not math.isfinite(value):
            raise InputError(f"objectives: {objective.metric} is {value} in this trial, so that it would fail; {CURE}")
        lines.append(f"objective: {metric_name(objective.metric)} {metric_with_unit(objective.metric, value)}")
    kept = constraint_results(settings.constraints, report)
    lines += [f"constraint: {one.text}: {'kept' if one.is_kept else 'broken'}" for one in kept]
    areas = "areas.npz agrees with the mIoU" if engine.areas else "no areas.npz"
    resumes = engine.function is not None or engine.uses("resume")
    again = "is told to resume" if resumes else "begins anew, because engine.command has no {resume}"
    return [*lines, areas, f"a run that is killed {again}", *file.caveats()]

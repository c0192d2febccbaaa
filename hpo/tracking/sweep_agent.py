"""Run of a W&B agent: `python -m hpo.tracking.sweep_agent STUDY ARGUMENTS` adapts with the values that the sweep
proposes.
"""

import json
import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import wandb
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from hpo.config.objectives import objective_value
from hpo.config.study_file import StudyFile, load_study
from hpo.search_space import Space
from hpo.search_space.configuration import Configuration
from hpo.search_space.parameter import Raw
from hpo.search_space.scaling import nearest_to
from hpo.study.plan import Plan
from hpo.tracking.points import point_of
from hpo.tracking.sweep_export import PROGRAM, PRUNED_BY
from segada.artifacts.run_files import read_report, read_visits, settings_text
from segada.cli.exit_codes import INTERRUPTED, Parser, exit_code
from segada.cli.output_dir import named_folder
from segada.core.atomic_io import write_text
from segada.errors import InputError
from segada.records import RunReport, VisitRecord
from segada.settings.schema import nearest

SECONDS = 1.0
"""Seconds between two checks of the run's progress."""


def main() -> int:
    """Runs the command line. Returns the exit code: that of the run; 2 for a point that is not in the study's space."""
    parser = Parser(prog="python -m hpo.tracking.sweep_agent", description=__doc__)
    parser.add_argument("study", help="study file that the sweep was made from")
    parser.add_argument("arguments", help="values of its dimensions as JSON (${args_json} in a sweep)")
    parser.add_argument("--out", help="folder of the runs (default: runs)")
    arguments = parser.parse_args()
    ended: list[int] = []

    def command() -> None:
        study = load_study(arguments.study)
        configuration = point_of_study(study.space, arguments.arguments)
        out = named_folder(arguments.out, Path("runs"))
        ended.append(_run(study, configuration, out / study.settings.name / "sweep"))

    return exit_code(command) or ended[0]


def point_of_study(space: Space, arguments: str) -> Configuration:
    """Returns the point of the space for a sweep's proposal.

    Args:
        space: space of the study that the sweep was made from.
        arguments: a value for each of its dimensions, as JSON; values of inactive dimensions are ignored.

    Raises:
        InputError: they are of another space, or forbidden.
    """
    try:
        given = json.loads(arguments)
    except ValueError as failure:
        raise InputError(
            f"{arguments}: is not JSON ({failure}); write the command of the sweep as it was exported"
        ) from None
    distributions = space.distributions()
    if not isinstance(given, dict):
        raise InputError(f"{arguments}: must be a JSON object of values by the names in the sweep's parameters")
    raw: dict[str, Raw] = {}
    for name, value in given.items():
        if name not in distributions:
            raise InputError(f"{name}: is not a dimension of the study's space; {nearest(name, distributions)}")
        raw[name] = _checked(name, value, distributions[name])
    if not space.is_complete(raw):
        missing = [name for name in distributions if name not in raw]
        raise InputError(f"{missing[0]}: this value is missing; the sweep is of another study")
    configuration = space.configuration(raw)
    if space.forbidding(configuration.values) is not None:
        raise InputError(f"{configuration}: is forbidden by the study")
    return configuration


def _checked(name: str, value: Raw, distribution: BaseDistribution) -> Raw:
    if isinstance(distribution, CategoricalDistribution):
        if value not in distribution.choices:
            raise InputError(f"{name}: is one of {', '.join(map(str, distribution.choices))}, not {value!r}")
        return value
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    # Multiples of a step come back with another library's rounding.
    if isinstance(value, int | float):
        known = nearest_to(distribution, value)
        if math.isclose(known, value, rel_tol=1e-9, abs_tol=1e-12):
            return known
    raise InputError(f"{name}: lies between {distribution.low:g} and {distribution.high:g}, not at {value!r}")


def _run(study: StudyFile, configuration: Configuration, folder: Path) -> int:
    """Runs the engine in a child process, logs every visit to W&B, and returns the engine's exit code."""
    settings = Plan(study, folder).segada_settings(configuration=configuration)
    # Project and run come from the agent, through the environment.
    with wandb.init(settings=wandb.Settings(console="off")) as run:
        described = {"settings_hash": settings.settings_hash(), "seed": settings.seed}
        run.config.update({**described, "configuration": dict(configuration.values)})  # type: ignore[no-untyped-call]
        place = folder / run.id
        file = folder / f"{run.id}.yaml"
        write_text(file, settings_text(settings))
        process = subprocess.Popen([sys.executable, "-m", PROGRAM, str(file), "--out", str(place)])
        # An agent that stops a run early ends this process; the engine must stop with it.
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        _follow(run, process, place)
        code = process.returncode
        if code == 0:
            report = read_report(place).value
            assert report is not None
            run.log(_results(study, report), step=len(report.visits) - 1)
        run.finish(exit_code=code)
    return code if code >= 0 else INTERRUPTED


def _follow(run: "wandb.Run", process: "subprocess.Popen[bytes]", place: Path) -> None:
    told: list[VisitRecord] = []
    while True:
        over = process.poll() is not None
        for visit in read_visits(place).value[len(told) :]:
            told.append(visit)
            scored = [record.visited_miou for record in told if record.is_scored]
            mean = {PRUNED_BY: sum(scored) / len(scored)} if scored else {}
            run.log({**point_of(told[-1]), **mean}, step=told[-1].visit)
        if over:
            return
        time.sleep(SECONDS)


def _results(study: StudyFile, report: RunReport) -> dict[str, float]:
    """Returns the values of objectives and of constrained metrics that the run defines."""
    metrics = [one.metric for one in study.settings.objectives] + [one.metric for one in study.settings.constraints]
    values = {metric: objective_value(metric, report) for metric in metrics}
    return {metric: value for metric, value in values.items() if not math.isnan(value)}


if __name__ == "__main__":
    sys.exit(main())

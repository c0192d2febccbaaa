"""Study files without running them: `python -m hpo.space check FILE` shows what one would search."""

import argparse
import json
import sys

import optuna
import yaml

from hpo.config.describe import print_points, print_space
from hpo.config.json_schema import study_schema
from hpo.config.study_file import StudyFile, load_study
from hpo.config.sweep_import import is_sweep, unused
from hpo.search_space.configuration import Configuration
from hpo.search_space.size import cardinality
from hpo.study.study import points_to_begin_with
from hpo.tracking.sweep_export import lost, sweep_of
from segada.cli.console import wide_terminal
from segada.cli.exit_codes import Parser, exit_code
from segada.core.printing import tell
from segada.settings.files import read_yaml

POINTS = 10
"""Configurations that are shown."""


def main() -> int:
    """The command line. Returns the exit code: 0 done, 2 wrong input, 1 anything else."""
    arguments = _parser().parse_args()
    return exit_code(lambda: arguments.command(arguments))


def check(arguments: argparse.Namespace) -> None:
    """Prints the resolved space and what the first trials would run."""
    console = wide_terminal()
    file = load_study(arguments.file, runs=False)
    written = read_yaml(file.document.file).tree
    if is_sweep(written):
        console.print(
            f"a W&B sweep as a study; not used of it: {', '.join(unused(written)) or 'nothing'}", "", sep="\n"
        )
    print_space(file.space, console)
    sampler = file.settings.sampler.model_dump()["name"]
    count = round(min(POINTS, cardinality(file.space)[0]))
    console.print("", f"the first {count} trials that {sampler} would run, before any has a result:", sep="\n")
    print_points(file, proposals(file, count), console)


def export(arguments: argparse.Namespace) -> None:
    """Prints the study as a W&B sweep, and on stderr what that cannot say."""
    file = load_study(arguments.file, runs=False)
    print(yaml.safe_dump(sweep_of(file, arguments.file), sort_keys=False, allow_unicode=True), end="")
    for loss in lost(file):
        tell(f"note: {loss}")


def schema(arguments: argparse.Namespace) -> None:  # noqa: ARG001 - it has none
    """Prints the JSON schema of study files."""
    print(json.dumps(study_schema(), indent=1))


def proposals(file: StudyFile, count: int) -> list[Configuration]:
    """What a search would try first, before any result is known; what the file begins with is among it.

    Raises:
        InputError: a former study that the file begins with cannot be read.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=file.settings.sampler.build(file.space, file.settings.budget.trials))
    for point in points_to_begin_with(file):
        study.enqueue_trial(point)
    return [file.space.suggest(study.ask()) for _ in range(count)]


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m hpo.space", description="Study files without running them.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    checking = commands.add_parser("check", help="what a study file would search: parameters, sizes, ten points")
    checking.add_argument("file", metavar="FILE", help="study file, or the name of a shipped one")
    checking.set_defaults(command=check)
    exporting = commands.add_parser("export", help="a study file as a W&B sweep, for wandb sweep and wandb agent")
    exporting.add_argument("file", metavar="FILE", help="study file, as the agents will find it")
    exporting.set_defaults(command=export)
    describing = commands.add_parser("schema", help="the JSON schema of study files, for editors")
    describing.set_defaults(command=schema)
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""Study files without running them: `python -m hpo.space check FILE` shows what one would search."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hpo.cli.options import SPACE, command_parser
from segada.cli.exit_codes import Parser, exit_code
from segada.core.printing import tell

if TYPE_CHECKING:
    from hpo.config.study_file import StudyFile
    from hpo.search_space.configuration import Configuration

POINTS = 10
"""Configurations that are shown."""


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0 done, 2 wrong input, 1 anything else."""
    arguments = parser().parse_args(words)
    return exit_code(lambda: arguments.command(arguments))


def check(arguments: argparse.Namespace) -> None:
    """Prints the resolved space and what the first trials would run, and checks the data if they are on this machine.

    Raises:
        InputError: The study file is wrong, or its data do not let a run start.
    """
    # Imported here, so that --help is quick.
    from hpo.config.data_check import check_data
    from hpo.config.describe import print_points, print_space
    from hpo.config.program_study import ProgramStudy
    from hpo.config.study_file import load_study
    from hpo.config.sweep_import import is_sweep, notes_on, unused
    from hpo.search_space.size import cardinality
    from hpo.session.engines import check_program
    from segada.cli.console import wide_terminal
    from segada.errors import InputError
    from segada.settings.files import read_yaml

    console = wide_terminal()
    file = load_study(arguments.file, runs=False)
    written = read_yaml(file.document.file).tree
    if is_sweep(written):
        console.print(
            f"a W&B sweep as a study; not used of it: {', '.join(unused(written)) or 'nothing'}", "", sep="\n"
        )
        for note in notes_on(Path(file.document.file)):
            tell(f"note: {note}")
    print_space(file.space, console)
    sampler = file.settings.sampler.model_dump()["name"]
    count = round(min(POINTS, file.settings.budget.trials, cardinality(file.space)[0]))
    console.print("", f"the first {count} trials that {sampler} would run, before any has a result:", sep="\n")
    print_points(file, proposals(file, count), console)
    if isinstance(file, ProgramStudy):
        check_program(file)
        return
    try:
        file.check_folders()
    except InputError as absent:
        console.print("", f"the data are not checked, because they are not here: {absent}", sep="\n", soft_wrap=True)
        return
    check_data(file, console)


def export(arguments: argparse.Namespace) -> None:
    """Prints the study as a W&B sweep, and on stderr what that cannot say."""
    import yaml

    from hpo.config.study_file import load_study
    from hpo.tracking.sweep_export import lost, sweep_of

    file = load_study(arguments.file, runs=False)
    print(yaml.safe_dump(sweep_of(file, arguments.file), sort_keys=False, allow_unicode=True), end="")
    for loss in lost(file):
        tell(f"note: {loss}")


def schema(arguments: argparse.Namespace) -> None:
    """Prints the JSON schema of study files; with a file, the settings of the code that it names are in it."""
    from hpo.config.json_schema import study_schema
    from hpo.config.study_file import load_study

    named = None if arguments.file is None else load_study(arguments.file, runs=False)
    print(json.dumps(study_schema(named), indent=1))


def proposals(file: "StudyFile", count: int) -> "list[Configuration]":
    """Returns the first points of a search, before any result is known; points of `start_from` come first.

    Raises:
        InputError: a former study that the file begins with cannot be read.
    """
    import optuna

    from hpo.study.beginning import begin
    from hpo.study.first_trials import beginning_of

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=file.settings.sampler.build(file.space, file.settings.budget.trials))
    beginning = beginning_of(file)
    for note in beginning.notes:
        tell(f"start_from: {note}")
    begin(study, beginning)
    return [file.space.suggest(study.ask()) for _ in range(count)]


def parser() -> Parser:
    """Returns the parser of the command."""
    parser = command_parser("hpo.space", "Study files without running them.", "check ga_dacs.yaml")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    checking = commands.add_parser("check", help="what a study file would search: parameters, sizes, ten points")
    checking.add_argument("file", metavar="FILE", help=SPACE)
    checking.set_defaults(command=check)
    exporting = commands.add_parser("export", help="a study file as a W&B sweep, for wandb sweep and wandb agent")
    exporting.add_argument("file", metavar="FILE", help="study file, as the agents will find it")
    exporting.set_defaults(command=export)
    describing = commands.add_parser("schema", help="the JSON schema of study files, for editors")
    describing.add_argument("file", metavar="FILE", nargs="?", help="a study whose own code the schema shall know")
    describing.set_defaults(command=schema)
    return parser


if __name__ == "__main__":
    sys.exit(main())

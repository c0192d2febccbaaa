"""The trials of a study as lines of JSON: `export` writes them, `import` takes them in, `salvage` mends a journal."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hpo.cli.options import add_space, add_storage, command_parser
from segada.cli.exit_codes import Parser, exit_code
from segada.cli.interruption import program
from segada.core.printing import say, tell
from segada.errors import InputError

if TYPE_CHECKING:
    from hpo.config.study_file import StudyFile


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0 done, 2 wrong input, 3 stopped, 1 anything else."""
    arguments = parser().parse_args(words)
    import optuna  # after the options, so that --help is quick

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return exit_code(lambda: arguments.command(arguments), kept="what was there is kept")


def _export(arguments: argparse.Namespace) -> None:
    from hpo.study.exchange import exported
    from segada.cli.output_dir import check_file
    from segada.core.atomic_io import write_text
    from segada.settings.inputs import resolved

    if arguments.file is not None:
        check_file(arguments.file, "--file")
    lines, notes = exported(resolved(arguments.out, "OUT"))
    for note in notes:
        tell(f"note: {note}")
    if arguments.file is None:
        sys.stdout.write(lines)
    else:
        write_text(arguments.file, lines)


def _import(arguments: argparse.Namespace) -> None:
    from hpo.study.exchange import imported
    from segada.settings.inputs import resolved

    out = resolved(arguments.out, "OUT")
    new, known = imported(arguments.file, out, _study_file(arguments, out))
    say(f"{new} trials taken in, {known} were there")
    options = shlex.join(["--space", str(out / "study.yaml"), "--out", str(out)])
    say(f"to go on: {program('hpo.run')} {options}")


def _salvage(arguments: argparse.Namespace) -> None:
    from hpo.study.salvage import salvage
    from segada.settings.inputs import resolved

    for sentence in salvage(resolved(arguments.out, "OUT")):
        say(sentence)


def _study_file(arguments: argparse.Namespace, out: Path) -> "StudyFile":
    from hpo.config.study_file import load_study

    space = arguments.space or str(out / "study.yaml")
    if arguments.space is None and not (out / "study.yaml").exists():
        raise InputError(f"{out}: has no study.yaml; name the folder of a study, or a study file with --space")
    storage = {} if arguments.storage is None else {"storage": arguments.storage}
    return load_study(space, storage, dict.fromkeys(storage, "--storage"), runs=False)


def parser() -> Parser:
    """Returns the parser of the command."""
    parser = command_parser("hpo.trial", __doc__, "export runs/ga_dacs --file trials.jsonl")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    exporting = commands.add_parser("export", help="all trials as lines of JSON; nothing is changed")
    exporting.add_argument("out", type=Path, metavar="OUT", help="folder of a study")
    exporting.add_argument("--file", type=Path, metavar="FILE", help="where to (default: standard output)")
    exporting.set_defaults(command=_export)
    importing = commands.add_parser("import", help="takes in trials as export writes them")
    importing.add_argument("out", type=Path, metavar="OUT", help="folder of a study, or of a new one")
    importing.add_argument("file", type=Path, metavar="FILE", help="lines of JSON")
    add_space(importing, required=False, default="OUT/study.yaml")
    add_storage(importing)
    importing.set_defaults(command=_import)
    salvaging = commands.add_parser("salvage", help="a damaged journal without its bad lines; it is kept beside it")
    salvaging.add_argument("out", type=Path, metavar="OUT", help="folder of a study")
    salvaging.set_defaults(command=_salvage)
    return parser


if __name__ == "__main__":
    sys.exit(main())

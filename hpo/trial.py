"""The trials of a study as lines of JSON: `export` writes them, `import` takes them in, `salvage` mends a journal."""

import argparse
import shlex
import sys
from pathlib import Path

import optuna

from hpo.config.study_file import StudyFile, load_study
from hpo.study.exchange import exported, imported
from hpo.study.salvage import salvage
from segada.cli.exit_codes import Parser, exit_code
from segada.core.atomic_io import write_text
from segada.core.printing import say, tell
from segada.errors import InputError


def main() -> int:
    """The command line. Returns the exit code: 0 done, 2 wrong input, 3 stopped, 1 anything else."""
    arguments = _parser().parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return exit_code(lambda: arguments.command(arguments), kept="what was there is kept")


def _export(arguments: argparse.Namespace) -> None:
    lines, notes = exported(arguments.out.resolve())
    for note in notes:
        tell(f"note: {note}")
    if arguments.file is None:
        sys.stdout.write(lines)
    else:
        write_text(arguments.file, lines)


def _import(arguments: argparse.Namespace) -> None:
    out = arguments.out.resolve()
    new, known = imported(arguments.file, out, _study_file(arguments, out))
    say(f"{new} trials taken in, {known} were there")
    say(f"to go on: python -m hpo.run --space {shlex.quote(str(out / 'study.yaml'))} --out {shlex.quote(str(out))}")


def _salvage(arguments: argparse.Namespace) -> None:
    for sentence in salvage(arguments.out.resolve()):
        say(sentence)


def _study_file(arguments: argparse.Namespace, out: Path) -> StudyFile:
    space = arguments.space or str(out / "study.yaml")
    if arguments.space is None and not (out / "study.yaml").exists():
        raise InputError(f"{out}: has no study.yaml; name the folder of a study, or a study file with --space")
    storage = {} if arguments.storage is None else {"storage": arguments.storage}
    return load_study(space, storage, dict.fromkeys(storage, "--storage"), runs=False)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m hpo.trial", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    exporting = commands.add_parser("export", help="all trials as lines of JSON; nothing is changed")
    exporting.add_argument("out", type=Path, metavar="OUT", help="folder of a study")
    exporting.add_argument("--file", type=Path, metavar="F", help="where to (default: standard output)")
    exporting.set_defaults(command=_export)
    importing = commands.add_parser("import", help="takes in trials as export writes them")
    importing.add_argument("out", type=Path, metavar="OUT", help="folder of a study, or of a new one")
    importing.add_argument("file", type=Path, metavar="F", help="lines of JSON")
    importing.add_argument("--space", metavar="FILE", help="study file (default: OUT/study.yaml)")
    importing.add_argument("--storage", metavar="URL", help="database of the study: sqlite:///FILE, postgresql://...")
    importing.set_defaults(command=_import)
    salvaging = commands.add_parser("salvage", help="a damaged journal without its bad lines; it is kept beside it")
    salvaging.add_argument("out", type=Path, metavar="OUT", help="folder of a study")
    salvaging.set_defaults(command=_salvage)
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""Lists and changes the trials of a study, also while drivers run it; exports, imports and salvages them."""

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hpo.cli.options import SPACE, add_space, add_storage, command_parser
from segada.cli.exit_codes import Parser, exit_code
from segada.cli.interruption import program
from segada.core.printing import say, tell
from segada.errors import InputError

if TYPE_CHECKING:
    from hpo.config.study_file import StudyFile
    from segada.settings.nested import Tree

    Commands = argparse._SubParsersAction[Parser]


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0 done, 2 wrong input, 3 stopped, 1 anything else."""
    arguments = parser().parse_args(words)
    import optuna  # after the options, so that --help is quick

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return exit_code(lambda: arguments.command(arguments), kept="what was there is kept")


def _check(arguments: argparse.Namespace) -> None:
    import shutil
    from tempfile import mkdtemp

    from hpo.config.study_file import load_study
    from hpo.session.trial_check import check_trial
    from segada.cli.console import wide_terminal
    from segada.settings.inputs import resolved

    file = load_study(arguments.file)
    out = Path(mkdtemp(prefix="hpo-trial-")) if arguments.out is None else resolved(Path(arguments.out), "--out")
    # After a failure the log is kept, which the error names.
    check_trial(file, out, wide_terminal())
    if arguments.out is None:
        shutil.rmtree(out)


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


def _list(arguments: argparse.Namespace) -> None:
    from rich.table import Table

    from hpo.study.trial_list import listed
    from segada.cli.console import wide_terminal
    from segada.settings.inputs import resolved

    trials = listed(resolved(arguments.out, "OUT"))
    if arguments.json:
        sys.stdout.writelines(f"{trial.model_dump_json()}\n" for trial in trials)
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("trial", "state", "values", "origin", "reason"):
        table.add_column(column, overflow="fold")
    for trial in trials:
        values = ", ".join("not finite" if value is None else f"{value:.4g}" for value in trial.values)
        reason = "; ".join(text for text in (trial.reason, trial.left_out) if text)
        table.add_row(str(trial.number), trial.state, values, trial.origin, reason)
    wide_terminal().print(table)


def _add(arguments: argparse.Namespace) -> None:
    from hpo.study.edits import add
    from segada.settings.assignments import parse_assignments
    from segada.settings.files import read_yaml
    from segada.settings.inputs import resolved

    values = {} if arguments.file is None else _paths(read_yaml(arguments.file).tree)
    values |= parse_assignments(arguments.assignments)
    if not values and arguments.file is None:
        raise InputError("add: names no value; write --set PATH=VALUE, or a file of values with --file")
    source = str(arguments.file) if arguments.file is not None and not arguments.assignments else "--set"
    _say(add(resolved(arguments.out, "OUT"), values, source))


def _retry(arguments: argparse.Namespace) -> None:
    from hpo.study.edits import retry
    from segada.settings.inputs import resolved

    _say(retry(resolved(arguments.out, "OUT"), arguments.number))


def _exclude(arguments: argparse.Namespace) -> None:
    from hpo.study.edits import exclude, include
    from segada.settings.inputs import resolved

    out = resolved(arguments.out, "OUT")
    _say(include(out, arguments.number) if arguments.undo else exclude(out, arguments.number, arguments.reason))


def _stop(arguments: argparse.Namespace) -> None:
    from hpo.study.edits import stop
    from segada.settings.inputs import resolved

    _say(stop(resolved(arguments.out, "OUT"), arguments.number, arguments.reason))


def _paths(tree: "Tree", above: str = "") -> "Tree":
    """Returns the values of nested mappings by path; keys may be paths themselves."""
    found: Tree = {}
    for key, value in tree.items():
        found |= _paths(value, f"{above}{key}.") if isinstance(value, dict) else {f"{above}{key}": value}
    return found


def _say(sentences: Sequence[str]) -> None:
    for sentence in sentences:
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
    checking = commands.add_parser("check", help="runs one trial of an external engine and says what it reports")
    checking.add_argument("file", metavar="FILE", help=SPACE)
    checking.add_argument("--out", metavar="DIR", help="keep the run in this folder (default: it is removed)")
    checking.set_defaults(command=_check)
    _add_changes(commands)
    exporting = _command(commands, "export", _export, "all trials as lines of JSON; nothing is changed")
    exporting.add_argument("--file", type=Path, metavar="FILE", help="where to (default: standard output)")
    importing = _command(commands, "import", _import, "takes in trials as export writes them", "or of a new one")
    importing.add_argument("file", type=Path, metavar="FILE", help="lines of JSON")
    add_space(importing, required=False, default="OUT/study.yaml")
    add_storage(importing)
    _command(commands, "salvage", _salvage, "a damaged journal without its bad lines; it is kept beside it")
    return parser


def _add_changes(commands: "Commands") -> None:
    """Adds the commands that list and change trials."""
    listing = _command(commands, "list", _list, "number, state, values, origin and reason of every trial")
    listing.add_argument("--json", action="store_true", help="for machines: a line of JSON per trial")
    adding = _command(commands, "add", _add, "a point to try, checked against the space; the budget counts it")
    adding.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        dest="assignments",
        help="value of a parameter; repeatable; parameters that are not named have their default",
    )
    adding.add_argument("--file", type=Path, metavar="FILE", help="values by path, as YAML or JSON")
    for name, command, text in (
        ("retry", _retry, "tries a failed trial again, outside the budget"),
        ("exclude", _exclude, "a trial that is not the best, not confirmed, and unknown to the sampler"),
        ("stop", _stop, "ends a waiting trial, or a running one after its current visit; it counts as failed"),
    ):
        changing = _command(commands, name, command, text)
        changing.add_argument("number", type=int, metavar="N", help="number of the trial")
        if name != "retry":
            changing.add_argument("--reason", default="", metavar="TEXT", help="reason to record (default: by hand)")
        if name == "exclude":
            changing.add_argument("--undo", action="store_true", help="make an excluded trial count again")


def _command(
    commands: "Commands", name: str, command: Callable[[argparse.Namespace], None], text: str, more: str = ""
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    parser.add_argument("out", type=Path, metavar="OUT", help=f"folder of a study{', ' if more else ''}{more}")
    parser.set_defaults(command=command)
    return parser


if __name__ == "__main__":
    sys.exit(main())

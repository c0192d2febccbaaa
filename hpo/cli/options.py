"""Options that several commands of `hpo` have: each has one meaning and one help text."""

import argparse

from segada.cli.exit_codes import Parser
from segada.cli.interruption import program

SPACE = "study file, or the name of a shipped one"
"""Help on an argument that names a study file."""
CODES = (
    "Exit codes: 0 done, with an answer; 4 everything ran, but there is no answer (every trial failed, none keeps the "
    "constraints, the confirmation failed); 2 wrong input; 3 interrupted, the same command continues; 1 any other "
    "failure."
)
"""Exit codes in the help of the commands that search."""
STUDY_FOLDER = "folder of a study, finished or not"
"""Help on an argument that names the folder of a study."""


def command_parser(
    module: str, description: str, example: str, *, allow_abbrev: bool = True, codes: str = ""
) -> Parser:
    """Returns a parser without options whose help ends with an example.

    Args:
        module: Module of the command, such as `hpo.run`.
        description: First paragraph of the help.
        example: Options and arguments of the example.
        allow_abbrev: Whether an option can be given by its first letters.
        codes: Sentences on the exit codes after the first paragraph; empty for the usual ones.
    """
    return Parser(
        prog=program(module),
        description=f"{description} {codes}".strip(),
        epilog=f"example: %(prog)s {example}",
        allow_abbrev=allow_abbrev,
    )


def run_parser() -> Parser:
    """Returns the parser of `hpo run`, whose options a submitted job and the studies of a comparison have too."""
    parser = command_parser(
        "hpo.run",
        "Searches, confirms the best configuration and reports its gain. The same command continues a stopped study.",
        "--space ga_dacs.yaml --set budget.trials=12 --out runs/short",
        codes=CODES,
    )
    add_space(parser)
    add_out(parser)
    add_search_options(parser)
    add_storage(parser)
    add_begin(parser)
    add_address(parser)
    return parser


def add_space(parser: argparse.ArgumentParser, *, required: bool = True, default: str = "") -> None:
    """Adds `--space`, the study file."""
    after = f" (default: {default})" if default else ""
    parser.add_argument("--space", required=required, metavar="FILE", help=f"{SPACE}{after}")


def add_out(parser: argparse.ArgumentParser, default: str = "runs/NAME") -> None:
    """Adds `--out`, the folder of the results."""
    parser.add_argument("--out", metavar="DIR", help=f"folder of the results (default: {default})")


def add_search_options(parser: argparse.ArgumentParser) -> None:
    """Adds `--set` and its short forms `--trials` and `--seed`."""
    parser.add_argument("--trials", type=int, metavar="N", help="the same as --set budget.trials=N")
    parser.add_argument("--seed", type=int, metavar="N", help="the same as --set run.seed=N --set sampler.seed=N")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        dest="assignments",
        help="a setting of the runs (stream.passes=2) or of the study (confirm.seeds=5); repeatable",
    )


def add_storage(parser: argparse._ActionsContainer) -> None:
    """Adds `--storage`, the database of the study."""
    parser.add_argument(
        "--storage",
        metavar="URL",
        help="database of the study: sqlite:///FILE, postgresql://... (default: a journal in DIR)",
    )


def add_begin(parser: argparse._ActionsContainer) -> None:
    """Adds `--resume` and `--new`, which exclude each other; without them a study is continued or begun."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--resume", action="store_true", help="continue what DIR holds; refuse if it holds none")
    group.add_argument("--new", action="store_true", help="begin anew; a DIR that exists is renamed DIR.1, DIR.2 ...")


def add_address(
    parser: argparse._ActionsContainer,
    form: str = "HOST:PORT, or auto",
    default: str | None = None,
    without: str = "RAY_ADDRESS, or Ray on this machine",
) -> None:
    """Adds `--address`, the Ray cluster.

    Args:
        parser: Parser of the command.
        form: Form of an address.
        default: Value if the option is not given.
        without: Text that says what is used if the option is not given.
    """
    parser.add_argument(
        "--address", default=default, metavar="ADDRESS", help=f"of the Ray cluster: {form} (default: {without})"
    )

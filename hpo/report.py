"""Rebuilds the report of a study from its folder: `python -m hpo.report OUT`."""

import errno
import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hpo.cli.options import STUDY_FOLDER, command_parser
from segada.cli.exit_codes import Parser, exit_code
from segada.core.printing import say
from segada.errors import InputError


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0 done, 2 wrong input, 3 stopped, 1 anything else."""
    out = parser().parse_args(words).out

    def command() -> None:
        # Imported here, so that --help is quick.
        from segada.settings.named_kinds import without_code

        with without_code():
            rebuild(out)

    return exit_code(command)


def rebuild(out: Path) -> None:
    """Writes results.csv, report.html and, if everything is confirmed, best/ anew.

    Raises:
        InputError: The folder holds no study, or cannot be written.
    """
    # Imported here, so that --help is quick.
    from hpo.config.study_file import load_written
    from hpo.reporting.outputs import write_outputs
    from hpo.study.plan import Plan
    from hpo.study.study import read_study
    from segada.settings.inputs import resolved

    out = resolved(out, "OUT")
    file = load_written(out)
    _check_writable(out)
    study = read_study(file, out)
    results = write_outputs(study, Plan(file, out), study.leases.failures())
    for line in results.damages:
        say(f"damaged: {line}")
    say(f"report in {results.report}")


def _check_writable(out: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise
        raise InputError(
            f"{out}: a report cannot be written there ({error.strerror}); make a copy and report on that: "
            f"cp -r {shlex.quote(str(out))} COPY"
        ) from None


def parser() -> Parser:
    """Returns the parser of the command."""
    parser = command_parser("hpo.report", "Rebuilds the report of a study from its folder.", "runs/ga_dacs")
    parser.add_argument("out", type=Path, metavar="OUT", help=STUDY_FOLDER)
    return parser


if __name__ == "__main__":
    sys.exit(main())

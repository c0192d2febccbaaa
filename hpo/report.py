"""Rebuilds the report of a study from its folder: `python -m hpo.report OUT`."""

import sys
from pathlib import Path

from hpo.config.study_file import load_written
from hpo.reporting.outputs import write_outputs
from hpo.study.plan import Plan
from hpo.study.study import read_study
from segada.cli.exit_codes import Parser, exit_code
from segada.core.printing import say
from segada.settings.inputs import resolved


def main() -> int:
    """The command line."""
    parser = Parser(prog="python -m hpo.report", description=__doc__)
    parser.add_argument("out", type=Path, help="folder of a study, finished or not")
    out = parser.parse_args().out
    return exit_code(lambda: rebuild(resolved(out, "OUT")))


def rebuild(out: Path) -> None:
    """Writes results.csv, report.html and, if everything is confirmed, best/ anew.

    Raises:
        InputError: the folder holds no study.
    """
    file = load_written(out)
    study = read_study(file, out)
    results = write_outputs(study, Plan(file, out), study.leases.failures())
    for line in results.damages:
        say(f"damaged: {line}")
    say(f"report in {out / 'report.html'}")


if __name__ == "__main__":
    sys.exit(main())

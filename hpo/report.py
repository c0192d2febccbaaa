"""Rebuilds the report of a study from its folder: `python -m hpo.report OUT`."""

import argparse
import sys
from pathlib import Path

from hpo.outputs import write_outputs
from hpo.plan import Plan
from hpo.study import read_study
from hpo.study_file import load_written
from segada.command import exit_code


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m hpo.report", description=__doc__)
    parser.add_argument("out", type=Path, help="folder of a study, finished or not")
    out = parser.parse_args().out.resolve()
    return exit_code(lambda: rebuild(out))


def rebuild(out: Path) -> None:
    """Writes results.csv, report.html and, if everything is confirmed, best/ anew.

    Raises:
        InputError: the folder holds no study.
    """
    file = load_written(out)
    study = read_study(file, out)
    results = write_outputs(study, Plan(file, out), study.claims.failures())
    for line in results.damages:
        print(f"damaged: {line}")
    print(f"report in {out / 'report.html'}")


if __name__ == "__main__":
    sys.exit(main())

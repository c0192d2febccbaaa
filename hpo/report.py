"""Rebuilds the report of a study from its folder: `python -m hpo.report OUT`."""

import argparse
import sys
from pathlib import Path

from hpo.outputs import write_outputs
from hpo.plan import Plan
from hpo.study import read_study
from hpo.study_file import load_study
from segada.command import exit_code
from segada.settings.files import InputError
from segada.settings.inputs import resolved


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m hpo.report", description=__doc__)
    parser.add_argument("out", type=Path, help="folder of a study, finished or not")
    out = parser.parse_args().out
    return exit_code(lambda: rebuild(resolved(out, "OUT")))


def rebuild(out: Path) -> None:
    """Writes results.csv, report.html and, if everything is confirmed, best/ anew.

    Raises:
        InputError: the folder holds no study.
    """
    if not (out / "study.yaml").exists():
        raise InputError(
            f"{out}: has no study.yaml; name the folder of a study, as in python -m hpo.report runs/ga_dacs"
        )
    file = load_study(str(out / "study.yaml"), runs=False)
    write_outputs(read_study(file, out), Plan(file, out), {})
    print(f"report in {out / 'report.html'}")


if __name__ == "__main__":
    sys.exit(main())

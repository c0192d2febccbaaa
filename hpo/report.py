"""Rebuilds the report of a study from its folder: `python -m hpo.report OUT`."""

import argparse
import sys
from pathlib import Path

from hpo.collect import results_of
from hpo.ledger import JOURNAL
from hpo.outputs import read_confirmation
from hpo.plan import Plan
from hpo.reporting.page import write_report
from hpo.results import write_csv
from hpo.study import open_study
from hpo.study_file import load_study
from segada.command import exit_code
from segada.settings.files import InputError


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m hpo.report", description=__doc__)
    parser.add_argument("out", type=Path, help="folder of a study, finished or not")
    out = parser.parse_args().out.resolve()
    return exit_code(lambda: rebuild(out), "the same command writes it anew")


def rebuild(out: Path) -> None:
    """Writes results.csv and report.html anew.

    Raises:
        InputError: the folder holds no study.
    """
    missing = [name for name in ("study.yaml", JOURNAL) if not (out / name).exists()]
    if missing:
        raise InputError(
            f"{out}: has no {missing[0]}; name the folder of a study, as in python -m hpo.report runs/ga_dacs"
        )
    file = load_study(str(out / "study.yaml"))
    results = results_of(open_study(file, out), Plan(file, out), read_confirmation(out))
    write_csv(results, out / "results.csv")
    write_report(results, out / "report.html")
    print(f"report in {out / 'report.html'}")


if __name__ == "__main__":
    sys.exit(main())

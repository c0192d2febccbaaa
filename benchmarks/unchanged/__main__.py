"""Shows that a change of the code changes no number: `python -m benchmarks.unchanged record TREE OUT`, for the code
before and after it, then `python -m benchmarks.unchanged compare OUT OUT2`."""

import argparse
import sys
from pathlib import Path

from benchmarks.unchanged.comparison import compare, print_comparison
from benchmarks.unchanged.recording import RecordingError, record, run_names


def main() -> int:
    """Runs the command line.

    Returns:
        0 if all went well; 1 if a run failed, a setting is covered by no run, or two recordings differ.
    """
    arguments = _parser().parse_args()
    if arguments.command == "compare":
        compared = compare(arguments.first, arguments.second, run_names())
        print_comparison(compared)
        return int(any(run.difference for run in compared))
    try:
        record(arguments.tree.resolve(), arguments.out.resolve(), arguments.words == "new", arguments.only)
    except RecordingError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.unchanged", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    recording = commands.add_parser("record", help="run everything in a checkout; an empty or absent OUT is filled")
    recording.add_argument("tree", type=Path, metavar="TREE", help="folder of the checkout that is run")
    recording.add_argument("out", type=Path, metavar="OUT", help="folder of the recording")
    recording.add_argument(
        "--words", choices=("old", "new"), default="new", help="names of settings that TREE reads (default: new)"
    )
    recording.add_argument("--only", nargs="+", metavar="RUN", default=[], help="record these runs; default: all")
    comparing = commands.add_parser("compare", help="compare two recordings; exit status 1 if they differ")
    comparing.add_argument("first", type=Path, metavar="A")
    comparing.add_argument("second", type=Path, metavar="B")
    return parser


if __name__ == "__main__":
    sys.exit(main())

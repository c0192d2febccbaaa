"""The main job: `python -m hpo.run --space ga_dacs.yaml` searches, confirms the best, and says what it is worth."""

import sys
from collections.abc import Sequence

from hpo.cli.options import run_parser as parser

__all__ = ["main", "parser"]


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0 done, 4 done without an answer, 2 wrong input, 3 stopped and
    resumable, 1 anything else.
    """
    arguments = parser().parse_args(words)
    from hpo.session.command import run_command  # after the options, so that --help is quick

    return run_command(arguments)


if __name__ == "__main__":
    sys.exit(main())

"""Settings of a run and a study on own data: `segada init FOLDER...`."""

import sys
from collections.abc import Sequence

from segada.cli.exit_codes import Parser, command_parser, exit_code


def parser() -> Parser:
    """Returns the options of the command."""
    options = command_parser(
        "segada.init",
        "Looks at data and writes settings.yaml and study.yaml that use it.",
        "/data/cracks /data/tunnel --out cracks",
    )
    options.add_argument(
        "folders",
        nargs="+",
        metavar="FOLDER",
        help="folder of images, with or without labels, of COCO annotations or a published data set; or a video",
    )
    options.add_argument("--out", metavar="DIR", help="folder of both files; default: the working directory")
    return options


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0 both files are written, 2 nothing usable was found, 3 interrupted.

    Args:
        words: Words of the command line; None takes those of `sys.argv`.
    """
    arguments = parser().parse_args(words)
    # Imported after --help, and before exit_code: a signal during the seconds of import ends the process in one line.
    from segada.data.inspection.init_command import init

    return exit_code(lambda: init(arguments.folders, arguments.out), "nothing was written")


if __name__ == "__main__":
    sys.exit(main())

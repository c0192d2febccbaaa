"""Scores a checkpoint on any domains, class by class: `python -m segada.evaluate CHECKPOINT`."""

import sys
from collections.abc import Sequence
from typing import get_args

from segada.cli.exit_codes import NO_ANSWER, Parser, command_parser, exit_code
from segada.cli.options import add_out, add_settings_options
from segada.core.printing import tell
from segada.data.splits import Split
from segada.evaluation.choices import SAVED, SCALES


def parser() -> Parser:
    """Returns the options of the command."""
    options = command_parser(
        "segada.evaluate",
        "Scores a checkpoint on any domains, class by class.",
        "runs/a --domains fog150m night --tta --out runs/scores",
    )
    options.add_argument(
        "checkpoints",
        nargs="+",
        metavar="CHECKPOINT",
        help="a file, the name of a shipped checkpoint, or the folder of a run; several vote: their probabilities are "
        "averaged",
    )
    options.add_argument("--settings", metavar="FILE", help="settings (YAML) of frames and network; default: the run's")
    add_settings_options(options)
    options.add_argument("--domains", nargs="+", metavar="NAME", help="of data.domains; default: those of the stream")
    options.add_argument("--split", choices=get_args(Split), default="test", help="frames to score; default: test")
    add_out(options, "runs/evaluate-, the name of the checkpoint, and a hash")
    scales = " ".join(f"{scale:g}" for scale in SCALES)
    options.add_argument("--tta", action="store_true", help=f"see each frame at scales {scales}, and in the mirror")
    options.add_argument("--scales", nargs="+", type=float, metavar="S", help="other scales for --tta")
    options.add_argument("--no-flip", action="store_true", help="--tta without the mirror")
    options.add_argument("--slide", metavar="CROP", help="see frames through windows of so many pixels: 512, 512x1024")
    options.add_argument("--stride", metavar="S", help="from window to window; default: two thirds of the window")
    options.add_argument(
        "--save", nargs="+", default=[], choices=SAVED, help="also write this of each frame to the results"
    )
    options.add_argument(
        "--batch-size",
        type=int,
        metavar="N",
        help="greatest number of frames per forward pass; default: as many as fit into memory",
    )
    return options


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 4 if nothing could be scored and nothing was exported.

    Args:
        words: Words of the command line; None takes those of `sys.argv`.
    """
    arguments = parser().parse_args(words)
    # Imported after --help, and before exit_code: a signal during the seconds of import ends the process in one line.
    from segada.cli.console import terminal
    from segada.cli.output_dir import check_folder, check_own, named_folder
    from segada.cli.signals import stopping
    from segada.evaluation.options import parse_request
    from segada.evaluation.request import default_folder
    from segada.evaluation.results import RESULT_MARKS
    from segada.evaluation.session import evaluate
    from segada.evaluation.tables import domain_table

    unscored: list[str] = []

    def command() -> None:
        request = parse_request(arguments)
        folder = named_folder(arguments.out, default_folder(request.nothing_yet()))
        check_folder(folder)
        check_own(folder, "evaluation", RESULT_MARKS)
        console = terminal()
        with stopping("the frames that are being predicted are done") as asked_to_stop:
            evaluation = evaluate(request, folder, console, asked_to_stop)
        console.print(domain_table(evaluation))
        console.print(f"results in {folder}")
        if not request.kept and all(record.miou is None for record in evaluation.domains.values()):
            unscored.extend(evaluation.domains)

    code = exit_code(command, "finished domains are kept")
    if unscored:
        tell(f"no answer: no frame has a label in {', '.join(unscored)} (exit code {NO_ANSWER})")
    return NO_ANSWER if unscored else code


if __name__ == "__main__":
    sys.exit(main())

"""How well a checkpoint segments: `python -m segada.evaluate CHECKPOINT` scores it on any domains, class by class."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from rich.console import Console

from segada.cli.console import terminal
from segada.cli.exit_codes import Parser, exit_code
from segada.cli.output_dir import check_folder, check_own, named_folder
from segada.cli.signals import Asked, never, stopping
from segada.core.torch_setup import set_up_torch
from segada.data.splits import Split
from segada.errors import InputError
from segada.evaluation.checkpoints import find_models, frame_settings
from segada.evaluation.export import KINDS
from segada.evaluation.options import parse_protocol
from segada.evaluation.progress import frame_progress
from segada.evaluation.records import Evaluation
from segada.evaluation.request import Request, default_folder
from segada.evaluation.results import RESULT_MARKS, ResultFolder
from segada.evaluation.scoring import Scorer, frame_key
from segada.evaluation.tables import class_table, domain_table
from segada.evaluation.tta import SCALES
from segada.settings import RunSettings
from segada.settings.assignments import parse_assignments
from segada.settings.limits import COUNT
from segada.settings.schema import nearest


def evaluate(request: Request, folder: Path, console: Console, asked_to_stop: Asked = never) -> Evaluation:
    """Scores the domains that are not finished yet, and leaves everything in the folder.

    Args:
        request: What is wanted.
        folder: Where `evaluation.json`, `evaluation.csv` and what is kept of frames go.
        console: Where progress and tables are printed.
        asked_to_stop: Is asked after each batch.

    Returns:
        The evaluation with the domains of the request, in its order; the folder may have more.

    Raises:
        KeyboardInterrupt: if it was asked to stop; a further call goes on with the domain that was not finished.
        InputError: data or weights are missing or not as expected, or the folder holds another evaluation.
    """
    settings = request.settings
    set_up_torch(settings.runtime)
    results = ResultFolder(folder, request.nothing_yet())
    keys = {name: frame_key(name, settings.data, results.evaluation) for name in request.domains}
    left = [name for name in request.domains if not results.finished(name, keys[name], request.kept)]
    if len(left) < len(request.domains):
        console.print(f"{len(request.domains) - len(left)} of {len(request.domains)} domains are done, in {folder}")
    if left:
        networks = request.networks()
        for network in networks:
            console.print(network.origin, soft_wrap=True)
        if request.kept:
            results.claim()
        with frame_progress(console) as progress:
            scorer = Scorer(
                request.predictor(networks), request.batch_size(), folder, request.kept, progress, asked_to_stop
            )
            for name in left:
                record = scorer.score(name, settings.data, request.protocol.split, keys[name])
                results.add(name, record)
                console.print(class_table(name, record))
    done = results.evaluation
    return done.model_copy(update={"domains": {name: done.domains[name] for name in request.domains}})


def main() -> int:
    """The command line."""
    parser = _parser()
    arguments = parser.parse_args()

    def command() -> None:
        request = _request(arguments)
        folder = named_folder(arguments.out, default_folder(request.nothing_yet()))
        check_folder(folder)
        check_own(folder, "evaluation", RESULT_MARKS)
        console = terminal()
        with stopping("the frames that are being predicted are done") as asked_to_stop:
            evaluation = evaluate(request, folder, console, asked_to_stop)
        console.print(domain_table(evaluation))
        console.print(f"results in {folder}")

    return exit_code(command, "finished domains are kept")


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m segada.evaluate", description=__doc__)
    parser.add_argument(
        "checkpoints",
        nargs="+",
        metavar="CHECKPOINT",
        help="a file, the name of a shipped checkpoint, or the folder of a run; several vote: their probabilities are "
        "averaged",
    )
    parser.add_argument("--settings", metavar="FILE", help="settings (YAML) of frames and network; default: the run's")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", dest="assignments")
    parser.add_argument("--domains", nargs="+", metavar="NAME", help="of data.domains; default: those of the stream")
    parser.add_argument("--split", choices=get_args(Split), default="test", help="default: report")
    parser.add_argument("--out", help="folder of the results; default: runs/evaluate-, name and hash")
    scales = " ".join(f"{scale:g}" for scale in SCALES)
    parser.add_argument("--tta", action="store_true", help=f"see each frame at scales {scales}, and in the mirror")
    parser.add_argument("--scales", nargs="+", type=float, metavar="S", help="other scales for --tta")
    parser.add_argument("--no-flip", action="store_true", help="--tta without the mirror")
    parser.add_argument("--slide", metavar="CROP", help="see frames through windows of so many pixels: 512, 512x1024")
    parser.add_argument("--stride", metavar="S", help="from window to window; default: two thirds of the window")
    parser.add_argument(
        "--save", nargs="+", default=[], choices=sorted(KINDS), help="also keep this of each frame, in the results"
    )
    parser.add_argument(
        "--batch-size", type=int, metavar="N", help="most frames at once; default: as many as memory has room for"
    )
    return parser


def _request(arguments: argparse.Namespace) -> Request:
    if arguments.batch_size is not None and not 1 <= arguments.batch_size <= COUNT:
        raise InputError(f"--batch-size must be between 1 and {COUNT}, but is {arguments.batch_size}")
    overrides = parse_assignments(arguments.assignments)
    models = find_models(arguments.checkpoints, arguments.settings, overrides)
    settings = frame_settings(models, arguments.settings, overrides)
    return Request(
        models=models,
        settings=settings,
        protocol=parse_protocol(arguments, settings.data.size),
        domains=_domains(arguments.domains, settings),
        kept=tuple(dict.fromkeys(arguments.save)),
        most=arguments.batch_size,
    )


def _domains(given: Sequence[str] | None, settings: RunSettings) -> tuple[str, ...]:
    for name in given or ():
        if name not in settings.data.domains:
            raise InputError(
                f"--domains {name}: data.domains has no such name; {nearest(name, sorted(settings.data.domains))}"
            )
    return settings.scored_domains() if given is None else tuple(dict.fromkeys(given))


if __name__ == "__main__":
    sys.exit(main())

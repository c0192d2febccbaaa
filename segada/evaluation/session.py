"""Scores a checkpoint on the domains of a request that are not finished yet, and prints the progress."""

from pathlib import Path

from rich.console import Console

from segada.cli.signals import Asked, never
from segada.core.torch_setup import set_up_torch
from segada.data.datasets.left_out import omission_line, omissions
from segada.data.datasets.registry import listed_frames
from segada.evaluation.progress import frame_progress
from segada.evaluation.records import Evaluation
from segada.evaluation.request import Request
from segada.evaluation.results import ResultFolder
from segada.evaluation.scoring import Scorer, frame_key
from segada.evaluation.tables import class_table


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
                listed = listed_frames(name, settings.data, request.protocol.split)
                if listed.left_out:
                    console.print(omission_line(name, omissions(listed.left_out)), soft_wrap=True)
                record = scorer.score(name, settings.data, request.protocol.split, keys[name], listed)
                results.add(name, record)
                if record.pixels:
                    console.print(class_table(name, record))
                else:
                    console.print(f"{name}: {record.frames} frames, without labels: predicted, not scored")
    done = results.evaluation
    return done.model_copy(update={"domains": {name: done.domains[name] for name in request.domains}})

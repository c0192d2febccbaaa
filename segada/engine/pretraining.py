"""Source training: the supervised method over a stream of one domain, and its weights in half precision."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from segada.artifacts.run_dir import RunDir
from segada.cli.console import PlainConsole
from segada.cli.output_dir import check_file
from segada.cli.signals import Asked, never
from segada.core.rng import torch_generator
from segada.engine.session import adapt, print_report
from segada.errors import InputError
from segada.models.build import build_segmentor
from segada.models.weights import check_replaceable, save_weights
from segada.records import BestRecord, RunReport, VisitRecord
from segada.settings import RunSettings
from segada.settings.method import SupervisedSettings


def pretrain(
    settings: RunSettings,
    folder: Path,
    console: Console | None = None,
    asked_to_stop: Asked = never,
    tags: Sequence[str] = (),
    validate: bool = True,
) -> Path:
    """Trains a source model, or continues the training in the folder, and returns the path of its last weights.

    Where `evaluation.split` is `val`, the weights of the best visit are written beside them, in `best.safetensors`.

    Args:
        settings: Settings of the training; `method.name` is `supervised`.
        folder: Folder of the run.
        console: Console that shows the progress; None prints nothing.
        asked_to_stop: Called before each visit; True ends the run.
        tags: Words that are added to `tags.json` of the folder.
        validate: Whether the held-out frames are scored after every visit; otherwise after the last one alone, and no
            best visit is chosen.

    Raises:
        InputError: the method is another, data are missing, the folder holds another run, or a loss is not finite.
    """
    if not isinstance(settings.method, SupervisedSettings):
        raise InputError(f"method.name is {settings.method.name!r}, but a source training is 'supervised'")
    console = console or PlainConsole(quiet=True)
    validate = validate and settings.evaluation.holds_out
    kept = settings.logging.model_copy(update={"best_weights": validate and settings.evaluation.split == "val"})
    report = adapt(settings.model_copy(update={"logging": kept}), folder, console, asked_to_stop, tags, validate)
    print_report(report, console, holds_out=settings.evaluation.holds_out)
    best = RunDir(folder).best_record()
    console.print(class_table(report, best))
    console.print(_best_line(folder, best) if validate else _unchosen(settings))
    return RunDir(folder).weights


def class_table(report: RunReport, best: BestRecord | None) -> Table:
    """Returns IoU and accuracy by class of the training frames, and IoU by class on the held-out frames of each scored
    domain, in the best and the last visit, in percent.
    """
    last = report.visits[-1]
    visits = [report.visits[visit] for visit in dict.fromkeys((last.visit if best is None else best.visit, last.visit))]
    columns = [column for visit in visits for column in _training_columns(visit)]
    columns += [(f"{domain}, visit {visit.visit + 1}", visit.iou[domain]) for domain in last.iou for visit in visits]
    table = Table(title="IoU in percent")
    table.add_column("class")
    for head, _ in columns:
        table.add_column(head, justify="right")
    for name in dict.fromkeys(name for _, scores in columns for name in scores):
        table.add_row(name, *(_percent(scores.get(name)) for _, scores in columns))
    table.add_section()
    table.add_row("mean", *(_percent(float(np.mean([*scores.values()]))) for _, scores in columns))
    return table


def _training_columns(visit: VisitRecord) -> list[tuple[str, Mapping[str, float]]]:
    """Returns heads and scores by class of the frames that a visit learned from; none if they were not scored."""
    head = f"training, visit {visit.visit + 1}"
    named = {head: visit.training_iou, f"{head}, accuracy": visit.training_accuracy}
    return [(name, scores) for name, scores in named.items() if scores]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"


def _unchosen(settings: RunSettings) -> str:
    evaluated = "only the last visit was evaluated" if settings.evaluation.holds_out else "no visit was evaluated"
    return f"no best.safetensors: {evaluated}"


def _best_line(folder: Path, best: BestRecord | None) -> str:
    if best is None:
        return "no best.safetensors: evaluation.split is test, by whose frames nothing is chosen"
    return f"best visit {best.visit + 1}, mIoU {100 * best.miou:.1f} % on val: {RunDir(folder).best}"


def halve(settings: RunSettings, weights: Path, path: Path) -> None:
    """Writes the weights of a run once more, in half precision: how shipped checkpoints are made."""
    model = settings.model.model_copy(update={"checkpoint": str(weights), "reinitialize": ()})
    network = build_segmentor(
        model,
        settings.adapter,
        torch_generator(settings.seed, "initialisation"),
        settings.image_adapter,
        settings.data.classes,
    )
    save_weights(network, path, settings.settings_hash(), torch.float16)


def check_half(path: Path) -> None:
    """Checks that weights in half precision can be written to a file.

    Raises:
        InputError: the name has another ending, or the place does not take a file.
    """
    if path.suffix != ".safetensors":
        raise InputError(f"--half {path}: must end with .safetensors, as model.checkpoint, which is to name it, asks")
    check_file(path, "--half")
    check_replaceable(path, "--half")

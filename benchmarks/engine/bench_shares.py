"""Measures by which statistics of batch norm a network without learning predicts photographs best:
`python -m benchmarks.engine shares`.

Source models are trained by the recipe `pretrain_camvid_imagenet`, one for each seed, and predict all frames of another
road and of dusk, which are photographed, and of rain and night, which are rendered onto that road.
"""

import statistics
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Final

import torch
from rich.console import Console
from rich.table import Table

from segada.data.datasets.registry import open_domain
from segada.data.frames import Frames
from segada.engine.pretraining import pretrain
from segada.evaluation.evaluator import evaluate
from segada.models.batch_norm import normalize_by
from segada.models.build import build_segmentor
from segada.models.segmentor import Segmentor
from segada.settings import RunSettings
from segada.settings.adapter import NoAdapter
from segada.settings.batch_norm import BatchNormStatistics
from segada.settings.files import load_run_settings
from segada.settings.nested import Tree, merged

RECIPE: Final = Path(str(resources.files("segada"))) / "recipes" / "pretrain_camvid_imagenet.yaml"
ROAD: Final[Tree] = {"dataset": "camvid", "sequences": ["0006R0"], "shares": [0.0, 0.0, 0.0, 1.0]}
DOMAINS: Final[Mapping[str, Tree]] = {
    "road": ROAD,
    "dusk": {**ROAD, "sequences": ["0001TP"]},
    "rain": {**ROAD, "weather": "100mm"},
    "night": {**ROAD, "weather": "night"},
}
"""Domains whose frames are all in the split `test`, and are learned from by no network here."""
CHOICES: Final[Mapping[str, Tree]] = {
    "share 0": {"statistics": "frozen"},
    **{f"share {1 / (1 + prior):g}": {"statistics": "mixed", "source_prior": prior} for prior in (3.0, 1.0, 1 / 3)},
    "share 1": {"statistics": "target"},
    "by_distance": {"statistics": "mixed", "share": "by_distance"},
    "by_channel": {"statistics": "mixed", "share": "by_channel"},
}
"""Sections `method.batch_norm` of the rows; a fixed share n/(N+n) is of one frame."""

Scores = dict[tuple[str, str], list[float]]
"""mIoU in percent by row and domain, one for each source model."""


def measure_shares(folder: Path, seeds: int) -> Scores:
    """Trains the source models and scores every row on every domain.

    Args:
        folder: Folder of the trainings; those that it has are not run again.
        seeds: Number of source models, with seeds from 0 on.
    """
    scores: Scores = {}
    frames: dict[str, Frames] = {}
    for seed in range(seeds):
        settings = load_run_settings(RECIPE, {"seed": seed})
        weights = folder / f"source-s{seed}" / "best.safetensors"
        pretrain(settings, weights.parent)
        scored = scoring(settings, weights)
        frames = frames or {name: open_domain(name, scored.data, "test").load() for name in DOMAINS}
        for choice, section in CHOICES.items():
            network = _network(scored, section)
            for name, some in frames.items():
                miou = evaluate(network, some, scored.evaluation.batch_size).miou
                scores.setdefault((choice, name), []).append(100 * miou)
    return scores


def scoring(training: RunSettings, weights: Path) -> RunSettings:
    """Returns the settings by which a trained network is scored on `DOMAINS`."""
    tree = training.model_dump(mode="json", include={"data", "model", "seed"})
    changed: Tree = {
        "data": {"domains": dict(DOMAINS)},
        "model": {"checkpoint": str(weights), "reinitialize": []},
        "stream": {"source": None, "visits": list(DOMAINS), "split": "adapt"},
        "method": {"name": "source_only"},
        "evaluation": {"split": "test", "online": False},
    }
    return RunSettings.model_validate(merged(tree, changed), strict=False)


def _network(settings: RunSettings, section: Tree) -> Segmentor:
    initialization = torch.Generator().manual_seed(settings.seed)
    network = build_segmentor(settings.model, NoAdapter(), initialization, classes=settings.data.classes)
    normalize_by(network, BatchNormStatistics.model_validate(section))
    return network.to(torch.device("cpu")).eval()


def print_shares(scores: Scores, console: Console) -> None:
    """Prints a row per choice and a column per domain, and the means of photographed and of all domains."""
    seeds = len(next(iter(scores.values())))
    table = Table(
        title="mIoU in percent by batch-norm statistics, without learning; mean and deviation over source models",
        caption=f"{seeds} source models of the recipe {RECIPE.stem}; all frames of a drive",
    )
    for column in ("statistics", *DOMAINS, "road and dusk", "all"):
        table.add_column(column, justify="left" if column == "statistics" else "right")
    for choice in CHOICES:
        table.add_row(choice, *_row(choice, scores))
    console.print(table)


def _row(choice: str, scores: Scores) -> Iterator[str]:
    by_domain = {name: scores[choice, name] for name in DOMAINS}
    means = [[by_domain["road"], by_domain["dusk"]], list(by_domain.values())]
    for several in ([one] for one in by_domain.values()):
        yield _spread(several)
    for among in means:
        yield _spread(among)


def _spread(several: list[list[float]]) -> str:
    values = [statistics.mean(one) for one in zip(*several, strict=True)]
    deviation = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{deviation}"

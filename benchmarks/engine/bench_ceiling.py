"""Measures what labels of the target would give in the default world: `python -m benchmarks.engine ceiling`.

The shipped network is trained on 500 labelled frames of each domain alone, twelve times over, and scored on its test
frames, as confirmed configurations are.
"""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from segada.engine.session import run
from segada.records import RunReport
from segada.settings import RunSettings

DOMAINS: Final = ("clear", "25mm", "50mm", "75mm", "100mm", "200mm")
"""Visits of the default world."""
PASSES: Final = 12

Reports = Mapping[str, Sequence[RunReport]]
"""Reports of the trainings, one for each seed, by domain."""


def measure_ceiling(folder: Path, seeds: int) -> Reports:
    """Trains on every domain with the same seeds.

    Args:
        folder: Folder of the runs; those that it has are not run again.
        seeds: Number of seeds, from 0 on.
    """
    return {
        domain: [run(training(domain, seed), folder / f"{domain}-s{seed}") for seed in range(seeds)]
        for domain in DOMAINS
    }


def training(domain: str, seed: int) -> RunSettings:
    """Returns the settings of a training on a domain's own labels."""
    stream = {"source": domain, "visits": [domain], "split": "source", "frames": None, "passes": PASSES}
    return RunSettings.model_validate(
        {
            "seed": seed,
            "stream": {**stream, "batch_size": 8},
            "method": {"name": "supervised"},
            "controller": {"name": "one_cycle"},
            "evaluation": {"split": "test", "online": False},
        }
    )


def print_ceiling(reports: Reports, console: Console) -> None:
    """Prints the source model and the trained networks by domain and in the mean over domains."""
    seeds = len(next(iter(reports.values())))
    title = "mIoU in percent, trained on the labels of each domain; mean and standard deviation over seeds"
    table = Table(title=title, caption=f"{seeds} seeds; {PASSES} passes over the frames of the split source")
    for column in ("domain", "source-only", "trained"):
        table.add_column(column, justify="left" if column == "domain" else "right")
    before = {domain: found[0].source_only_mean_miou for domain, found in reports.items()}
    for domain, found in reports.items():
        table.add_row(domain, f"{100 * before[domain]:.1f}", _spread([report.mean_miou for report in found]))
    means = [statistics.mean(report.mean_miou for report in of_seed) for of_seed in zip(*reports.values(), strict=True)]
    table.add_section()
    table.add_row("mean", f"{100 * statistics.mean(before.values()):.1f}", _spread(means))
    console.print(table)


def _spread(values: Sequence[float]) -> str:
    deviation = f" ± {100 * statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{100 * statistics.mean(values):.1f}{deviation}"

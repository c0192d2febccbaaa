"""Measures gains by method and statistics of the batch norms, all other settings at their defaults:
`python -m benchmarks.engine statistics`."""

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Final, get_args

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from segada.engine.session import run
from segada.settings import RunSettings
from segada.settings.batch_norm import BatchNormStatistics
from segada.settings.method import batch_norm_statistics
from segada.settings.nested import Tree

VISITS: Final = ("clear", "50mm", "100mm", "200mm")
"""Visits in the default world."""
FRAMES: Final = 60
"""Number of frames of a visit."""
METHODS: Final[Mapping[str, Tree]] = {
    "batch_norm": {"method": {"name": "batch_norm"}},
    "tent": {"method": {"name": "tent"}},
    "cotta": {"method": {"name": "cotta"}},
    "dacs": {"method": {"name": "dacs"}},
    "dacs_lora": {"method": {"name": "dacs"}, "adapter": {"name": "lora"}, "model": {"freeze": "encoder"}},
    "adversarial": {"method": {"name": "adversarial"}},
}
"""Settings of the rows."""
STATISTICS: Final[tuple[str, ...]] = get_args(BatchNormStatistics.model_fields["statistics"].annotation)

Gains = dict[tuple[str, str], list[float]]
"""Gains over source-only in points by method and statistics, one for each seed."""


def measure_gains(folder: Path, seeds: int) -> Gains:
    """Runs every method with every kind of statistics that it takes, and the same seeds.

    Args:
        folder: Folder of the runs; those that it has are not run again.
        seeds: Number of seeds, from 0 on.
    """
    gains: Gains = {}
    for seed in range(seeds):
        for method in METHODS:
            for kind in STATISTICS:
                settings = cell(method, kind, seed)
                if settings is not None:
                    report = run(settings, folder / f"{method}-{kind}-s{seed}")
                    gains.setdefault((method, kind), []).append(100 * report.gain)
    return gains


def cell(method: str, kind: str, seed: int) -> RunSettings | None:
    """Returns the settings of a run; None if the method does not take these statistics."""
    sections = METHODS[method]
    section = sections["method"]
    assert isinstance(section, dict)
    stream: Tree = {"visits": list(VISITS), "frames": FRAMES}
    given = {**section, "batch_norm": {"statistics": kind}}
    try:
        return RunSettings.model_validate({**sections, "method": given, "stream": stream, "seed": seed})
    except ValidationError:
        return None


def print_gains(gains: Gains, seeds: int, console: Console) -> None:
    """Prints a row per method and a column per kind of statistics; the method's default has a star."""
    table = Table(
        title="gain over source-only in mIoU points, mean and standard deviation over seeds",
        caption=f"{seeds} seeds; visits {', '.join(VISITS)} of {FRAMES} frames; * is the default of the method",
    )
    for column in ("method", *STATISTICS):
        table.add_column(column, justify="left" if column == "method" else "right")
    for method, sections in METHODS.items():
        default = batch_norm_statistics(RunSettings.model_validate(sections).method)
        assert default is not None
        row = []
        for kind in STATISTICS:
            found = gains.get((method, kind))
            star = "*" if kind == default.statistics else ""
            row.append("-" if found is None else f"{_spread(found)}{star}")
        table.add_row(method, *row)
    console.print(table)


def _spread(values: list[float]) -> str:
    deviation = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):+.2f}{deviation}"

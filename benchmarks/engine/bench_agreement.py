"""Measures how alike frames of a film are by their distance in time: `python -m benchmarks.engine agreement --of FILE`.

It is the ground of the threshold above which `python -m segada.data check` takes frames for near-duplicates.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table

from segada.data.datasets.division import moment
from segada.data.datasets.frame_files import FrameFiles
from segada.data.datasets.registry import LAYOUTS
from segada.data.inspection.inspection import SPLITS
from segada.data.inspection.near_duplicates import ALIKE, Kind, view
from segada.data.inspection.run_check import RunCheck
from segada.errors import InputError
from segada.settings.data import DataSettings

DISTANCES: Final = (4, 16, 30, 60, 120, 300, 600)
"""Differences of the numbers of frames."""
KINDS: Final[Sequence[Kind]] = ("labels", "images")
FEWEST: Final = 10
"""Number of pairs below which a distance is left out."""


def measure_agreement(data: DataSettings) -> dict[str, dict[Kind, dict[int, float]]]:
    """Returns the place of pairs between any pairs (0) and equal frames (1), by domain, kind and distance.

    Any pairs are those of two frames of the domain; all splits of it are taken together.

    Raises:
        InputError: No domain is stored in files.
    """
    check = RunCheck(data, None, everything=False)
    check.count()
    found = {name: _of_domain(name, check) for name, domain in data.domains.items() if domain.dataset in LAYOUTS}
    if not found:
        raise InputError("the settings of --of have no domain that is stored in files")
    return found


def print_agreement(found: dict[str, dict[Kind, dict[int, float]]], console: Console) -> None:
    """Prints a row for each domain and kind."""
    table = Table(title="agreement by distance in numbers of frames: 0 as that of any pairs, 1 as of equal frames")
    for column in ("domain", "by", *map(str, DISTANCES)):
        table.add_column(column, justify="left" if column in ("domain", "by") else "right")
    for name, kinds in found.items():
        for kind, places in kinds.items():
            cells = (f"{places[distance]:.2f}" if distance in places else "" for distance in DISTANCES)
            table.add_row(name, kind, *cells)
    console.print(table)


def _of_domain(name: str, check: RunCheck) -> dict[Kind, dict[int, float]]:
    decodings = [check.decodings[name, split] for split in SPLITS if (name, split) in check.decodings]
    files = {one.name: one for decoding in decodings for one in decoding.listing.frames}
    return {kind: _places(list(files.values()), kind, check.data) for kind in KINDS}


def _places(frames: Sequence[FrameFiles], kind: Kind, data: DataSettings) -> dict[int, float]:
    views = {moment(one.name): view(one, data.classes, kind) for one in frames}
    by_distance: dict[int, list[float]] = {}
    every: list[float] = []
    for (one, first), (other, second) in combinations(sorted(views.items()), 2):
        value = None if first is None or second is None else ALIKE[kind](first, second)
        if value is not None:
            every.append(value)
            if one[0] == other[0]:
                by_distance.setdefault(other[1] - one[1], []).append(value)
    base = float(np.mean(every))
    return {
        distance: (float(np.mean(values)) - base) / (1.0 - base)
        for distance, values in by_distance.items()
        if distance in DISTANCES and len(values) >= FEWEST
    }

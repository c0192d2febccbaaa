"""Areas of frames that a program writes, checked against the mIoU that it reports."""

from pathlib import Path
from typing import Final

from segada.artifacts.run_files import read_areas, read_recordings
from segada.core.run_names import AREAS
from segada.metrics import mean_iou
from segada.records import VisitRecord

CLOSE: Final = 1e-3
"""Greatest difference between a reported mIoU and that of the areas."""


class AreasError(ValueError):
    """Areas that do not fit what the program has reported."""


def checked_areas(place: Path, visits: list[VisitRecord]) -> bytes:
    """Returns the content of a program's `areas.npz`.

    Args:
        place: folder of the program.
        visits: visits of the run.

    Raises:
        AreasError: the file is missing or damaged, or its mIoU is another.
    """
    path = place / AREAS
    if not path.exists():
        raise AreasError(f"{AREAS}: is missing; write it to {{folder}}, or engine.areas: false")
    found = read_areas(place)
    damage = found.damage or read_recordings(place).damage
    if damage is not None:
        raise AreasError(f"{AREAS}: {damage.problem}")
    if len(found.value) != len(visits):
        raise AreasError(f"{AREAS}: has {len(found.value)} visits, and {len(visits)} were reported")
    for number, (areas, visit) in enumerate(zip(found.value, visits, strict=True)):
        if not visit.is_scored:
            continue
        if areas.shape[1] != 3:
            raise AreasError(f"{AREAS}: visit{number} has the shape {list(areas.shape)}, not [frames, 3, classes]")
        miou = mean_iou(areas.sum(axis=0))
        if not abs(miou - visit.visited_miou) <= CLOSE:
            raise AreasError(
                f"{AREAS}: visit{number} gives an mIoU of {miou:.4f}, but the line says {visit.visited_miou:.4f}"
            )
    return path.read_bytes()

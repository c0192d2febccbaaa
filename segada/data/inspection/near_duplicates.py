"""Agreement of frames of two splits with their neighbors in time, beside that of any pairs: near-duplicates."""

from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import Final, Literal, TypeAlias

import numpy as np

from segada.data.cache.decoding import count_workers, in_order
from segada.data.datasets.division import Group
from segada.data.datasets.file_keys import by_numbers
from segada.data.datasets.frame_files import FrameFiles
from segada.data.datasets.picture_files import resized_image, resized_labels
from segada.data.frames import Bytes
from segada.data.inspection.inspection import SPLITS, evenly_spaced
from segada.data.labels import IGNORE
from segada.data.splits import Split
from segada.records import SplitAgreement
from segada.settings.class_sets import ClassSet

SMALL: Final = (48, 64)
"""Height and width at which frames are compared."""
COMPARED: Final = 8
"""Number of frames of a scored split that are compared with their neighbors."""
ANY: Final = 16
"""Number of frames of a domain whose pairs are any pairs."""
FEWEST: Final = 4
"""Number of frames with a neighbor below which nothing is said of two splits."""
NEAR: Final = 1 / 3
"""Part of the way from any pairs (0) to equal frames (1) above which neighbors are near-duplicates. On CamVid's three
drives labels are above it two seconds apart, and not four (docs/data_sets.md)."""

Kind: TypeAlias = Literal["labels", "images"]
Pair: TypeAlias = tuple[FrameFiles, FrameFiles]


def agreements(
    frames: Mapping[Split, Sequence[FrameFiles]], classes: ClassSet, recording: Group
) -> list[SplitAgreement]:
    """Returns how far the frames of each scored split of a domain agree with those of the splits before it.

    Some frames of the scored split are compared with the frames before and after them, in the same recording, of the
    other split, of which the more alike counts. Splits without labels are not scored.

    Args:
        frames: Frames of each split.
        classes: Classes of the labels.
        recording: Function from a frame's key to its recording.
    """
    found = []
    for learned, scored in combinations([split for split in SPLITS if split in frames], 2):
        if scored not in ("val", "test") or not _are_labelled(frames[scored]):
            continue
        kind: Kind = "labels" if _are_labelled(frames[learned]) else "images"
        chosen = evenly_spaced(frames[scored], COMPARED)
        near = [[(one, other) for other in some] for one, some in _beside(chosen, frames[learned], recording)]
        every = [one for some in frames.values() if kind == "images" or _are_labelled(some) for one in some]
        found.append(
            _measured((learned, scored), kind, near, list(combinations(evenly_spaced(every, ANY), 2)), classes)
        )
    return [one for one in found if one is not None]


def is_near(agreement: SplitAgreement) -> bool:
    """Returns True if the neighbors of two splits are near-duplicates."""
    return agreement.neighbors - agreement.any_pairs > NEAR * (1.0 - agreement.any_pairs)


def near_text(agreement: SplitAgreement) -> str:
    """Returns the note about near-duplicates, with its cure."""
    learned, scored = agreement.splits
    return (
        f"frames of {scored} are near-duplicates of frames of {learned} ({agreement_text(agreement)}), so that scores "
        f"on {scored} say little about other places; keep the splits apart in time (shares and gap of a domain), or "
        "take another recording"
    )


def agreement_text(agreement: SplitAgreement) -> str:
    """Returns the measured agreement as a clause."""
    near, far = agreement.neighbors, agreement.any_pairs
    if agreement.by == "labels":
        near, far = 100 * near, 100 * far
        return f"labels of the nearest frames agree on {near:.0f} % of the pixels, of any frames on {far:.0f} %"
    return f"the nearest images correlate by {near:.2f}, any by {far:.2f}"


def share_of_one_class(one: Bytes, other: Bytes) -> float | None:
    """Returns the share of pixels with the same class, of those that both label; None if there are none."""
    both = (one != IGNORE) & (other != IGNORE)
    return float((one == other)[both].mean()) if both.any() else None


def correlation(one: Bytes, other: Bytes) -> float | None:
    """Returns the correlation of the brightness of pixels; None if an image has one brightness."""
    if one.std() == 0.0 or other.std() == 0.0:
        return None
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


ALIKE: Final = {"labels": share_of_one_class, "images": correlation}


def view(files: FrameFiles, classes: ClassSet, kind: Kind) -> Bytes | None:
    """Returns the small labels or the small gray image of a frame; None if its file cannot be used, which the check
    says elsewhere."""
    try:
        if kind == "labels":
            assert files.labels is not None
            return resized_labels(files.ids.into(classes).read(files.labels), SMALL)
        gray: Bytes = resized_image(files.picture(), SMALL).mean(axis=2).astype(np.uint8)
    except ValueError:
        return None
    return gray


def _measured(
    splits: tuple[Split, Split], kind: Kind, near: Sequence[Sequence[Pair]], far: Sequence[Pair], classes: ClassSet
) -> SplitAgreement | None:
    """Returns the mean agreement of pairs of neighbors and of any pairs; None if there are too few."""
    wanted = {_key(files): files for pair in (*far, *(pair for pairs in near for pair in pairs)) for files in pair}
    read = partial(view, classes=classes, kind=kind)
    views = dict(zip(wanted, in_order(read, wanted.values(), count_workers(None)), strict=True))

    def values(pairs: Iterable[Pair]) -> list[float]:
        seen = [(views[_key(one)], views[_key(other)]) for one, other in pairs]
        found = [ALIKE[kind](one, other) for one, other in seen if one is not None and other is not None]
        return [value for value in found if value is not None]

    neighbors = [max(some) for pairs in near if (some := values(pairs))]
    any_pairs = values(far)
    if len(neighbors) < FEWEST or len(any_pairs) < FEWEST:
        return None
    return SplitAgreement(
        splits=splits, by=kind, neighbors=float(np.mean(neighbors)), any_pairs=float(np.mean(any_pairs))
    )


def _beside(
    chosen: Sequence[FrameFiles], others: Sequence[FrameFiles], recording: Group
) -> Iterable[tuple[FrameFiles, Sequence[FrameFiles]]]:
    """Yields frames, each with the last of the others before it, and the first after it, in the same recording."""
    by_recording: dict[str, list[FrameFiles]] = {}
    for one in sorted(others, key=_order):
        by_recording.setdefault(recording(one.name), []).append(one)
    for one in chosen:
        ordered = by_recording.get(recording(one.name), [])
        place = bisect(ordered, _order(one), key=_order)
        yield one, ordered[max(place - 1, 0) : place + 1]


def _are_labelled(frames: Sequence[FrameFiles]) -> bool:
    return all(files.labels is not None for files in frames)


def _order(files: FrameFiles) -> list[str | int]:
    return by_numbers(files.name)


def _key(files: FrameFiles) -> tuple[str, str]:
    return files.name, str(files.image)

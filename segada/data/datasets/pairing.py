"""Pairing of images and labels with the same key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from segada.data.datasets.frame_files import Found, FrameFiles, Listing, found, in_counting_order, named, some
from segada.data.datasets.label_maps import LabelIds
from segada.data.datasets.measured_depth import DepthFile


@dataclass(frozen=True)
class LabelKind:
    """Label files of one kind.

    Attributes:
        pattern: Pattern of their names, below a folder.
        ids: Classes of their ids.
    """

    pattern: str
    ids: LabelIds


@dataclass(frozen=True)
class Place:
    """Location of the frames of one part of a data set.

    Attributes:
        images: Folder of the images.
        image_pattern: Pattern of their names below it.
        labels: Folder of the labels.
        kinds: Kinds of labels; where a frame has several, the first is used.
        depths: Depth files by key, if depth was measured and is needed.
    """

    images: Path
    image_pattern: str
    labels: Path
    kinds: tuple[LabelKind, ...]
    depths: Mapping[str, DepthFile] = field(default_factory=dict)

    def image_files(self) -> Found:
        """Returns images by key; raises `MissingFolder` if there are none."""
        return some(found(self.images, self.image_pattern), self.images, self.image_pattern)

    def label_files(self) -> dict[str, tuple[Path, LabelIds]]:
        """Returns labels by key; raises `MissingFolder` if there are none."""
        files: dict[str, tuple[Path, LabelIds]] = {}
        taken: set[Path] = set()
        for kind in self.kinds:
            of_kind = {key: path for key, path in found(self.labels, kind.pattern).items() if path not in taken}
            taken |= set(of_kind.values())
            files = {key: (path, kind.ids) for key, path in of_kind.items()} | files
        some({key: path for key, (path, _) in files.items()}, self.labels, self.kinds[-1].pattern)
        return files

    @staticmethod
    def keys(images: Found, labels: Mapping[str, tuple[Path, LabelIds]]) -> list[str]:
        """Returns the keys of all images and labels, in the order of the recording."""
        return sorted({*images, *labels}, key=in_counting_order)

    def listing(self, keys: Sequence[str], images: Found, labels: Mapping[str, tuple[Path, LabelIds]]) -> Listing:
        """Lists the frames of these keys that have images.

        Raises:
            ValueError: Depth is needed, and some frame has none.
        """
        there = [key for key in keys if key in images]
        frames = tuple(
            FrameFiles(key, images[key], *self._labels(key, labels), self._depth(key, images[key])) for key in there
        )
        without_image = tuple(labels[key][0] for key in keys if key not in images)
        return Listing.of(frames, {path for path, _ in labels.values()}, without_image)

    def _labels(self, key: str, labels: Mapping[str, tuple[Path, LabelIds]]) -> tuple[Path, LabelIds]:
        """Returns the label file and map of a key; if there is none, the missing file."""
        absent = self.kinds[-1]
        return labels.get(key, (self.labels / named(absent.pattern, key), absent.ids))

    def _depth(self, key: str, image: Path) -> DepthFile | None:
        if self.depths and key not in self.depths:
            one = next(iter(self.depths.values())).path
            raise ValueError(
                f"no depth for {image}, though there is {one}; get all depth files, or render weather by the geometric "
                "estimate, without any"
            )
        return self.depths.get(key)

"""Which labels belong to which image: those under the same key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from segada.data.datasets.frame_files import Found, FrameFiles, Listing, found, in_counting_order, named, some
from segada.data.datasets.label_maps import LabelMap
from segada.data.datasets.measured_depth import DepthFile


@dataclass(frozen=True)
class LabelKind:
    """Label files of one kind.

    Attributes:
        pattern: Of their names, below a folder.
        label_map: What their ids mean.
    """

    pattern: str
    label_map: LabelMap


@dataclass(frozen=True)
class Place:
    """Where the frames of one part of a data set are.

    Attributes:
        images: Folder of the images.
        image_pattern: Of their names below it.
        labels: Folder of the labels.
        kinds: Of labels; where a frame has several, the first counts.
        depths: By key, where they were measured and are wanted.
    """

    images: Path
    image_pattern: str
    labels: Path
    kinds: tuple[LabelKind, ...]
    depths: Mapping[str, DepthFile] = field(default_factory=dict)

    def image_files(self) -> Found:
        """Images by key; raises `MissingFolder` if there are none."""
        return some(found(self.images, self.image_pattern), self.images, self.image_pattern)

    def label_files(self) -> dict[str, tuple[Path, LabelMap]]:
        """Labels by key; raises `MissingFolder` if there are none."""
        files: dict[str, tuple[Path, LabelMap]] = {}
        taken: set[Path] = set()
        for kind in self.kinds:
            of_kind = {key: path for key, path in found(self.labels, kind.pattern).items() if path not in taken}
            taken |= set(of_kind.values())
            files = {key: (path, kind.label_map) for key, path in of_kind.items()} | files
        some({key: path for key, (path, _) in files.items()}, self.labels, self.kinds[-1].pattern)
        return files

    @staticmethod
    def keys(images: Found, labels: Mapping[str, tuple[Path, LabelMap]]) -> list[str]:
        """Of all images and labels, in the order of the recording."""
        return sorted({*images, *labels}, key=in_counting_order)

    def listing(self, keys: Sequence[str], images: Found, labels: Mapping[str, tuple[Path, LabelMap]]) -> Listing:
        """The frames of these keys, as far as there are images.

        Raises:
            ValueError: depth is wanted, and some frame has none.
        """
        there = [key for key in keys if key in images]
        frames = tuple(
            FrameFiles(key, images[key], *self._labels(key, labels), self._depth(key, images[key])) for key in there
        )
        without_image = tuple(labels[key][0] for key in keys if key not in images)
        return Listing.of(frames, {path for path, _ in labels.values()}, without_image)

    def _labels(self, key: str, labels: Mapping[str, tuple[Path, LabelMap]]) -> tuple[Path, LabelMap]:
        """Of a key; where there are none, the file that is missed."""
        absent = self.kinds[-1]
        return labels.get(key, (self.labels / named(absent.pattern, key), absent.label_map))

    def _depth(self, key: str, image: Path) -> DepthFile | None:
        if self.depths and key not in self.depths:
            one = next(iter(self.depths.values())).path
            raise ValueError(
                f"no depth for {image}, though there is {one}; get all depth files, or render weather by the geometric "
                "estimate, without any"
            )
        return self.depths.get(key)

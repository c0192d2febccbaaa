"""Pairing of images and labels with the same key."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from segada.data.datasets.file_keys import FilePattern, in_recording_order
from segada.data.datasets.found_files import Found, found, passed_over
from segada.data.datasets.frame_files import FrameFiles, Listing
from segada.data.datasets.label_maps import LabelIds, NoIds
from segada.data.datasets.left_out import REPEATED, WITHOUT_IMAGE, merged
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
        kinds: Kinds of labels; where a frame has several, the first is used. Empty if the frames have no labels.
        depths: Depth files by key, if depth was measured and is needed.
        beside: Patterns of other files below the same folders, which are there for another purpose.
    """

    images: Path
    image_pattern: str
    labels: Path
    kinds: tuple[LabelKind, ...]
    depths: Mapping[str, DepthFile] = field(default_factory=dict)
    beside: tuple[str, ...] = ()

    def listing(self, divide: Callable[[list[str]], list[str]]) -> Listing:
        """Lists the frames of a split that have images.

        Args:
            divide: Function from the keys of all images and labels, in the order of the recording, to those of the
                split.

        Raises:
            MissingFolder: There are no images or no labels.
            ValueError: Two files have the same key, or depth is needed and some frame has none.
        """
        images, kinds = (
            found(self.images, self.image_pattern),
            [found(self.labels, kind.pattern) for kind in self.kinds],
        )
        pictures, labels = images.some(), self._labels(kinds)
        again = (
            {key: path.parent for key, path in pictures.items() if path.parent in images.again} if images.again else {}
        )
        keys = divide(in_recording_order({*pictures, *labels} - again.keys()))
        frames = tuple(self._frame(key, pictures[key], labels) for key in keys if key in pictures)
        passed = {
            REPEATED: tuple(dict.fromkeys(again.values())),
            WITHOUT_IMAGE: tuple(labels[key][0] for key in keys if key not in pictures),
        }
        left_out = merged([passed_over([images, *kinds], self.beside), passed])
        unlabelled = tuple(files for files in frames if files.name not in labels) if kinds else ()
        return Listing(frames, unlabelled, left_out)

    def _labels(self, kinds: Sequence[Found]) -> dict[str, tuple[Path, LabelIds]]:
        """Returns labels by key; raises `MissingFolder` if there are none."""
        files: dict[str, tuple[Path, LabelIds]] = {}
        taken: set[Path] = set()
        for kind, all_of_kind in zip(self.kinds, kinds, strict=True):
            of_kind = {key: path for key, path in all_of_kind.distinct().items() if path not in taken}
            taken |= set(of_kind.values())
            files = {key: (path, kind.ids) for key, path in of_kind.items()} | files
        if kinds and not files:
            kinds[-1].some()
        return files

    def _frame(self, key: str, image: Path, labels: Mapping[str, tuple[Path, LabelIds]]) -> FrameFiles:
        if not self.kinds:
            return FrameFiles(key, image, None, NoIds(), self._depth(key, image))
        absent = self.kinds[-1]
        path, ids = labels.get(key) or (self.labels / FilePattern(absent.pattern).name(key), absent.ids)
        return FrameFiles(key, image, path, ids, self._depth(key, image))

    def _depth(self, key: str, image: Path) -> DepthFile | None:
        if self.depths and key not in self.depths:
            one = next(iter(self.depths.values())).path
            raise ValueError(
                f"no depth for {image}, though there is {one}; get all depth files, or render weather by the geometric "
                "estimate, without any"
            )
        return self.depths.get(key)

"""Layouts of recorded data sets: the files of each frame, and the frames of each split."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segada.data.datasets.division import Group, folder
from segada.data.datasets.label_maps import LabelIds
from segada.data.datasets.left_out import WITHOUT_IMAGE, LeftOut
from segada.data.datasets.measured_depth import DepthFile
from segada.data.datasets.picture_files import read_image
from segada.data.datasets.video_file import VideoFrame
from segada.data.frames import Bytes
from segada.data.splits import Split
from segada.data.weather.depth import HORIZON


@dataclass(frozen=True, slots=True)
class FrameFiles:
    """The files of a frame.

    Attributes:
        name: Key of the frame, unique in the domain: `aachen/aachen_000000_000019`.
        image: Image file.
        labels: Label file, which may not exist; None if the domain has no labels.
        ids: Meaning of the ids in the label file.
        depth: Depth file, if depth was measured and is needed.
        moment: Place of the frame in the image file, if that is a video.
    """

    name: str
    image: Path
    labels: Path | None
    ids: LabelIds
    depth: DepthFile | None = None
    moment: VideoFrame | None = None

    def picture(self) -> Bytes:
        """Reads the image, uint8 [H, W, 3], at the resolution of its file.

        Raises:
            UnreadableFrame: It is damaged.
            ValueError: It is not as the data set defines it.
        """
        return read_image(self.image) if self.moment is None else self.moment.picture()

    def paths(self) -> Iterable[Path]:
        """Yields every file that the frame is made of."""
        yield self.image
        if self.labels is not None:
            yield self.labels
        if self.depth is not None:
            yield self.depth.path


@dataclass(frozen=True, slots=True)
class Listing:
    """The frames of one split of a domain.

    Attributes:
        frames: Frames in the order of the recording.
        unlabelled: Those of them that have no labels; their label files do not exist.
        left_out: Files that are left out of the folders of the split, by reason.
    """

    frames: tuple[FrameFiles, ...]
    unlabelled: tuple[FrameFiles, ...] = ()
    left_out: LeftOut = field(default_factory=dict)

    @property
    def missing(self) -> tuple[Path, ...]:
        """Label files that do not exist."""
        return tuple(files.labels for files in self.unlabelled if files.labels is not None)

    @property
    def without_image(self) -> tuple[Path, ...]:
        """Label files that have no image, as in incomplete renderings."""
        return self.left_out.get(WITHOUT_IMAGE, ())


@dataclass(frozen=True, slots=True)
class Layout:
    """Layout of one published data set; reading, resizing, weather and the cache are in `recorded.py`.

    Attributes:
        name: Name in settings.
        expects: Description of the expected files.
        example: Example of a root for `data.root`.
        listing: Function that lists the frames of a split of a domain below a root. It takes the data set's own
            settings, hence Any. Raises `MissingFolder` if files are missing, any ValueError if settings do not fit
            them.
        recognize: Function that returns the domains of a folder in this layout, by name; empty if it has another
            layout.
        horizon: Row of the horizon as a share of the height, for the estimate of depth.
        recording: Function from a frame's key to the recording that it belongs to, whose frames are correlated: its
            folder, unless the names of files tell more.
    """

    name: str
    expects: str
    example: str
    listing: Callable[[Any, Path, Split], Listing]
    recognize: Callable[[Path], Mapping[str, Mapping[str, object]]]
    horizon: float = HORIZON
    recording: Group = folder

"""Settings of a stream without an end."""

from segada.settings.base import PathText, Positive, Settings


class FollowSettings(Settings):
    """Frames that appear while the run goes on: new files of a folder, or files whose names come through a pipe.

    A visit is what is adapted to from one checkpoint to the next.
    """

    names: PathText | None = None
    """Pipe from which names of image files are read, one in a line, in place of searching the folder: the path of a
    named pipe (`mkfifo`), or `-` for standard input. Names are those of files below the domain's root, or full
    paths."""
    checkpoint_minutes: Positive = 10.0
    """Minutes after which a visit ends, so that its results and a checkpoint are written."""
    idle_minutes: Positive | None = None
    """Minutes without a new frame after which the run ends; null waits until it is stopped."""

"""Settings of a domain of video files."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from segada.settings.base import PathText, Positive
from segada.settings.domains import UNLABELLED_SHARES, SharedOutDomain, Shares
from segada.settings.file_pattern import key_wildcards, misused


def _usable(pattern: str) -> str:
    problem = misused(pattern) if key_wildcards(pattern) else None
    if problem is not None:
        raise ValueError(problem)
    return pattern


VideoFiles = Annotated[PathText, Field(pattern=r"^[^/\[\]][^\[\]]*$"), AfterValidator(_usable)]
"""Name of a file below a folder, or a pattern of several as in `segada.settings.domains.Pattern`."""


class VideoDomain(SharedOutDomain):
    """Frames of video files, which have no labels: the domain is adapted to and not scored."""

    dataset: Literal["video"]
    file: VideoFiles
    """Video file below the root, or a pattern of several: `drives/*.mp4`. They follow one another in the order of their
    names."""
    frames_per_second: Positive | None = None
    """Rate, in 1/s of the video's own time, at which frames are taken: the first frame at or after each multiple of
    1 / `frames_per_second` seconds; null takes all."""
    shares: Shares = UNLABELLED_SHARES

    def has_labels(self, *, held_out: bool = False) -> bool:  # noqa: ARG002 - no frame has any
        """Returns False."""
        return False

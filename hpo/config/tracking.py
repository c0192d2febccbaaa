"""The section `tracking` of a study file."""

from typing import Literal

from pydantic import Field

from segada.settings.base import Sequence, Settings
from segada.settings.limits import NAME

Mode = Literal["disabled", "offline", "online"]


class TrackingSettings(Settings):
    """Whether wandb is told of the trials, and of what; its key comes from its own environment and files alone."""

    mode: Mode = "disabled"
    """`offline` keeps the runs in the study's folder for `wandb sync`. Where WANDB_MODE is set, it wins over `online`
    and `offline`."""
    project: str = Field(default="segada", max_length=NAME)
    """Name of the project at wandb."""
    entity: str | None = Field(default=None, max_length=NAME)
    """User or team that the project belongs to; null takes the one that wandb has for the key."""
    tags: Sequence[str] = ()
    """Of every run."""
    images: bool = False
    """Send the pictures that `run.logging.prediction_panels` asks for with the point of their visit."""
    artifacts: bool = True
    """Send the winner's weights and settings, once it is confirmed."""

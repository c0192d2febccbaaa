"""The section `tracking` of a study file."""

from typing import Literal

from pydantic import Field

from segada.settings.base import Sequence, Settings
from segada.settings.limits import NAME

Mode = Literal["disabled", "offline", "online"]


class TrackingSettings(Settings):
    """Settings of logging to W&B; its API key comes from its own environment variables and files alone."""

    mode: Mode = "disabled"
    """Logging mode; `offline` keeps the runs in the study's folder for `wandb sync`. The environment variable
    WANDB_MODE, if set, replaces `online` and `offline`.
    """
    project: str = Field(default="segada", max_length=NAME)
    """Name of the W&B project."""
    entity: str | None = Field(default=None, max_length=NAME)
    """User or team that owns the project; null uses the default of the API key."""
    tags: Sequence[str] = ()
    """Tags of every run."""
    images: bool = False
    """Log the pictures that `run.logging.prediction_panels` draws, with each visit."""
    artifacts: bool = True
    """Log the winner's weights and settings as an artifact once it is confirmed."""

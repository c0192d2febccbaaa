"""Small trainable modules that read the images beside a frozen encoder, and add to its tokens."""

from typing import Literal

from segada.settings.base import Settings


class NoPrompt(Settings):
    """Nothing beside the encoder."""

    name: Literal["none"] = "none"


PromptSettings = NoPrompt

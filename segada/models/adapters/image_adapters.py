"""Table of the modules that read the images beside an encoder, and their placement."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from segada.core.named_code import named
from segada.models.adapters.high_frequency import place_high_frequency
from segada.models.adapters.visual_prompt import place_visual_prompt
from segada.models.adapters.vit_adapter import place_vit_adapter
from segada.models.encoders.base import Encoder
from segada.models.encoders.mix_transformer import MixTransformer
from segada.settings.check_widths import check_image_adapter
from segada.settings.image_adapter import ImageAdapterSettings, NoImageAdapter

IMAGE_ADAPTERS: Mapping[str, Callable[[MixTransformer, Any, torch.Generator], None]] = {
    "vit_adapter": place_vit_adapter,
    "visual_prompt": place_visual_prompt,
    "high_frequency": place_high_frequency,
}
"""Functions that fill `encoder.reader` and the stages' `prompt` for each image adapter; each takes its own settings."""


def place_image_adapter(encoder: Encoder, settings: ImageAdapterSettings, generator: torch.Generator) -> None:
    """Fills the slots that the settings name; the encoder's outputs stay the same bit for bit until training.

    Raises:
        ValueError: The widths of the stages do not allow it, or the encoder has no such slots.
    """
    if isinstance(settings, NoImageAdapter):
        return
    if not isinstance(encoder, MixTransformer):
        raise ValueError(
            f"image_adapter.name is {settings.name}, but only Mix Transformers have tokens that it could be added to; "
            f"set "
            "model.encoder to mit_b0 to mit_b5 or mit_tiny, or image_adapter.name to none"
        )
    check_image_adapter(settings, encoder.channels, "the encoder")
    named(IMAGE_ADAPTERS, settings.name)(encoder, settings, generator)

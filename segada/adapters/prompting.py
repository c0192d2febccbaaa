"""The table of all modules that read the images beside an encoder, and how they are put in place."""

from collections.abc import Callable, Mapping

import torch

from segada.models.encoder import Encoder
from segada.settings.prompt import NoPrompt, PromptSettings


def place_prompt(encoder: Encoder, settings: PromptSettings, generator: torch.Generator) -> None:
    """Fill the slots that the settings name; the encoder's outputs stay what they were."""
    PROMPTS[settings.name](encoder, settings, generator)


def place_nothing(_encoder: Encoder, settings: PromptSettings, _generator: torch.Generator) -> None:
    """The encoder as it is."""
    assert isinstance(settings, NoPrompt)


PROMPTS: Mapping[str, Callable[[Encoder, PromptSettings, torch.Generator], None]] = {"none": place_nothing}

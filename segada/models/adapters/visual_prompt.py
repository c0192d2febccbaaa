"""A convolutional visual prompt on a Mix Transformer: a stem's map of each stride, added to the tokens of its stage."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from segada.models.adapters.initialization import filled, silent
from segada.models.adapters.spatial_prior import SpatialPrior
from segada.models.encoders.base import Guide
from segada.models.encoders.mix_transformer import MixTransformer
from segada.models.encoders.tokens import as_tokens
from segada.settings.image_adapter import VisualPromptSettings


def place_visual_prompt(encoder: MixTransformer, settings: VisualPromptSettings, generator: torch.Generator) -> None:
    """Places the stem beside the encoder, as deep as the deepest chosen stage, and a prompt in each chosen stage."""
    prior = SpatialPrior(settings.stem_width, max(settings.stages) + 1, generator)
    encoder.reader = prior
    for index in sorted(settings.stages):
        stage, inputs = encoder.stage(index), prior.widths[index]
        stage.prompt = VisualPrompt(index, (inputs, inputs // settings.reduction, stage.width), generator)


class VisualPrompt(nn.Module):
    """Prompt up(gelu(down(map))), added to the tokens before the first block; both are 1x1 convolutions.

    `up` starts at zero, hence the prompt is exactly zero until it has learned.

    Args:
        stage: Stage, counted from 0, whose map of the guide is read.
        widths: Widths of the map, of the bottleneck, and of the tokens.
        generator: Generator of the initialization.
    """

    def __init__(self, stage: int, widths: tuple[int, int, int], generator: torch.Generator) -> None:
        super().__init__()
        self.stage = stage
        with torch.device("meta"):
            self.down = nn.Linear(widths[0], widths[1])
            self.up = nn.Linear(widths[1], widths[2])
        filled(self, generator)
        silent(self.up)

    def forward(self, tokens: Tensor, guide: Guide) -> dict[int, Tensor]:  # noqa: ARG002 - depends on the images alone
        return {0: self.up(functional.gelu(self.down(as_tokens(guide[self.stage]))))}

"""LoRA (Hu et al. 2021, arXiv 2106.09685): low-rank updates of linear layers of the attention."""

import torch

from segada.models.adapters.low_rank import LowRankUpdate
from segada.models.encoders.transformer_block import TransformerBlock
from segada.settings.adapter import LoraSettings


def insert_lora(block: TransformerBlock, settings: LoraSettings, generator: torch.Generator) -> None:
    """Inserts one update beside each target, scaled by alpha / rank.

    Keys and values get one update of width 2C: both share its `down`.
    """
    for target in settings.targets:
        inputs, outputs = block.linears[target]
        scale = settings.alpha / settings.rank
        update = LowRankUpdate(inputs, outputs, settings.rank, scale, generator)
        setattr(block.attn, f"{target}_update", update)

"""LoRA (Hu et al. 2021, arXiv 2106.09685): low-rank updates of linear layers of the attention."""

import torch
from torch import nn

from segada.models.adapters.low_rank import LowRankUpdate
from segada.models.encoders.mix_block import Block
from segada.settings.adapter import LoraSettings


def insert_lora(block: Block, settings: LoraSettings, generator: torch.Generator) -> None:
    """Inserts one update beside each target, scaled by alpha / rank.

    Keys and values are one linear layer of width 2C here, which gets one update: both share its `down`.
    """
    for target in settings.targets:
        layer = block.attn.get_submodule(target)
        assert isinstance(layer, nn.Linear)
        scale = settings.alpha / settings.rank
        update = LowRankUpdate(layer.in_features, layer.out_features, settings.rank, scale, generator)
        setattr(block.attn, f"{target}_update", update)

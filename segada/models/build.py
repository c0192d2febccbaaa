"""From settings to a segmentor: built, frozen, given its adapters, and filled with weights."""

import torch

from segada.adapters.placement import place_adapter
from segada.data.labels import NUM_CLASSES
from segada.models.mix_transformer import ENCODERS, MixTransformer, initialise_encoder
from segada.models.segformer import DEFAULT_WIDTHS, HEADS, initialise_head
from segada.models.segmentor import Segmentor, SegmentorShape
from segada.models.weights import load_weights
from segada.settings.adapter import AdapterSettings
from segada.settings.model import ModelSettings

FROZEN_PARTS: dict[str, tuple[str, ...]] = {"nothing": (), "encoder": ("encoder",), "everything": ("encoder", "head")}
"""Modules in which no parameter learns, by the value of `model.freeze`.

Only parameters freeze. The head's batch norm re-estimates its running statistics in train mode under every rule: the
batch-norm baseline is made of nothing else.
"""


def build_segmentor(model: ModelSettings, adapter: AdapterSettings, generator: torch.Generator) -> Segmentor:
    """The segmentor of a run, in train mode on the CPU.

    Args:
        model: encoder, head, weights and what of them learns.
        adapter: what is inserted; it starts as the identity and always learns.
        generator: of the initialisation and of the seed of stochastic depth.

    Raises:
        ValueError: the checkpoint does not exist or does not fit; the message says what would.
    """
    segmentor = bare_segmentor(model, generator)
    for part in FROZEN_PARTS[model.freeze]:
        segmentor.get_submodule(part).requires_grad_(requires_grad=False)
    place_adapter(segmentor.encoder, adapter, generator)
    if model.checkpoint is not None:
        load_weights(segmentor, model.checkpoint)
    return segmentor


def bare_segmentor(model: ModelSettings, generator: torch.Generator) -> Segmentor:
    """Encoder and head with fresh weights; everything learns."""
    width = DEFAULT_WIDTHS[model.encoder] if model.head_width is None else model.head_width
    depth = torch.Generator().manual_seed(int(torch.randint(2**62, (), generator=generator)))
    # Without storage first: PyTorch's own initialisation would draw from the global generator.
    with torch.device("meta"):
        encoder = MixTransformer(ENCODERS[model.encoder], model.drop_path, depth)
        head = HEADS[model.head](encoder.channels, width, NUM_CLASSES)
    encoder.to_empty(device="cpu").to(memory_format=torch.channels_last)
    head.to_empty(device="cpu").to(memory_format=torch.channels_last)
    initialise_encoder(encoder, generator)
    initialise_head(head, generator)
    return Segmentor(SegmentorShape(model.encoder, model.head, width, NUM_CLASSES), encoder, head)

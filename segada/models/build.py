"""Builds the segmentor of a run from settings: weights loaded, parameters frozen, adapters inserted."""

import torch

from segada.core.named_code import named
from segada.models.adapters.image_adapters import place_image_adapter
from segada.models.adapters.placement import place_adapter
from segada.models.encoders.registry import build_encoder
from segada.models.freezing import check_part, freeze
from segada.models.heads.registry import HEADS
from segada.models.networks.registry import build_network
from segada.models.preprocessing import from_settings
from segada.models.segmentor import Segmentor
from segada.models.staged_segmentor import SegmentorShape, StagedSegmentor
from segada.models.weights import load_weights
from segada.settings.adapter import AdapterSettings
from segada.settings.architectures import default_head_width
from segada.settings.class_sets import CITYSCAPES, ClassSet
from segada.settings.image_adapter import ImageAdapterSettings, NoImageAdapter
from segada.settings.model import ModelSettings
from segada.settings.named_kinds import portable


def build_segmentor(
    model: ModelSettings,
    adapter: AdapterSettings,
    generator: torch.Generator,
    image_adapter: ImageAdapterSettings = NoImageAdapter(),  # noqa: B008 - settings are frozen
    classes: ClassSet = CITYSCAPES,
) -> Segmentor:
    """Builds the segmentor of a run, in train mode on the CPU.

    Args:
        model: Encoder and head, or a whole network; weights and the parts that are frozen.
        adapter: Adapter inserted into blocks; it starts as the identity and is always trainable.
        generator: Generator of the initialization and of the seed of stochastic depth.
        image_adapter: Module that reads the images beside the encoder; it also starts as the identity and is always
            trainable.
        classes: Classes that the head tells apart.

    Raises:
        ValueError: The checkpoint does not exist or does not fit, a named part is not in the network, or an adapter
            cannot be placed in it; the message names the cure.
    """
    if model.network is not None:
        network = build_network(model, generator, classes)
        freeze(network, model)
        return network
    segmentor = bare_segmentor(model, generator, classes)
    freeze(segmentor, model)
    place_adapter(segmentor.encoder, adapter, generator)
    place_image_adapter(segmentor.encoder, image_adapter, generator)
    given = None if model.preprocessing is None else from_settings(model.preprocessing)
    if model.checkpoint is not None:
        load_weights(
            segmentor, model.checkpoint, model.reinitialize, preprocessing=given, class_match=model.class_match
        )
    else:
        for part in model.reinitialize:
            check_part(part, dict(segmentor.named_parameters()), "model.reinitialize")
        if given is not None:
            segmentor.prepare(given)
            segmentor.origin = f"{segmentor.origin}; pixels: {given}"
    return segmentor


def bare_segmentor(model: ModelSettings, generator: torch.Generator, classes: ClassSet = CITYSCAPES) -> StagedSegmentor:
    """Builds encoder and head with random weights; all parameters are trainable."""
    assert model.encoder is not None
    assert model.head is not None
    width = default_head_width(model.encoder) if model.head_width is None else model.head_width
    encoder = build_encoder(model, generator)
    # On the meta device first: PyTorch's own initialization would draw from the global generator.
    with torch.device("meta"):
        head = named(HEADS, model.head)(encoder.channels, width, len(classes))
    head.to_empty(device="cpu").to(memory_format=torch.channels_last)
    head.initialize(generator)
    shape = SegmentorShape(portable(model.encoder), portable(model.head), width, len(classes))
    segmentor = StagedSegmentor(shape, encoder, head)
    segmentor.class_names = classes.names
    return segmentor

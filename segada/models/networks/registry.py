"""Builders of whole networks, by the beginning of their names in settings."""

from collections.abc import Callable, Mapping

import torch

from segada.models.freezing import check_part
from segada.models.networks.contents import BuiltNetwork
from segada.models.networks.hugging_face import build_hugging_face
from segada.models.networks.loading import Source, load_network
from segada.models.networks.own_code import build_own
from segada.models.networks.reading import read_state
from segada.models.networks.seeding import seeded_from
from segada.models.networks.smp import build_smp
from segada.models.networks.torchvision import build_torchvision
from segada.models.preprocessing import from_settings
from segada.models.whole_segmentor import PREFIX, WholeSegmentor
from segada.settings.checkpoint_path import find_checkpoint
from segada.settings.class_sets import ClassSet
from segada.settings.model import ModelSettings
from segada.settings.named_kinds import portable
from segada.settings.networks import HUGGING_FACE, SMP, TORCHVISION

NETWORKS: Mapping[str, Callable[[str, int], BuiltNetwork]] = {
    HUGGING_FACE: build_hugging_face,
    SMP: build_smp,
    TORCHVISION: build_torchvision,
}
"""Builders of networks of libraries; each takes the whole name and the number of classes. Other names are code."""

WHOLE = PREFIX.rstrip(".")
"""Part that is the whole network: `model.reinitialize: [network]` reads no weights."""


def bare_network(
    model: ModelSettings, generator: torch.Generator, classes: ClassSet
) -> tuple[WholeSegmentor, BuiltNetwork]:
    """Builds a whole network with random weights, drawn from the generator alone, and returns it and what came with it.

    Raises:
        ValueError: There is no such network, or it cannot be built.
    """
    name = model.network
    assert name is not None
    own = torch.Generator().manual_seed(int(torch.randint(2**62, (), generator=generator)))
    build = next((builder for beginning, builder in NETWORKS.items() if name.startswith(beginning)), build_own)
    with seeded_from(generator):
        built = build(name, len(classes))
    return WholeSegmentor(portable(name), built.module.train(), classes.names, own, built.multiple), built


def build_network(model: ModelSettings, generator: torch.Generator, classes: ClassSet) -> WholeSegmentor:
    """Builds a whole network with the weights that settings name, or else those that come with it, or random ones.

    Raises:
        ValueError: There is no such network, or the weights do not fit it.
    """
    segmentor, built = bare_network(model, generator, classes)
    given = None if model.preprocessing is None else from_settings(model.preprocessing)
    source = None if WHOLE in model.reinitialize else _source(model, segmentor, built)
    if source is not None:
        load_network(segmentor, source, model.reinitialize, model.class_match, given)
        return segmentor
    for part in set(model.reinitialize) - {WHOLE}:
        check_part(part, segmentor.storable(), "model.reinitialize")
    segmentor.prepare(given or built.preprocessing)
    segmentor.origin = f"{segmentor.origin}; pixels: {segmentor.preprocessing}"
    return segmentor


def _source(model: ModelSettings, segmentor: WholeSegmentor, built: BuiltNetwork) -> Source | None:
    """Returns the weights that a network starts from; None if it has random ones alone."""
    path, setting = built.folder, "model.network"
    if model.checkpoint is not None:
        path, setting = find_checkpoint(model.checkpoint), "model.checkpoint"
    if path is None:
        return None
    if path.is_dir() and built.read is not None:
        return Source(str(path), setting, built.read(path))
    return Source(str(path), setting, read_state(path, segmentor.storable(), built.preprocessing))

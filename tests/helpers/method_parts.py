"""Builds the parts of a method, reproducibly."""

from collections.abc import Callable, Mapping

from segada.core.rng import numpy_generator, torch_generator
from segada.data.replay import ReplayBuffer
from segada.engine.run_data import RunData
from segada.methods.base import MethodParts
from segada.models.build import build_segmentor
from segada.settings import RunSettings

Build = Callable[[Mapping[str, object]], MethodParts]
"""From changes to the settings of the tiny run."""


def method_parts(settings: RunSettings, material: RunData) -> MethodParts:
    """Returns parts as the run makes them, with seed 0."""
    initialization = torch_generator(0, "initialisation")
    return MethodParts(
        settings,
        build_segmentor(settings.model, settings.adapter, initialization, settings.image_adapter),
        ReplayBuffer(material.source, settings.stream.replay, 19, numpy_generator(0, "replay")),
        torch_generator(0, "class_mix"),
        torch_generator(0, "augmentation"),
        torch_generator(0, "restoration"),
        initialization,
        torch_generator(0, "source_frames"),
        torch_generator(0, "masking"),
        torch_generator(0, "windows"),
    )

"""Encoders by the name used in settings."""

from collections.abc import Callable, Mapping
from functools import partial

import torch

from segada.core.named_code import is_code, named
from segada.models.encoders.base import Encoder
from segada.models.encoders.mix_transformer import build_mix_transformer
from segada.models.encoders.timm_encoder import build_timm_encoder
from segada.settings.architectures import MIX_TRANSFORMERS, TIMM
from segada.settings.model import ModelSettings

ENCODERS: Mapping[str, Callable[[float, torch.Generator, torch.Generator], Encoder]] = {
    name: partial(build_mix_transformer, architecture) for name, architecture in MIX_TRANSFORMERS.items()
}
"""Builders of Mix Transformers; arguments: greatest probability of stochastic depth, its generator, and that of the
initialization."""


def build_encoder(model: ModelSettings, generator: torch.Generator) -> Encoder:
    """Builds the encoder with random weights, on the CPU; all parameters are trainable.

    Raises:
        ValueError: The timm model named in the settings does not exist, or cannot be an encoder.
    """
    assert model.encoder is not None
    depth = torch.Generator().manual_seed(int(torch.randint(2**62, (), generator=generator)))
    if model.encoder.startswith(TIMM):
        return build_timm_encoder(model.encoder.removeprefix(TIMM), model.drop_path, depth, generator)
    if is_code(model.encoder):
        return _of_code(model.encoder, model.drop_path, depth, generator)
    return ENCODERS[model.encoder](model.drop_path, depth, generator)


def _of_code(name: str, drop_path: float, depth: torch.Generator, generator: torch.Generator) -> Encoder:
    """Returns an encoder of the user, whose layers may draw their first values from torch's global generator."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
        return named(ENCODERS, name)(drop_path, depth, generator)

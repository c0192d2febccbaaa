"""Networks of segmentation_models_pytorch, with random weights: an architecture on an encoder."""

from segada.models.networks.absent import library
from segada.models.networks.contents import BuiltNetwork
from segada.settings.networks import SMP
from segada.settings.schema import nearest

UNIVERSAL = "tu-"
"""Prefix of encoders of timm, of which segmentation_models_pytorch has no list."""


def build_smp(name: str, classes: int) -> BuiltNetwork:
    """Builds `smp/ARCHITECTURE/ENCODER`; downloads nothing.

    Raises:
        ValueError: There is no such architecture or encoder, or they do not go together.
    """
    smp = library("segmentation_models_pytorch", name)
    architecture, encoder = name.removeprefix(SMP).split("/")
    kinds = {kind.__name__: kind for kind in smp.MODEL_ARCHITECTURES_MAPPING.values()}
    known = {kind.lower(): kind for kind in kinds}
    if architecture.lower() not in known:
        raise ValueError(
            f"model.network is {name}, but smp has no architecture {architecture!r}; {nearest(architecture, kinds)}"
        )
    encoders = smp.encoders.get_encoder_names()
    if encoder not in encoders and not encoder.startswith(UNIVERSAL):
        raise ValueError(f"model.network is {name}, but smp has no encoder {encoder!r}; {nearest(encoder, encoders)}")
    kind = kinds[known[architecture.lower()]]
    module = kind(encoder_name=encoder, encoder_weights=None, in_channels=3, classes=classes)
    divisible = getattr(module, "requires_divisible_input_shape", False)
    return BuiltNetwork(module, module.encoder.output_stride if divisible else 1)

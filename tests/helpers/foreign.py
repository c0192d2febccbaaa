"""Networks of other libraries with random weights, their formulas where none is installed, and ours to hold against."""

from pathlib import Path

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import SegformerConfig, SegformerForSemanticSegmentation

from segada.models.build import build_segmentor
from segada.models.segmentor import Segmentor
from segada.settings.adapter import NoAdapter
from segada.settings.architectures import MIX_TRANSFORMERS
from segada.settings.model import ModelSettings

Weights = dict[str, Tensor]
TOLERANCE = 1e-4


def images(height: int = 64, width: int = 96) -> Tensor:
    return torch.rand((2, 3, height, width), generator=torch.Generator().manual_seed(1))


def filled(module: nn.Module, seed: int = 0) -> nn.Module:
    """The module in evaluation mode with random numbers in every parameter and running statistic."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        spread = 0.2 if parameter.ndim == 1 else 1.5 / parameter[0].numel() ** 0.5
        nn.init.normal_(parameter, std=spread, generator=generator)
        if parameter.ndim == 1 and name.endswith("weight"):
            parameter.data.add_(1.0)  # of a norm
    for name, buffer in module.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(0.0, 0.2, generator=generator)
        if name.endswith("running_var"):
            buffer.uniform_(0.5, 1.5, generator=generator)
    return module.eval()


def with_published_norms(model: nn.Module) -> nn.Module:
    """Transformers has an epsilon of 1e-5 everywhere; published weights were trained with 1e-6 in most norms."""
    for name, module in model.named_modules():
        if isinstance(module, nn.LayerNorm) and "patch_embeddings" not in name and "sequence_reduction" not in name:
            module.eps = 1e-6
    return model


def transformers_model(encoder: str, classes: int = 19) -> SegformerForSemanticSegmentation:
    architecture = MIX_TRANSFORMERS[encoder]
    config = SegformerConfig(
        depths=list(architecture.depths),
        hidden_sizes=list(architecture.widths),
        num_attention_heads=list(architecture.heads),
        sr_ratios=list(architecture.reductions),
        decoder_hidden_size=architecture.head_width,
        num_labels=classes,
    )
    return filled(SegformerForSemanticSegmentation(config))


def smp_encoder() -> nn.Module:
    """The Mix Transformer B0 of segmentation_models.pytorch, whose names are NVlabs'."""
    return filled(smp.encoders.get_encoder("mit_b0", weights=None))


def loaded(path: Path, encoder: str = "mit_b0", head: str = "segformer", **changes: object) -> Segmentor:
    """Our network, filled from a file as any command fills it."""
    model = ModelSettings.model_validate({"encoder": encoder, "head": head, "checkpoint": str(path), **changes})
    return build_segmentor(model, NoAdapter(), torch.Generator().manual_seed(3)).eval()


def assert_near(actual: Tensor, expected: Tensor, tolerance: float = TOLERANCE) -> None:
    """Differences are measured against the greatest value, or against 1 where all are smaller."""
    assert actual.shape == expected.shape
    difference, greatest = (tensor.detach().abs().max().item() for tensor in (actual - expected, expected))
    assert difference <= tolerance * max(1.0, greatest)


def random_head(names: dict[str, tuple[int, ...]]) -> Weights:
    """Tensors of a head by name, from their shapes; variances are positive, and counts whole."""
    generator = torch.Generator().manual_seed(4)
    weights = {}
    for name, shape in names.items():
        values = torch.randn(shape, generator=generator) * (0.2 if len(shape) == 1 else 0.1)
        weights[name] = values.abs() + 0.5 if name.endswith(("running_var", "bn.weight")) else values
    return weights


def norm_shapes(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.{leaf}": (width,) for leaf in ("weight", "bias", "running_mean", "running_var")}


def plain_fusion(weights: Weights, stem: str, maps: list[Tensor]) -> Tensor:
    """Maps of one size, concatenated in this order, through a 1x1 convolution, a batch norm and a ReLU."""
    mixed = functional.conv2d(torch.cat(maps, dim=1), weights[f"{stem}.conv.weight"])
    mean, variance, gain, shift = (
        weights[f"{stem}.bn.{leaf}"].view(1, -1, 1, 1) for leaf in ("running_mean", "running_var", "weight", "bias")
    )
    return ((mixed - mean) / (variance + 1e-5).sqrt() * gain + shift).clamp(min=0)


def plain_linear(weights: Weights, stem: str, x: Tensor) -> Tensor:
    """A linear layer of each pixel: [B, C, H, W] to [B, D, H, W]."""
    return torch.einsum("oc,bchw->bohw", weights[f"{stem}.weight"], x) + weights[f"{stem}.bias"].view(1, -1, 1, 1)


def enlarged(x: Tensor, like: Tensor) -> Tensor:
    return functional.interpolate(x, like.shape[-2:], mode="bilinear", align_corners=False)


def counts(head: Weights, *norms: str) -> Weights:
    """With the counters of batches that torch keeps in a batch norm."""
    return {**head, **{f"{norm}.num_batches_tracked": torch.tensor(7) for norm in norms}}

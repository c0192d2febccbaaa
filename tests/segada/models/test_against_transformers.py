"""The whole network against an independent implementation: SegFormer of HF transformers."""

import re

import pytest
import torch
from torch import Tensor, nn
from transformers import SegformerConfig, SegformerForSemanticSegmentation

from segada.models.encoders.mix_transformer import MixTransformer
from segada.models.heads.segformer import SegFormerHead
from segada.models.staged_segmentor import SegmentorShape, StagedSegmentor
from segada.settings.architectures import MIX_TRANSFORMERS, Architecture

CLASSES = 19
KEYS = (
    (r"^segformer\.stages\.", "encoder.stages."),
    (r"patch_embeddings\.proj", "patch_embed.proj"),
    (r"patch_embeddings\.layer_norm", "patch_embed.norm"),
    (r"layernorm_before", "norm1"),
    (r"layernorm_after", "norm2"),
    (r"attention\.q_proj", "attn.q"),
    (r"attention\.o_proj", "attn.proj"),
    (r"attention\.sequence_reduction\.sequence_reduction", "attn.sr"),
    (r"attention\.sequence_reduction\.layer_norm", "attn.norm"),
    (r"mlp\.dwconv\.dwconv", "mlp.dwconv"),
    (r"(stages\.\d)\.layer_norm", r"\1.norm"),
    (r"^decode_head\.linear_projections\.0", "head.linear_c1"),
    (r"^decode_head\.linear_projections\.1", "head.linear_c2"),
    (r"^decode_head\.linear_projections\.2", "head.linear_c3"),
    (r"^decode_head\.linear_projections\.3", "head.linear_c4"),
    (r"^decode_head\.linear_fuse", "head.linear_fuse.conv"),
    (r"^decode_head\.batch_norm", "head.linear_fuse.bn"),
    (r"^decode_head\.classifier", "head.linear_pred"),
)


DEEP = Architecture((8, 16, 40, 64), MIX_TRANSFORMERS["mit_b5"].depths, head_width=24)
"""As deep as B5, and narrow: an error of one block in 52 adds up."""


@pytest.mark.parametrize(
    ("architecture", "width", "size"),
    [
        (MIX_TRANSFORMERS["mit_tiny"], 64, (64, 128)),
        (MIX_TRANSFORMERS["mit_tiny"], 64, (70, 90)),
        (MIX_TRANSFORMERS["mit_b0"], 256, (50, 64)),
        (DEEP, 24, (64, 96)),
    ],
    ids=["tiny", "tiny uneven", "b0", "deep"],
)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-11)])
def test_maps_logits_and_gradients_are_those_of_transformers(
    architecture: Architecture, width: int, size: tuple[int, int], dtype: torch.dtype, tolerance: float
) -> None:
    theirs = reference(architecture, width).to(dtype)
    ours = StagedSegmentor(
        SegmentorShape("test", "segformer", width, CLASSES),
        MixTransformer(architecture, 0.0, torch.Generator()),
        SegFormerHead(architecture.widths, width, CLASSES),
    ).to(dtype)
    weights = renamed(theirs.state_dict())
    assert set(weights) == set(ours.storable())
    ours.load_state_dict(weights, strict=False)
    images = torch.rand((2, 3, *size), generator=torch.Generator().manual_seed(1)).to(dtype)

    expected = theirs((images - ours.mean) / ours.std, output_hidden_states=True)
    features = ours.encode(images)
    assert len(expected.hidden_states) == len(features) == 4
    for feature, map_of_theirs in zip(features, expected.hidden_states, strict=True):
        assert_near(feature, map_of_theirs, tolerance)
    logits = ours.decode(features)
    assert_near(logits, expected.logits, tolerance)

    torch.autograd.backward(expected.logits.square().mean())
    torch.autograd.backward(logits.square().mean())
    gradients = {name: grad(parameter) for name, parameter in ours.named_parameters()}
    for name, gradient in renamed({name: grad(parameter) for name, parameter in theirs.named_parameters()}).items():
        assert_near(gradients[name], gradient, 100 * tolerance, least=1e-3)


def assert_near(actual: Tensor, expected: Tensor, tolerance: float, least: float = 1.0) -> None:
    """Differences are measured against the greatest value, or against `least` where all are smaller."""
    assert actual.shape == expected.shape
    difference, greatest = (tensor.detach().abs().max().item() for tensor in (actual - expected, expected))
    assert difference <= tolerance * max(least, greatest)


def reference(architecture: Architecture, width: int) -> SegformerForSemanticSegmentation:
    config = SegformerConfig(
        depths=list(architecture.depths),
        hidden_sizes=list(architecture.widths),
        num_attention_heads=list(architecture.heads),
        sr_ratios=list(architecture.reductions),
        decoder_hidden_size=width,
        num_labels=CLASSES,
        drop_path_rate=0.0,
        classifier_dropout_prob=0.0,
    )
    model = SegformerForSemanticSegmentation(config).train()
    generator = torch.Generator().manual_seed(0)
    for name, parameter in model.named_parameters():
        spread = 0.2 if parameter.ndim == 1 else 1.5 / parameter[0].numel() ** 0.5
        nn.init.normal_(parameter, std=spread, generator=generator)
        if "norm" in name and name.endswith("weight"):
            parameter.data.add_(1.0)
    for name, module in model.named_modules():
        after_convolution = "patch_embeddings" in name or "sequence_reduction" in name
        if isinstance(module, nn.LayerNorm) and not after_convolution:
            module.eps = 1e-6  # transformers has 1e-5 everywhere; the published weights were trained with this
    return model


def renamed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Under our names; key and value projections become one matrix, key first."""
    ours = {}
    for name, tensor in tensors.items():
        if ".k_proj" in name:
            values = tensors[name.replace(".k_proj", ".v_proj")]
            ours[our_name(name.replace("attention.k_proj", "attn.kv"))] = torch.cat([tensor, values])
        elif ".v_proj" not in name:
            ours[our_name(name)] = tensor
    return ours


def our_name(name: str) -> str:
    for pattern, replacement in KEYS:
        name = re.sub(pattern, replacement, name)
    return name


def grad(parameter: nn.Parameter) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad

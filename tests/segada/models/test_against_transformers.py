"""The whole network against an independent implementation: SegFormer of HF transformers."""

import re

import pytest
import torch
from torch import Tensor, nn
from transformers import SegformerConfig, SegformerForSemanticSegmentation

from segada.models.mix_transformer import MixTransformer
from segada.models.segformer import SegFormerHead
from segada.models.segmentor import Segmentor, SegmentorShape
from segada.models.weights import storable
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


@pytest.mark.parametrize(
    ("encoder", "width", "size"), [("mit_tiny", 64, (64, 128)), ("mit_tiny", 64, (70, 90)), ("mit_b0", 256, (50, 64))]
)
def test_logits_and_gradients_are_those_of_transformers(encoder: str, width: int, size: tuple[int, int]) -> None:
    architecture = MIX_TRANSFORMERS[encoder]
    theirs = reference(architecture, width)
    ours = Segmentor(
        SegmentorShape("test", "segformer", width, CLASSES),
        MixTransformer(architecture, 0.0, torch.Generator()),
        SegFormerHead(architecture.widths, width, CLASSES),
    )
    weights = renamed(theirs.state_dict())
    assert set(weights) == set(storable(ours))
    ours.load_state_dict(weights, strict=False)
    images = torch.rand((2, 3, *size), generator=torch.Generator().manual_seed(1))

    expected = theirs((images - ours.mean) / ours.std).logits
    actual = ours(images)
    torch.testing.assert_close(actual, expected, rtol=0, atol=2e-5)

    expected.square().mean().backward()
    actual.square().mean().backward()
    gradients = {name: parameter.grad for name, parameter in ours.named_parameters()}
    for name, gradient in renamed({name: grad(parameter) for name, parameter in theirs.named_parameters()}).items():
        torch.testing.assert_close(gradients[name], gradient, rtol=1e-3, atol=1e-6)


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

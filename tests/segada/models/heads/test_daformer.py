"""The DAFormer heads against their formulas, written with functions of torch alone."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from segada.models.heads.daformer import DAFormerConvHead, DAFormerHead

CHANNELS = (3, 4, 5, 6)
WIDTH = 7
SIZES = ((40, 24), (20, 12), (10, 6), (5, 3))
"""Wide enough that the farthest taps, 18 pixels away, read pixels and not only padding."""


def plain_daformer(weights: dict[str, Tensor], features: list[Tensor], training: bool) -> Tensor:
    def convolved(x: Tensor, name: str, dilation: int = 1) -> Tensor:
        kernel = weights[f"{name}.conv.weight"]
        padding = dilation * (kernel.shape[-1] // 2)
        x = functional.conv2d(x, kernel, None, 1, padding, dilation, groups=x.shape[1] // kernel.shape[1])
        mean, variance = weights[f"{name}.bn.running_mean"], weights[f"{name}.bn.running_var"]
        if training:
            mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
        mean, variance, gain, shift = (
            numbers.view(1, -1, 1, 1)
            for numbers in (mean, variance, weights[f"{name}.bn.weight"], weights[f"{name}.bn.bias"])
        )
        return ((x - mean) / (variance + 1e-5).sqrt() * gain + shift).clamp(min=0)

    embedded = []
    for index, feature in enumerate(features):
        layer = f"embed_layers.{index}.proj"
        x = torch.einsum("oc,bchw->bohw", weights[f"{layer}.weight"], feature)
        x = x + weights[f"{layer}.bias"].view(1, -1, 1, 1)
        embedded.append(functional.interpolate(x, SIZES[0], mode="bilinear", align_corners=False))
    stacked = torch.cat(embedded, dim=1)
    if "fuse_layer.conv.weight" in weights:
        fused = convolved(stacked, "fuse_layer")
        return functional.conv2d(fused, weights["conv_seg.weight"], weights["conv_seg.bias"])
    branches = [convolved(stacked, "fuse_layer.aspp_modules.0")]
    for index, dilation in ((1, 6), (2, 12), (3, 18)):
        alone = convolved(stacked, f"fuse_layer.aspp_modules.{index}.depthwise_conv", dilation)
        branches.append(convolved(alone, f"fuse_layer.aspp_modules.{index}.pointwise_conv"))
    fused = convolved(torch.cat(branches, dim=1), "fuse_layer.bottleneck")
    return functional.conv2d(fused, weights["conv_seg.weight"], weights["conv_seg.bias"])


@pytest.mark.parametrize("kind", [DAFormerHead, DAFormerConvHead])
@pytest.mark.parametrize("training", [False, True])
def test_logits_and_gradients_are_those_of_the_formula(training: bool, kind: type[DAFormerHead]) -> None:
    generator = torch.Generator().manual_seed(0)
    head = kind(CHANNELS, WIDTH, 5).double()
    head.initialize(generator)
    for tensor in (*head.parameters(), *(buffer for buffer in head.buffers() if buffer.ndim)):
        tensor.data.add_(0.3 * torch.rand(tensor.shape, generator=generator, dtype=torch.float64))
    features = [
        torch.randn((2, channels, *size), generator=generator, dtype=torch.float64, requires_grad=True)
        for channels, size in zip(CHANNELS, SIZES, strict=True)
    ]
    # Before the head runs: in train mode it moves its running statistics.
    weights = {name: tensor.detach().clone() for name, tensor in head.state_dict().items()}
    for name, _ in head.named_parameters():
        weights[name].requires_grad_()
    actual, expected = head.train(training)(features), plain_daformer(weights, features, training)
    assert actual.shape == (2, 5, *SIZES[0])
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-10)

    cotangent = torch.randn(expected.shape, generator=generator, dtype=torch.float64)
    ours = torch.autograd.grad(actual, [*features, *head.parameters()], cotangent)
    plain = [*features, *(weights[name] for name, _ in head.named_parameters())]
    for gradient, reference in zip(ours, torch.autograd.grad(expected, plain, cotangent), strict=True):
        torch.testing.assert_close(gradient, reference, rtol=1e-8, atol=1e-9)

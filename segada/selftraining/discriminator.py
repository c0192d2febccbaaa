"""The domain discriminator and the reversal in front of it (Ganin and Lempitsky 2015, arXiv 1409.7495)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

KERNELS = {"image": 1, "patch": 3}
"""Side of the kernels of the two hidden layers: a frame's mean has no neighbors; a patch is five cells on a side."""
SLOPE = 0.2
"""Of the hidden layers below 0."""


class Discriminator(nn.Module):
    """Logits of being target, from feature maps: two hidden convolutions with leaky ReLU, then one logit.

    Args:
        channels: of the maps.
        width: of the hidden layers.
        granularity: `image` averages each map first and gives [B, 1, 1, 1]; `patch` gives a logit for each cell,
            [B, 1, h, w].
        generator: of the initialization, by He's rule.
    """

    def __init__(self, channels: int, width: int, granularity: str, generator: torch.Generator) -> None:
        super().__init__()
        self._pools = granularity == "image"
        kernel = KERNELS[granularity]
        # Without storage first: PyTorch's own initialization would draw from the global generator.
        with torch.device("meta"):
            layers = [
                nn.Conv2d(channels, width, kernel, padding=kernel // 2),
                nn.Conv2d(width, width, kernel, padding=kernel // 2),
                nn.Conv2d(width, 1, 1),
            ]
        self.layers = nn.ModuleList(layers).to_empty(device="cpu")
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight, a=SLOPE, generator=generator)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)

    def forward(self, features: Tensor) -> Tensor:
        x = features.mean(dim=(2, 3), keepdim=True) if self._pools else features
        for layer in self.layers[:-1]:
            x = functional.leaky_relu(layer(x), SLOPE)
        logits: Tensor = self.layers[-1](x)
        return logits


def reversed_gradient(features: Tensor, coefficient: float) -> Tensor:
    """The same numbers; what flows back through them is multiplied by -coefficient.

    Args:
        features: Of any shape, with or without gradient.
        coefficient: At least 0.
    """
    same = features.view_as(features)
    if same.requires_grad:
        same.register_hook(lambda gradient: -coefficient * gradient)  # type: ignore[no-untyped-call]
    return same


def domain_loss(source: Tensor, target: Tensor) -> Tensor:
    """Mean binary cross-entropy of a discriminator's logits, both domains counting the same: float [].

    Args:
        source: Logits of any shape, whose domain label is 0.
        target: Logits of any shape, whose domain label is 1.
    """
    return (functional.softplus(source).mean() + functional.softplus(-target).mean()) / 2


def domain_accuracy(source: Tensor, target: Tensor) -> Tensor:
    """Mean over both domains of the share of logits on the right side of 0: float [], 0.5 for a coin. No gradient."""
    return ((source < 0).float().mean() + (target > 0).float().mean()) / 2

"""The domain discriminator and the gradient reversal (Ganin and Lempitsky 2015, arXiv 1409.7495)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

KERNELS = {"image": 1, "patch": 3}
"""Kernel side of the two hidden layers: 1 for a frame's mean; 3 for patches, a receptive field of five cells."""
SLOPE = 0.2
"""Negative slope of the hidden layers' leaky ReLU."""


class Discriminator(nn.Module):
    """Computes the logit of being target from feature maps: two hidden convolutions with leaky ReLU, then one output.

    Args:
        channels: number of channels of the feature maps.
        width: number of channels of the hidden layers.
        granularity: `image` averages each map first and gives [B, 1, 1, 1]; `patch` gives a logit for each cell,
            [B, 1, h, w].
        generator: draws the initialization, by He's rule.
    """

    def __init__(self, channels: int, width: int, granularity: str, generator: torch.Generator) -> None:
        super().__init__()
        self._pools = granularity == "image"
        kernel = KERNELS[granularity]
        # On the meta device first: PyTorch's own initialization would draw from the global generator.
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
    """Returns the same numbers and multiplies the gradient that flows back by -coefficient.

    Args:
        features: Tensor of any shape, with or without gradient.
        coefficient: Factor of the reversed gradient, at least 0.
    """
    same = features.view_as(features)
    if same.requires_grad:
        same.register_hook(lambda gradient: -coefficient * gradient)  # type: ignore[no-untyped-call]
    return same


def domain_loss(source: Tensor, target: Tensor) -> Tensor:
    """Returns the mean binary cross-entropy of a discriminator's logits, both domains weighted equally: float [].

    Args:
        source: Logits of any shape, whose domain label is 0.
        target: Logits of any shape, whose domain label is 1.
    """
    return (functional.softplus(source).mean() + functional.softplus(-target).mean()) / 2


def domain_accuracy(source: Tensor, target: Tensor) -> Tensor:
    """Returns the share of logits on the right side of 0, averaged over both domains: float [], 0.5 at chance level."""
    return ((source < 0).float().mean() + (target > 0).float().mean()) / 2

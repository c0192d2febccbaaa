"""The SegFormer head with a second, light exit that reads the first stage alone (Hamlet, arXiv 2307.15063)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from segada.models.encoders.tokens import as_image, as_tokens
from segada.models.heads.base import initialize_classifier
from segada.models.heads.segformer import Fusion, SegFormerHead


class MultiExitHead(SegFormerHead):
    """A SegFormer head whose linear layer of the finest map also feeds a light exit.

    `forward` is that of the SegFormer head. All additional parameters are named below `light_exit`, so that a SegFormer
    checkpoint can be loaded with `model.reinitialize: [head.light_exit]`.
    """

    def __init__(self, channels: Sequence[int], width: int, classes: int) -> None:
        super().__init__(channels, width, classes)
        self.light_exit = LightExit(width, classes)

    def light(self, finest: Tensor) -> Tensor:
        """Computes logits [B, K, H/4, W/4] from the map of the first stage alone."""
        logits: Tensor = self.light_exit(finest, self.linear_c1.proj)
        return logits

    def light_part(self) -> nn.Module:
        """Returns the 1x1 convolution, norm and classifier of the light exit."""
        return self.light_exit

    def initialize(self, generator: torch.Generator) -> None:
        """Initializes every parameter and buffer, the SegFormer head's first, so that the shared ones equal those of a
        SegFormer head."""
        super().initialize(generator)
        self.light_exit.fuse.initialize(generator)
        initialize_classifier(self.light_exit.pred, generator)


class LightExit(nn.Module):
    """Logits pred(relu(bn(W (L c + b)))) of one map c, where the linear layer (L, b) is that of the main path.

    No operation lies between the layer and the 1x1 convolution W, so (W L) c + W b is computed, as in the main path.
    """

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.fuse = Fusion(width, width)
        self.pred = nn.Conv2d(width, classes, 1)

    def forward(self, finest: Tensor, linear: nn.Linear) -> Tensor:
        mixer = self.fuse.conv.weight.flatten(1)
        mixed = functional.linear(as_tokens(finest), mixer @ linear.weight, mixer @ linear.bias)
        logits: Tensor = self.pred(functional.relu(self.fuse.bn(as_image(mixed))))
        return logits

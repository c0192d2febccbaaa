"""Stochastic depth with a generator of its own."""

import torch
from torch import Tensor, nn


class DropPath(nn.Module):
    """Stochastic depth (Huang et al. 2016): skips a residual branch for whole images during training.

    The branch may have any shape [B, ...]. It acts only in train mode and where gradients are recorded. Hence a frozen
    prefix and a teacher, which run without gradients, never drop anything, and the prefix is the same for student,
    teacher and static model.
    """

    def __init__(self, probability: float, generator: torch.Generator) -> None:
        super().__init__()
        self.probability = probability
        self.generator = generator

    def forward(self, x: Tensor) -> Tensor:
        if self.probability == 0.0 or not self.training or not torch.is_grad_enabled():
            return x
        keep = 1.0 - self.probability
        # Drawn on the generator's device, so that the same seed drops the same images on every device.
        shape = (len(x), *(1 for _ in x.shape[1:]))
        kept = torch.rand(shape, generator=self.generator, device=self.generator.device) < keep
        return x * kept.to(x) / keep

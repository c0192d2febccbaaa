"""Sparse visual prompts of SVDP (Yang et al. 2023, arXiv 2303.09792): where they are placed, and how they are placed.

With p_t the softmax of a pass t with dropout before the classifier, at the resolution of the frame, the uncertainty of
a pixel is sum_k var_t p_tk, the variance without correction. A prompt of n pixels is added to the normalized frame at
its n most uncertain pixels, the last vector at the most uncertain one. Formulas are those of the authors' code.

Deviations: masks of dropout are the same for all frames and all calls, so that a prediction depends on its frame alone;
for views of another size the uncertainty is resized bilinearly, not by cubic splines.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from segada.models.resize import enlarged
from segada.models.segmentor import FrozenPrefix, Segmentor

SEEDS: Final = 2**63 - 1


class DropoutUncertainty:
    """Uncertainty of a network's predictions, from passes with dropout before its classifier."""

    def __init__(self, passes: int, probability: float, generator: torch.Generator) -> None:
        """Draws the seed of the masks.

        Args:
            passes: Number of passes.
            probability: Probability of dropping each input of the classifier.
            generator: Generator on the CPU.
        """
        self._passes = passes
        self._probability = probability
        self._seed = int(torch.randint(SEEDS, (), generator=generator))

    @torch.no_grad()
    def __call__(self, network: Segmentor, prefix: FrozenPrefix) -> Tensor:
        """Returns the uncertainty of each pixel of the frames, float [B, H, W]; leaves the network's mode as it was."""
        training = network.training
        network.eval()
        maps = network.encode_rest(prefix)
        size = prefix.images.shape[-2:]
        with self._dropping(network):
            passes = [enlarged(network.decode(maps), size).softmax(dim=1) for _ in range(self._passes)]
        network.train(training)
        return torch.stack(passes).var(dim=0, correction=0).sum(dim=1)

    @contextmanager
    def _dropping(self, network: Segmentor) -> Iterator[None]:
        generator = torch.Generator().manual_seed(self._seed)

        def drop(_: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor:
            kept = torch.rand(inputs[0].shape[1:], generator=generator) >= self._probability
            return inputs[0] * kept.to(inputs[0]) / (1.0 - self._probability)

        hooks = [layer.register_forward_pre_hook(drop) for layer in classifiers(network)]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()


def classifiers(network: Segmentor) -> list[nn.Conv2d]:
    """Returns the convolutions with as many outputs as there are classes."""
    layers = (module for module in network.modules() if isinstance(module, nn.Conv2d))
    return [layer for layer in layers if layer.out_channels == network.classes]


def prompted(prefix: FrozenPrefix, prompt: Tensor, uncertainty: Tensor, *, mirrored: bool = False) -> FrozenPrefix:
    """Returns the input of a network with the prompt added, with gradients to the prompt; no stage has been run.

    Args:
        prefix: Frozen prefix of the frames or of views of them, of which the normalized images are taken.
        prompt: float [n, 3]. Of images with fewer pixels, the last vectors are used.
        uncertainty: float [B, H, W], of the frames.
        mirrored: Whether the images are mirrored frames.
    """
    images = prefix.images
    if uncertainty.shape[1:] != images.shape[2:]:
        size = (images.shape[2], images.shape[3])
        uncertainty = functional.interpolate(uncertainty[:, None], size, mode="bilinear", align_corners=False)[:, 0]
    pixels = uncertainty.flatten(1)
    count = min(len(prompt), pixels.shape[1])
    # Stable: near the border of a frame, enlarged predictions are equal.
    positions = pixels.argsort(dim=1, stable=True)[:, -count:][:, None].expand(-1, 3, -1)
    values = prompt[-count:].T.expand(len(images), -1, -1)
    placed = torch.zeros_like(images, memory_format=torch.contiguous_format).flatten(2)
    added = placed.scatter(2, positions, values).view(images.shape)
    if mirrored:
        added = added.flip(-1)
    return FrozenPrefix((images + added).contiguous(memory_format=torch.channels_last), ())


def prompt_alpha(alpha: float, uncertainty: Tensor, scale: float) -> Tensor:
    """Returns the share of the old prompt in the teacher's new one: alpha - scale * mean uncertainty, at least 0."""
    return (alpha - scale * uncertainty.mean()).clamp(min=0.0)

"""Homeostatic knowledge allotment of ViDA (Liu et al. 2024, arXiv 2306.04344): factors on updates by uncertainty.

With u a tenth of the mean, over frames, classes and pixels, of the variance of the teacher's logits over augmented
views, the updates of high and low rank get the factors 1 + u and 1 - u if u reaches a threshold, and 1 - u and 1 + u
below it. Formula and constants are those of the authors' code for classification; that for segmentation is not public.

Deviations: views differ in colors and sharpness alone, since shifted pixels have other labels; of the authors' changes
they have those of brightness, contrast, saturation, hue and blur, but neither gamma nor noise. The authors' code sets
only the factor of low rank, since its second condition is never reached; here both are set, as in the paper.
"""

from typing import Final

import torch
from torch import Tensor

from segada.data.transforms.augment import blur, jitter
from segada.models.adapters.vida import VidaPair
from segada.models.segmentor import Segmentor
from segada.settings.adapter import AdapterSettings, VidaSettings

SHARE: Final = 0.1
"""Share of the variance that is the uncertainty, as in the authors' code."""
CHANGES: Final = (0.4, 0.3, 0.5, 0.06)
"""Greatest changes of brightness, contrast and saturation, as shares, and of hue, in turns, as in the authors' code."""
BLUR_SIGMAS: Final = (0.001, 0.5)
"""Least and greatest standard deviation of the blur, in pixels, as in the authors' code."""


class KnowledgeAllotment:
    """Sets the factors of all pairs of updates in student and teacher."""

    def __init__(self, settings: VidaSettings, generator: torch.Generator) -> None:
        """Takes the settings of the adapter and the generator of the views, on the CPU."""
        self._settings = settings
        self._generator = generator

    @torch.no_grad()
    def __call__(self, student: Segmentor, teacher: Segmentor, images: Tensor) -> Tensor:
        """Sets the factors for frames [B, 3, H, W] in [0, 1]; returns the uncertainty, float []."""
        teacher.eval()
        views = range(self._settings.views)
        logits = torch.stack([teacher(view(images, self._generator)) for _ in views])
        uncertainty = SHARE * logits.var(dim=0).mean()
        change = torch.where(uncertainty >= self._settings.uncertainty_threshold, uncertainty, -uncertainty)
        factors = torch.stack([1 - change, 1 + change])
        for module in (*student.modules(), *teacher.modules()):
            if isinstance(module, VidaPair) and module.factors is not None:
                module.factors.copy_(factors)
        return uncertainty


def view(images: Tensor, generator: torch.Generator) -> Tensor:
    """Returns images [B, 3, H, W] in [0, 1] of other colors and sharpness; nine numbers are drawn for each."""
    draws = torch.rand(len(images), 9, generator=generator)
    greatest, (least, most) = max(CHANGES), BLUR_SIGMAS
    amounts = 0.5 + (draws[:, 4:8] - 0.5) * torch.tensor(CHANGES) / greatest
    jittered = jitter(images, draws[:, :4], amounts, torch.full((len(images),), greatest))
    return blur(jittered, least + (most - least) * draws[:, 8], torch.ones(len(images), dtype=torch.bool))


def allotment_of(settings: AdapterSettings, generator: torch.Generator) -> KnowledgeAllotment | None:
    """Returns the allotment that the settings of an adapter want; None without one."""
    if not isinstance(settings, VidaSettings) or settings.allotment == "constant":
        return None
    return KnowledgeAllotment(settings, generator)

"""Masked image consistency: the student labels masked frames as the teacher labels whole ones (arXiv 2212.01322).

With M a random mask of blocks, q the share of pixels of the batch on which the teacher's confidence reaches tau, and y
the teacher's labels of the whole frames x, the loss is the mean over pixels of q * CE(f(M * x), y). The frames are
color-augmented before they are masked, as in the authors' code for Cityscapes as the target (`separatetrgaug`); for
ACDC it masks one source and one target frame without colors, which is left out here. Masked pixels are 0 after
normalization. A batch norm that follows sees the masked frames in the student, never in the teacher.
"""

import torch
from torch import Tensor
from torch.nn import functional

from segada.core.timer import NULL_TIMER, Timer
from segada.data.batch import Batch
from segada.data.transforms.augment import jitter_and_blur
from segada.evaluation.label_counts import LabelCounts
from segada.models.resize import enlarged
from segada.models.segmentor import Segmentor
from segada.selftraining.losses import pixel_cross_entropy
from segada.selftraining.pseudo_labels import PseudoLabels, pseudo_labels
from segada.settings.masked_consistency import MaskedConsistencySettings


class MaskedConsistency:
    """Loss term of a method with a teacher.

    Attributes:
        counts: Counts of the sure pixels of the latest step against ground truth; None if nothing was counted.
    """

    def __init__(
        self,
        settings: MaskedConsistencySettings,
        generator: torch.Generator,
        timer: Timer = NULL_TIMER,
        *,
        counts_labels: bool = False,
    ) -> None:
        """Takes the settings, the generator of masks and colors, on the CPU, the timer of the parts of a step, and
        whether pseudo-labels are counted against ground truth."""
        self._settings = settings
        self._generator = generator
        self._timer = timer
        self._counts_labels = counts_labels
        self.counts: LabelCounts | None = None

    def terms(
        self,
        student: Segmentor,
        target: Batch,
        teacher: Tensor,
        first_stage: int,
        ignored_rows: tuple[float, float] = (0.0, 0.0),
    ) -> dict[str, Tensor]:
        """Returns the weighted loss by its name; nothing, and no random number is drawn, if its weight is 0.

        Args:
            student: Network that learns, in the mode in which it learns.
            target: Whole target frames; nothing is learned from their labels.
            teacher: The teacher's logits of these frames, or their log-probabilities, [B, K, h, w], of any resolution.
            first_stage: First stage of the encoder that learns.
            ignored_rows: Shares of the rows, from top and bottom, that do not count.
        """
        settings = self._settings
        if not settings.weight:
            return {}
        with self._timer.part("loss: masked"):
            logits = enlarged(teacher.detach(), target.labels.shape[-2:])
            truth = target.labels if self._counts_labels else None
            labels = pseudo_labels(logits, settings.pseudo_threshold, *ignored_rows, truth)
            self.counts = labels.counts
            return {"masked": settings.weight * self._loss(student, target.images, labels, first_stage)}

    def _loss(self, student: Segmentor, images: Tensor, teacher: PseudoLabels, first_stage: int) -> Tensor:
        settings = self._settings
        masked = jitter_and_blur(images, settings.color, self._generator)
        kept = block_mask(masked, settings.block_size, settings.mask_ratio, self._generator)
        masked = torch.where(kept, masked, masked.new_tensor(student.preprocessing.mean_color).view(1, 3, 1, 1))
        logits = student.decode(student.encode_rest(student.encode_frozen(masked), first_stage))
        return pixel_cross_entropy(enlarged(logits, teacher.labels.shape[-2:]), teacher.labels, teacher.weight)


def block_mask(images: Tensor, block_size: float, ratio: float, generator: torch.Generator) -> Tensor:
    """Draws the blocks of each frame that stay visible.

    Args:
        images: Frames [B, 3, H, W].
        block_size: Side of a block as a share of H; H and W hold the nearest number of whole blocks, at least one.
        ratio: Probability of a block to be masked.
        generator: Generator on the CPU; one number is drawn per block.

    Returns:
        bool [B, 1, H, W], True where pixels stay.
    """
    height, width = images.shape[-2:]
    side = block_size * height
    blocks = (len(images), 1, max(1, round(height / side)), max(1, round(width / side)))
    kept = (torch.rand(blocks, generator=generator) >= ratio).to(images.device)
    return functional.interpolate(kept.float(), (height, width), mode="nearest") > 0.0

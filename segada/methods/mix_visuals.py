"""What a method that mixes frames can show of a step; drawing it is another's work."""

from dataclasses import dataclass

from torch import Tensor

from segada.data.batch import Batch
from segada.selftraining.class_mix import MixedBatch


@dataclass(frozen=True, slots=True)
class MixPictures:
    """The tensors of the latest step, frame by frame.

    Attributes:
        source: The replayed frames.
        target: Images of the visited frames, float32 [B, 3, H, W] in [0, 1].
        pseudo_labels: What the teacher took them for, int64 [B, H, W].
        mixed: What was learned from.
        cells: The source's labels at the resolution of the deepest features, int64 [B, h, w], see `majority_labels`.
        distant: Cells in which the source feature distance counted, bool [B, h, w].
    """

    source: Batch
    target: Tensor
    pseudo_labels: Tensor
    mixed: MixedBatch
    cells: Tensor
    distant: Tensor

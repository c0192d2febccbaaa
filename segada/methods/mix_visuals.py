"""Tensors of a class-mix step that loggers can draw."""

from dataclasses import dataclass

from torch import Tensor

from segada.data.batch import Batch
from segada.selftraining.class_mix import MixedBatch


@dataclass(frozen=True, slots=True)
class MixPictures:
    """Tensors of the latest step, frame by frame.

    Attributes:
        source: The replayed frames.
        target: Images of the visited frames, float32 [B, 3, H, W] in [0, 1].
        pseudo_labels: Labels that the teacher predicted, int64 [B, H, W].
        mixed: Frames and labels of the mix term.
        cells: Source labels at the resolution of the deepest features, int64 [B, h, w], see `majority_labels`.
        distant: True in cells that counted in the source feature distance, bool [B, h, w].
    """

    source: Batch
    target: Tensor
    pseudo_labels: Tensor
    mixed: MixedBatch
    cells: Tensor
    distant: Tensor

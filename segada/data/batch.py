"""Batches: frames as inputs of the network."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from segada.data.frames import Frames


@dataclass(frozen=True, slots=True)
class Batch:
    """Frames as tensors with memory of their own.

    Attributes:
        images: float32 [B, 3, H, W], RGB in [0, 1].
        labels: int64 [B, H, W], train ids 0 to 18 or 255 (ignored).
    """

    images: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> "Batch":
        """Returns the same batch on a device; a pinned batch is copied to a GPU asynchronously."""
        alongside = device.type == "cuda"
        return Batch(self.images.to(device, non_blocking=alongside), self.labels.to(device, non_blocking=alongside))

    def pinned(self) -> "Batch":
        """Returns the same batch in pinned memory."""
        return Batch(self.images.pin_memory(), self.labels.pin_memory())


def to_batch(frames: Frames, indices: npt.NDArray[np.int64]) -> Batch:
    """Copies the frames of these indices [B] into a batch; their arrays may be read-only memory."""
    images = torch.from_numpy(np.take(frames.images, indices, axis=0)).permute(0, 3, 1, 2)
    labels = torch.from_numpy(np.take(frames.labels, indices, axis=0))
    return Batch(images.to(torch.float32, memory_format=torch.contiguous_format).div_(255), labels.to(torch.int64))

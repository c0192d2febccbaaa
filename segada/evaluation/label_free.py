"""What a run can say about itself without labels: how sure the scored network is of the frames that it meets."""

import math

import torch
from torch import Tensor


class LabelFree:
    """Mean entropy and mean confidence over frames, each predicted before it is learned from."""

    def __init__(self) -> None:
        self._entropy: list[Tensor] = []
        self._confidence: list[Tensor] = []

    def add(self, logits: Tensor) -> None:
        """Counts frames: logits [B, K, h, w]."""
        log_probability = logits.log_softmax(dim=1)
        probability = log_probability.exp()
        self._entropy.append(-(probability * log_probability).sum(dim=1).mean(dim=(1, 2)) / math.log(logits.shape[1]))
        self._confidence.append(probability.amax(dim=1).mean(dim=(1, 2)))

    def values(self) -> dict[str, float]:
        """`entropy`, as a share of its greatest value log K, and `confidence`, the greatest softmax; empty at first."""
        named = {"entropy": self._entropy, "confidence": self._confidence}
        return {name: float(torch.cat(frames).mean()) for name, frames in named.items() if frames}

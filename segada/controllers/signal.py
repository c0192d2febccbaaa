"""The detector's signal: disagreement of static model and evaluated network (Hamlet, arXiv 2307.15063).

In the source domain both agree. The static model's predictions degrade with distance from it, and differ the more the
further the evaluated network has adapted.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from segada.models.resize import enlarged
from segada.models.segmentor import Segmentor
from segada.models.staged_segmentor import StagedSegmentor


def light_exit(static: Segmentor, images: Tensor) -> Tensor:
    """Returns logits [B, K, H/4, W/4] of the light exit; only the encoder's first stage runs."""
    assert isinstance(static, StagedSegmentor)
    finest = static.encoder.finest(static.normalized(images))
    return static.head.light(finest)


def whole(static: Segmentor, images: Tensor) -> Tensor:
    """Returns logits [B, K, H/4, W/4] of the whole static model."""
    logits: Tensor = static(images)
    return logits


SIGNALS: Mapping[str, Callable[[Segmentor, Tensor], Tensor]] = {"light": light_exit, "full": whole}
"""Forward passes of the static model by their names in settings."""


def signal(ask: Callable[[Segmentor, Tensor], Tensor], static: Segmentor, images: Tensor, logits: Tensor) -> Tensor:
    """Returns the static model's cross-entropy against the evaluated network's most probable classes, in nats.

    Hamlet computes both at label resolution; a quarter of it gives the same signal at a sixteenth of the cost.

    Args:
        ask: Forward pass, one of `SIGNALS`.
        static: The static model in evaluation mode.
        images: float32 [B, 3, H, W] in [0, 1].
        logits: Logits of the evaluated network, float [B, K, h, w], H/4 and W/4 but for averaged predictions.

    Returns:
        float [B], the mean over each frame's pixels, without gradient.
    """
    with torch.inference_mode():
        own = logits.argmax(dim=1)
        static_logits = enlarged(ask(static, images), own.shape[-2:])
        return functional.cross_entropy(static_logits, own, reduction="none").mean(dim=(1, 2))

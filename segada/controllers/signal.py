"""The detector's signal: how unlikely the static model finds what the scored network says (Hamlet, arXiv 2307.15063).

In the source domain the two agree. Away from it the static model is at a loss, and the further the scored network has
gone from it, the more it says what the static model would not.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from segada.models.segmentor import Segmentor


def light_exit(static: Segmentor, images: Tensor) -> Tensor:
    """Logits [B, K, H/4, W/4] of the light exit; only the encoder's first stage runs."""
    finest = static.encoder.run(static.normalized(images), 0, 1)[0]
    return static.head.light(finest)


def whole(static: Segmentor, images: Tensor) -> Tensor:
    """Logits [B, K, H/4, W/4] of the whole static model."""
    logits: Tensor = static(images)
    return logits


SIGNALS: Mapping[str, Callable[[Segmentor, Tensor], Tensor]] = {"light": light_exit, "full": whole}
"""What the static model is asked, by the name that settings use."""


def signal(ask: Callable[[Segmentor, Tensor], Tensor], static: Segmentor, images: Tensor, logits: Tensor) -> Tensor:
    """Cross-entropy of the static model against the scored network's most probable classes, in nats.

    Hamlet takes both at the resolution of the labels; a quarter of it says the same at a sixteenth of the work.

    Args:
        ask: One of `SIGNALS`.
        static: In evaluation mode.
        images: float32 [B, 3, H, W] in [0, 1].
        logits: Of the scored network, float [B, K, H/4, W/4].

    Returns:
        float [B], the mean over each frame's pixels, without gradient.
    """
    with torch.inference_mode():
        own = logits.argmax(dim=1)
        return functional.cross_entropy(ask(static, images), own, reduction="none").mean(dim=(1, 2))

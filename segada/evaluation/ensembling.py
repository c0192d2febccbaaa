"""Soft voting: several networks, or one that sees a frame in several ways, average what they think."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from segada.evaluation.evaluator import greatest, predicted_classes
from segada.evaluation.sliding import Network
from segada.evaluation.tta import PLAIN, View
from segada.models.resize import enlarged, enlarged_strips

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is said of one frame.

    Attributes:
        classes: uint8 [H, W].
        probabilities: float [K, H, W]; None if they were not asked for.
    """

    classes: Tensor
    probabilities: Tensor | None = None


def passes(networks: Sequence[Network], views: Sequence[View], images: Tensor) -> list[Tensor]:
    """Logits [B, K, h, w] of images [B, 3, H, W], for each network and view; their h and w may differ."""
    height, width = images.shape[-2:]
    return [view.turned_back(network(view.shown(images)), height, width) for view in views for network in networks]


def predict(
    networks: Sequence[Network],
    images: Tensor,
    sizes: Sequence[Size],
    views: Sequence[View] = (PLAIN,),
    soft: bool = False,
) -> list[Prediction]:
    """What the networks together say of some frames.

    Args:
        networks: Images [B, 3, H, W] to logits [B, K, h, w].
        images: [B, 3, H, W].
        sizes: (H, W) of each frame's labels, at which predictions are made.
        views: How each network sees each frame.
        soft: Whether probabilities are wanted.
    """
    made = passes(networks, views, images)
    return [vote([logits[frame] for logits in made], size, soft) for frame, size in enumerate(sizes)]


def vote(voices: Sequence[Tensor], size: Size, soft: bool = False) -> Prediction:
    """The class of the greatest mean probability: `mean(softmax(interpolate(logits)))`, and the argmax of it.

    One voice needs no probabilities to be decided: its classes are those of the greatest logit.

    Args:
        voices: Logits [K, h, w] of one frame.
        size: (H, W) of the prediction.
        soft: Whether the probabilities are kept.
    """
    if len(voices) == 1:
        single = voices[0][None]
        classes = predicted_classes(single, torch.Size(size))[0]
        return Prediction(classes, enlarged(single, size).softmax(dim=1)[0] if soft else None)
    found: list[Tensor] = []
    kept: list[Tensor] = []
    for strips in zip(*(enlarged_strips(logits[None], size) for logits in voices), strict=True):
        total = strips[0].softmax(dim=1)
        for strip in strips[1:]:
            total += strip.softmax(dim=1)
        found.append(greatest(total)[0])
        if soft:
            kept.append(total[0].div_(len(voices)))
    return Prediction(torch.cat(found), torch.cat(kept, dim=1) if soft else None)

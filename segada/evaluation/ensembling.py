"""Soft voting: averages the probabilities of several networks or several views of a frame."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from segada.evaluation.evaluator import greatest, predicted_classes
from segada.evaluation.sliding import Network, mean_color
from segada.evaluation.tta import PLAIN, View
from segada.models.resize import enlarged, enlarged_strips

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Prediction:
    """Prediction for one frame.

    Attributes:
        classes: uint8 [H, W].
        probabilities: float [K, H, W]; None if not requested.
    """

    classes: Tensor
    probabilities: Tensor | None = None


def passes(networks: Sequence[Network], views: Sequence[View], images: Tensor) -> list[Tensor]:
    """Returns logits [B, K, h, w] of images [B, 3, H, W] for each network and view; h and w may differ between them."""
    height, width = images.shape[-2:]
    return [
        view.turned_back(network(view.shown(images, mean_color(network))), height, width)
        for view in views
        for network in networks
    ]


def predict(
    networks: Sequence[Network],
    images: Tensor,
    sizes: Sequence[Size],
    views: Sequence[View] = (PLAIN,),
    soft: bool = False,
) -> list[Prediction]:
    """Returns the joint prediction of the networks for each frame.

    Args:
        networks: Functions from images [B, 3, H, W] to logits [B, K, h, w].
        images: [B, 3, H, W].
        sizes: (H, W) of each frame's labels, which is the size of its prediction.
        views: Views of each frame that every network predicts.
        soft: True to return probabilities.
    """
    made = passes(networks, views, images)
    return [vote([logits[frame] for logits in made], size, soft) for frame, size in enumerate(sizes)]


def vote(voices: Sequence[Tensor], size: Size, soft: bool = False) -> Prediction:
    """Returns the class of the greatest mean probability: the argmax of `mean(softmax(interpolate(logits)))`.

    A single vote needs no softmax: its classes are those of the greatest logit.

    Args:
        voices: Logits [K, h, w] of one frame.
        size: (H, W) of the prediction.
        soft: True to return probabilities.
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

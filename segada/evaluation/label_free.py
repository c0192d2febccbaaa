"""Scores of a network that ask for no labels of the target: what its predictions say, made before it learns from them.

Each is a mean over frames, so that neither the batch size nor the number of frames moves it. Pixels are those of the
logits. Which way a score is meant to be better stands in `HIGHER_IS_BETTER`; whether it is so, a study's report shows.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count

import torch
from torch import Tensor
from torch.nn import functional

from segada.models.segmentor import Segmentor
from segada.settings.evaluation import LabelFreeName

MOST_PIXELS = 1000
"""Of a frame, in scores whose work grows faster than their number."""
NEIGHBOR_TEMPERATURE = 0.05
"""Of `soft_neighborhood_density`, as published."""


@dataclass(frozen=True)
class ScoreInputs:
    """A batch of target frames, and what the networks of a run make of it.

    Attributes:
        images: RGB [B, 3, H, W] in [0, 1].
        logits: Of the scored network [B, K, h, w].
        predict: Images to logits of the scored network in evaluation mode.
        other_network: The other one of student and teacher; None if there is none.
        source_model: The source model as it was; None where the score is not asked for.
    """

    images: Tensor
    logits: Tensor
    predict: Callable[[Tensor], Tensor]
    other_network: Segmentor | None = None
    source_model: Segmentor | None = None

    @cached_property
    def log_probability(self) -> Tensor:
        """Logarithm of the softmax [B, K, h, w]."""
        return self.logits.log_softmax(dim=1)

    @cached_property
    def probability(self) -> Tensor:
        """Softmax [B, K, h, w]."""
        return self.log_probability.exp()

    @cached_property
    def pixels(self) -> Tensor:
        """Softmax [B, N, K] of the pixels of a grid, the densest with the same step both ways and N <= 1000."""
        height, width = self.logits.shape[-2:]
        step = next(step for step in count(1) if -(-height // step) * -(-width // step) <= MOST_PIXELS)
        return self.probability[:, :, ::step, ::step].flatten(2).transpose(1, 2)

    @property
    def most_entropy(self) -> float:
        """log K, in nats."""
        return math.log(self.logits.shape[1])


def entropy(inputs: ScoreInputs) -> Tensor:
    """Mean entropy of a pixel as a share of log K, [B] in [0, 1]; lower is better (arXiv 1711.10288)."""
    return _pixel_entropy(inputs).mean(dim=(1, 2)) / inputs.most_entropy


def confidence(inputs: ScoreInputs) -> Tensor:
    """Mean greatest softmax, [B] in [1/K, 1]; higher is better (arXiv 1610.02136)."""
    return inputs.probability.amax(dim=1).mean(dim=(1, 2))


def information_maximization(inputs: ScoreInputs) -> Tensor:
    """Sure of each pixel, yet of many classes: entropy of the mean softmax minus mean entropy (arXiv 2002.08546).

    Returns:
        The mutual information of pixel and class as a share of log K, [B] in [0, 1]; higher is better.
    """
    overall: Tensor = torch.special.entr(inputs.probability.mean(dim=(2, 3))).sum(dim=1)
    return (overall - _pixel_entropy(inputs).mean(dim=(1, 2))) / inputs.most_entropy


def soft_neighborhood_density(inputs: ScoreInputs) -> Tensor:
    """How many others each pixel has for neighbors (Saito et al. 2021, arXiv 2108.10860, as for segmentation).

    A pixel's feature is its softmax, brought to length 1; its neighborhood the softmax, at temperature 0.05, of its
    cosines to the frame's other pixels. The score is the neighborhoods' mean entropy.

    Returns:
        As a share of the greatest, log(N - 1), [B] in [0, 1]; higher is better.
    """
    features = functional.normalize(inputs.pixels, dim=2)
    return torch.stack([_neighborhood_entropy(frame) for frame in features])


def batch_nuclear_norm(inputs: ScoreInputs) -> Tensor:
    """Sum of the singular values of the pixels' softmax (Cui et al. 2020, arXiv 2003.12237): sure, and of many classes.

    Returns:
        As a share of the greatest, sqrt(N min(N, K)), [B] in (0, 1]; higher is better.
    """
    number, classes = inputs.pixels.shape[1:]
    norms: Tensor = torch.linalg.svdvals(inputs.pixels).sum(dim=1)
    return norms / math.sqrt(number * min(number, classes))


def agreement(inputs: ScoreInputs) -> Tensor:
    """Share of pixels of one class to student and teacher, [B] in [0, 1]; higher is better (arXiv 2206.13089)."""
    assert inputs.other_network is not None
    return _same_class(inputs.logits, _logits(inputs.other_network, inputs.images))


def consistency(inputs: ScoreInputs) -> Tensor:
    """Share of pixels whose class mirroring keeps, [B] in [0, 1]; higher is better (arXiv 2207.07065)."""
    return _same_class(inputs.logits, inputs.predict(inputs.images.flip(-1)).flip(-1))


def static_divergence(inputs: ScoreInputs) -> Tensor:
    """Mean Kullback-Leibler divergence of a pixel from the source model's softmax to the scored network's.

    The distance that distillation from the old model keeps small (Li & Hoiem 2016, arXiv 1606.09282).

    Returns:
        sum_k p_k log(p_k / q_k), p being the scored network's, in nats, [B] from 0 on; lower is better.
    """
    assert inputs.source_model is not None
    source = _logits(inputs.source_model, inputs.images).log_softmax(dim=1)
    return (inputs.probability * (inputs.log_probability - source)).sum(dim=1).mean(dim=(1, 2))


SCORES: Mapping[LabelFreeName, Callable[[ScoreInputs], Tensor]] = {
    "entropy": entropy,
    "confidence": confidence,
    "information_maximization": information_maximization,
    "soft_neighborhood_density": soft_neighborhood_density,
    "batch_nuclear_norm": batch_nuclear_norm,
    "agreement": agreement,
    "consistency": consistency,
    "static_divergence": static_divergence,
}
"""Those of predictions, by the name that settings use; `source_miou` is none of them."""


def measured(names: Sequence[LabelFreeName], inputs: ScoreInputs) -> dict[str, Tensor]:
    """The scores of each frame [B], by name."""
    with torch.inference_mode():
        return {name: SCORES[name](inputs) for name in names if name in SCORES}


def validated(names: Sequence[LabelFreeName], miou: Mapping[str, float], source: str) -> dict[str, float]:
    """What is asked for of the labels of the source: `source_miou`, [0, 1], higher is better.

    The choice of hyperparameters by what is left on the source domain (Musgrave et al. 2022, arXiv 2208.07360).

    Args:
        names: Of the scores that are asked for.
        miou: Of every scored domain, on held-out frames after a visit.
        source: Which of them is the source.
    """
    return {"source_miou": miou[source]} if "source_miou" in names else {}


def _pixel_entropy(inputs: ScoreInputs) -> Tensor:
    """In nats, [B, h, w]."""
    return -(inputs.probability * inputs.log_probability).sum(dim=1)


def _neighborhood_entropy(features: Tensor) -> Tensor:
    """Of the features [N, K] of one frame."""
    cosines = (features @ features.T) / NEIGHBOR_TEMPERATURE
    shares = cosines.fill_diagonal_(-math.inf).softmax(dim=1)
    spread: Tensor = torch.special.entr(shares).sum(dim=1).mean() / math.log(len(features) - 1)
    return spread


def _same_class(one: Tensor, other: Tensor) -> Tensor:
    return (one.argmax(dim=1) == other.argmax(dim=1)).float().mean(dim=(1, 2))


def _logits(network: Segmentor, images: Tensor) -> Tensor:
    network.eval()
    logits: Tensor = network(images)
    return logits

"""Label-free scores of a network, computed from its predictions before it learns from the frames.

Each is a mean over frames, so that it depends neither on the batch size nor on the number of frames. Pixels are those
of the logits. `HIGHER_IS_BETTER` holds each score's intended direction; a study's report shows whether it holds.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count

import torch
from torch import Tensor
from torch.nn import functional

from segada.core.named_code import is_code, named
from segada.errors import InputError
from segada.models.resize import enlarged
from segada.models.segmentor import Segmentor
from segada.settings.evaluation import score_name

MOST_PIXELS = 1000
"""Largest number of pixels of a frame in scores whose cost grows faster than linearly."""
NEIGHBOR_TEMPERATURE = 0.05
"""Temperature of `soft_neighborhood_density`, as published."""


@dataclass(frozen=True)
class ScoreInputs:
    """A batch of target frames and the predictions of a run's networks.

    Attributes:
        images: RGB [B, 3, H, W] in [0, 1].
        logits: Logits of the evaluated network [B, K, h, w].
        predict: Function from images to logits of the evaluated network in evaluation mode.
        other_network: The network of student and teacher that is not evaluated; None without a teacher.
        source_model: The unadapted source model; None if no requested score needs it.
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
        """Softmax [B, N, K] on the densest pixel grid with equal steps in both directions and N <= 1000."""
        height, width = self.logits.shape[-2:]
        step = next(step for step in count(1) if -(-height // step) * -(-width // step) <= MOST_PIXELS)
        return self.probability[:, :, ::step, ::step].flatten(2).transpose(1, 2)

    @property
    def most_entropy(self) -> float:
        """log K, in nats; 1 for a single class, whose entropy is 0 anyway."""
        return math.log(self.logits.shape[1]) or 1.0


def entropy(inputs: ScoreInputs) -> Tensor:
    """Returns the mean pixel entropy as a share of log K, [B] in [0, 1]; lower is better (arXiv 1711.10288)."""
    return _pixel_entropy(inputs).mean(dim=(1, 2)) / inputs.most_entropy


def confidence(inputs: ScoreInputs) -> Tensor:
    """Returns the mean greatest softmax, [B] in [1/K, 1]; higher is better (arXiv 1610.02136)."""
    return inputs.probability.amax(dim=1).mean(dim=(1, 2))


def information_maximization(inputs: ScoreInputs) -> Tensor:
    """Returns the entropy of the mean softmax minus the mean entropy (arXiv 2002.08546).

    High if single pixels are confident and many classes occur.

    Returns:
        The mutual information of pixel and class as a share of log K, [B] in [0, 1]; higher is better.
    """
    overall: Tensor = torch.special.entr(inputs.probability.mean(dim=(2, 3))).sum(dim=1)
    return (overall - _pixel_entropy(inputs).mean(dim=(1, 2))) / inputs.most_entropy


def soft_neighborhood_density(inputs: ScoreInputs) -> Tensor:
    """Returns the mean entropy of soft neighborhoods (Saito et al. 2021, arXiv 2108.10860, as for segmentation).

    A pixel's feature is its softmax, normalized to length 1; its neighborhood is the softmax, at temperature 0.05, of
    its cosines to the frame's other pixels. The score is the neighborhoods' mean entropy.

    Returns:
        The score as a share of the maximum, log(N - 1), [B] in [0, 1]; higher is better.
    """
    features = functional.normalize(inputs.pixels, dim=2)
    return torch.stack([_neighborhood_entropy(frame) for frame in features])


def batch_nuclear_norm(inputs: ScoreInputs) -> Tensor:
    """Returns the sum of singular values of the pixels' softmax (Cui et al. 2020, arXiv 2003.12237).

    High if single pixels are confident and many classes occur.

    Returns:
        The score as a share of the maximum, sqrt(N min(N, K)), [B] in (0, 1]; higher is better.
    """
    number, classes = inputs.pixels.shape[1:]
    norms: Tensor = torch.linalg.svdvals(inputs.pixels).sum(dim=1)
    return norms / math.sqrt(number * min(number, classes))


def agreement(inputs: ScoreInputs) -> Tensor:
    """Returns the share of pixels classed alike by both models, [B] in [0, 1]; higher is better (arXiv 2206.13089)."""
    assert inputs.other_network is not None
    return _same_class(inputs.logits, _logits(inputs.other_network, inputs))


def consistency(inputs: ScoreInputs) -> Tensor:
    """Returns the share of pixels whose class mirroring keeps, [B] in [0, 1]; higher is better (arXiv 2207.07065)."""
    return _same_class(inputs.logits, inputs.predict(inputs.images.flip(-1)).flip(-1))


def static_divergence(inputs: ScoreInputs) -> Tensor:
    """Returns the mean Kullback-Leibler divergence of the evaluated network's softmax from the source model's.

    Distillation from the old model minimizes this distance (Li & Hoiem 2016, arXiv 1606.09282).

    Returns:
        sum_k p_k log(p_k / q_k), with p the evaluated network's, in nats, [B] from 0 on; lower is better.
    """
    assert inputs.source_model is not None
    source = _logits(inputs.source_model, inputs).log_softmax(dim=1)
    return (inputs.probability * (inputs.log_probability - source)).sum(dim=1).mean(dim=(1, 2))


SCORES: Mapping[str, Callable[[ScoreInputs], Tensor]] = {
    "entropy": entropy,
    "confidence": confidence,
    "information_maximization": information_maximization,
    "soft_neighborhood_density": soft_neighborhood_density,
    "batch_nuclear_norm": batch_nuclear_norm,
    "agreement": agreement,
    "consistency": consistency,
    "static_divergence": static_divergence,
}
"""Table of the scores computed from predictions, by their names in settings; `source_miou` is not one of them."""


def measured(names: Sequence[str], inputs: ScoreInputs) -> dict[str, Tensor]:
    """Returns the scores of each frame [B] by name."""
    with torch.inference_mode():
        return {score_name(name): _scored(name, inputs) for name in names if name in SCORES or is_code(name)}


def _scored(name: str, inputs: ScoreInputs) -> Tensor:
    scores = named(SCORES, name)(inputs)
    shape = tuple(scores.shape) if isinstance(scores, Tensor) else None
    if shape != (len(inputs.images),):
        found = type(scores).__name__ if shape is None else f"a tensor {list(shape)}"
        raise InputError(f"{name!r} returned {found}, not one number a frame, a tensor [{len(inputs.images)}]")
    return scores


def check_inputs(names: Sequence[str], other_network: Segmentor | None) -> None:
    """Checks that a method has the second network that scores compare with.

    Raises:
        InputError: It has none, although `agreement` is among the names.
    """
    if "agreement" in names and other_network is None:
        cure = "leave it out, or let other_network return the teacher"
        raise InputError(
            f"evaluation.label_free names 'agreement', but the method has no other_network; {cure}",
            ("evaluation", "label_free"),
        )


def validated(names: Sequence[str], miou: Mapping[str, float], source: str | None) -> dict[str, float]:
    """Returns the requested scores that need source labels only: `source_miou`, [0, 1], higher is better.

    Selecting hyperparameters by the accuracy on the source domain is studied by Musgrave et al. 2022 (arXiv
    2208.07360).

    Args:
        names: Names of the requested scores.
        miou: mIoU of every evaluated domain, on held-out frames after a visit.
        source: Name of the source domain.
    """
    return {} if source is None or "source_miou" not in names else {"source_miou": miou[source]}


def _pixel_entropy(inputs: ScoreInputs) -> Tensor:
    """Returns the pixel entropy in nats, [B, h, w]."""
    return -(inputs.probability * inputs.log_probability).sum(dim=1)


def _neighborhood_entropy(features: Tensor) -> Tensor:
    """Returns the mean neighborhood entropy of the features [N, K] of one frame."""
    cosines = (features @ features.T) / NEIGHBOR_TEMPERATURE
    shares = cosines.fill_diagonal_(-math.inf).softmax(dim=1)
    spread: Tensor = torch.special.entr(shares).sum(dim=1).mean() / math.log(len(features) - 1)
    return spread


def _same_class(one: Tensor, other: Tensor) -> Tensor:
    return (one.argmax(dim=1) == other.argmax(dim=1)).float().mean(dim=(1, 2))


def _logits(network: Segmentor, inputs: ScoreInputs) -> Tensor:
    """Returns the logits of another network at the resolution of the evaluated one's."""
    network.eval()
    return enlarged(network(inputs.images), inputs.logits.shape[-2:])

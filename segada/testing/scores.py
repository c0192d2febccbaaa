"""Contract of every label-free score."""

from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from segada.core.rng import torch_generator
from segada.evaluation.label_free import ScoreInputs, measured
from segada.models.build import build_segmentor
from segada.settings.adapter import NoAdapter
from segada.settings.evaluation import score_name
from segada.settings.model import ModelSettings
from segada.testing.checks import pictures, require_close, require_equal
from segada.testing.findings import Checks, require


@dataclass(frozen=True)
class ScoreCase:
    """A label-free score by its name in settings."""

    name: str

    def score(self, inputs: ScoreInputs) -> Tensor:
        """Returns the score of each frame."""
        return measured([self.name], inputs)[score_name(self.name)]


def inputs_of(images: Tensor) -> ScoreInputs:
    """Returns the predictions of the shipped network, beside which another network stands as teacher and source."""
    network = build_segmentor(ModelSettings(), NoAdapter(), torch_generator(0, "initialisation")).eval()
    other = build_segmentor(ModelSettings(checkpoint=None), NoAdapter(), torch_generator(0, "initialisation")).eval()
    with torch.inference_mode():
        return ScoreInputs(images, network(images), network, other, other)


def _one_a_frame(case: ScoreCase) -> None:
    scores = case.score(inputs_of(pictures(4)))
    require(scores.isfinite().all(), f"scores are {scores.tolist()}, not finite")
    require(not scores.requires_grad, "scores carry a gradient")


def _batches(case: ScoreCase) -> None:
    whole, images = case.score(inputs_of(pictures(4))), pictures(4)
    alone = torch.cat([case.score(inputs_of(images[index : index + 1])) for index in range(4)])
    require_close(alone, whole, "the score of a frame depends on the other frames of its batch", 1e-3)


def _again(case: ScoreCase) -> None:
    inputs, before = inputs_of(pictures()), torch.get_rng_state()
    kept = replace(inputs, images=inputs.images.clone(), logits=inputs.logits.clone())
    require_equal(case.score(inputs), case.score(kept), "the same inputs get another score the second time")
    require_equal(inputs.images, kept.images, "the score changes the images")
    require_equal(inputs.logits, kept.logits, "the score changes the logits")
    require_equal(torch.get_rng_state(), before, "torch's global generator was drawn from")


SCORE_CHECKS: Final[Checks[ScoreCase]] = {
    "it is one finite number for each frame": _one_a_frame,
    "it does not depend on the other frames of a batch": _batches,
    "it is determined by its inputs, which stay as they are": _again,
}

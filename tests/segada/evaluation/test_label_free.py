"""Tests of label-free scores against their formulas, and on networks that guess and networks that are certain."""

import math
from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from segada.data.frame_schedule import Step
from segada.engine.visit_metrics import VisitMetrics
from segada.evaluation.label_free import MOST_PIXELS, SCORES, ScoreInputs, measured, validated
from segada.settings.class_sets import CITYSCAPES
from segada.settings.evaluation import HIGHER_IS_BETTER, LabelFreeName

pytestmark = pytest.mark.rounding

CLASSES = 7
OF_PREDICTIONS = tuple(SCORES)


class Reader(nn.Module):
    """A stand-in for a segmentor: a fixed map of a pixel's place and color to logits."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.weight = torch.randn(CLASSES, 3, generator=generator)
        self.place = torch.randn(CLASSES, 6, 9, generator=generator)
        self.modes: list[bool] = []

    def forward(self, images: Tensor) -> Tensor:
        self.modes.append(self.training)
        return torch.einsum("kc,bchw->bkhw", self.weight, images) + self.place


@pytest.fixture
def inputs() -> ScoreInputs:
    images = torch.rand(4, 3, 6, 9, generator=torch.Generator().manual_seed(0))
    scored, other_network, source = Reader(1), Reader(2), Reader(3)
    return ScoreInputs(images, scored(images), scored, other_network, source)  # type: ignore[arg-type]


def _softmax(inputs: ScoreInputs) -> np.ndarray:
    """Returns the softmax [B, N, K] in double precision."""
    return inputs.logits.double().softmax(dim=1).flatten(2).transpose(1, 2).numpy()


def _entropy(shares: np.ndarray) -> float:
    return float(-sum(share * math.log(share) for share in shares if share > 0))


def _density(frame: np.ndarray) -> float:
    entropies = []
    for here, feature in enumerate(frame):
        weights = [
            math.exp(feature @ other / (np.linalg.norm(feature) * np.linalg.norm(other)) / 0.05)
            for there, other in enumerate(frame)
            if there != here
        ]
        entropies.append(_entropy(np.array(weights) / sum(weights)))
    return float(np.mean(entropies)) / math.log(len(frame) - 1)


def _plain_entropy(inputs: ScoreInputs) -> list[float]:
    return [np.mean([_entropy(pixel) for pixel in frame]) / math.log(CLASSES) for frame in _softmax(inputs)]


def _plain_information(inputs: ScoreInputs) -> list[float]:
    overall = [_entropy(frame.mean(axis=0)) / math.log(CLASSES) for frame in _softmax(inputs)]
    return [whole - each for whole, each in zip(overall, _plain_entropy(inputs), strict=True)]


def _plain_norm(inputs: ScoreInputs) -> list[float]:
    return [
        np.sqrt(np.linalg.eigvalsh(frame.T @ frame)).sum() / math.sqrt(len(frame) * CLASSES)
        for frame in _softmax(inputs)
    ]


def _same(one: Tensor, other: Tensor) -> list[float]:
    return [float(np.mean(a.numpy() == b.numpy())) for a, b in zip(one.argmax(1), other.argmax(1), strict=True)]


def _plain_divergence(inputs: ScoreInputs) -> list[float]:
    assert inputs.source_model is not None
    source = inputs.source_model(inputs.images).double().softmax(dim=1).flatten(2).transpose(1, 2).numpy()
    scored = _softmax(inputs)
    return list((scored * np.log(scored / source)).sum(axis=2).mean(axis=1))


PLAIN: dict[str, Callable[[ScoreInputs], list[float]]] = {
    "entropy": _plain_entropy,
    "confidence": lambda inputs: list(_softmax(inputs).max(axis=2).mean(axis=1)),
    "information_maximization": _plain_information,
    "soft_neighborhood_density": lambda inputs: [_density(frame) for frame in _softmax(inputs)],
    "batch_nuclear_norm": _plain_norm,
    "agreement": lambda inputs: _same(inputs.logits, inputs.other_network(inputs.images)),  # type: ignore[misc]
    "consistency": lambda inputs: _same(inputs.logits, inputs.predict(inputs.images.flip(3)).flip(3)),
    "static_divergence": _plain_divergence,
}


def test_every_score_has_a_formula_and_a_direction() -> None:
    assert {*SCORES, "source_miou"} == {*PLAIN, "source_miou"} == set(get_args(LabelFreeName)) == set(HIGHER_IS_BETTER)


@pytest.mark.parametrize("name", SCORES)
def test_scores_are_their_plain_formulas(name: LabelFreeName, inputs: ScoreInputs) -> None:
    found = measured([name], inputs)
    assert list(found) == [name]
    assert found[name].tolist() == pytest.approx(PLAIN[name](inputs), abs=1e-5)
    assert len(set(found[name].tolist())) > 1


@pytest.mark.parametrize("name", ["agreement", "static_divergence"])
def test_other_networks_are_asked_in_evaluation_mode_and_without_gradient(
    name: LabelFreeName, inputs: ScoreInputs
) -> None:
    assert not measured([name], inputs)[name].requires_grad
    assert inputs.other_network is not None
    assert inputs.source_model is not None
    assert (inputs.other_network.modes, inputs.source_model.modes) == {
        "agreement": ([False], []),
        "static_divergence": ([], [False]),
    }[name]


def _classes(strength: float) -> ScoreInputs:
    """Returns logits of four frames with all classes in turn, the more confident the greater the strength."""
    classes = torch.arange(12 * 14).view(12, 14) % CLASSES
    logits = strength * nn.functional.one_hot(classes, CLASSES).permute(2, 0, 1).float()
    return ScoreInputs(torch.zeros(4, 3, 12, 14), logits.expand(4, -1, -1, -1), lambda images: images)


@pytest.mark.parametrize(
    "name",
    [
        "entropy",
        "confidence",
        "information_maximization",
        "batch_nuclear_norm",
    ],
)
def test_the_surer_of_every_class_the_better(name: LabelFreeName) -> None:
    rising = [float(measured([name], _classes(strength))[name].mean()) for strength in (0.0, 1.0, 3.0, 50.0)]
    assert sorted(rising, reverse=not HIGHER_IS_BETTER[name]) == rising
    assert rising[-1] == pytest.approx(1.0 if HIGHER_IS_BETTER[name] else 0.0, abs=1e-5)
    ignorant = {"entropy": 1.0, "information_maximization": 0.0}
    assert rising[0] == pytest.approx(ignorant.get(name, 1 / CLASSES), abs=1e-5)


def test_sure_of_one_class_alone_is_not_good_by_all() -> None:
    names: tuple[LabelFreeName, ...] = ("entropy", "information_maximization", "batch_nuclear_norm")
    logits = torch.zeros(1, CLASSES, 6, 9).index_fill(1, torch.tensor([3]), 50.0)
    one = measured(names, ScoreInputs(torch.zeros(1, 3, 6, 9), logits, lambda images: images))
    assert {name: float(score) for name, score in one.items()} == {
        "entropy": pytest.approx(0.0, abs=1e-6),
        "information_maximization": pytest.approx(0.0, abs=1e-6),
        "batch_nuclear_norm": pytest.approx(1 / math.sqrt(CLASSES)),
    }


def test_neighborhoods_are_denser_where_pixels_are_alike() -> None:
    name: LabelFreeName = "soft_neighborhood_density"
    clustered = float(measured([name], _classes(50.0))[name].mean())
    alike = float(measured([name], _classes(0.0))[name].mean())
    generator = torch.Generator().manual_seed(0)
    scattered = 3 * torch.randn(4, CLASSES, 12, 14, generator=generator)
    spread = float(
        measured([name], ScoreInputs(torch.zeros(4, 3, 12, 14), scattered, lambda images: images))[name].mean()
    )
    assert alike == pytest.approx(1.0)
    # Each pixel is near the others of its class, all equally, and near no other.
    assert clustered == pytest.approx(math.log(12 * 14 / CLASSES - 1) / math.log(12 * 14 - 1), abs=1e-3)
    assert spread < clustered


@pytest.mark.parametrize(("size", "pixels"), [((6, 9), 54), ((25, 40), 1000), ((32, 64), 512), ((512, 1024), 946)])
def test_a_frame_has_at_most_a_thousand_pixels_of_a_fixed_grid(size: tuple[int, int], pixels: int) -> None:
    logits = torch.arange(float(2 * size[0] * size[1])).view(1, 2, *size) / (size[0] * size[1])
    taken = ScoreInputs(torch.zeros(1), logits, lambda images: images).pixels
    assert taken.shape == (1, pixels, 2)
    assert pixels <= MOST_PIXELS
    assert torch.equal(taken[0, 0], logits.softmax(dim=1)[0, :, 0, 0])


def test_a_visit_has_the_mean_over_its_frames() -> None:
    metrics = VisitMetrics(CITYSCAPES.names, 20)
    assert metrics.label_free == {}
    logits, labels = torch.zeros(1, 19, 8, 16), torch.zeros(1, 32, 64, dtype=torch.int64)
    batch = type("Frames", (), {"labels": labels})
    for scores in ([0.1, 0.2, 0.3], [0.8]):
        metrics.score(logits, batch, Step(0, np.arange(1)), {"entropy": torch.tensor(scores)})  # type: ignore[arg-type]
    assert metrics.label_free == {"entropy": pytest.approx(0.35)}


def test_the_source_s_miou_is_there_where_it_is_asked_for() -> None:
    miou = {"clear": 0.5, "rain": 0.2}
    assert validated(("entropy", "source_miou"), miou, "clear") == {"source_miou": 0.5}
    assert validated(("entropy",), miou, "clear") == {}

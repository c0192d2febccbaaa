"""Tests of masked image consistency: masks, and the loss and its gradients against the paper's formula."""

import copy
import math

import pytest
import torch
from method_parts import Build
from torch import Tensor

from segada.controllers.base import StepPlan
from segada.data.batch import Batch, to_batch
from segada.engine.run_data import RunData
from segada.methods.registry import METHODS
from segada.models.segmentor import Segmentor
from segada.selftraining.masked_consistency import MaskedConsistency, block_mask
from segada.settings.learning import ColorSettings
from segada.settings.masked_consistency import MaskedConsistencySettings
from segada.testing.checks import snapshot

PLAIN = ColorSettings(jitter=0.0, blur_probability=0.0)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("size", [(512, 512), (32, 64), (48, 96)])
def test_whole_blocks_are_masked_with_the_given_probability(size: tuple[int, int]) -> None:
    height, width = size
    kept = block_mask(torch.zeros(40, 3, height, width), 0.125, 0.7, seeded())
    side = height // 8
    assert kept.shape == (40, 1, height, width)
    blocks = kept.unfold(2, side, side).unfold(3, side, side).flatten(-2)
    assert torch.equal(blocks.all(dim=-1), blocks.any(dim=-1))
    share = float(kept.float().mean())
    assert abs(share - 0.3) < 4 * math.sqrt(0.21 / (40 * 8 * width // side))


def test_the_published_block_has_64_pixels_in_1024_and_32_in_512() -> None:
    assert MaskedConsistencySettings().block_size * 1024 == 64.0
    assert MaskedConsistencySettings().block_size * 512 == 32.0


def test_nothing_or_everything_is_masked_at_the_ends() -> None:
    images = torch.zeros(2, 3, 32, 64)
    assert block_mask(images, 0.125, 0.0, seeded()).all()
    assert not block_mask(images, 0.125, 1.0, seeded()).any()


def by_hand(network: Segmentor, images: Tensor, logits: Tensor, ratio: float, weight: float) -> Tensor:
    """Computes weight * mean_i(q * CE_i) pixel by pixel, with masks drawn as `torch.rand` does for 8 x 16 blocks."""
    draws = torch.rand(len(images), 1, 8, 16, generator=seeded_after_colors(len(images)))
    kept = draws.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3) >= ratio
    # Zero after normalization is the mean color before it.
    color = torch.tensor(network.preprocessing.mean)[None, :, None, None]
    student = network(images * kept + color * ~kept)
    student = torch.nn.functional.interpolate(student, (32, 64), mode="bilinear", align_corners=False)
    probability = logits.double().softmax(dim=1)
    quality = sum(float(p) >= 0.5 for p in probability.amax(dim=1).flatten()) / probability[:, 0].numel()
    labels = probability.argmax(dim=1)
    nll = -student.log_softmax(dim=1).gather(1, labels[:, None])
    return weight * quality * nll.sum() / labels.numel()


def seeded_after_colors(frames: int) -> torch.Generator:
    generator = seeded()
    torch.rand(frames, 11, generator=generator)
    return generator


def test_loss_and_gradients_are_those_of_the_formula(build: Build) -> None:
    network = build({"method": {"name": "dacs"}}).network.train()
    plain = copy.deepcopy(network, {id(network.encoder.generator): None})
    images = torch.rand(2, 3, 32, 64, generator=seeded(1))
    logits = 3.0 * torch.randn(2, network.classes, 32, 64, generator=seeded(2))
    settings = MaskedConsistencySettings(weight=0.7, block_size=0.125, pseudo_threshold=0.5, color=PLAIN)
    target = Batch(images, torch.full((2, 32, 64), 255))
    loss = MaskedConsistency(settings, seeded()).terms(network, target, logits, 0)["masked"]
    wanted = by_hand(plain, images, logits, 0.7, 0.7)
    torch.testing.assert_close(loss, wanted, rtol=1e-3, atol=1e-5)
    ours = torch.autograd.grad(loss, list(network.parameters()), materialize_grads=True)
    theirs = torch.autograd.grad(wanted, list(plain.parameters()), materialize_grads=True)
    difference = torch.cat([(one - other).flatten() for one, other in zip(ours, theirs, strict=True)])
    assert float(difference.norm()) < 1e-2 * float(torch.cat([slope.flatten() for slope in theirs]).norm())


@pytest.mark.parametrize(
    ("name", "own"), [("dacs", {}), ("cotta", {"scales": [1.5]}), ("rmt", {"warm_up_steps": 0}), ("adversarial", {})]
)
def test_a_method_without_it_draws_nothing_and_one_with_it_learns_otherwise(
    name: str, own: dict[str, object], build: Build, run_data: RunData
) -> None:
    results, drawn = [], []
    for weight in (0.0, 1.0):
        chosen = {"weight": weight, "pseudo_threshold": 0.1}
        parts = build({"method": {"name": name, "masked_consistency": chosen} | own})
        start = parts.masking.get_state()
        method = METHODS[name](parts)
        log = method.step(to_batch(run_data.visited["200mm"], torch.arange(2).numpy()), StepPlan())
        assert ("masked" in log) == bool(weight)
        results.append(snapshot(parts.network))
        drawn.append(not torch.equal(start, parts.masking.get_state()))
    assert drawn == [False, True]
    assert any(not torch.equal(value, results[1][key]) for key, value in results[0].items())

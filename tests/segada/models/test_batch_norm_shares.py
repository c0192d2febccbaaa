"""Batch norms whose share of target statistics follows from a distance, against the formula, gradients included."""

import copy
import pickle

import pytest
import torch
from torch import Tensor, nn

from segada.models.batch_norm import normalize_by
from segada.settings.batch_norm import BatchNormStatistics

SHAPES = {1: (6, 3), 2: (4, 3, 5), 3: (4, 3, 5, 7), 4: (2, 3, 4, 5, 6)}
KINDS = {1: nn.BatchNorm1d, 2: nn.BatchNorm1d, 3: nn.BatchNorm2d, 4: nn.BatchNorm3d}
SHARES = ("by_distance", "by_channel")


def section(share: str) -> BatchNormStatistics:
    return BatchNormStatistics.model_validate({"statistics": "mixed", "share": share})


def filled(norm: nn.BatchNorm2d) -> nn.BatchNorm2d:
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for value, low in ((norm.running_mean, -1.0), (norm.running_var, 0.5), (norm.weight, 0.5), (norm.bias, -1.0)):
            value.uniform_(low, low + 2.0, generator=generator)
    return norm


def plain(share: str, norm: nn.BatchNorm2d, x: Tensor, *, by_frame: bool) -> Tensor:
    """Both formulas, for each frame by itself or for the batch, channel by channel."""
    outputs = []
    for part in x.split(1) if by_frame else (x,):
        channels = [part[:, c].flatten() for c in range(x.shape[1])]
        found = [(values.mean(), values.var(correction=0)) for values in channels]
        source = list(zip(norm.running_mean, norm.running_var, strict=True))
        used = {"by_distance": distance_share, "by_channel": shrunk}[share](
            source, found, channels, len(part), norm.eps
        )
        normal = [
            (part[:, c] - mean) / (variance + norm.eps).sqrt() * norm.weight[c] + norm.bias[c]
            for c, (mean, variance) in enumerate(used)
        ]
        outputs.append(torch.stack(normal, dim=1))
    return torch.cat(outputs)


def distance_share(source, found, _, frames, eps):
    total = 0.0
    for pair, another in zip(source, found, strict=True):
        (mean, variance), (other, spread) = ([one.detach() for one in two] for two in (pair, another))
        squared = float(mean - other) ** 2 + (float(variance) ** 0.5 - float(spread) ** 0.5) ** 2
        total += squared / (float(variance) + eps)
    prior = len(source) / total
    weight = frames / (prior + frames)
    return [
        ((1 - weight) * mean + weight * other, (1 - weight) * variance + weight * spread)
        for (mean, variance), (other, spread) in zip(source, found, strict=True)
    ]


def shrunk(source, found, channels, _, eps):
    used = []
    for (mean, variance), (other, spread), values in zip(source, found, channels, strict=True):
        size = len(values)
        if size == 1:
            used.append((mean, variance))
            continue
        errors = ((variance + eps) / size) ** 0.5, (variance + eps) * (2 / (size - 1)) ** 0.5
        moved = []
        for start, end, error in ((mean, other, errors[0]), (variance, spread, errors[1])):
            beyond = end - start
            excess = beyond.abs() - 4 * error
            moved.append(start + beyond.sign() * excess if excess > 0 else start + 0 * end)
        used.append((moved[0], moved[1].clamp(min=0)))
    return used


@pytest.mark.parametrize("dimensions", SHAPES)
@pytest.mark.parametrize("learning", [True, False])
@pytest.mark.parametrize("share", SHARES)
def test_outputs_and_gradients_are_those_of_the_formula(share: str, learning: bool, dimensions: int) -> None:
    norm = filled(KINDS[dimensions](3)).double()
    reference = copy.deepcopy(norm)
    # A shift far beyond four standard errors for some channels alone.
    generator = torch.Generator().manual_seed(2)
    shift = torch.tensor([4.0, 0.0, -3.0], dtype=torch.float64).view(1, 3, *(1 for _ in SHAPES[dimensions][2:]))
    x = 1.5 * torch.randn(SHAPES[dimensions], dtype=torch.float64, generator=generator) + shift
    towards = torch.randn(x.shape, dtype=torch.float64, generator=generator)
    inputs = [x.clone().requires_grad_() for _ in range(2)]
    network = nn.Sequential(norm)
    normalize_by(network, section(share))
    found = network.train(learning)(inputs[0])
    wanted = plain(share, reference, inputs[1], by_frame=not learning)
    torch.testing.assert_close(found, wanted)
    gradients = [
        torch.autograd.grad((output * towards).sum(), (given, *module.parameters()))
        for output, given, module in ((found, inputs[0], norm), (wanted, inputs[1], reference))
    ]
    torch.testing.assert_close(gradients[0], gradients[1])
    torch.testing.assert_close(dict(norm.named_buffers()), dict(reference.named_buffers()), rtol=0.0, atol=0.0)


@pytest.mark.parametrize("share", SHARES)
def test_frames_like_the_source_s_are_normalized_by_the_source_s(share: str) -> None:
    norm = nn.BatchNorm2d(3)
    x = torch.randn((2, 3, 64, 64), generator=torch.Generator().manual_seed(0))
    network = nn.Sequential(norm)
    normalize_by(network, section(share))
    torch.testing.assert_close(network.eval()(x), nn.BatchNorm2d(3).eval()(x), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("share", SHARES)
def test_far_frames_are_normalized_by_their_own(share: str) -> None:
    x = 1000 + 30 * torch.randn((1, 3, 64, 64), generator=torch.Generator().manual_seed(0))
    network = nn.Sequential(nn.BatchNorm2d(3))
    normalize_by(network, section(share))
    found = network.eval()(x).detach()
    assert found.mean().abs() < 0.1
    assert abs(float(found.std()) - 1) < 0.1


@pytest.mark.parametrize("share", SHARES)
def test_a_prediction_does_not_depend_on_other_frames_and_networks_are_copied(share: str) -> None:
    network = nn.Sequential(filled(nn.BatchNorm2d(3)))
    normalize_by(network, section(share))
    x = torch.randn(SHAPES[3], generator=torch.Generator().manual_seed(0)) + torch.arange(4.0).view(4, 1, 1, 1)
    one_by_one = torch.cat([network.eval()(frame[None]) for frame in x])
    torch.testing.assert_close(network(x), one_by_one)
    torch.testing.assert_close(copy.deepcopy(network)(x), one_by_one)
    assert pickle.loads(pickle.dumps(network[0].mixture)) is network[0].mixture  # noqa: S301

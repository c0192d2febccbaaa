"""Batch norms with frozen, target and mixed statistics against the formula, gradients included."""

import copy

import pytest
import torch
from norm_encoder import CHANNELS, NormEncoder
from timm.layers import BatchNormAct2d
from torch import Tensor, nn
from torch.nn import functional

from segada.models.batch_norm import DomainReset, normalize_by, normalize_by_own, sees_batch
from segada.models.heads.segformer import SegFormerHead
from segada.models.learning import frozen_copy, source_copy
from segada.models.staged_segmentor import SegmentorShape, StagedSegmentor
from segada.settings.batch_norm import BatchNormStatistics, FrozenStatistics

SHAPES = {1: (6, 3), 2: (4, 3, 5), 3: (4, 3, 5, 7), 4: (2, 3, 4, 5, 6)}
KINDS = {1: nn.BatchNorm1d, 2: nn.BatchNorm1d, 3: nn.BatchNorm2d, 4: nn.BatchNorm3d}


def statistics(kind: str, source_prior: float = 16.0) -> BatchNormStatistics:
    return BatchNormStatistics.model_validate({"statistics": kind, "source_prior": source_prior})


def filled(norm: nn.BatchNorm2d) -> nn.BatchNorm2d:
    """The norm with statistics, scale and shift that are not those of the identity."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for value, low in ((norm.running_mean, -1.0), (norm.running_var, 0.5), (norm.weight, 0.5), (norm.bias, -1.0)):
            value.uniform_(low, low + 2.0, generator=generator)
    return norm


def plain(norm: nn.BatchNorm2d, x: Tensor, source_prior: float, *, by_frame: bool) -> Tensor:
    """The formula of arXiv 2006.16971 for each frame by itself, or for the batch."""
    parts = x.split(1) if by_frame else (x,)
    outputs = []
    for part in parts:
        n, channels = len(part), part.transpose(0, 1).flatten(1)
        source, target = source_prior / (source_prior + n), n / (source_prior + n)
        mean = source * norm.running_mean + target * channels.mean(dim=1)
        variance = source * norm.running_var + target * channels.var(dim=1, correction=0)
        shape = (1, -1, *(1 for _ in x.shape[2:]))
        scaled = (part - mean.view(shape)) / (variance + norm.eps).sqrt().view(shape)
        outputs.append(scaled * norm.weight.view(shape) + norm.bias.view(shape))
    return torch.cat(outputs)


@pytest.mark.parametrize("dimensions", SHAPES)
@pytest.mark.parametrize("learning", [True, False])
@pytest.mark.parametrize("source_prior", [0.0, 0.5, 16.0])
def test_outputs_and_gradients_are_those_of_the_formula(source_prior: float, learning: bool, dimensions: int) -> None:
    norm = filled(KINDS[dimensions](3)).double()
    reference = copy.deepcopy(norm)
    x = torch.randn(SHAPES[dimensions], dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    towards = torch.randn(x.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    inputs = [x.clone().requires_grad_() for _ in range(2)]
    network = nn.Sequential(norm)
    normalize_by(network, statistics("mixed", source_prior))
    found = network.train(learning)(inputs[0])
    wanted = plain(reference, inputs[1], source_prior, by_frame=not learning)
    torch.testing.assert_close(found, wanted)
    gradients = [
        torch.autograd.grad((output * towards).sum(), (given, *module.parameters()))
        for output, given, module in ((found, inputs[0], norm), (wanted, inputs[1], reference))
    ]
    torch.testing.assert_close(gradients[0], gradients[1])
    torch.testing.assert_close(dict(norm.named_buffers()), dict(reference.named_buffers()), rtol=0.0, atol=0.0)


@pytest.mark.parametrize("dimensions", KINDS)
def test_robust_statistics_are_mixed_with_each_batch_before_they_normalize(dimensions: int) -> None:
    norm = filled(KINDS[dimensions](3)).double()
    source = copy.deepcopy(norm)
    network = nn.Sequential(norm)
    normalize_by(network, BatchNormStatistics(statistics="robust", momentum=0.3))
    mean, variance = source.running_mean.clone(), source.running_var.clone()
    channels = (1, -1, *(1 for _ in SHAPES[dimensions][2:]))
    losses = []
    for seed in range(3):
        x = torch.randn(SHAPES[dimensions], dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        found_input, wanted_input = (x.clone().requires_grad_() for _ in range(2))
        found = network.train()(found_input)
        pixels = wanted_input.transpose(0, 1).flatten(1)
        mixed_mean = 0.7 * mean + 0.3 * pixels.mean(dim=1)
        mixed_variance = 0.7 * variance + 0.3 * ((pixels - pixels.mean(dim=1, keepdim=True)) ** 2).mean(dim=1)
        normalized = (wanted_input - mixed_mean.view(channels)) / (mixed_variance + norm.eps).sqrt().view(channels)
        wanted = normalized * norm.weight.view(channels) + norm.bias.view(channels)
        torch.testing.assert_close(found, wanted)
        losses.append((found_input, found, wanted_input, wanted))
        mean, variance = mixed_mean.detach(), mixed_variance.detach()
    # Gradients come after later passes have moved the statistics.
    for found_input, found, wanted_input, wanted in losses:
        gradients = [
            torch.autograd.grad((out**3).sum(), into)[0] for out, into in ((found, found_input), (wanted, wanted_input))
        ]
        torch.testing.assert_close(*gradients)
    predicted = functional.batch_norm(x, mean, variance, norm.weight, norm.bias, eps=norm.eps)
    torch.testing.assert_close(network.eval()(x), predicted)


def test_the_limits_of_the_mixture_are_target_and_frozen() -> None:
    x = torch.randn(SHAPES[3], generator=torch.Generator().manual_seed(0))
    outputs = {}
    for kind, source_prior in (("mixed", 0.0), ("target", 16.0), ("mixed", 1e9), ("frozen", 16.0)):
        network = nn.Sequential(filled(nn.BatchNorm2d(3)))
        normalize_by(network, statistics(kind, source_prior))
        outputs[kind, source_prior] = network.train()(x)
    assert outputs["mixed", 0.0].equal(outputs["target", 16.0])
    torch.testing.assert_close(outputs["mixed", 1e9], outputs["frozen", 16.0])
    batch = filled(nn.BatchNorm2d(3)).train()(x)
    torch.testing.assert_close(outputs["target", 16.0], batch)
    assert outputs["frozen", 16.0].equal(filled(nn.BatchNorm2d(3)).eval()(x))


def test_a_norm_with_more_than_a_norm_in_it_can_be_held() -> None:
    norm = filled(BatchNormAct2d(3))
    x = torch.randn(SHAPES[3], generator=torch.Generator().manual_seed(0))
    wanted = plain(copy.deepcopy(norm), x, 2.0, by_frame=False).relu()
    network = nn.Sequential(norm)
    normalize_by(network, statistics("mixed", 2.0))
    torch.testing.assert_close(network.train()(x), wanted)


def test_a_prediction_does_not_depend_on_other_frames() -> None:
    network = nn.Sequential(filled(nn.BatchNorm2d(3)))
    normalize_by(network, statistics("mixed", 1.0))
    x = torch.randn(SHAPES[3], generator=torch.Generator().manual_seed(0))
    one_by_one = torch.cat([network.eval()(frame[None]) for frame in x])
    torch.testing.assert_close(network(x), one_by_one)


def segmentor() -> StagedSegmentor:
    encoder, head = NormEncoder(nn.BatchNorm2d), SegFormerHead(CHANNELS, 16, 5)
    head.initialize(torch.Generator().manual_seed(0))
    return StagedSegmentor(SegmentorShape("norm", "segformer", 16, 5), encoder, head)


@pytest.mark.parametrize(("kind", "shared"), [("frozen", 4), ("follow", 0), ("target", 0), ("mixed", 0), ("robust", 0)])
def test_frozen_stages_are_shared_only_if_their_statistics_are_the_source_models(kind: str, shared: int) -> None:
    network = segmentor().requires_grad_(requires_grad=False)
    normalize_by(network, statistics(kind))
    assert network.encoder.frozen_stages() == shared
    assert network.joins_batches is (shared == 4)
    assert sees_batch(network) is (kind != "frozen")
    frames = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    prefix = network.train().encode_frozen(frames)
    # A pass of robust statistics in train mode depends on the passes before it.
    for other in (source_copy(network), *([] if kind == "robust" else [frozen_copy(network).train()])):
        torch.testing.assert_close(other.encode_rest(prefix), other.encode(frames))


@pytest.mark.parametrize("kind", ["frozen", "target", "mixed", "robust"])
def test_the_static_model_normalizes_by_its_own_statistics(kind: str) -> None:
    frames = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    network = segmentor()
    wanted = network.eval()(frames)
    normalize_by(network, statistics(kind))
    static = source_copy(network.train())
    assert static(frames).equal(wanted)
    assert network.train()(frames).equal(wanted) is False or kind == "frozen"
    normalize_by_own(network)
    assert all(type(part) is not nn.BatchNorm2d or part.training for part in network.modules())


def test_statistics_return_to_the_source_models_at_another_domain() -> None:
    settings = BatchNormStatistics(reset_per_domain=True, momentum=0.5)
    network = segmentor()
    normalize_by(network, settings)
    reset, teacher = DomainReset(network, settings), frozen_copy(network)
    before = {name: value.clone() for name, value in network.named_buffers()}
    for one in (network, teacher):
        one.train()(torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
        assert not all(value.equal(before[name]) for name, value in one.named_buffers())
    reset(network, teacher, None)
    for one in (network, teacher):
        moved = [name for name, value in one.named_buffers() if not value.equal(before[name])]
        assert all(name.endswith("num_batches_tracked") for name in moved)


def test_a_network_without_batch_norm_takes_only_the_default() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.GroupNorm(2, 4))
    normalize_by(network, BatchNormStatistics())
    normalize_by(network, FrozenStatistics())
    with pytest.raises(
        ValueError, match=r"method\.batch_norm\.statistics is 'mixed', but this network has no batch norm"
    ):
        normalize_by(network, statistics("mixed"))


def test_a_norm_without_running_statistics_cannot_be_held() -> None:
    network = nn.Sequential(nn.BatchNorm2d(3, track_running_stats=False))
    normalize_by(network, statistics("follow"))
    with pytest.raises(ValueError, match=r"the batch norm 0 keeps none .*; set it to follow"):
        normalize_by(network, statistics("frozen"))

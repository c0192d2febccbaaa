"""Tests of Fisher information and penalty against a plain loop over frames, parameters and elements."""

import copy

import pytest
import torch
from torch.nn import functional

from segada.data.batch import Batch
from segada.models.build import bare_segmentor
from segada.models.segmentor import Segmentor
from segada.selftraining.consolidation import Consolidation, fisher_information
from segada.settings.model import ModelSettings


@pytest.fixture
def network() -> Segmentor:
    return bare_segmentor(ModelSettings(), torch.Generator().manual_seed(0))


def _frames(count: int) -> list[Batch]:
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(0, 19, (count, 1, 32, 64), generator=generator)
    labels[:, :, :5] = 255
    return [Batch(torch.rand(1, 3, 32, 64, generator=generator), label) for label in labels]


def test_fisher_information_is_the_mean_square_of_gradients_frame_by_frame(network: Segmentor) -> None:
    frames = _frames(3)
    plain = copy.deepcopy(network, {id(network.encoder.generator): network.encoder.generator}).eval()
    wanted = {name: torch.zeros_like(value) for name, value in plain.named_parameters()}
    for frame in frames:
        plain.zero_grad()
        logits = functional.interpolate(plain(frame.images), (32, 64), mode="bilinear")
        log_likelihood = functional.log_softmax(logits, dim=1)
        labelled = frame.labels < 255
        chosen = log_likelihood.gather(1, frame.labels.where(labelled, 0).unsqueeze(1)).squeeze(1)
        (chosen[labelled].sum() / frame.labels.numel()).backward()  # type: ignore[no-untyped-call]
        for name, value in plain.named_parameters():
            assert value.grad is not None
            wanted[name] += value.grad**2 / 3

    fisher = fisher_information(network, list(network.parameters()), frames)
    for value, (name, reference) in zip(fisher, wanted.items(), strict=True):
        torch.testing.assert_close(value, reference, rtol=1e-3, atol=1e-10, msg=lambda text, n=name: f"{n}: {text}")


def test_fisher_information_leaves_the_network_as_it_was(network: Segmentor) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items() if isinstance(value, torch.Tensor)}
    network.train()
    fisher_information(network, list(network.parameters()), _frames(2))
    assert network.training
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(torch.equal(network.state_dict()[name], value) for name, value in before.items())


def test_what_no_logit_depends_on_is_free(network: Segmentor) -> None:
    stray = torch.nn.Parameter(torch.ones(2))
    assert fisher_information(network, [stray], _frames(1))[0].tolist() == [0.0, 0.0]
    network.requires_grad_(requires_grad=False)
    assert fisher_information(network, [stray], _frames(1))[0].tolist() == [0.0, 0.0]


def test_penalty_and_its_gradient_are_the_formula() -> None:
    generator = torch.Generator().manual_seed(0)
    parameters = [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in ((3, 2), (4,))]
    fisher = [torch.rand(parameter.shape, generator=generator) for parameter in parameters]
    consolidation = Consolidation(parameters, fisher, weight=3.0)
    assert float(consolidation.penalty().detach()) == 0.0

    moves = [torch.randn(parameter.shape, generator=generator) for parameter in parameters]
    with torch.no_grad():
        for parameter, move in zip(parameters, moves, strict=True):
            parameter.add_(move)
    wanted = 0.0
    for strengths, move in zip(fisher, moves, strict=True):
        for strength, distance in zip(strengths.flatten().tolist(), move.flatten().tolist(), strict=True):
            wanted += 3.0 / 2 * strength * distance**2
    penalty = consolidation.penalty()
    assert float(penalty.detach()) == pytest.approx(wanted, rel=1e-5)
    gradients = torch.autograd.grad(penalty, parameters)
    for gradient, strengths, move in zip(gradients, fisher, moves, strict=True):
        torch.testing.assert_close(gradient, 3.0 * strengths * move)

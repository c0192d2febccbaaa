"""Tests of domain-adversarial learning: one backward pass against two plain ones, and the effect of each setting."""

import copy

import pytest
import torch
from method_parts import Build
from torch import Tensor
from torch.nn import functional

from segada.controllers.base import StepPlan
from segada.data.batch import Batch, to_batch
from segada.engine.run_data import RunData
from segada.methods.adversarial import Adversarial
from segada.methods.base import MethodParts
from segada.selftraining.discriminator import Discriminator
from segada.settings import RunSettings

Gradients = dict[str, Tensor]
KINDS = [(features, granularity) for features in ("encoder", "decoder") for granularity in ("image", "patch")]


@pytest.fixture
def target(run_data: RunData) -> Batch:
    return to_batch(run_data.visited["200mm"], torch.arange(4).numpy())


def _settings(**changes: object) -> dict[str, object]:
    return {"method": {"name": "adversarial", "clean_weight": 0.7, "weight": 0.6, "reversal": 0.3, **changes}}


def _gradients(module: torch.nn.Module) -> Gradients:
    return {name: value.grad.clone() for name, value in module.named_parameters() if value.grad is not None}


def _plain(parts: MethodParts, target: Tensor, features: str, granularity: str) -> tuple[Gradients, ...]:
    """Returns dL_y/d(network), dL_d/d(network), dL_d/d(discriminator), without weights and without a reversal."""
    network = copy.deepcopy(parts.network, {id(parts.network.encoder.generator): None}).train()
    channels = {"encoder": network.encoder.channels[-1], "decoder": 19}[features]
    discriminator = Discriminator(channels, 64, granularity, parts.initialization)
    source = parts.replay.next_batch(len(target))

    logits = functional.interpolate(network(source.images), size=source.labels.shape[-2:], mode="bilinear")
    clean = functional.cross_entropy(logits, source.labels, ignore_index=255, reduction="none").mean()
    clean.backward()  # type: ignore[no-untyped-call]
    of_clean = _gradients(network)

    network.zero_grad()
    terms = []
    for images, label in ((source.images, 0.0), (target, 1.0)):
        maps = network.encode(images)
        judged = discriminator(maps[-1] if features == "encoder" else network.decode(maps).softmax(dim=1))
        wanted = torch.full_like(judged, label)
        terms.append(functional.binary_cross_entropy_with_logits(judged, wanted))
    ((terms[0] + terms[1]) / 2).backward()
    return of_clean, _gradients(network), _gradients(discriminator)


@pytest.mark.parametrize(("features", "granularity"), KINDS)
def test_one_pass_gives_the_gradients_of_two(features: str, granularity: str, build: Build, target: Batch) -> None:
    settings = _settings(features=features, granularity=granularity)
    of_clean, of_domain, of_discriminator = _plain(build(settings), target.images, features, granularity)
    parts = build(settings)
    method = Adversarial(parts)
    method.step(target, StepPlan(0.0))

    for name, gradient in _gradients(parts.network).items():
        wanted = 0.7 * of_clean.get(name, 0.0) - 0.6 * 0.3 * of_domain.get(name, torch.zeros(()))
        torch.testing.assert_close(gradient, wanted, rtol=2e-3, atol=2e-6, msg=lambda text, n=name: f"{n}: {text}")
    found = _gradients(method._discriminator)
    assert found.keys() == of_discriminator.keys()
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, 0.6 * of_discriminator[name], rtol=2e-3, atol=2e-6)


def test_weight_scales_both_and_reversal_only_the_network(build: Build, target: Batch) -> None:
    pairs = {}
    for name, changes in {"plain": {}, "weight": {"weight": 1.2}, "reversal": {"reversal": 0.6}}.items():
        parts = build(_settings(clean_weight=0.0, **changes))
        method = Adversarial(parts)
        method.step(target, StepPlan(0.0))
        pairs[name] = [
            torch.cat([value.flatten() for value in _gradients(module).values()])
            for module in (parts.network, method._discriminator)
        ]
    (network, discriminator), weight, reversal = pairs["plain"], pairs["weight"], pairs["reversal"]
    assert network.abs().max() > 0.0
    torch.testing.assert_close(weight, [2.0 * network, 2.0 * discriminator])
    torch.testing.assert_close(reversal, [2.0 * network, discriminator])


def _moved(method: Adversarial, parts: MethodParts, target: Batch) -> tuple[bool, bool]:
    """Returns whether two steps changed the network, statistics included, and the discriminator."""
    modules = (parts.network, method._discriminator)
    before = [copy.deepcopy(dict(module.state_dict())) for module in modules]
    for _ in range(2):
        method.step(target, StepPlan())
    network, discriminator = (
        any(not torch.equal(value, old[name]) for name, value in module.state_dict().items())
        for module, old in zip(modules, before, strict=True)
    )
    return network, discriminator


@pytest.mark.parametrize(
    ("training", "wanted"), [("both", (True, True)), ("only", (False, True)), ("never", (True, False))]
)
@pytest.mark.parametrize("features", ["encoder", "decoder"])
def test_who_learns(features: str, training: str, wanted: tuple[bool, bool], build: Build, target: Batch) -> None:
    parts = build(_settings(features=features, discriminator_training=training))
    assert _moved(Adversarial(parts), parts, target) == wanted


def test_never_still_teaches_the_network_against_the_discriminator(build: Build, target: Batch) -> None:
    gradients = []
    for training in ("both", "never"):
        parts = build(_settings(discriminator_training=training))
        Adversarial(parts).step(target, StepPlan(0.0))
        gradients.append(_gradients(parts.network))
    torch.testing.assert_close(gradients[0], gradients[1])


def test_a_discriminator_that_alone_learns_tells_the_domains_apart(build: Build, target: Batch) -> None:
    method = Adversarial(build(_settings(discriminator_training="only", optimizer={"weight_decay": 0.0})))
    logs = [method.step(target, StepPlan()) for _ in range(30)]
    assert set(logs[0]) == {"domain", "domain_accuracy"}
    assert float(logs[-1]["domain"]) < float(logs[0]["domain"])
    assert float(logs[-1]["domain_accuracy"]) > 0.6


def test_the_discriminator_has_its_own_rate(build: Build) -> None:
    method = Adversarial(build(_settings(discriminator_rate=0.01, optimizer={"learning_rate": 1e-3})))
    assert method.rates(StepPlan(0.5)) == pytest.approx({"encoder": 5e-4, "head": 5e-4, "discriminator": 5e-3})


def test_nothing_to_consolidate_is_refused(tiny_run: dict[str, object]) -> None:
    contradiction = _settings(discriminator_training="only", consolidation={"weight": 1.0})
    with pytest.raises(ValueError, match=r"consolidation\.weight is 1\.0, but discriminator_training 'only'"):
        RunSettings.model_validate({**tiny_run, **contradiction})

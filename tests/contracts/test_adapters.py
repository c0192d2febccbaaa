"""What every adapter promises."""

from typing import get_args

import pytest
import torch
from torch import Tensor

from segada.adapters.placement import ADAPTERS
from segada.models.build import build_segmentor
from segada.models.learning import learning_parameters
from segada.models.segmentor import Segmentor
from segada.settings.adapter import AdapterSettings, AdaptFormerSettings, NoAdapter
from segada.settings.model import ModelSettings

EXAMPLES: list[AdapterSettings] = [
    AdaptFormerSettings(name="adaptformer", stages=(0, 3), bottleneck=3, scale=0.7),
]


def build(adapter: AdapterSettings, freeze: str = "everything") -> Segmentor:
    model = ModelSettings.model_validate({"checkpoint": None, "freeze": freeze})
    return build_segmentor(model, adapter, torch.Generator().manual_seed(0))


def pictures() -> Tensor:
    return torch.rand((2, 3, 32, 64), generator=torch.Generator().manual_seed(1))


def test_the_table_holds_exactly_what_the_settings_name() -> None:
    union = get_args(get_args(AdapterSettings)[0])
    assert {get_args(member.model_fields["name"].annotation)[0] for member in union} == {*ADAPTERS, "none"}
    assert {settings.name for settings in EXAMPLES} == set(ADAPTERS)


@pytest.mark.parametrize("settings", EXAMPLES, ids=lambda settings: settings.name)
def test_the_network_starts_as_the_one_without_bit_for_bit(settings: AdapterSettings) -> None:
    for mode in (False, True):
        plain, adapted = build(NoAdapter()).train(mode), build(settings).train(mode)
        assert torch.equal(adapted(pictures()), plain(pictures()))


@pytest.mark.parametrize("settings", EXAMPLES, ids=lambda settings: settings.name)
def test_each_parameter_is_registered_once(settings: AdapterSettings) -> None:
    names = [name for name, _ in build(settings).named_parameters(remove_duplicate=False)]
    unique = {id(parameter) for parameter in build(settings).parameters()}
    assert len(names) == len(unique) > len(list(build(NoAdapter()).parameters()))


@pytest.mark.parametrize("settings", EXAMPLES, ids=lambda settings: settings.name)
def test_adapters_alone_learn_in_a_frozen_network_and_change_it(settings: AdapterSettings) -> None:
    segmentor = build(settings)
    plain_names = {name for name, _ in build(NoAdapter()).named_parameters()}
    learning = learning_parameters(segmentor)
    assert set(learning) == {name for name, _ in segmentor.named_parameters()} - plain_names
    frozen = {name: segmentor.get_parameter(name).detach().clone() for name in plain_names}

    segmentor.eval()
    before = segmentor(pictures()).detach()
    optimiser = torch.optim.AdamW(segmentor.parameters(), lr=0.01)
    for _ in range(2):
        optimiser.zero_grad()
        segmentor(pictures()).square().mean().backward()
        optimiser.step()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in learning.values())
    assert all(torch.equal(segmentor.get_parameter(name), value) for name, value in frozen.items())
    assert not torch.allclose(segmentor(pictures()), before)


@pytest.mark.parametrize("settings", EXAMPLES, ids=lambda settings: settings.name)
@pytest.mark.parametrize("freeze", ["nothing", "encoder", "everything"])
def test_adapters_learn_under_every_freeze_rule(settings: AdapterSettings, freeze: str) -> None:
    added = {name for name, _ in build(settings).named_parameters()} - {
        name for name, _ in build(NoAdapter()).named_parameters()
    }
    assert added <= set(learning_parameters(build(settings, freeze)))

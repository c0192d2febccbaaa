"""The segmentor: frozen prefix, freeze rules, normalization, building."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from segada.models.build import build_segmentor
from segada.models.learning import learning_parameters
from segada.models.segmentor import Segmentor
from segada.settings.adapter import AdapterSettings, AdaptFormerSettings, NoAdapter
from segada.settings.model import ModelSettings

pytestmark = pytest.mark.rounding

ADAPTED = AdaptFormerSettings(name="adaptformer", stages=(2,), bottleneck=4)


def build(freeze: str = "nothing", adapter: AdapterSettings | None = None, drop_path: float = 0.0) -> Segmentor:
    model = ModelSettings.model_validate({"checkpoint": None, "freeze": freeze, "drop_path": drop_path})
    return build_segmentor(model, adapter or NoAdapter(), torch.Generator().manual_seed(0))


def pictures() -> Tensor:
    return torch.rand((2, 3, 40, 64), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("freeze", "adapter", "frozen_stages", "learns"),
    [
        ("nothing", NoAdapter(), 0, lambda _: True),
        ("nothing", ADAPTED, 0, lambda _: True),
        ("encoder", NoAdapter(), 4, lambda name: name.startswith("head.")),
        ("encoder", ADAPTED, 2, lambda name: name.startswith("head.") or ".parallel." in name),
        ("everything", NoAdapter(), 4, lambda _: False),
        ("everything", ADAPTED, 2, lambda name: ".parallel." in name),
    ],
)
def test_freeze_rules(freeze: str, adapter: AdapterSettings, frozen_stages: int, learns: Callable[[str], bool]) -> None:
    segmentor = build(freeze, adapter)
    assert segmentor.encoder.frozen_stages() == frozen_stages
    assert set(learning_parameters(segmentor)) == {name for name, _ in segmentor.named_parameters() if learns(name)}


def test_adapters_in_an_earlier_stage_leave_a_shorter_prefix() -> None:
    assert build("encoder", AdaptFormerSettings(name="adaptformer", stages=(3, 1))).encoder.frozen_stages() == 1


def test_prefix_changes_neither_logits_nor_gradients_and_carries_no_graph() -> None:
    segmentor = build("encoder", ADAPTED, drop_path=0.5)
    with torch.no_grad():
        for block in segmentor.encoder.blocks([2]):
            assert block.parallel is not None
            block.parallel.get_parameter("up.weight").normal_(generator=torch.Generator().manual_seed(2))
    segmentor.eval()
    prefix = segmentor.encode_frozen(pictures())
    assert len(prefix.features) == 2
    assert not any(feature.requires_grad for feature in prefix.features)

    logits = segmentor(pictures())
    learning = learning_parameters(segmentor)
    gradients = torch.autograd.grad(logits.square().sum(), list(learning.values()))
    segmentor.requires_grad_(requires_grad=True)
    whole = segmentor(pictures())
    assert torch.equal(logits, whole)
    for actual, expected in zip(gradients, torch.autograd.grad(whole.square().sum(), learning.values()), strict=True):
        torch.testing.assert_close(actual, expected)


@pytest.mark.parametrize(("freeze", "learning_from"), [("nothing", 1), ("nothing", 3), ("encoder", 1), ("encoder", 3)])
def test_stages_before_the_first_that_learns_record_no_gradients(freeze: str, learning_from: int) -> None:
    # With a frozen encoder and adapters from stage 1 on the prefix ends before stage 1.
    segmentor = build(freeze, AdaptFormerSettings(name="adaptformer", stages=(1, 2, 3), bottleneck=4)).eval()
    whole = segmentor.encode(pictures())
    features = segmentor.encode_rest(segmentor.encode_frozen(pictures()), learning_from)
    assert [feature.requires_grad for feature in features] == [stage >= learning_from for stage in range(4)]
    assert all(torch.equal(one, other) for one, other in zip(features, whole, strict=True))

    learning = learning_parameters(segmentor.encoder)
    gradients = torch.autograd.grad(features[-1].square().sum(), list(learning.values()), allow_unused=True)
    early = tuple(f"stages.{stage}." for stage in range(learning_from))
    unreached = {name for name, gradient in zip(learning, gradients, strict=True) if gradient is None}
    assert unreached == {name for name in learning if name.startswith(early)}
    wanted = torch.autograd.grad(whole[-1].square().sum(), list(learning.values()), allow_unused=True)
    for gradient, expected in zip(gradients, wanted, strict=True):
        if gradient is not None:
            assert expected is not None
            torch.testing.assert_close(gradient, expected)


def test_images_are_normalized_inside() -> None:
    segmentor = build().eval()
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    assert segmentor.encode_frozen(mean).images.abs().max() == 0
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    torch.testing.assert_close(segmentor.encode_frozen(mean + std).images, torch.ones(1, 3, 32, 32))


def test_frozen_head_still_estimates_statistics_in_train_mode_only() -> None:
    segmentor = build("everything")
    statistics = segmentor.head.linear_fuse.bn.running_mean
    assert statistics is not None
    before = statistics.clone()
    segmentor.eval()(pictures())
    assert torch.equal(statistics, before)
    segmentor.train()(pictures())
    assert not torch.equal(statistics, before)


def test_small_images_are_refused_with_the_cure() -> None:
    with pytest.raises(ValueError, match=r"at least 32 pixels.*\(31, 64\).*data\.size"):
        build()(torch.zeros(1, 3, 31, 64))


def test_building_follows_the_generator_and_leaves_the_global_one_alone() -> None:
    state = torch.get_rng_state()
    first, second = build(adapter=ADAPTED), build(adapter=ADAPTED)
    assert torch.equal(torch.get_rng_state(), state)
    for one, other in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(one, other)
        assert torch.isfinite(one).all()


def test_head_width_is_the_published_one_unless_it_is_given() -> None:
    wide = ModelSettings(encoder="mit_b0", checkpoint=None)
    assert build_segmentor(wide, NoAdapter(), torch.Generator()).shape.width == 256
    narrow = ModelSettings(encoder="mit_b0", checkpoint=None, head_width=32)
    assert build_segmentor(narrow, NoAdapter(), torch.Generator()).head.linear_pred.in_channels == 32


def test_default_network_has_a_third_of_a_million_parameters() -> None:
    assert sum(parameter.numel() for parameter in build().parameters()) == 348_659

"""What every head promises. A new head adds its name to the settings and to `HEADS`; the cases follow."""

from typing import get_args

import pytest
import torch
from torch import Tensor

from segada.models.build import bare_segmentor
from segada.models.heads.base import Head
from segada.models.heads.registry import HEADS
from segada.models.staged_segmentor import SegmentorShape, StagedSegmentor
from segada.settings.model import ModelSettings

CHANNELS = (3, 4, 5, 6)
WIDTH, CLASSES = 6, 5


@pytest.fixture(params=HEADS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def build(name: str, seed: int = 0) -> Head:
    """As the segmentor builds it: without values, then filled."""
    with torch.device("meta"):
        head = HEADS[name](CHANNELS, WIDTH, CLASSES)
    head.to_empty(device="cpu")
    for tensor in head.state_dict().values():
        tensor.fill_(float("nan") if tensor.is_floating_point() else 77)
    head.initialize(torch.Generator().manual_seed(seed))
    return head


def maps(height: int = 64, width: int = 96, batch: int = 2) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [
        torch.randn((batch, channels, height // stride, width // stride), generator=generator, requires_grad=True)
        for channels, stride in zip(CHANNELS, (4, 8, 16, 32), strict=True)
    ]


def test_the_table_holds_exactly_what_the_settings_name() -> None:
    assert set(HEADS) == set(get_args(get_args(ModelSettings.model_fields["head"].annotation)[0]))


@pytest.mark.parametrize("size", [(32, 32), (64, 96), (96, 32)])
def test_logits_have_a_quarter_of_the_resolution(name: str, size: tuple[int, int]) -> None:
    logits = build(name)(maps(*size))
    assert logits.shape == (2, CLASSES, size[0] // 4, size[1] // 4)
    assert logits.isfinite().all()


def test_maps_of_rounded_sizes_are_joined_at_the_finest(name: str) -> None:
    sizes = ((13, 17), (7, 9), (4, 5), (2, 3))
    features = [torch.ones(2, channels, *size) for channels, size in zip(CHANNELS, sizes, strict=True)]
    assert build(name)(features).shape == (2, CLASSES, 13, 17)


def test_initialize_fills_everything_from_its_generator_alone(name: str) -> None:
    state = torch.get_rng_state()
    first, second, other = build(name), build(name), build(name, seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    for key, tensor in first.state_dict().items():
        assert tensor.isfinite().all(), key
        assert tensor.is_floating_point() or tensor.item() == 0, key
        assert torch.equal(tensor, second.state_dict()[key]), key
    assert any(not torch.equal(tensor, other.state_dict()[key]) for key, tensor in first.state_dict().items())


def test_gradients_reach_every_parameter_and_map_and_are_finite(name: str) -> None:
    head, features = build(name), maps()
    loss = head(features).square().mean()
    if head.light_part() is not None:
        loss = loss + head.light(features[0]).square().mean()
    reached = dict(zip(("1", "2", "3", "4"), features, strict=True)) | dict(head.named_parameters())
    gradients = torch.autograd.grad(loss, list(reached.values()), allow_unused=True)
    for key, gradient in zip(reached, gradients, strict=True):
        assert gradient is not None, key
        assert gradient.isfinite().all(), key
        assert gradient.any(), key


def test_stage_parts_are_disjoint_and_read_only_their_own_map(name: str) -> None:
    head = build(name)
    parts = [head.stage_part(stage) for stage in range(4)]
    parameters = [parameter for part in parts for parameter in part.parameters()]
    assert len({id(parameter) for parameter in parameters}) == len(parameters)
    features = maps()
    weights = [next(weight for weight in part.parameters() if weight.ndim > 1) for part in parts]
    for stage, weight in enumerate(weights):
        blanked = [feature if index == stage else torch.zeros_like(feature) for index, feature in enumerate(features)]
        gradients = torch.autograd.grad(head.eval()(blanked).square().sum(), weights)
        # A linear layer whose map is zero gets no gradient; only the one that reads the map that is not zero does.
        assert [bool(gradient.any()) for gradient in gradients] == [index == stage for index in range(4)]
        assert weight.shape[1] == CHANNELS[stage]


def test_light_part_is_there_exactly_where_light_answers(name: str) -> None:
    head = build(name)
    if head.light_part() is None:
        with pytest.raises(ValueError, match=r"no light exit; set model\.head to multi_exit"):
            head.light(maps()[0])
    else:
        assert head.light(maps()[0]).shape == (2, CLASSES, 16, 24)


def test_images_do_not_see_each_other_in_evaluation_mode(name: str) -> None:
    head = build(name).eval()
    features = maps()
    together = head(features)
    for index in range(2):
        alone = head([feature[index : index + 1] for feature in features])
        torch.testing.assert_close(together[index : index + 1], alone, rtol=1e-4, atol=1e-5)


def test_a_head_for_maps_of_other_widths_is_refused(name: str) -> None:
    encoder = bare_segmentor(ModelSettings(checkpoint=None), torch.Generator()).encoder
    message = rf"head '{name}' was built for maps of \(3, 4, 5, 6\).*'mit_tiny' makes maps of \(16, 32, 64, 96\)"
    with pytest.raises(ValueError, match=message):
        StagedSegmentor(SegmentorShape("mit_tiny", name, WIDTH, CLASSES), encoder, build(name))


def test_a_network_with_this_head_runs_at_any_size(name: str) -> None:
    network = bare_segmentor(ModelSettings(head=name, checkpoint=None), torch.Generator().manual_seed(0))  # type: ignore[arg-type]
    assert network.shape.head == name
    assert network(torch.rand(1, 3, 37, 66)).shape == (1, 19, 10, 17)

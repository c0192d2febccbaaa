"""What every head promises. A new head adds its name to the settings and to `HEADS`; the cases follow."""

from typing import get_args

import pytest
import torch

from segada.models.build import bare_segmentor
from segada.models.heads.registry import HEADS
from segada.models.staged_segmentor import SegmentorShape, StagedSegmentor
from segada.settings.model import ModelSettings
from segada.testing.findings import assert_holds
from segada.testing.heads import CLASSES, HEAD_CHECKS, WIDTH, HeadCase


@pytest.fixture(params=HEADS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_table_holds_exactly_what_the_settings_name() -> None:
    assert set(HEADS) == set(get_args(get_args(get_args(ModelSettings.model_fields["head"].annotation)[0])[0]))


@pytest.mark.parametrize("promise", HEAD_CHECKS)
def test_it_keeps_the_promise(name: str, promise: str) -> None:
    assert_holds(HEAD_CHECKS, promise, HeadCase(name))


def test_a_head_for_maps_of_other_widths_is_refused(name: str) -> None:
    encoder = bare_segmentor(ModelSettings(checkpoint=None), torch.Generator()).encoder
    message = rf"head '{name}' was built for maps of \(3, 4, 5, 6\).*'mit_tiny' makes maps of \(16, 32, 64, 96\)"
    with pytest.raises(ValueError, match=message):
        StagedSegmentor(SegmentorShape("mit_tiny", name, WIDTH, CLASSES), encoder, HeadCase(name).build())


def test_a_network_with_this_head_runs_at_any_size(name: str) -> None:
    network = bare_segmentor(ModelSettings(head=name, checkpoint=None), torch.Generator().manual_seed(0))
    assert network.shape.head == name
    assert network(torch.rand(1, 3, 37, 66)).shape == (1, 19, 10, 17)

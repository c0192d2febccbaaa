"""Tests of votes against averaged probabilities, and of views against images resized and mirrored by hand."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import interpolate, pad

from benchmarks.engine.bench_voting import plain_vote
from segada.evaluation.choices import SCALES
from segada.evaluation.ensembling import passes, predict, vote
from segada.evaluation.sliding import Slid, Slide
from segada.evaluation.tta import View, views
from segada.models import resize
from segada.models.build import bare_segmentor
from segada.models.preprocessing import Preprocessing
from segada.settings.model import ModelSettings

pytestmark = pytest.mark.rounding

MEAN = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64).view(1, 3, 1, 1)

sides = st.integers(1, 12)


def random_logits(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def network(seed: int, stride: int) -> torch.nn.Module:
    """A network that depends on neighboring pixels, so that scales and mirroring matter."""
    conv = torch.nn.Conv2d(3, 19, 3, stride=stride, padding=1).double()
    conv.weight.data = random_logits(seed, *conv.weight.shape)
    return conv.eval()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(sides, sides), min_size=1, max_size=4), sides, sides, st.sampled_from([1, 200, 2**20]))
def test_a_vote_is_the_plain_mean_of_probabilities(
    small: list[tuple[int, int]], height: int, width: int, strip: int
) -> None:
    voices = [random_logits(index, 19, *size) for index, size in enumerate(small)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resize, "STRIP", strip)
        found = vote(voices, (height, width), soft=True)
        hard = vote(voices, (height, width))

    enlarged = [interpolate(logits[None], size=(height, width), mode="bilinear")[0] for logits in voices]
    mean = torch.stack([logits.softmax(dim=0) for logits in enlarged]).mean(dim=0)
    assert found.probabilities is not None
    torch.testing.assert_close(found.probabilities, mean)
    # Of classes that are equal but for rounding either may win.
    torch.testing.assert_close(mean.gather(0, found.classes[None].long())[0], mean.amax(dim=0))
    assert found.classes.dtype == torch.uint8
    assert hard.probabilities is None
    assert hard.classes.equal(found.classes)


def test_probabilities_are_averaged_and_not_logits() -> None:
    # Two think with 0.9 of the second class; the third is sure of the first, and in logits shouts the others down.
    leaning, sure = torch.tensor([0.0, 2.2]), torch.tensor([30.0, 0.0])
    voices = [logits[:, None, None] for logits in (leaning, leaning, sure)]

    assert torch.stack(voices).mean(dim=0).argmax() == 0
    assert vote(voices, (1, 1)).classes.item() == 1


def test_networks_and_views_all_have_one_vote_whatever_the_labels_sizes() -> None:
    images = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    networks, sizes = [network(1, 4), network(2, 2)], [(24, 40), (13, 7)]

    with torch.inference_mode():
        found = predict(networks, images, sizes, views((0.5, 1.0, 1.25), mirrored=True), soft=True)

        for frame, size in enumerate(sizes):
            voices = []
            for scaled, right, below in (((32, 48), 16, 0), ((64, 96), 0, 0), ((80, 120), 8, 16)):
                seen = interpolate(images[frame : frame + 1], size=scaled, mode="bilinear")
                for one in networks:
                    for turn in (lambda maps: maps, lambda maps: maps.flip(-1)):
                        # Minus the mean, what is filled in is nothing.
                        shown = pad(turn(seen) - MEAN, (0, right, 0, below)) + MEAN
                        logits = one(shown)
                        stride = shown.shape[-1] // logits.shape[-1]
                        voices.append(turn(logits[..., : scaled[0] // stride, : scaled[1] // stride]))
            parts = [interpolate(logits, size=size, mode="bilinear").softmax(dim=1)[0] for logits in voices]
            assert len(parts) == 12
            probabilities = found[frame].probabilities
            assert probabilities is not None
            torch.testing.assert_close(probabilities, torch.stack(parts).mean(dim=0))


def test_views_are_every_scale_plain_and_mirrored() -> None:
    assert len(views(SCALES, mirrored=True)) == 12
    assert views((0.5, 1.0), mirrored=False) == (View(0.5), View(1.0))
    # To four pixels, half of them go up.
    assert View(0.75).size(64, 120) == (48, 92)
    assert View(0.01).size(64, 128) == (4, 4)
    assert View(1.0).size(45, 70) == (45, 70)


def test_each_network_sees_padding_of_its_own_mean_color() -> None:
    model = ModelSettings(checkpoint=None)
    networks = [bare_segmentor(model, torch.Generator().manual_seed(seed)).eval() for seed in range(2)]
    networks[1].prepare(Preprocessing((0.5, 0.4, 0.3), (0.5, 0.5, 0.5), "bgr"))
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    view = View(0.75)
    with torch.inference_mode():
        found = passes([networks[0], Slid(networks[1], Slide((64, 64), (32, 32)))], [view], images)
        larger = interpolate(images, size=(48, 48), mode="bilinear")
        for logits, one, color in zip(found, networks, ((0.485, 0.456, 0.406), (0.3, 0.4, 0.5)), strict=True):
            padded = torch.tensor(color)[None, :, None, None].repeat(1, 1, 64, 64)
            padded[..., :48, :48] = larger
            torch.testing.assert_close(logits, one(padded)[..., :12, :12], rtol=1e-4, atol=1e-4)


def test_one_vote_equals_none_being_taken() -> None:
    images = torch.rand(1, 3, 12, 20, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    one = network(1, 4)
    with torch.inference_mode():
        alone = predict([one], images, [(12, 20)], soft=True)[0]
        twice = predict([one, one], images, [(12, 20)], soft=True)[0]

    assert alone.classes.equal(twice.classes)
    assert alone.probabilities is not None
    assert twice.probabilities is not None
    torch.testing.assert_close(alone.probabilities, twice.probabilities)


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 4), st.integers(1, 20), st.integers(1, 20))
def test_what_the_benchmark_calls_plain_gives_the_same_classes(count: int, height: int, width: int) -> None:
    voices = [random_logits(seed, 19, 3 + seed, 4) for seed in range(count)]

    found = vote(voices, (height, width))

    assert found.classes.equal(plain_vote([logits[None] for logits in voices], (height, width))[0].byte())

"""Tests of sparse prompts: uncertainty, places and the teacher's share against plain calculations."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from segada.models.build import build_segmentor
from segada.models.segmentor import FrozenPrefix, Segmentor
from segada.selftraining.sparse_prompt import SEEDS, DropoutUncertainty, prompt_alpha, prompted
from segada.settings.adapter import NoAdapter
from segada.settings.model import ModelSettings


@pytest.fixture
def network() -> Segmentor:
    settings = ModelSettings.model_validate({"encoder": "mit_tiny", "checkpoint": None, "head_width": 16})
    return build_segmentor(settings, NoAdapter(), torch.Generator().manual_seed(0))


def test_the_uncertainty_is_the_sum_of_variances_over_passes_with_dropout(network: Segmentor) -> None:
    images = torch.rand((2, 3, 64, 96), generator=torch.Generator().manual_seed(1))
    prefix = network.encode_frozen(images)
    uncertain = DropoutUncertainty(4, 0.3, torch.Generator().manual_seed(2))
    network.train()
    found = uncertain(network, prefix)
    assert network.training
    network.eval()
    masks = torch.Generator().manual_seed(int(torch.randint(SEEDS, (), generator=torch.Generator().manual_seed(2))))
    fused: list[torch.Tensor] = []
    classifier = dict(network.named_modules())["head.linear_pred"]
    hook = classifier.register_forward_pre_hook(lambda _, inputs: fused.append(inputs[0]))
    with torch.no_grad():
        network(images)
        hook.remove()
        passes = []
        for _ in range(4):
            kept = (torch.rand((16, 16, 24), generator=masks) >= 0.3).float()
            logits = classifier(fused[0] * kept / 0.7)
            passes.append(functional.interpolate(logits, (64, 96), mode="bilinear").softmax(dim=1).numpy())
    wanted = np.sum(np.var(passes, axis=0), axis=1)
    torch.testing.assert_close(found, torch.from_numpy(wanted), rtol=1e-3, atol=1e-7)
    assert found.min() > 0.0
    torch.testing.assert_close(uncertain(network, network.encode_frozen(images[1:])), found[1:], rtol=1e-3, atol=1e-7)


def test_vectors_are_added_at_the_most_uncertain_pixels_in_ascending_order() -> None:
    generator = torch.Generator().manual_seed(3)
    images, uncertainty = torch.rand((2, 3, 4, 6), generator=generator), torch.rand((2, 4, 6), generator=generator)
    prompt = torch.randn((5, 3), generator=generator, requires_grad=True)
    for mirrored in (False, True):
        wanted = images.clone()
        for frame in range(2):
            order = uncertainty[frame].flatten().argsort()[-5:]
            for vector, place in zip(prompt.detach(), order.tolist(), strict=True):
                row, column = divmod(place, 6)
                wanted[frame, :, row, 5 - column if mirrored else column] += vector
        result = prompted(FrozenPrefix(images, (images,)), prompt, uncertainty, mirrored=mirrored)
        assert result.features == ()
        torch.testing.assert_close(result.images.detach(), wanted)
    result.images.sum().backward()
    # Each vector is added once to each of two frames.
    assert prompt.grad is not None
    torch.testing.assert_close(prompt.grad, torch.full((5, 3), 2.0))


def test_a_view_of_another_size_has_its_places_from_the_resized_uncertainty() -> None:
    images, uncertainty = torch.zeros((1, 3, 4, 4)), torch.zeros((1, 8, 8))
    uncertainty[0, 4:6, 2:4], uncertainty[0, 0:2, 6:8] = 2.0, 1.0
    result = prompted(FrozenPrefix(images, ()), torch.tensor([[1.0] * 3, [2.0] * 3]), uncertainty).images[0, 0]
    assert result[2, 1] == 2.0
    assert result[0, 3] == 1.0
    assert result.sum() == 3.0


def test_an_image_with_fewer_pixels_has_the_last_vectors() -> None:
    prompt = torch.arange(5.0)[:, None].expand(-1, 3)
    result = prompted(FrozenPrefix(torch.zeros((1, 3, 1, 2)), ()), prompt, torch.tensor([[[0.9, 0.1]]]))
    assert result.images[0, 0].tolist() == [[4.0, 3.0]]


def test_the_teacher_keeps_less_of_its_prompt_where_frames_are_uncertain() -> None:
    uncertainty = torch.tensor([[[0.1, 0.3]]])
    assert prompt_alpha(0.999, uncertainty, 0.1).item() == pytest.approx(0.999 - 0.2 * 0.1)
    assert prompt_alpha(0.5, uncertainty, 10.0).item() == 0.0

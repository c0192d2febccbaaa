"""Mix Transformers: sizes, stochastic depth, initialization."""

import pytest
import torch

from segada.models.encoders.drop_path import DropPath
from segada.models.encoders.mix_transformer import MixTransformer, initialize_encoder
from segada.settings.architectures import MIX_TRANSFORMERS

PUBLISHED_MILLIONS = {
    "mit_tiny": 0.317,
    "mit_b0": 3.319,
    "mit_b1": 13.151,
    "mit_b2": 24.196,
    "mit_b3": 44.072,
    "mit_b4": 60.843,
    "mit_b5": 81.443,
}


@pytest.mark.parametrize("name", MIX_TRANSFORMERS)
def test_parameter_counts_are_the_published_ones(name: str) -> None:
    with torch.device("meta"):
        encoder = MixTransformer(MIX_TRANSFORMERS[name], 0.0, torch.Generator("cpu"))
    count = sum(parameter.numel() for parameter in encoder.parameters())
    assert round(count / 1e6, 3) == PUBLISHED_MILLIONS[name]


def test_drop_path_keeps_the_mean_and_drops_whole_images() -> None:
    drop = DropPath(0.25, torch.Generator().manual_seed(0)).train()
    out = drop(torch.ones(4000, 2, 1, 3, requires_grad=True)).detach()
    per_image = out.flatten(1)
    assert torch.equal(per_image.amin(1), per_image.amax(1))
    assert torch.equal(per_image[:, 0].unique(), torch.tensor([0.0, 1 / 0.75]))
    # 4000 draws: a standard error of 0.009; a failure by chance is rarer than 1e-7.
    assert out.mean().item() == pytest.approx(1.0, abs=0.05)


def test_drop_path_rests_without_gradients_and_in_evaluation() -> None:
    drop = DropPath(0.9, torch.Generator().manual_seed(0))
    x = torch.ones(50, 1, 1, 1)
    with torch.no_grad():
        assert drop.train()(x) is x
    assert drop.eval()(x) is x


def test_drop_path_rises_linearly_over_the_blocks() -> None:
    encoder = MixTransformer(MIX_TRANSFORMERS["mit_b0"], 0.7, torch.Generator())
    rates = [block.drop_path.probability for block in encoder.blocks()]
    assert rates == pytest.approx([0.1 * block for block in range(8)])


def test_initialization_follows_the_generator_alone() -> None:
    encoder = MixTransformer(MIX_TRANSFORMERS["mit_tiny"], 0.0, torch.Generator())
    initialize_encoder(encoder, torch.Generator().manual_seed(3))
    first = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    torch.rand(5)
    initialize_encoder(encoder, torch.Generator().manual_seed(3))
    assert all(torch.equal(tensor, first[name]) for name, tensor in encoder.state_dict().items())
    fc1 = first["stages.3.blocks.0.mlp.fc1.weight"]
    assert fc1.std().item() == pytest.approx(0.02, rel=0.05)
    depthwise = first["stages.3.blocks.0.mlp.dwconv.weight"]
    assert depthwise.std().item() == pytest.approx((2 / 9) ** 0.5, rel=0.1)

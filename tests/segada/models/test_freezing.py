"""Trainable parts of the network, and parts that start from random weights in spite of the checkpoint."""

from collections.abc import Callable

import pytest
import torch

from segada.engine.run_data import run_data_key
from segada.models.build import build_segmentor
from segada.models.freezing import names_part
from segada.models.learning import learning_parameters
from segada.models.segmentor import Segmentor
from segada.settings import RunSettings
from segada.settings.adapter import AdapterSettings, AdaptFormerSettings, NoAdapter
from segada.settings.model import ModelSettings

ADAPTED = AdaptFormerSettings(name="adaptformer", stages=(2,), bottleneck=4)


def build(adapter: AdapterSettings | None = None, seed: int = 0, **changes: object) -> Segmentor:
    model = ModelSettings.model_validate({"checkpoint": None, **changes})
    return build_segmentor(model, adapter or NoAdapter(), torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("name", "part", "expected"),
    [
        ("head.linear_c1.proj.weight", "head", True),
        ("head.linear_c1.proj.weight", "head.linear_c1", True),
        ("head.linear_c1.proj.weight", "linear_c1.proj", True),
        ("head.linear_c1.proj.weight", "head.linear_c1.proj.weight", True),
        ("head.linear_c1.proj.weight", "linear_c", False),
        ("head.linear_c1.proj.weight", "inear_c1", False),
        ("encoder.stages.1.norm.weight", "stages.1", True),
        ("encoder.stages.0.blocks.1.norm1.weight", "stages.1", False),
        ("encoder.stages.0.blocks.1.norm1.weight", "norm", False),
    ],
)
def test_parts_are_whole_words_of_dotted_names(name: str, part: str, expected: bool) -> None:
    assert names_part(name, part) == expected


@pytest.mark.parametrize(
    ("changes", "learns"),
    [
        ({"frozen_modules": ["encoder.stages.0"]}, lambda name: not name.startswith("encoder.stages.0.")),
        (
            {"frozen_modules": ["norm1", "head.linear_fuse"]},
            lambda name: ".norm1." not in name and "linear_fuse" not in name,
        ),
        ({"freeze": "everything", "trainable_modules": ["norm"]}, lambda name: ".norm." in name),
        (
            {"freeze": "encoder", "frozen_modules": ["head.linear_pred"]},
            lambda name: name.startswith("head.linear_") and "_pred" not in name,
        ),
        (
            {"freeze": "encoder", "trainable_modules": ["encoder.stages.3"]},
            lambda name: name.startswith(("head.", "encoder.stages.3.")),
        ),
        # An exception wins over both, in whatever order a person thinks of them.
        (
            {"frozen_modules": ["encoder"], "trainable_modules": ["encoder.stages.1"]},
            lambda name: name.startswith(("head.", "encoder.stages.1.")),
        ),
    ],
)
def test_rules_then_frozen_parts_then_exceptions(changes: dict[str, object], learns: Callable[[str], bool]) -> None:
    segmentor = build(**changes)
    expected = {name for name, _ in segmentor.named_parameters() if learns(name)}
    assert expected
    assert set(learning_parameters(segmentor)) == expected


def test_adapters_learn_whatever_is_frozen_around_them() -> None:
    learning = learning_parameters(build(ADAPTED, freeze="everything", frozen=["encoder.stages.2", "mlp"]))
    assert learning
    assert all(".parallel." in name for name in learning)


def test_frozen_leading_parts_lengthen_the_prefix() -> None:
    assert build(frozen=["encoder.stages.0", "encoder.stages.1"]).encoder.frozen_stages() == 2
    assert build(freeze="encoder", learning=["encoder.stages.2.norm"]).encoder.frozen_stages() == 2


@pytest.mark.parametrize("setting", ["frozen", "learning", "fresh"])
@pytest.mark.parametrize(
    ("part", "cure"),
    [
        ("encoder.stage.0", r"did you mean encoder\.stages\.0\?"),
        ("head.linear_c5", r"did you mean head\.linear_c\d\?"),
        ("linear_pred", None),
        ("decoder", "no valid one is near|did you mean"),
    ],
)
@pytest.mark.parametrize("checkpoint", [None, "streets_tiny"])
def test_unknown_parts_are_refused_with_the_nearest(
    setting: str, part: str, cure: str | None, checkpoint: str | None
) -> None:
    if cure is None:
        assert learning_parameters(build(checkpoint=checkpoint, **{setting: [part]}))
        return
    with pytest.raises(ValueError, match=rf"model\.{setting}: no parameter.* has '{part}' in its name; ({cure})"):
        build(checkpoint=checkpoint, **{setting: [part]})


@pytest.mark.parametrize("part", ["head", "head.linear_fuse", "encoder.stages.3"])
def test_fresh_parts_keep_their_first_values_and_the_rest_comes_from_the_file(part: str) -> None:
    untrained, shipped = build(), build(checkpoint="streets_tiny")
    mixed = build(checkpoint="streets_tiny", reinitialize=[part])
    for name, tensor in mixed.state_dict().items():
        if not name.endswith("_extra_state"):
            source = untrained if names_part(name, part) else shipped
            assert torch.equal(tensor, source.state_dict()[name]), name
    assert not torch.equal(mixed.head.linear_pred.weight, shipped.head.linear_pred.weight) or part != "head"


def test_a_fresh_head_may_have_another_width_or_kind_than_the_files() -> None:
    for changes in ({"head_width": 32}, {"head": "daformer"}):
        with pytest.raises(ValueError, match=r"or let what the file cannot fill .*model\.fresh: \[head\], or choose"):
            build(checkpoint="streets_tiny", **changes)
        segmentor = build(checkpoint="streets_tiny", reinitialize=["head"], **changes)
        shipped = build(checkpoint="streets_tiny")
        for name, parameter in shipped.encoder.named_parameters():
            assert torch.equal(segmentor.encoder.get_parameter(name), parameter)


def test_a_part_that_only_the_file_has_is_left_out_by_its_name() -> None:
    with pytest.raises(ValueError, match=r"8 unexpected.*set model\.head to multi_exit, or .*\[head\.light_exit\]"):
        build(checkpoint="streets_tiny_multi_exit")
    plain = build(checkpoint="streets_tiny_multi_exit", reinitialize=["head.light_exit"])
    for name, tensor in build(checkpoint="streets_tiny").named_parameters():
        assert torch.equal(plain.get_parameter(name), tensor)


def test_runs_share_what_their_fresh_parts_do_not_decide(tiny_run: dict[str, object]) -> None:
    def key(seed: int, **model: object) -> str:
        return run_data_key(RunSettings.model_validate({**tiny_run, "seed": seed, "model": model}))

    assert key(0) == key(1)
    assert key(0, reinitialize=["head"]) != key(1, reinitialize=["head"])
    assert key(0) == key(0, frozen=["encoder.stages.0"])

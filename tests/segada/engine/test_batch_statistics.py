"""Batch norms that would get a single value per channel are refused before the run, and no others."""

from pathlib import Path

import pytest
import torch

from segada.controllers.base import StepPlan
from segada.data.batch import Batch
from segada.engine.batch_statistics import check_training
from segada.engine.preflight import problems
from segada.engine.runner import Run
from segada.methods.base import StepLog
from segada.models.build import build_segmentor
from segada.models.segmentor import Segmentor
from segada.records import Preflight
from segada.settings import RunSettings
from segada.testing.methods import assert_resumed_equals_whole

FOLLOW = {"statistics": "follow"}
METHODS = {
    "dacs": {},
    "tent": {"batch_norm": FOLLOW},
    "cotta": {"scales": [], "batch_norm": FOLLOW},
    "batch_norm": {},
    "adversarial": {},
    "supervised": {},
}
LIGHT = {
    "encoder": "timm/resnet18",
    "checkpoint": None,
    "head": "multi_exit",
    "freeze": "everything",
    "trainable_modules": ["light_exit"],
}


def settings(name: str = "tent", **changes: object) -> RunSettings:
    """Settings of a run whose deepest map is one cell, on batches of one frame."""
    return RunSettings.model_validate(
        {
            "data": {"size": [32, 32], "splits": {"source": 4, "adapt": 4, "val": 1, "test": 1}},
            "stream": {"visits": ["clear"], "frames": 3, "batch_size": 1},
            "model": {"encoder": "timm/resnet18", "checkpoint": None, "head_width": 16},
            "method": {"name": name, **METHODS[name]},
            "evaluation": {"split": "val", "online": False},
            **changes,
        }
    )


def built(wanted: RunSettings) -> Segmentor:
    return build_segmentor(wanted.model, wanted.adapter, torch.Generator().manual_seed(0), wanted.image_adapter)


@pytest.mark.parametrize("method", METHODS)
def test_a_map_of_one_cell_and_a_batch_of_one_frame(method: str) -> None:
    with pytest.raises(
        ValueError,
        match=r"^model\.encoder is timm/resnet18, whose batch norm encoder\.stages\.3\.layer4\.0\.bn1 gets one value "
        r"per channel from a batch of 1 frame of 32 x 32 pixels, .*; set stream\.batch_size to 2 or more, or frames or "
        r"windows \(data\.size, method\.window\.size\) to more than 32 pixels on a side, or take an encoder without",
    ):
        Run(settings(method))


def test_torch_would_refuse_exactly_these() -> None:
    for encoder, size, fails in (
        ("resnet18", (32, 32), True),
        ("resnet18", (32, 64), False),
        ("resnest14d", (96, 96), True),  # has a batch norm after an average of the whole map
        ("convnext_atto", (32, 32), False),
    ):
        wanted = settings(
            data={"size": list(size)}, model={"encoder": f"timm/{encoder}", "checkpoint": None, "head_width": 16}
        )
        network, frame = built(wanted), torch.rand(1, 3, *size)
        state = {name: value.clone() for name, value in network.state_dict().items()}
        if fails:
            with pytest.raises(ValueError, match="gets one value per channel") as raised:
                check_training(network, wanted, 1)
            assert ("pixels on a side" in str(raised.value)) is (encoder == "resnet18")
            with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
                network(frame)
            continue
        check_training(network, wanted, 1)
        assert network.training
        assert all(value.equal(state[name]) for name, value in network.state_dict().items())
        network(frame)


def test_the_last_batch_of_a_visit_counts() -> None:
    stream = {"visits": ["clear"], "frames": 3, "batch_size": 2}
    with pytest.raises(
        ValueError, match=r"set stream\.batch_size to one that leaves no single frame for the last batch"
    ):
        Run(settings(stream=stream))
    Run(settings(stream={**stream, "batch_size": 3}))


@pytest.mark.parametrize(
    "changes",
    [
        {"method": {"name": "source_only"}},
        {"method": {"name": "adversarial", "discriminator_training": "only"}},
        {"method": {"name": "supervised", "window": {"size": [32, 64]}, "crop": 1.0}, "data": {"size": [64, 64]}},
        {"method": {"name": "supervised", "light_weight": 1.0}, "model": LIGHT},
        {"model": {"checkpoint": None}},
        {"method": {"name": "cotta", "scales": []}},
        {"method": {"name": "dacs", "batch_norm": {"statistics": "mixed"}}},
    ],
)
def test_what_works_is_not_refused(changes: dict[str, object]) -> None:
    assert problems(Preflight(networks={"run": settings(**changes).model_dump(mode="json")}, data={})) == {}


def test_statistics_of_single_frames_need_several_values_from_each() -> None:
    for changes in ({}, {"stream": {"visits": ["clear"], "frames": 4, "batch_size": 2}}):
        with pytest.raises(
            ValueError, match=r"set method\.batch_norm\.statistics to follow, mixed or frozen, since a pred"
        ):
            Run(settings(**changes, method={"name": "tent"}))


def test_a_check_before_several_runs_finds_it() -> None:
    found = problems(Preflight(networks={"tent": settings().model_dump(mode="json")}, data={}))
    assert "gets one value per channel" in found["tent"]


@pytest.mark.parametrize("statistics", ["frozen", "follow", "target", "mixed", "robust"])
def test_an_encoder_of_timm_goes_on_to_the_same_numbers(statistics: str, tmp_path: Path) -> None:
    section = {"statistics": statistics, "source_prior": 2.0, "reset_per_domain": True}
    assert_resumed_equals_whole(
        settings(
            data={"size": [32, 64], "splits": {"source": 4, "adapt": 8, "val": 1, "test": 1}},
            stream={"visits": ["clear", "200mm", "clear"], "frames": 4, "batch_size": 2, "replay": {"size": 4}},
            method={"name": "dacs", "pseudo_threshold": 0.1, "batch_norm": section},
        ),
        tmp_path,
    )


def test_a_visit_to_another_domain_begins_with_the_statistics_of_the_source_model() -> None:
    stream = {"visits": ["clear", "clear", "200mm"], "frames": 4, "batch_size": 2, "replay": {"size": 4}}
    section = {"reset_per_domain": True, "momentum": 0.5}
    data = {"size": [32, 64], "splits": {"source": 4, "adapt": 12, "val": 1, "test": 1}}
    run = Run(settings(data=data, stream=stream, method={"name": "batch_norm", "batch_norm": section}))
    returned = list[bool]()
    source = {name: value.clone() for name, value in run.network.named_buffers() if name.endswith("running_mean")}
    step = run._method.step

    def watched(batch: Batch, plan: StepPlan) -> StepLog:
        buffers = dict(run.network.named_buffers())
        returned.append(all(buffers[name].equal(value) for name, value in source.items()))
        return step(batch, plan)

    run._method.step = watched  # type: ignore[method-assign]
    list(run)
    assert returned == [True, False, False, False, True, False]

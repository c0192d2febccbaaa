"""Tests of the augmentation of replayed frames: windows and styles."""

import pytest
import torch
from method_parts import Build

from segada.controllers.base import StepPlan
from segada.data.batch import Batch, to_batch
from segada.data.replay import Drawn
from segada.engine.run_data import RunData
from segada.methods.base import Method
from segada.methods.registry import METHODS

PLAIN: dict[str, object] = {"crop": 1.0, "flip_probability": 0.0, "color": {"jitter": 0.0, "blur_probability": 0.0}}
GRAY = {"style": {"gray_probability": 1.0}}


def _target(run_data: RunData) -> Batch:
    return to_batch(run_data.visited["clear"], torch.arange(4).numpy())


def _seen(build: Build, run_data: RunData, monkeypatch: pytest.MonkeyPatch, **method: object) -> torch.Tensor:
    """Returns all frames that the student's encoder receives in a step."""
    parts = build({"method": method})
    made: Method = METHODS[parts.settings.method.name](parts)
    seen: list[torch.Tensor] = []
    encode = made.evaluated_network.encode_frozen if method["name"] != "dacs" else made.student.encode_frozen  # type: ignore[attr-defined]
    network = parts.network

    def noted(images: torch.Tensor) -> object:
        seen.append(images)
        return encode(images)

    monkeypatch.setattr(network, "encode_frozen", noted)
    made.step(_target(run_data), StepPlan())
    return torch.cat(seen)


def test_supervised_learning_sees_windows_of_their_size(
    build: Build, run_data: RunData, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = {"size": [32, 48], "resize": [0.75, 2.0]}
    seen = _seen(build, run_data, monkeypatch, **PLAIN, name="supervised", window=window)
    assert seen.shape == (4, 3, 32, 48)


def test_windows_are_told_the_class_and_the_pixels_that_frames_are_drawn_for(
    build: Build, monkeypatch: pytest.MonkeyPatch, run_data: RunData
) -> None:
    replay = {"policy": "rare_class", "min_pixels": 17}
    parts = build({"method": {"name": "supervised", **PLAIN}, "stream": {"replay": replay}})
    asked: list[tuple[tuple[int, ...], int]] = []

    def noted(drawn: Drawn, _settings: object, min_pixels: int, _generator: object, _color: object) -> Batch:
        asked.append((drawn.classes, min_pixels))
        return drawn.batch

    monkeypatch.setattr("segada.methods.supervised.cut_windows", noted)
    METHODS["supervised"](parts).step(_target(run_data), StepPlan())
    ((classes, pixels),) = asked
    assert len(classes) == 4
    assert 255 not in classes
    assert pixels == 17


@pytest.mark.parametrize("name", ["supervised", "adversarial", "dacs"])
def test_replayed_frames_are_restyled_and_visited_ones_are_not(
    name: str, build: Build, run_data: RunData, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = PLAIN if name == "supervised" else {}
    mixing = {"mixing": "target_only"} if name == "dacs" else {}
    seen = _seen(build, run_data, monkeypatch, name=name, **plain, **mixing, **GRAY)
    target = _target(run_data).images
    of_source = [frame for frame in seen if not any(frame.equal(other) for other in target)]
    assert len(of_source) == 4
    assert all(frame[0].equal(frame[1]) and frame[0].equal(frame[2]) for frame in of_source)
    assert not any(frame[0].equal(frame[1]) for frame in target)


def test_styles_shift_no_other_draw(build: Build, run_data: RunData) -> None:
    ends = []
    for style in ({}, {"distortion": {"probability": 1.0}, "gamma": {"probability": 1.0}}):
        parts = build({"method": {"name": "supervised", "style": style}})
        METHODS["supervised"](parts).step(_target(run_data), StepPlan())
        generators = (parts.augmentation, parts.source_frames, parts.class_mix)
        ends.append([generator.get_state() for generator in generators])
    assert all(one.equal(other) for one, other in zip(*ends, strict=True))

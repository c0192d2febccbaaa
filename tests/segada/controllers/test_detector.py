"""Tests of the detector on known signals against a plain implementation, and of the signal itself."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch.nn import functional

from segada.controllers.detector import Detector, Jump
from segada.controllers.signal import SIGNALS, signal
from segada.core.rng import torch_generator
from segada.models.build import build_segmentor
from segada.models.learning import source_copy
from segada.settings.adapter import NoAdapter
from segada.settings.hamlet import SignalScale
from segada.settings.model import ModelSettings

SCALE = SignalScale(threshold=0.23, near=0.8, far=2.55)


def _jumps(values: Sequence[float], window: int) -> tuple[list[tuple[int, Jump]], Detector]:
    """Returns every jump with the index of the value that completed its window."""
    detector = Detector(window, SCALE)
    seen = [(place, detector.see(value)) for place, value in enumerate(values)]
    return [(place, jump) for place, jump in seen if jump is not None], detector


def _plain(values: Sequence[float], window: int) -> list[tuple[int, float, int]]:
    """Returns index, change and direction of each jump."""
    found, reference = [], None
    for end in range(window, len(values) + 1, window):
        mean = float(np.mean(values[end - window : end]))
        if reference is None:
            reference = mean
        elif mean - reference > 0.23:
            found.append((end - 1, mean - reference, 1))
            reference = None
        elif mean - reference < -0.23:
            found.append((end - 1, mean - reference, -1))
            reference = None
    return found


def test_steps_up_and_down_are_jumps_and_the_window_after_one_is_the_new_reference() -> None:
    # In windows of 5: reference .8; jump; reference 1.2; jump; reference 1.9; stays; jump back; reference .9.
    levels = [0.8, 1.1, 1.2, 1.9, 1.9, 1.75, 0.8, 0.9]
    jumps, detector = _jumps(np.repeat(levels, 5).tolist(), 5)
    assert [place for place, _ in jumps] == [9, 19, 34]
    assert [jump.direction for _, jump in jumps] == [1, 1, -1]
    assert [jump.size for _, jump in jumps] == pytest.approx([0.3 / 0.23, 0.7 / 0.23, 1.1 / 0.23])
    assert detector.state.domain == 1
    assert detector.state.direction == -1
    assert detector.state.reference == pytest.approx(0.9)


def test_a_drift_adds_up_until_it_is_a_jump() -> None:
    # 0.05 a window: the reference stays at the first one, and the fifth after it differs by 0.25.
    jumps, _ = _jumps(np.repeat(0.8 + 0.05 * np.arange(6), 4).tolist(), 4)
    assert [place for place, _ in jumps] == [23]
    assert _jumps(np.repeat(0.8 + 0.05 * np.arange(5), 4).tolist(), 4)[0] == []


@pytest.mark.parametrize("seed", range(5))
def test_jumps_are_those_of_the_plain_rule(seed: int) -> None:
    generator = np.random.default_rng(seed)
    values = np.repeat(generator.uniform(0.5, 2.0, 20), 11) + generator.normal(0.0, 0.2, 220)
    jumps, detector = _jumps(values.tolist(), 7)
    plain = _plain(values.tolist(), 7)
    assert len(plain) > 4
    assert [place for place, _ in jumps] == [place for place, _, _ in plain]
    assert [jump.size for _, jump in jumps] == pytest.approx([abs(change) / 0.23 for _, change, _ in plain])
    assert [jump.direction for _, jump in jumps] == [direction for _, _, direction in plain]
    assert detector.state.domain == sum(direction for _, _, direction in plain)


@pytest.mark.parametrize("value", [0.3, 0.8, 1.0, 1.675, 2.55, 4.0])
def test_quantities_follow_the_signal_between_near_and_far_and_no_further(value: float) -> None:
    first = value - 0.5
    jumps, _ = _jumps([first, value], 1)
    for ends in ((0.5, 0.75), (0.25, 0.75), (6e-5, 1.5e-5)):
        assert jumps[0][1].between(*ends) == pytest.approx(float(np.interp(value, [0.8, 2.55], ends)))


@pytest.mark.parametrize("kind", SIGNALS)
def test_the_signal_is_the_static_models_loss_on_what_the_scored_network_says(kind: str) -> None:
    settings = ModelSettings(head="multi_exit", checkpoint=None)
    network = build_segmentor(settings, NoAdapter(), torch_generator(0, "initialisation"))
    static = source_copy(network)
    generator = torch.Generator().manual_seed(0)
    images = torch.rand((3, 3, 32, 64), generator=generator)
    logits = torch.randn((3, 19, 8, 16), generator=generator)
    with torch.no_grad():
        finest = static.encode(images)[0]
        own = {"light": static.head.light(finest), "full": static(images)}[kind]
    wanted = [float(functional.cross_entropy(own[[frame]], logits[[frame]].argmax(1))) for frame in range(3)]
    found = signal(SIGNALS[kind], static, images, logits)
    assert found.tolist() == pytest.approx(wanted, rel=1e-5)
    assert not found.requires_grad


def test_the_light_signal_runs_the_first_stage_alone() -> None:
    settings = ModelSettings(head="multi_exit", checkpoint=None)
    static = source_copy(build_segmentor(settings, NoAdapter(), torch_generator(0, "initialisation")))
    ran: list[int] = []
    for index, stage in enumerate(static.encoder.stages):
        stage.register_forward_hook(lambda *_, index=index: ran.append(index))  # type: ignore[misc]
    signal(SIGNALS["light"], static, torch.rand(1, 3, 32, 64), torch.randn(1, 19, 8, 16))
    assert ran == [0]

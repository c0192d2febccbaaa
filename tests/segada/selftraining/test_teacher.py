"""Tests of the moving average against its formula."""

import pytest
import torch

from segada.selftraining.teacher import ema_alpha, follow


def test_warm_up_copies_first_and_never_passes_the_ceiling() -> None:
    assert ema_alpha(0, 0.99) == 0.0
    assert ema_alpha(1, 0.99) == 0.5
    assert ema_alpha(10_000, 0.99) == 0.99


def test_follow_is_the_plain_average_of_every_parameter() -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = [(3, 4), (5,), ()]
    student = [torch.randn(shape, generator=generator) for shape in shapes]
    teacher = [torch.randn(shape, generator=generator) for shape in shapes]
    expected = [0.9 * t + (1 - 0.9) * s for t, s in zip(teacher, student, strict=True)]
    follow(teacher, student, 0.9)
    for found, wanted in zip(teacher, expected, strict=True):
        torch.testing.assert_close(found, wanted)


def test_ten_steps_are_those_of_the_schedule_written_out() -> None:
    generator = torch.Generator().manual_seed(0)
    teacher = torch.randn(5, generator=generator, dtype=torch.float64)
    wanted = teacher.tolist()
    ceiling = 0.8
    for step in range(10):
        student = torch.randn(5, generator=generator, dtype=torch.float64)
        alpha = 0.0 if step == 0 else step / (step + 1) if step < 4 else ceiling
        wanted = [alpha * old + (1 - alpha) * new for old, new in zip(wanted, student.tolist(), strict=True)]
        follow([teacher], [student], ema_alpha(step, ceiling))
        assert teacher.tolist() == pytest.approx(wanted, rel=1e-12), step

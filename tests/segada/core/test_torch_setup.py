"""Tests of process-wide settings: threads and deterministic algorithms."""

import os
from collections.abc import Iterator

import pytest
import torch

from segada.core.torch_setup import set_up_torch
from segada.settings.evaluation import RuntimeSettings


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    yield monkeypatch
    set_up_torch(RuntimeSettings())


def test_deterministic_runs_take_such_algorithms_and_others_leave_them(untouched: pytest.MonkeyPatch) -> None:
    set_up_torch(RuntimeSettings(deterministic=True, threads=1))
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.backends.cudnn.deterministic
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    set_up_torch(RuntimeSettings())
    assert not torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.deterministic


def test_a_workspace_that_a_person_chose_stays(untouched: pytest.MonkeyPatch) -> None:
    untouched.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    set_up_torch(RuntimeSettings(deterministic=True))
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"

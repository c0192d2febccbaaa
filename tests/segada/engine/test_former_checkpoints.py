"""Tests that a run continues from checkpoints of versions that had fewer generators."""

from pathlib import Path

import pytest
import torch

from segada.artifacts.run_dir import RunDir
from segada.engine.runner import PURPOSES, Run
from segada.settings import RunSettings


@pytest.mark.parametrize("purpose", ["masking", "windows"])
def test_a_checkpoint_without_a_newer_generator_goes_on(
    purpose: str, tiny_run: dict[str, object], tmp_path: Path
) -> None:
    stream = {"visits": ["clear", "200mm"], "frames": 2, "replay": {"size": 4}}
    settings = RunSettings.model_validate({**tiny_run, "stream": stream, "method": {"name": "dacs"}})
    whole, stopped = (Run(settings, out=tmp_path / name) for name in ("whole", "stopped"))
    for _ in whole:
        pass
    stopped.next_visit()
    folder = RunDir(tmp_path / "stopped")
    state = folder.read_checkpoint()
    assert state is not None
    assert purpose in PURPOSES
    del state[purpose]
    folder.write_checkpoint(state, settings.settings_hash())
    resumed = Run(settings, out=tmp_path / "stopped")
    assert resumed.visits_done == 1
    for _ in resumed:
        pass
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name])

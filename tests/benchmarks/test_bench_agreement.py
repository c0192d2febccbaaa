"""Agreement of frames by their distance in time, and the benchmark's options."""

import sys
from pathlib import Path

import numpy as np
import pytest
from published_trees import write

from benchmarks.engine.__main__ import main
from benchmarks.engine.bench_agreement import measure_agreement
from segada.settings.data import DataSettings


def test_equal_frames_are_at_1_and_others_at_their_share(tmp_path: Path) -> None:
    # Frames 4 numbers apart are equal in pairs; there are 32 of them, of 8 places.
    for number in range(0, 128, 4):
        labels = np.random.default_rng(number // 16).integers(0, 8, (48, 64), dtype=np.uint8)
        write(tmp_path / "ids" / f"{number:03}.png", labels)
        write(tmp_path / "rgb" / f"{number:03}.png", np.repeat(labels[..., None] * 30, 3, axis=2))
    film = {"dataset": "folders", "images": "rgb/*.png", "labels": "ids/*.png"}
    data = DataSettings.model_validate({"size": [48, 64], "root": str(tmp_path), "domains": {"film": film}})

    found = measure_agreement(data)["film"]["labels"]

    # Of the pairs at 4, three of four are of one place; at 16 none is.
    assert found[4] == pytest.approx(24 / 31, abs=0.1)
    assert found[16] < 0.0


def test_it_needs_settings(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "agreement"])
    assert main() == 2
    assert "agreement needs --of" in capsys.readouterr().err

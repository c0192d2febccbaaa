"""Files that patterns leave out of a run's folders: in its log, its report and on the terminal."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from segada.engine.run_data import prepare_data
from segada.engine.runner import Run
from segada.engine.session import run
from segada.settings import RunSettings


@pytest.fixture
def settings(tmp_path: Path) -> RunSettings:
    """Writes 16 frames, an image without labels that the pattern does not match, and a label file without image."""
    pixels = np.arange(32 * 64, dtype=np.uint8).reshape(32, 64) % 11
    for folder in ("rgb", "ids"):
        (tmp_path / "data" / folder).mkdir(parents=True)
        for number in range(16):
            assert cv2.imwrite(str(tmp_path / "data" / folder / f"{number}.png"), pixels)
    (tmp_path / "data" / "rgb" / "16.jpeg").touch()
    assert cv2.imwrite(str(tmp_path / "data" / "ids" / "16.png"), pixels)
    domain = {"dataset": "folders", "images": "rgb/*.png", "labels": "ids/*.png", "shares": [0.25, 0.25, 0.25, 0.25]}
    return RunSettings.model_validate(
        {
            "data": {
                "size": [32, 64],
                "root": str(tmp_path / "data"),
                "domains": {"road": domain},
                "loading": {"cache": None, "workers": 0},
            },
            "stream": {"source": "road", "visits": ["road"], "frames": None},
            "evaluation": {"split": "test"},
            "model": {"encoder": "mit_tiny", "checkpoint": None},
            "method": {"name": "batch_norm"},
        }
    )


def test_a_run_counts_them_and_names_the_first(
    settings: RunSettings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = run(settings, tmp_path / "out", progress=True)

    assert report.files_left_out == {"road": {"pictures that match no pattern": 1, "labels without image": 1}}
    written = json.loads((tmp_path / "out" / "report.json").read_text())
    assert written["files_left_out"] == report.files_left_out
    data = tmp_path / "data"
    said = (
        f"left out of the folders of domain road: pictures that match no pattern: 1 ({data / 'rgb/16.jpeg'}); "
        f"labels without image: 1 ({data / 'ids/16.png'})"
    )
    assert said in (tmp_path / "out" / "log.txt").read_text()
    assert said in capsys.readouterr().out


def test_a_run_that_leaves_nothing_out_says_nothing(settings: RunSettings, tmp_path: Path) -> None:
    (tmp_path / "data" / "rgb" / "16.jpeg").unlink()
    (tmp_path / "data" / "ids" / "16.png").unlink()

    run_data = prepare_data(settings)

    assert run_data.shortfalls() == []
    assert Run(settings, run_data).next_visit().frames == 4

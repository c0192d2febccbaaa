"""Tests of `python -m benchmarks.engine loading`: every way once per repeat, speeds relative to the first."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.engine import bench_loading
from benchmarks.engine.__main__ import main
from benchmarks.engine.bench_loading import WORKERS, time_loading, write_streets

WAYS = [
    *("decode, 0 workers", "decode, 1 worker", "decode, 2 workers", "build, 2 workers"),
    *("open, 0 workers", "open, 1 worker", "open, 2 workers", "open unchecked"),
    *("batches, mapped", "batches, in memory"),
]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["benchmarks.engine", *arguments])
    return main()


def write_settings(folder: Path) -> Path:
    """Writes settings of a run with six recorded frames of its own."""
    generator = np.random.default_rng(0)
    for kind, channels in (("images", (3,)), ("labels", ())):
        (folder / kind).mkdir()
        for number in range(6):
            picture = generator.integers(0, 19, (16, 32, *channels), np.uint8)
            assert cv2.imwrite(str(folder / kind / f"{number}.png"), picture)
    path = folder / "run.yaml"
    path.write_text(
        f"""
        data:
          size: [16, 32]
          root: {folder}
          domains:
            road: {{dataset: folders, images: images/*.png, labels: labels/*.png, shares: [0.5, 0.5, 0, 0]}}
            streets: {{dataset: streets}}
        stream: {{source: road, visits: [road]}}
        """
    )
    return path


def test_the_command_prints_every_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert run(monkeypatch, "loading", "--of", str(write_settings(tmp_path)), "--repeats", "2") == 0
    said = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in said.splitlines() if line.startswith("│")]
    assert [row[0] for row in rows] == WAYS
    assert rows[0][3] == "1.0 (1.0 .. 1.0)"
    assert "loading frames of road at 16x32" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["loading", "--of", "RUN", "--domain", "streets"], "domain 'streets' is not cached in"),
        (["loading", "--of", "RUN", "--domain", "sea"], "--domain sea: RUN has only road, streets"),
        (["loading", "--repeats", "0"], "--repeats must be at least 1, but is 0"),
        (
            ["streets", "--domain", "road"],
            "--of and --domain are for loading, --of for agreement; leave them out, or choose",
        ),
    ],
)
def test_what_cannot_be_loaded_is_refused(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(write_settings(tmp_path))
    assert run(monkeypatch, *(argument.replace("RUN", path) for argument in arguments)) == 2
    assert capsys.readouterr().err.startswith(f"error: {said.replace('RUN', path)}")


def test_frames_that_are_made_can_be_loaded_in_every_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_loading, "SIZE", (16, 32))
    monkeypatch.setattr(bench_loading, "SCENES", 2)
    data = write_streets(tmp_path)
    assert sorted(data.domains) == ["jpg", "png"]
    for name in data.domains:
        timed = time_loading(name, data, "source", repeats=1)
        assert {(one.frames, len(one.seconds)) for one in timed} == {(4, 1)}
        assert len(timed) == 2 * len(WORKERS) + 4

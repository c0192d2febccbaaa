"""The benchmark of gains by method and batch-norm statistics: its cells, and the table."""

from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.engine import bench_statistics
from benchmarks.engine.bench_statistics import METHODS, STATISTICS, cell, measure_gains, print_gains
from segada.settings import RunSettings


def test_every_method_takes_all_statistics_but_the_baseline_frozen_ones() -> None:
    assert STATISTICS == ("frozen", "follow", "target", "mixed", "robust")
    missing = [(method, kind) for method in METHODS for kind in STATISTICS if cell(method, kind, 0) is None]
    assert missing == [("batch_norm", "frozen")]


def test_the_table_has_mean_and_deviation_and_marks_defaults() -> None:
    console = Console(width=120)
    with console.capture() as capture:
        print_gains({("tent", "target"): [1.0, 2.0], ("cotta", "follow"): [3.0]}, 2, console)
    rows = {line.split("│")[1].strip(): line for line in capture.get().splitlines() if line.startswith("│")}
    assert "+1.50 ± 0.71*" in rows["tent"]
    assert "+3.00 " in rows["cotta"]
    assert rows.keys() == METHODS.keys()


def test_gains_are_those_of_the_runs_and_none_is_run_twice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def tiny(_method: str, kind: str, seed: int) -> RunSettings:
        data = {"size": [32, 64], "splits": {"source": 4, "adapt": 4, "val": 2, "test": 2}}
        stream = {"visits": ["200mm"], "frames": 4}
        method = {"name": "tent", "batch_norm": {"statistics": kind}}
        return RunSettings.model_validate({"data": data, "stream": stream, "method": method, "seed": seed})

    monkeypatch.setattr(bench_statistics, "cell", tiny)
    monkeypatch.setattr(bench_statistics, "METHODS", {"tent": METHODS["tent"]})
    gains = measure_gains(tmp_path, 1)
    assert gains.keys() == {("tent", kind) for kind in STATISTICS}
    assert gains["tent", "follow"] != gains["tent", "frozen"]
    times = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/checkpoint/*")}
    assert measure_gains(tmp_path, 1) == gains
    assert times == {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/checkpoint/*")}

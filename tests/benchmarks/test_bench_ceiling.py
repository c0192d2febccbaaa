"""The benchmark of trainings on labels of the target: their settings, and the table."""

from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.engine import bench_ceiling
from benchmarks.engine.bench_ceiling import DOMAINS, measure_ceiling, print_ceiling, training
from segada.settings import RunSettings


def test_a_training_reads_labels_of_its_domain_alone_and_is_scored_on_test() -> None:
    for domain in DOMAINS:
        settings = training(domain, 3)
        assert settings.used_domains() == (domain,)
        assert (settings.stream.split, settings.evaluation.split, settings.seed) == ("source", "test", 3)


def test_the_table_has_the_scores_of_the_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def tiny(domain: str, seed: int) -> RunSettings:
        whole = training(domain, seed).model_dump(mode="json")
        data = {**whole["data"], "size": [32, 64], "splits": {"source": 4, "adapt": 4, "val": 2, "test": 2}}
        stream = {**whole["stream"], "passes": 1, "batch_size": 2}
        return RunSettings.model_validate({**whole, "data": data, "stream": stream}, strict=False)

    monkeypatch.setattr(bench_ceiling, "training", tiny)
    monkeypatch.setattr(bench_ceiling, "DOMAINS", DOMAINS[:2])
    found = measure_ceiling(tmp_path, 2)
    console = Console(width=120)
    with console.capture() as capture:
        print_ceiling(found, console)
    rows = {line.split("│")[1].strip(): line for line in capture.get().splitlines() if line.startswith("│")}
    assert rows.keys() == {*DOMAINS[:2], "mean"}
    scores = [[100 * report.mean_miou for report in found[domain]] for domain in DOMAINS[:2]]
    assert f"{sum(map(sum, scores)) / 4:.1f} ±" in rows["mean"]
    assert f"{sum(scores[0]) / 2:.1f} ±" in rows["clear"]

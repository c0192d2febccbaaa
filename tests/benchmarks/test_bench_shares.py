"""The benchmark of batch-norm statistics without learning: the settings that it scores by, and the table."""

from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.engine.bench_shares import CHOICES, DOMAINS, RECIPE, print_shares, scoring
from segada.settings.batch_norm import BatchNormStatistics
from segada.settings.files import load_run_settings


def test_the_source_model_is_scored_on_all_frames_of_drives_that_it_never_saw(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SEGADA_CAMVID", str(tmp_path))
    training = load_run_settings(RECIPE, {"seed": 3})
    settings = scoring(training, tmp_path / "best.safetensors")
    assert settings.model.checkpoint == str(tmp_path / "best.safetensors")
    assert settings.model.encoder == training.model.encoder
    assert settings.scored_domains() == tuple(DOMAINS)
    trained = training.data.domains["day"].model_dump()["sequences"]
    for name in DOMAINS:
        domain = settings.data.domains[name].model_dump()
        assert domain["shares"] == (0.0, 0.0, 0.0, 1.0)
        assert not {*domain["sequences"]} & {*trained}


def test_a_row_says_its_share_of_one_frame() -> None:
    for name, section in CHOICES.items():
        settings = BatchNormStatistics.model_validate(section)
        if name.startswith("share") and settings.statistics == "mixed":
            assert float(name.removeprefix("share ")) == pytest.approx(1 / (1 + settings.source_prior))


def test_the_table_has_means_over_source_models_and_domains() -> None:
    scores = {(choice, name): [40.0, 42.0] for choice in CHOICES for name in DOMAINS}
    scores["by_distance", "dusk"] = [50.0, 52.0]
    console = Console(width=160)
    with console.capture() as capture:
        print_shares(scores, console)
    rows = {line.split("│")[1].strip(): line for line in capture.get().splitlines() if line.startswith("│")}
    assert rows.keys() == CHOICES.keys()
    cells = [cell.strip() for cell in rows["by_distance"].split("│")[2:-1]]
    assert cells == ["41.0 ± 1.4", "51.0 ± 1.4", "41.0 ± 1.4", "41.0 ± 1.4", "46.0 ± 1.4", "43.5 ± 1.4"]

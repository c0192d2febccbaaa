"""Targets whose labels are the usual placeholder, 255 everywhere: adapted to, not scored, and said."""

import json
import math
from pathlib import Path

import pytest
from pairs_of_folders import blank, write_pairs

from segada.adapt import main
from segada.artifacts.run_files import read_areas
from segada.engine.run_data import prepare_data
from segada.engine.session import run
from segada.engine.shared_data import packed
from segada.errors import InputError
from segada.records import RunReport
from segada.settings.files import load_run_settings

SAID = "domain 'rain': none of its held-out frames (test) has a labelled pixel: nothing is scored there"


def test_the_target_is_adapted_to_and_the_others_are_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_pairs(tmp_path)
    blank(tmp_path, "rain")

    assert main([str(file), "--out", str(tmp_path / "run")]) == 0

    said = capsys.readouterr().out
    assert SAID in said
    assert "visit 1/2 rain: not scored, without labels" in said
    assert "adapted to, not scored, because no held-out frame has a label: rain" in " ".join(said.split())
    assert SAID in (tmp_path / "run" / "log.txt").read_text(encoding="utf-8")
    report = RunReport.model_validate_json((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))
    assert report.unscored == ("rain",)
    assert [set(visit.miou) for visit in report.visits] == [{"day"}, {"day"}]
    assert [visit.frames for visit in report.visits] == [4, 4]
    # The mean, the gain and the forgetting are those of the domain that has labels.
    assert report.mean_miou == report.visits[1].miou["day"]
    assert report.source_only_mean_miou == report.source_only["day"]
    assert report.forgetting == report.source_only["day"] - report.visits[1].miou["day"]
    assert [len(areas) for areas in read_areas(tmp_path / "run").value] == [0, 4]


def test_without_a_labelled_visit_the_means_are_null(tmp_path: Path) -> None:
    file = write_pairs(tmp_path)
    blank(tmp_path, "rain")
    settings = load_run_settings(file, {"stream.visits": ["rain"]})

    report = run(settings, tmp_path / "run")

    assert all(map(math.isnan, (report.mean_miou, report.gain, report.source_only_mean_miou, report.forgetting)))
    written = json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))
    assert [written[name] for name in ("mean_miou", "gain", "source_only_mean_miou", "forgetting")] == [None] * 4
    assert written["visits"][0]["miou"].keys() == {"day"}
    # The finished run is read again.
    assert math.isnan(run(settings, tmp_path / "run").mean_miou)


def test_a_run_that_can_be_scored_nowhere_is_refused_before_it_begins(tmp_path: Path) -> None:
    file = write_pairs(tmp_path)
    blank(tmp_path, "rain")
    settings = load_run_settings(file, {"stream.visits": ["rain"], "evaluation.domains": ["rain"]})

    with pytest.raises(InputError, match=r"no labelled pixel is in the held-out frames \(test\) of rain.*domains$"):
        run(settings, tmp_path / "run")

    assert not (tmp_path / "run").exists()


def test_shared_frames_lack_the_same_domain(tmp_path: Path) -> None:
    file = write_pairs(tmp_path)
    blank(tmp_path, "rain")
    settings = load_run_settings(file, {"data.loading.cache": str(tmp_path / "cache")})
    data = prepare_data(settings)

    there = packed(data, settings).unpacked()

    assert (list(there.held_out), there.unscored, list(there.visited)) == (["day"], (SAID,), ["rain", "day"])

"""Targets that have no labels, videos among them, and runs whose source frames are gone: adapted to, not scored."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from own_code import named
from pairs_of_folders import write_pairs
from video_files import write_film

from segada.adapt import main
from segada.artifacts.run_files import read_areas, read_recordings
from segada.data.__main__ import main as data_main
from segada.data.replay import ReplayBuffer
from segada.engine.run_data import prepare_data
from segada.engine.runner import Run
from segada.engine.session import run
from segada.engine.shared_data import packed
from segada.errors import InputError
from segada.records import RunReport
from segada.settings import RunSettings
from segada.settings.files import load_run_settings

WITHOUT = "domain 'rain' has no labels: it is adapted to, and nothing is scored there"


def _write(root: Path) -> Path:
    """Writes the domains `day`, `rain` without labels, and `film`, and settings of a run through all three."""
    file = write_pairs(root)
    write_film(root / "film.mp4", 20)
    text = file.read_text(encoding="utf-8").replace('labels: "rain/ids/*.png"', "labels: null")
    film = "    film: {dataset: video, file: film.mp4, frames_per_second: 5}\nstream:"
    text = text.replace("stream:", film).replace("[rain, day]", "[rain, day, film]")
    file.write_text(text, encoding="utf-8")
    return file


def _settings(root: Path, **changes: object) -> RunSettings:
    return load_run_settings(_write(root), {key.replace("__", "."): value for key, value in changes.items()})


def test_a_mixed_stream_is_scored_where_it_has_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = _write(tmp_path), tmp_path / "run"
    logged = ["logging.frames=true", "logging.prediction_panels=2", "logging.class_tables=2"]

    assert main([str(file), "--out", str(out), "--cfg-options", *logged]) == 0

    said = " ".join(capsys.readouterr().out.split())
    assert WITHOUT in said
    assert "visit 1/3 rain: not scored, without labels, entropy 0." in said
    assert "adapted to, not scored, because no held-out frame has a label: rain, film" in said
    assert "label-free scores" in said
    report = RunReport.model_validate_json((out / "report.json").read_text(encoding="utf-8"))
    assert report.unscored == ("rain", "film")
    assert report.mean_miou == report.visits[1].miou["day"]
    assert [set(visit.miou) for visit in report.visits] == [{"day"}] * 3
    assert [visit.online_miou is None for visit in report.visits] == [True, False, True]
    assert all(visit.label_free.keys() == {"entropy", "confidence"} for visit in report.visits)
    assert [len(areas) for areas in read_areas(out).value] == [0, 4, 0]
    assert [one.tolist() for one in read_recordings(out).value] == [[], [0, 0, 0, 0], []]
    steps = [json.loads(line) for line in (out / "frames.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [step["miou"] is None for step in steps] == [True, False, True]
    assert {path.name[:6] for path in (out / "tables").iterdir()} == {"iou_1_"}
    assert len(list((out / "panels").iterdir())) == 6
    assert "mIoU" not in "".join(line for line in (out / "log.txt").read_text().splitlines() if "rain" in line)


def test_a_run_without_any_label_reports_label_free_scores(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = _write(tmp_path), tmp_path / "run"
    without = ["stream.source=null", "stream.visits=[rain,film]"]

    assert main([str(file), "--out", str(out), "--cfg-options", *without]) == 0

    said = capsys.readouterr().out
    assert "mIoU" not in said
    assert "confidence" in said
    report = RunReport.model_validate_json((out / "report.json").read_text(encoding="utf-8"))
    assert report.source_only == {}
    assert all(map(math.isnan, (report.mean_miou, report.gain, report.forgetting)))
    assert all(visit.label_free for visit in report.visits)
    # The finished run is read again.
    assert main([str(file), "--out", str(out), "--cfg-options", *without]) == 0


@pytest.mark.parametrize("name", ["source_only", "batch_norm", "tent", "sar", "cotta"])
def test_methods_without_source_run_and_continue(tmp_path: Path, name: str) -> None:
    changes = {"data__size": [64, 128], "method": {"name": name}}
    settings = _settings(tmp_path, stream__source=None, stream__visits=["film", "rain"], **changes)
    whole = run(settings)

    first = Run(settings, out=tmp_path / "run")
    first.next_visit()
    again = run(settings, tmp_path / "run")

    assert [visit.label_free for visit in again.visits] == [visit.label_free for visit in whole.visits]
    assert [visit.losses for visit in again.visits] == [visit.losses for visit in whole.visits]


def test_a_source_free_run_is_scored_where_a_domain_has_labels(tmp_path: Path) -> None:
    report = run(_settings(tmp_path, stream__source=None))

    assert report.source_only.keys() == {"day"}
    assert report.gain == report.mean_miou - report.source_only_mean_miou


def test_shared_frames_are_the_same(tmp_path: Path) -> None:
    for number, source in enumerate(("day", None)):
        root = tmp_path / str(number)
        settings = _settings(root, stream__source=source, data__loading__cache=str(root / "cache"))
        data = prepare_data(settings)

        there = packed(data, settings).unpacked()

        assert (len(there.source) > 0) == (source is not None)
        assert {name: len(frames) for name, frames in there.visited.items()} == {"rain": 10, "day": 4, "film": 8}
        assert list(there.held_out) == ["day"]


def test_the_check_of_the_data_knows_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = _write(tmp_path)

    assert data_main(["check", str(file)]) == 0
    said = capsys.readouterr().out
    assert f"note: {file}:12: data.domains.rain: {WITHOUT}" in said
    assert "labels are 96 x 48 (16)" in said

    assert data_main(["check", "--json", str(file)]) == 0
    domains = json.loads(capsys.readouterr().out)[str(file)]["domains"]
    assert {name: one["is_labelled"] for name, one in domains.items()} == {"day": True, "rain": False, "film": False}
    assert domains["film"]["frames"] == {"adapt": 8, "val": 1, "test": 1}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("stream.source=film", "stream.source: is 'film', which has no labels"),
        ("method.name=dacs", "to one that needs none: source_only, batch_norm, tent, sar, cotta"),
        ("data.domains.film.file=run.yaml", "cannot be opened as a video"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: str, said: str
) -> None:
    source = [] if "source" in change else ["stream.source=null"]

    assert main([str(_write(tmp_path)), "--out", str(tmp_path / "run"), "--cfg-options", *source, change]) == 2

    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


def test_a_class_table_needs_a_label(tmp_path: Path) -> None:
    run(_settings(tmp_path, logging__class_tables=4), tmp_path / "run")

    (table,) = (tmp_path / "run" / "tables").iterdir()
    assert "road" in table.read_text(encoding="utf-8")


def test_code_of_a_user_that_asks_for_source_frames_is_named_with_the_cure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = ["stream.source=null", f"method.name={named('Replaying')}"]
    assert main([str(_write(tmp_path)), "--out", str(tmp_path / "run"), "--cfg-options", *changes]) == 2
    asked = f"error: stream.source is null, but method.name '{named('Replaying')}' asks for source frames; name a dom"
    assert asked in capsys.readouterr().err
    with pytest.raises(InputError, match=r"'Mine' asks for source frames; .* cotta"):
        next(_replay(tmp_path).spread(3))


def _replay(folder: Path) -> ReplayBuffer:
    settings = _settings(folder, stream__source=None)
    source = prepare_data(settings).source
    return ReplayBuffer(source, settings.stream.replay, 19, np.random.default_rng(0), method="Mine")

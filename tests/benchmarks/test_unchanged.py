"""Tests of the comparison of two recordings: single bits, missing files, and translated words."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from pydantic import JsonValue
from safetensors.torch import save_file

from benchmarks.unchanged.comparison import ComparedRun, compare
from benchmarks.unchanged.words import translated, translated_file, translated_key

ROOT = Path(__file__).parents[2]


def write_run(folder: Path, seconds: float = 1.0, settings_hash: str = "a") -> None:
    """Writes the compared files of a run."""
    folder.mkdir(parents=True)
    save_file({"head.bias": torch.linspace(0.1, 0.9, 5)}, folder / "weights.safetensors", {"hash": settings_hash})
    np.savez_compressed(folder / "areas.npz", visit0=np.arange(6).reshape(1, 3, 2))
    visit = {"visit": 0, "miou": {"clear": 0.1 + 0.2}, "seconds": seconds, "frames_per_second": 8 / seconds}
    (folder / "visits.jsonl").write_text(json.dumps(visit) + "\n")
    report = {"visits": [visit], "gain": 0.25, "settings_hash": settings_hash, "seconds": seconds}
    (folder / "report.json").write_text(json.dumps(report))
    (folder / "log.txt").write_text(f"{seconds}")


@pytest.fixture
def recordings(tmp_path: Path) -> tuple[Path, Path]:
    """Writes two recordings of a run that differ in time and hash only."""
    write_run(tmp_path / "a" / "dacs")
    write_run(tmp_path / "b" / "dacs", seconds=2.0, settings_hash="b")
    return tmp_path / "a", tmp_path / "b"


def test_times_hashes_and_metadata_may_differ(recordings: tuple[Path, Path]) -> None:
    assert compare(*recordings) == [ComparedRun("dacs", files=4, tensors=2, numbers=5 + 6 + 2 + 3, difference="")]


def test_a_flipped_last_bit_of_a_tensor_is_found(recordings: tuple[Path, Path]) -> None:
    bits = torch.linspace(0.1, 0.9, 5).view(torch.int32)
    bits[3] ^= 1
    save_file({"head.bias": bits.view(torch.float32)}, recordings[1] / "dacs" / "weights.safetensors")
    (run,) = compare(*recordings)
    assert run.difference == "weights.safetensors/head.bias: 1 of 5 numbers differ, the first at 3"


def test_the_sign_of_a_zero_is_found(recordings: tuple[Path, Path]) -> None:
    for recording, zero in zip(recordings, (0.0, -0.0), strict=True):
        save_file({"head.bias": torch.tensor([zero])}, recording / "dacs" / "weights.safetensors")
    assert "1 of 1 numbers differ" in compare(*recordings)[0].difference


def test_a_flipped_last_bit_of_a_reported_number_is_found(recordings: tuple[Path, Path]) -> None:
    path = recordings[1] / "dacs" / "visits.jsonl"
    path.write_text(path.read_text().replace("0.30000000000000004", "0.3"))
    (run,) = compare(*recordings)
    assert run.difference == "visits.jsonl/0/miou/clear: 0.30000000000000004 in a, 0.3 in b"


def test_another_type_or_shape_is_found(recordings: tuple[Path, Path]) -> None:
    np.savez_compressed(recordings[1] / "dacs" / "areas.npz", visit0=np.arange(6).reshape(1, 2, 3))
    (run,) = compare(*recordings)
    assert run.difference == "areas.npz/visit0: torch.int64 (1, 3, 2) in a, torch.int64 (1, 2, 3) in b"


def test_a_missing_file_key_or_run_is_found(recordings: tuple[Path, Path]) -> None:
    first, second = recordings
    (second / "dacs" / "areas.npz").unlink()
    (second / "dacs" / "report.json").write_text(json.dumps({"visits": []}))
    write_run(first / "tent")
    dacs, tent, absent = compare(first, second, expected=("dacs", "tent", "cotta"))[:3]
    assert dacs.difference.startswith("areas.npz is only in a; and")
    assert tent.difference == "missing in b"
    assert absent.difference == "missing in a and b"


def test_a_run_without_any_file_to_compare_is_no_equal_run(tmp_path: Path) -> None:
    for recording in ("a", "b"):
        (tmp_path / recording / "dacs").mkdir(parents=True)
    assert compare(tmp_path / "a", tmp_path / "b")[0].difference == "no file to compare"


@pytest.mark.parametrize("difference", [False, True])
def test_the_command_ends_with_1_where_recordings_differ(recordings: tuple[Path, Path], difference: bool) -> None:
    from benchmarks.unchanged.recording import run_names

    for name in run_names():
        for recording in recordings:
            if not (recording / name).exists():
                write_run(recording / name)
    if difference:
        (recordings[1] / "dacs" / "visits.jsonl").write_text("{}\n")
    command = [sys.executable, "-m", "benchmarks.unchanged", "compare", *map(str, recordings)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == int(difference), done.stdout + done.stderr
    assert ("runs differ" in done.stdout) == difference


def test_settings_are_translated_by_their_longest_path() -> None:
    old: dict[str, JsonValue] = {
        "data": {"splits": {"select": 4, "adapt": 3}, "domains": {"25mm": {"report": "val"}}},
        "method": {"name": "dacs", "optimiser": {"learning_rate": 0.1, "head_factor": 2.0}, "threshold": 0.5},
        "modulation": {"name": "hamlet", "detector": {"threshold": 0.1}},
        "evaluation": {"split": "select", "label_free": ["entropy", "information_maximisation"]},
    }
    assert translated(old) == {
        "data": {"splits": {"val": 4, "adapt": 3}, "domains": {"25mm": {"test": "val"}}},
        "method": {"name": "dacs", "optimizer": {"lr": 0.1, "head_factor": 2.0}, "pseudo_threshold": 0.5},
        "controller": {"name": "hamlet", "detector": {"threshold": 0.1}},
        "evaluation": {"split": "val", "label_free": ["entropy", "information_maximization"]},
    }


def test_results_in_old_and_new_words_are_the_same() -> None:
    assert translated_key("method.optimiser.learning_rate") == "method.optimizer.lr"
    assert translated_key("label_free/information_maximisation") == "label_free/information_maximization"
    assert translated_file("report_000001.png") == translated_file("test_000001.png") == "test_000001.png"
    assert translated_file("report.json") == "report.json"
    assert translated_key("method.optimizer.lr") == "method.optimizer.lr"
    assert translated_key("encoder.stages.0.norm1.weight") == "encoder.stages.0.norm1.weight"


def test_no_setting_is_left_out_and_one_that_is_would_be_named() -> None:
    from benchmarks.unchanged.recording import settings_of_runs

    runs = settings_of_runs(new_words=True)
    assert _uncovered(runs) == []
    del runs["cotta_student_vida"], runs["dacs_vida_allotted"]
    shared = "AveragedTeacherSettings.evaluated_network 'student'"
    assert {"VidaSettings.name 'vida'", shared, "VidaSettings.low_rank"} <= set(_uncovered(runs))


def _uncovered(runs: dict[str, dict[str, JsonValue]]) -> list[str]:
    script = ROOT / "benchmarks" / "unchanged" / "coverage.py"
    done = subprocess.run(
        [sys.executable, "-P", script], cwd=ROOT, input=json.dumps(runs), capture_output=True, text=True, check=True
    )
    answer = yaml.safe_load(done.stdout)
    assert answer["invalid"] == {}
    return list(answer["uncovered"])

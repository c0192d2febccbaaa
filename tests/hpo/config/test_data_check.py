"""The check of a study's data before Ray: the engine's own, in a child process."""

import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from pairs_of_folders import blank, write_pairs
from published_trees import ids, write
from rich.console import Console

from hpo.config.data_check import check_data
from hpo.config.study_file import load_study
from segada.errors import InputError
from segada.settings.nested import Value

REST = """
space:
  method.batch_norm.momentum: {type: float, low: 0.01, high: 0.2}
sampler: {name: random}
objectives: [{metric: mean_miou, goal: maximize}]
budget: {trials: 2}
"""


def write_study(root: Path, more: str = "") -> Path:
    """Writes the data and a study that uses them; line 2 of the study is the first of its run."""
    run = write_pairs(root).read_text(encoding="utf-8").strip().splitlines()
    indented = "\n".join(f"  {line}" for line in run)
    (root / "study.yaml").write_text(f"run:\n{indented}\nname: folders\n{more}{REST}", encoding="utf-8")
    return root / "study.yaml"


def checked(file: Path, overrides: dict[str, Value] | None = None) -> str:
    """Returns what the check prints, or the refusal."""
    console = Console(width=1000)
    with console.capture() as capture:
        try:
            check_data(load_study(file, overrides), console)
        except InputError as error:
            return str(error)
    return capture.get()


def test_good_data_are_passed_without_a_word_and_problems_have_their_own_line(tmp_path: Path) -> None:
    file = write_study(tmp_path)
    assert checked(file) == ""

    write(tmp_path / "rain" / "ids" / "00.png", ids(0, (0, 77)))
    assert checked(file).startswith(f"{file}:15: run.data.domains.rain.labels: domain 'rain': {tmp_path}")
    write(tmp_path / "rain" / "ids" / "00.png", ids(0, (0, 1)))
    (tmp_path / "day" / "ids" / "19.png").unlink()
    # The last frames are those of `test`, which only the confirmation reads.
    assert checked(file).startswith(f"{file}:10: run.data.domains.day.labels: domain 'day': no labels")


def test_a_source_training_has_a_line_of_its_own(tmp_path: Path) -> None:
    file = write_study(
        tmp_path, "pretrain:\n  method: {name: supervised}\n  data: {domains: {day: {shares: [0, 1, 0, 0]}}}\n"
    )
    assert checked(file).startswith(f"{file}:23: pretrain.data.domains.day.shares: domain 'day': folders in")


def test_a_class_that_there_is_not_is_found_when_the_file_is_read(tmp_path: Path) -> None:
    file = write_study(tmp_path)
    text = file.read_text(encoding="utf-8").replace(
        "      rain:\n", "        classes:\n          road: [0]\n          raod: [1]\n      rain:\n"
    )
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"study\.yaml:14: run\.data\.domains\.day\.classes\.raod: 'raod' is no class"):
        load_study(file, runs=False)


def test_a_target_without_labels_is_said_and_refused_if_trials_are_judged_by_it(tmp_path: Path) -> None:
    file = write_study(tmp_path)
    blank(tmp_path, "rain")
    note = "run.data.domains.rain: domain 'rain': none of its held-out frames"
    assert checked(file).splitlines() == [
        f"note: {file}:12: {note} ({split}) has a labelled pixel: nothing is scored there" for split in ("val", "test")
    ]
    by_rain = {"objectives": [{"metric": "miou/rain", "goal": "maximize"}]}
    assert "objectives.0.metric: miou/rain is undefined, because no held-out" in checked(file, by_rain)
    limited = {"constraints": [{"metric": "miou/rain", "at_least": 0.1}]}
    assert "constraints.0.metric: miou/rain is undefined" in checked(file, limited)
    alone: dict[str, Value] = {"run.stream.visits": ["rain"]}
    refused = checked(file, alone)
    assert "objectives.0.metric: mean_miou of rain is undefined, because no held-out" in refused
    assert refused.endswith(
        "check the labels, or judge by a score without labels (label_free/entropy, label_free/confidence) or by the "
        "mIoU of a domain with labels (miou/day)"
    )
    for metric, goal in (("label_free/entropy", "minimize"), ("miou/day", "maximize")):
        assert checked(file, {**alone, "objectives": [{"metric": metric, "goal": goal}]}).startswith("note: ")
    by_day = {"run.stream.visits": ["rain"] * 3, "objectives": [{"metric": "miou/day", "goal": "maximize"}]}
    assert "pruning: uses the gain in mIoU on rain, which is undefined" in checked(
        file, {**by_day, "pruning.min_visits": 1}
    )
    limit = {
        "objectives": [{"metric": "miou/day", "goal": "maximize"}],
        "constraints": [{"metric": "gain", "at_least": 0}],
    }
    assert "constraints.0.metric: gain of rain is undefined" in checked(file, {**alone, **limit})
    blank(tmp_path, "day")
    assert checked(file).startswith(
        f"{file}:7: run.data.domains.day: no labelled pixel is in the held-out frames (val)"
    )


def test_rendered_domains_need_no_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        pytest.fail("a process was started")

    monkeypatch.setattr(subprocess, "run", refuse)
    check_data(load_study("smoke"), Console())


def test_the_commands_refuse_before_ray_and_leave_nothing(tmp_path: Path) -> None:
    file = write_study(tmp_path)
    write(tmp_path / "rain" / "ids" / "00.png", ids(0, (0, 77)))
    for words in (
        ["-X", "importtime", "-m", "hpo.run", "--space", str(file), "--out", str(tmp_path / "out")],
        ["-X", "importtime", "-m", "hpo.space", "check", str(file)],
    ):
        ended = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False, cwd=tmp_path)
        modules = [line.rpartition("|")[2].strip() for line in ended.stderr.splitlines() if line.startswith("import ")]
        assert ended.returncode == 2
        assert f"error: {file}:15: run.data.domains.rain.labels: domain 'rain': {tmp_path}" in ended.stderr
        assert "optuna" in modules
        assert "ray" not in modules
        assert "torch" not in modules
    assert not (tmp_path / "out").exists()


def test_space_check_shows_a_study_whose_data_are_elsewhere(tmp_path: Path) -> None:
    file = write_study(tmp_path / "data")
    (tmp_path / "data" / "day").rename(tmp_path / "day")
    text = file.read_text(encoding="utf-8").replace(f"root: {tmp_path / 'data'}", "root: /nowhere")
    file.write_text(text, encoding="utf-8")
    words = [sys.executable, "-m", "hpo.space", "check", str(file)]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode == 0
    assert f"not checked, because they are not here: {file}:4: run.data.root: there is no folder" in ended.stdout

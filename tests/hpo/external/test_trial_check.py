"""One trial of an external engine, run to see what it reports."""

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from external_studies import tree

from hpo.trial import main

FUNCTION = """
def trial(settings, seed, visits, folder):
    for name in visits:
        yield {"domain": name, "miou": settings["quality"], "latency": 2 * seed}

def unlabelled(settings, visits):
    for name in visits:
        yield {"domain": name, "miou": {}}

def wrong(settings):
    return 3
"""


def study(folder: Path, engine: dict[str, Any] | None = None, **sections: Any) -> str:
    (folder / "mine.py").write_text(FUNCTION)
    (folder / "study.yaml").write_text(yaml.safe_dump(tree(engine, **sections)))
    return str(folder / "study.yaml")


def test_it_says_what_it_saw(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    constraints = [{"metric": "metrics/latency", "at_most": 3.0}]
    assert main(["check", study(tmp_path, constraints=constraints), "--out", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("visit 0, fog: mIoU 30.0 %, 4 frames")
    assert said[0].endswith("latency 3.5")
    assert said[4:8] == [
        "further figures: metrics/latency",
        "objective: mean mIoU 30.0 %",
        "constraint: metrics/latency at most 3.0: broken",
        "no areas.npz",
    ]
    assert (tmp_path / "run" / "report.json").exists()


def test_a_function_yields_its_visits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine = {"command": [], "function": "./mine.py:trial", "seed": 2}
    assert main(["check", study(tmp_path, engine)]) == 0
    assert "visit 2, rain: mIoU 30.0 %" in capsys.readouterr().out


def test_an_objective_without_a_value_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = study(tmp_path, {"command": [], "function": "./mine.py:unlabelled"})
    assert main(["check", file]) == 2
    assert "objectives: mean_miou is nan in this trial" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        ({"command": ["no-such-program", "{settings}", "{folder}", "{seed}"]}, "there is no program 'no-such-program'"),
        ({"command": [sys.executable, "absent.py", "{settings}", "{folder}", "{seed}"]}, "there is no file absent.py"),
        ({"command": [], "function": "./mine.py:nope"}, "mine.py has no 'nope'; it defines trial, unlabelled, wrong"),
        ({"command": [], "function": "./absent.py:trial"}, "there is no file"),
        ({"command": [], "function": "./mine.py:wrong"}, "returned 3, not the visits one by one"),
        ({"visits": ["night", "fog", "rain"]}, "visits.jsonl line 1: domain: is fog, but visit 0 of engine.visits"),
    ],
)
def test_what_fails_is_said_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], engine: dict[str, Any], said: str
) -> None:
    assert main(["check", study(tmp_path, engine)]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_a_study_of_ours_has_none_to_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "ga_dacs"]) == 2
    assert "has no engine to check" in capsys.readouterr().err

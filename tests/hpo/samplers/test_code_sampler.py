"""Tests of samplers of the user: their settings, their seed, and what is said if they are none."""

from pathlib import Path

import optuna
import pytest
from own_search import named

import hpo.space
from hpo.config.study_file import StudyFile, load_study
from hpo.study.study import Study, open_study
from segada.cli.exit_codes import DONE, WRONG_INPUT
from segada.core.named_code import CodeFailure
from segada.errors import InputError

STUDY = """\
name: own
run: {stream: {visits: [clear, 50mm, 200mm]}, evaluation: {split: val}}
space:
  method.pseudo_threshold: {type: float, low: 0.5, high: 0.9}
  method.mix_ratio: {type: float, low: 0.0, high: 1.0, step: 0.25}
budget: {trials: 6}
sampler:
  name: NAME
  SETTING
"""


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def written(folder: Path, part: str, setting: str = "seed: 0") -> Path:
    path = folder / "own.yaml"
    path.write_text(STUDY.replace("NAME", f'"{named(part)}"').replace("SETTING", setting), encoding="utf-8")
    return path


def read(folder: Path, part: str, setting: str = "seed: 0") -> StudyFile:
    return load_study(str(written(folder, part, setting)))


def points(study: Study, count: int) -> list[object]:
    found = []
    for _ in range(count):
        proposal = study.ask()
        assert proposal is not None
        found.append(dict(proposal.configuration.values))
        study.complete(proposal.number, [float(proposal.number)], [])
    return found


def test_its_settings_are_of_its_own_class_and_the_seed_determines_the_search(tmp_path: Path) -> None:
    file = read(tmp_path, "Tree", "startup: 2")
    assert file.settings.sampler.model_dump() == {"name": named("Tree"), "seed": 0, "startup": 2}
    first, again = (points(open_study(file, tmp_path / name), 6) for name in ("first", "again"))
    assert first == again
    other = read(tmp_path, "Tree", "seed: 1")
    assert points(open_study(other, tmp_path / "other"), 6) != first


def test_a_new_process_goes_on_with_the_same_points(tmp_path: Path) -> None:
    file = read(tmp_path, "Tree", "startup: 2")
    whole = points(open_study(file, tmp_path / "whole"), 6)
    parts = points(open_study(file, tmp_path / "parts"), 2) + points(open_study(file, tmp_path / "parts"), 4)
    assert parts == whole


@pytest.mark.parametrize(
    ("part", "setting", "said"),
    [
        ("Tree", "startup: 0", ":9: sampler.startup: should be greater than or equal to 1, not 0"),
        ("Tree", "start: 2", ":9: sampler.start: there is no such key; did you mean startup?"),
        ("absent", "seed: 0", f":8: sampler.name: '{named('absent')}': "),
        ("halves", "seed: 0", "is not a sampler: it is called with (settings, seed), but takes (report"),
        ("FILE", "seed: 0", "is not a sampler: name a function of (settings, seed), not a PosixPath"),
        ("number", "seed: 0", f":8: sampler.name: the sampler {named('number')} returns 0; return an optuna.samplers."),
        ("broken", "seed: 0", f"the sampler {named('broken')} fails in own_search.py:"),
    ],
)
def test_what_is_no_sampler_is_refused_with_its_line(part: str, setting: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        read(tmp_path, part, setting)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("outside", "proposes 17.0 for method.pseudo_threshold, which is not of FloatDistribution(high=0.9, log=False"),
        ("words", "proposes 'much' for method.pseudo_threshold, which is not of FloatDistribution"),
        ("failing", "fails in own_search.py:"),
    ],
)
def test_a_sampler_that_fails_ends_the_driver_and_spends_no_trial(part: str, said: str, tmp_path: Path) -> None:
    study = open_study(read(tmp_path, part), tmp_path / "out")
    with pytest.raises(CodeFailure) as failure:
        study.ask()
    assert str(failure.value).startswith(f"the sampler {named(part)} ")
    assert said in str(failure.value)
    assert study.remaining() == 6
    assert study.finished() == []


def test_the_command_that_checks_a_study_shows_no_more_points_than_its_budget(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hpo.space.main(["check", str(written(tmp_path, "Tree"))]) == DONE
    shown = capsys.readouterr().out.partition(f"the first 6 trials that {named('Tree')} would run")[2]
    assert [line.split()[0] for line in shown.splitlines()[2:]] == list("012345")


def test_the_command_that_checks_a_study_names_a_point_outside_of_the_space(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hpo.space.main(["check", str(written(tmp_path, "outside"))]) == WRONG_INPUT
    assert "proposes 17.0 for method.pseudo_threshold" in capsys.readouterr().err

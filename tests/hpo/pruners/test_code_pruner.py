"""Tests of pruners of the user: their settings, when they are asked, and what is said if they are none."""

from pathlib import Path

import pytest
from own_search import named

from hpo.config.study_file import StudyFile, load_study
from hpo.pruners.settings import verdict
from hpo.study.recording import SoFar
from hpo.study.study import Study, open_study
from segada.core.named_code import CodeFailure
from segada.errors import InputError

STUDY = """\
name: own
run: {stream: {visits: [clear, 50mm, 200mm]}, evaluation: {split: val}}
space:
  method.pseudo_threshold: {type: float, low: 0.5, high: 0.9}
sampler: {name: random, seed: 0}
budget: {trials: 6}
pruning:
  name: NAME
  SETTING
"""
SEVERAL = "objectives: [{metric: gain, goal: maximize}, {metric: trainable_parameters, goal: minimize}]\n"


def read(folder: Path, part: str, setting: str = "min_visits: 1", rest: str = "") -> StudyFile:
    path = folder / "own.yaml"
    path.write_text(STUDY.replace("NAME", f'"{named(part)}"').replace("SETTING", setting) + rest, encoding="utf-8")
    return load_study(str(path))


def pruned_after(study: Study, values: tuple[float, ...]) -> int | None:
    """Returns the number of visits after which a trial with these values is pruned; None if it is not."""
    proposal = study.ask()
    assert proposal is not None
    for visits, value in enumerate(values, start=1):
        if study.report(proposal.number, visits, value, [-value], SoFar([value], {})):
            return visits
    study.complete(proposal.number, [values[-1]], [])
    return None


def test_it_is_asked_after_each_visit_from_the_first_that_may_end_a_trial(tmp_path: Path) -> None:
    for visits, expected in ((1, 1), (2, 2)):
        study = open_study(read(tmp_path, "always", f"min_visits: {visits}"), tmp_path / f"visits{visits}")
        assert pruned_after(study, (0.1, 0.1, 0.1)) == expected
    patient = open_study(read(tmp_path, "always", "n_startup_trials: 1"), tmp_path / "patient")
    assert [pruned_after(patient, (0.1, 0.1, 0.1)) for _ in range(2)] == [None, 2]


def test_its_settings_are_of_its_own_class_and_it_sees_the_objective(tmp_path: Path) -> None:
    file = read(tmp_path, "Median", "{first: 2, min_visits: 1}"[1:-1].replace(", ", "\n  "))
    assert file.settings.pruning is not None
    expected = {"name": named("Median"), "min_visits": 1, "n_startup_trials": 0, "first": 2}
    assert file.settings.pruning.model_dump() == expected
    study = open_study(file, tmp_path / "out")
    ends = [pruned_after(study, values) for values in ((0.3, 0.4), (0.2, 0.3), (0.1, 0.1), (0.4, 0.5))]
    assert ends == [None, None, 1, None]
    assert verdict(file.settings.pruning, 1, 0.1) == f"stopped after visit 1 by {named('Median')}"


@pytest.mark.parametrize(
    ("part", "setting", "said"),
    [
        ("Median", "first: none", ":9: pruning.first: should be a valid integer, not 'none'"),
        ("Median", "min_visits: 3", ":9: pruning.min_visits: must be below the 3 visits of the stream, but is 3"),
        ("absent", "min_visits: 1", f":8: pruning.name: '{named('absent')}': "),
        ("of_no_settings", "min_visits: 1", "is not a pruner: it is called with (settings), but takes ()"),
        ("no_pruner", "min_visits: 1", f":8: pruning.name: the pruner {named('no_pruner')} returns None; return an "),
    ],
)
def test_what_is_no_pruner_is_refused_with_its_line(part: str, setting: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        read(tmp_path, part, setting)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_several_objectives_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"own\.yaml:8: pruning\.name: pruners of Optuna read the values of one obj"):
        read(tmp_path, "Median", rest=SEVERAL)


@pytest.mark.parametrize(
    ("part", "said"), [("yes", "answers 'yes'; return True or False"), ("crashing", "RuntimeError: no trial")]
)
def test_a_pruner_that_fails_says_so_in_one_line(part: str, said: str, tmp_path: Path) -> None:
    study = open_study(read(tmp_path, part), tmp_path / "out")
    with pytest.raises(CodeFailure) as failure:
        pruned_after(study, (0.1, 0.1))
    assert str(failure.value).startswith(f"the pruner {named(part)} ")
    assert said in str(failure.value)

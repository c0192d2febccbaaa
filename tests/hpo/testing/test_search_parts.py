"""Tests of `python -m hpo.testing`: what holds of samplers, pruners and metrics, and what does not."""

import pytest
from own_search import named

from hpo.testing.__main__ import main
from hpo.testing.suites import SUITES, checked
from segada.settings.roles import ROLES, SEARCH

PARTS = {"Tree": "sampler", "Median": "pruner", "halves": "metric"}


def test_every_role_of_a_search_has_checks() -> None:
    assert set(SUITES) == set(SEARCH) == set(PARTS.values())


@pytest.mark.parametrize("part", PARTS)
def test_the_role_is_recognized_and_all_promises_hold(part: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([named(part)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{named(part)} as {ROLES[PARTS[part]].title}"
    assert lines[1:-1] == [f"  holds  {sentence}" for sentence in SUITES[PARTS[part]].checks]
    assert lines[-1] == "all hold"


@pytest.mark.parametrize(
    ("part", "broken", "problem"),
    [
        ("without_a_seed", "the seed determines the search, and nothing else does", "the same seed gave another sea"),
        ("outside", "every proposal respects bounds and conditions", "proposes 17.0 for "),
        ("always", "it does not prune the first trial", "it prunes the first trial of a study"),
        ("yes", "it answers with true or false", "answers 'yes'; return True or False"),
        ("crashing", "it answers with true or false", "own_search.py"),
        ("textual", "it is a finite number for a run on labelled domains", "returns '0.5', which is no number"),
        ("raising", "a domain without labels gives a number or NaN, and no error", "KeyError: 'night"),
        ("changing", "it is determined by the report, which stays as it is", "the report is changed"),
    ],
)
def test_what_does_not_hold_is_said(part: str, broken: str, problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([named(part)]) == 1
    lines = capsys.readouterr().out.splitlines()
    said = lines[lines.index(f"  FAILS  {broken}") + 1]
    assert problem in said
    assert "not hold" in lines[-1]


def test_settings_of_the_part_are_given_with_set() -> None:
    title, findings = checked(named("Median"), assignments=["first=3", "min_visits=1"])
    assert title == "a pruner"
    assert [finding.problem for finding in findings] == [None] * len(SUITES["pruner"].checks)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tpe"], "'tpe' is not the name of code; write module:attribute"),
        ([named("absent")], "has no 'absent'; it defines"),
        ([named("of_no_settings")], "its arguments do not tell its role; say which with --role, one of sampler, prun"),
        ([named("of_no_settings"), "--role", "pruner"], "it is called with (settings), but takes ()"),
        ([named("number")], f"the sampler {named('number')} returns 0; return an optuna.samplers.BaseSampler"),
        ([named("no_pruner")], "returns None; return an optuna.pruners.BasePruner"),
        ([named("Tree"), "--set", "startup=0"], "startup: Input should be greater than or equal to 1"),
        ([named("halves"), "--set", "weight=2"], "a metric has no settings of its own"),
    ],
)
def test_what_cannot_be_checked_is_refused(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert said in capsys.readouterr().err

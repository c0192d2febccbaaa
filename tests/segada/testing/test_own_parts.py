"""Tests of `python -m segada.testing`: small parts of a user hold what they promise, and wrong ones do not."""

import pytest
from own_code import named

from segada.settings.roles import ROLES
from segada.testing.__main__ import main
from segada.testing.suites import SUITES, checked

PARTS = {
    "Shrink": "method",
    "Alternating": "controller",
    "LowRank": "adapter",
    "prompt": "image_adapter",
    "Plain": "encoder",
    "Head": "head",
    "TOWN": "dataset",
    "brightness": "label_free",
}


def test_every_role_has_checks() -> None:
    assert set(SUITES) == set(ROLES) == set(PARTS.values())


@pytest.mark.parametrize("part", PARTS)
def test_the_role_is_recognized_and_all_promises_hold(part: str) -> None:
    title, findings = checked(named(part))
    assert title == ROLES[PARTS[part]].title
    assert [finding.problem for finding in findings] == [None] * len(SUITES[PARTS[part]].checks)


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        ("misshapen", "returned a tensor [], not one number a frame, a tensor [4]"),
        ("Forgetful", "after load_state_dict the next step leads to other predictions; state_dict leaves something"),
        ("Eager", "the step reports ['size'], although its plan says trains=False; return {}"),
        ("Raising", "RuntimeError in own_code.py:"),
    ],
)
def test_what_does_not_hold_is_said(part: str, problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([named(part)]) == 1
    out = capsys.readouterr().out
    assert problem in out
    assert "not hold" in out.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tent"], "'tent' is not the name of code; write module:attribute"),
        ([named("FILE")], "is no part that is known; say which with --role, one of method, controller"),
        ([named("Unfinished")], "is not a method: it does not define __init__"),
        ([named("Shrink"), "--role", "controller"], "Shrink' is not a controller: Shrink is a method"),
        ([named("Shrink"), "--set", "rate=2"], "method.rate: Input should be less than or equal to 1"),
        ([named("Head"), "--set", "width=2"], "a head has no settings of its own"),
    ],
)
def test_what_cannot_be_checked_is_refused(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert said in capsys.readouterr().err

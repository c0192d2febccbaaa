"""Tests of `python -m segada.testing`: small parts of a user hold what they promise, and wrong ones do not."""

import pytest
from own_code import named
from whole_networks import CODE as NETWORKS

from segada.settings.roles import ROLES, SEARCH
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
    assert set(SUITES) == set(ROLES) - set(SEARCH) == {*PARTS.values(), "network"}


@pytest.mark.parametrize("part", PARTS)
def test_the_role_is_recognized_and_all_promises_hold(part: str) -> None:
    title, findings = checked(named(part))
    assert title == ROLES[PARTS[part]].title
    assert [finding.problem for finding in findings] == [None] * len(SUITES[PARTS[part]].checks)


def test_a_network_is_checked_for_any_classes() -> None:
    title, findings = checked(f"{NETWORKS}:plain", "network", ["classes=[bad, good]"])
    assert title == "a function that returns a network"
    assert [finding.problem for finding in findings] == [None] * len(SUITES["network"].checks)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (
            ["nineteen", "--set", "classes=[bad, good]"],
            "images of shape (1, 3, 64, 96) give logits of shape (1, 19, 16, 24), but (1, 2, h, w) is needed",
        ),
        (["not_a_number"], "give logits (1, 19, 16, 24) that are not finite; initialize it"),
        (["Deep"], "images of shape (2, 3, 64, 96) give list, but logits [B, K, h, w] are needed"),
        (["Drawing"], "in train mode a global generator of torch, random or numpy is drawn from"),
        (["Unused"], "no gradient reaches network.unused.bias, network.unused.weight"),
        (["Joining"], "in evaluation mode an image alone has other logits than within a batch"),
    ],
)
def test_what_a_network_does_not_keep_is_said(
    words: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *options = words
    assert main([f"{NETWORKS}:{name}", "--role", "network", *options]) == 1
    assert problem in capsys.readouterr().out


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
        (
            [f"{NETWORKS}:plain"],
            "say which with --role, one of method, controller, adapter, image_adapter, encoder, head, n",
        ),
        ([f"{NETWORKS}:plain", "--role", "network", "--set", "width=3"], "width: Extra inputs are not permitted"),
        ([named("mean_gain")], "mean_gain' is a metric of a search; check it with python -m hpo.testing"),
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

"""Settings that ask of domains what they do not have: labels, source frames."""

from typing import Any

import pytest
from pydantic import ValidationError

from segada.settings import RunSettings
from segada.settings.domain_use import source_frames
from segada.settings.domains import FoldersDomain

BLANK: dict[str, object] = {"dataset": "folders", "images": "rain/*.png", "labels": None}
DOMAINS: dict[str, object] = {
    "day": {"dataset": "streets"},
    "rain": BLANK,
    "film": {"dataset": "video", "file": "film.mp4"},
}


def _settings(changes: dict[str, Any]) -> RunSettings:
    tree: dict[str, Any] = {
        "data": {"domains": DOMAINS},
        "stream": {"source": "day", "visits": ["rain", "day", "film"]},
        "method": {"name": "tent"},
    }
    for section, values in changes.items():
        tree[section] = {**tree.get(section, {}), **values}
    return RunSettings.model_validate(tree)


def _refusal(changes: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        _settings(changes)
    return str(caught.value)


def test_domains_without_labels_are_visited_and_not_scored() -> None:
    settings = _settings({})

    assert settings.scored_domains() == ("day",)
    assert settings.unlabelled() == ("rain", "film")
    assert settings.used_domains() == ("day", "rain", "film")


def test_a_run_may_have_no_labels_at_all() -> None:
    settings = _settings({"stream": {"source": None, "visits": ["film", "rain"]}})

    assert settings.scored_domains() == ()
    assert settings.used_domains() == ("film", "rain")


def test_a_run_may_score_nothing_on_held_out_frames() -> None:
    settings = _settings({"evaluation": {"domains": []}})

    assert settings.scored_domains() == ()
    assert settings.used_domains() == ("day", "rain", "film")
    assert not settings.evaluation.holds_out
    assert "which leaves out" not in _refusal({"evaluation": {"domains": [], "label_free": ["source_miou"]}})
    refusal = _refusal({"evaluation": {"domains": [], "split": "val"}, "logging": {"best_weights": True}})
    assert "logging.best_weights is true, but no domain" in refusal


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stream": {"source": "rain"}}, "stream.source is 'rain', which has no labels to learn from"),
        ({"evaluation": {"domains": ["day", "film"]}}, "evaluation.domains names 'film', which has no labels"),
        ({"method": {"name": "dacs", "target_labels": "ground_truth"}}, "but 'rain' has no labels"),
        (
            {
                "stream": {"source": None, "visits": ["rain"]},
                "logging": {"best_weights": True},
                "evaluation": {"split": "val"},
            },
            "no domain of the run has labels by which the best visit could be chosen",
        ),
    ],
)
def test_labels_that_are_not_there_are_not_asked_for(changes: dict[str, Any], said: str) -> None:
    assert said in _refusal(changes)


@pytest.mark.parametrize("name", ["rmt", "dacs", "adversarial", "supervised"])
def test_a_method_that_needs_the_source_is_refused_with_those_that_do_not(name: str) -> None:
    said = _refusal({"stream": {"source": None}, "method": {"name": name}})

    assert f"stream.source is null, but method.name '{name}' learns from source frames" in said
    assert "source_only, batch_norm, tent, sar, cotta" in said


@pytest.mark.parametrize("name", ["source_only", "batch_norm", "tent", "sar", "cotta"])
def test_the_other_methods_need_no_source(name: str) -> None:
    assert _settings({"stream": {"source": None}, "method": {"name": name}}).scored_domains() == ("day",)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method": {"name": "cotta", "consolidation": {"weight": 1.0}}}, "method.consolidation.weight is 1"),
        ({"evaluation": {"label_free": ["source_miou"]}}, "evaluation.label_free names 'source_miou'"),
        ({"stream": {"source": None, "replay": {"size": 3}}}, "stream.replay is given"),
        ({"stream": {"source": None, "split": "source"}}, "stream.split is 'source'"),
    ],
)
def test_a_part_that_needs_the_source_is_refused(changes: dict[str, Any], said: str) -> None:
    refusal = _refusal({**changes, "stream": {"source": None, **changes.get("stream", {})}})

    assert "stream.source is null, but " in refusal
    assert said in refusal


def test_folders_without_labels_give_all_frames_to_the_visits_and_the_held_out_splits() -> None:
    assert FoldersDomain.model_validate(BLANK).shares == (0.0, 0.8, 0.1, 0.1)
    assert FoldersDomain.model_validate({**BLANK, "shares": [0, 1, 0, 0]}).shares == (0.0, 1.0, 0.0, 0.0)


def test_held_out_frames_may_have_labels_where_the_others_have_none() -> None:
    held_out = {"held_out_images": "test/*.png", "held_out_labels": "ids/*.png", "classes": {"road": [1]}}

    domain = FoldersDomain.model_validate({**BLANK, **held_out})

    assert (domain.has_labels(), domain.has_labels(held_out=True)) == (False, True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"classes": {"road": [1]}}, "classes is given, but labels is null"),
        ({"unlisted": "ignore"}, "unlisted is given, but labels is null"),
        ({"held_out_labels": "ids/*.png"}, "held-out frames need both"),
        ({"labels": "ids/*.png", "held_out_images": "test/*.png"}, "held-out frames need both"),
    ],
)
def test_labels_that_are_described_or_half_given_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        FoldersDomain.model_validate({**BLANK, **changes})


def test_labels_are_absent_only_if_that_is_said() -> None:
    with pytest.raises(ValidationError, match="labels"):
        FoldersDomain.model_validate({"dataset": "folders", "images": "rain/*.png"})


@pytest.mark.parametrize(
    ("method", "used"),
    [
        ({"name": "source_only"}, "none"),
        ({"name": "tent"}, "none"),
        ({"name": "tent", "consolidation": {"weight": 1.0}}, "once"),
        ({"name": "eata"}, "once"),
        ({"name": "rotta"}, "none"),
        ({"name": "rmt"}, "replayed"),
        ({"name": "dacs"}, "replayed"),
    ],
)
def test_the_use_of_source_frames_is_that_of_the_method(method: dict[str, object], used: str) -> None:
    assert source_frames(RunSettings.model_validate({"method": method}).method) == used

"""Tests of runs with every label-free score: refusals, costs, and equal scores after an interruption."""

from pathlib import Path
from typing import get_args

import pytest
import torch
from pydantic import ValidationError

from segada.engine import runner
from segada.engine.run_data import RunData, prepare_data
from segada.engine.runner import Run
from segada.records import VisitRecord
from segada.settings import RunSettings
from segada.settings.evaluation import LabelFreeName

ALL = list(get_args(LabelFreeName))
TEACHERS = {
    "dacs": {"name": "dacs", "pseudo_threshold": 0.1, "optimizer": {"lr": 1e-2}},
    "cotta": {"name": "cotta", "scales": [], "restore": 0.1, "optimizer": {"lr": 1e-2}},
}


@pytest.fixture(scope="module")
def run_data(tiny_run: dict[str, object]) -> RunData:
    return prepare_data(RunSettings.model_validate(tiny_run))


def _settings(
    tiny_run: dict[str, object], names: list[str], method: dict[str, object], **evaluation: object
) -> RunSettings:
    section = {"split": "val", "label_free": names, **evaluation}
    return RunSettings.model_validate({**tiny_run, "method": method, "evaluation": section})


def _visits(settings: RunSettings, run_data: RunData, folder: Path | None = None) -> list[VisitRecord]:
    run = Run(settings, run_data, folder)
    while not run.finished:
        run.next_visit()
    return run.report().visits


@pytest.mark.parametrize("method", TEACHERS)
def test_a_stop_changes_no_score_and_scores_change_no_result(
    method: str, tiny_run: dict[str, object], run_data: RunData, tmp_path: Path
) -> None:
    settings = _settings(tiny_run, ALL, TEACHERS[method])
    whole = _visits(settings, run_data)
    Run(settings, run_data, tmp_path).next_visit()
    resumed = _visits(settings, run_data, tmp_path)
    plain = _visits(_settings(tiny_run, [], TEACHERS[method]), run_data)
    for one, again, without in zip(whole, resumed, plain, strict=True):
        assert set(one.label_free) == set(ALL)
        assert one.label_free == again.label_free
        assert one.label_free["source_miou"] == one.miou["clear"]
        assert 0.0 < one.label_free["agreement"] < 1.0
        assert 0.0 < one.label_free["consistency"] < 1.0
        assert one.label_free["static_divergence"] > 0.0
        assert without.label_free == {}
        assert (one.iou, one.losses, one.online_miou) == (without.iou, without.losses, without.online_miou)


def test_the_source_model_is_as_near_to_itself_as_can_be(tiny_run: dict[str, object], run_data: RunData) -> None:
    names = ["static_divergence", "entropy"]
    for visit in _visits(_settings(tiny_run, names, {"name": "source_only"}), run_data):
        assert visit.label_free["static_divergence"] == 0.0
    moved = _visits(_settings(tiny_run, names, {"name": "batch_norm", "batch_norm": {"momentum": 0.5}}), run_data)
    # The untouched model keeps the statistics that the scored one gives up.
    assert moved[-1].label_free["static_divergence"] > 0.0


def test_what_is_not_asked_for_costs_no_pass(
    tiny_run: dict[str, object], run_data: RunData, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a network more")

    monkeypatch.setattr(runner, "source_copy", refuse)
    names = [name for name in ALL if name not in ("static_divergence", "consistency", "agreement")]
    run = Run(_settings(tiny_run, names, TEACHERS["dacs"]), run_data)
    asked: list[torch.Size] = []
    predict = run._method.predict
    monkeypatch.setattr(run._method, "predict", lambda images: asked.append(images.shape) or predict(images))
    run._adapt(0, "clear")
    assert len(asked) == 2


def test_without_predictions_there_is_the_source_s_miou_alone(tiny_run: dict[str, object], run_data: RunData) -> None:
    names = ["entropy", "confidence", "source_miou"]
    visits = _visits(_settings(tiny_run, names, {"name": "source_only"}, online=False), run_data)
    assert [set(visit.label_free) for visit in visits] == [{"source_miou"}] * 2


@pytest.mark.parametrize(
    ("names", "method", "evaluation", "said"),
    [
        (["agreement"], "tent", {}, "evaluation.label_free names 'agreement', but method.name 'tent' has no teacher"),
        (
            ["consistency"],
            "dacs",
            {"online": False},
            "evaluation.label_free names 'consistency', but evaluation.online is false",
        ),
        (
            ["source_miou"],
            "dacs",
            {"domains": ["200mm"]},
            "evaluation.label_free names 'source_miou', but evaluation.domains leaves out the source 'clear'",
        ),
    ],
)
def test_scores_that_cannot_be_made_are_refused(
    names: list[str], method: str, evaluation: dict[str, object], said: str
) -> None:
    with pytest.raises(ValidationError) as refusal:
        RunSettings.model_validate(
            {
                "stream": {"visits": ["200mm"]},
                "method": {"name": method},
                "evaluation": {"label_free": names, **evaluation},
            }
        )
    assert said in str(refusal.value)

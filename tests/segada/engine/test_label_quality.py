"""Tests of the quality of pseudo-labels in the records of runs, and of what it does not change."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segada.data.frames import Frames
from segada.data.labels import IGNORE
from segada.engine.run_data import RunData, prepare_data
from segada.engine.runner import Run
from segada.records import StepRecord, VisitRecord
from segada.settings import RunSettings
from segada.settings.nested import Tree, merged

METHODS: dict[str, Tree] = {
    "dacs": {"pseudo_threshold": 0.1, "pseudo_ignore_top": 0.25},
    "cotta": {"scales": [1.5], "confidence_threshold": 0.3},
    "rmt": {"warm_up_steps": 0, "masked_consistency": {"weight": 1.0, "pseudo_threshold": 0.1}},
    "adversarial": {"masked_consistency": {"weight": 1.0, "pseudo_threshold": 0.1}},
}


@pytest.fixture(scope="module")
def run_data(tiny_run: Tree) -> RunData:
    return prepare_data(RunSettings.model_validate(tiny_run))


def _settings(tiny_run: Tree, name: str, **changes: object) -> RunSettings:
    own: Tree = {"method": {"name": name, **METHODS.get(name, {})}, "logging": {"frames": True}}
    return RunSettings.model_validate(merged(tiny_run, merged(own, changes)))  # type: ignore[arg-type]


def _first(settings: RunSettings, run_data: RunData, folder: Path) -> tuple[VisitRecord, list[StepRecord]]:
    record = Run(settings, run_data, folder).next_visit()
    lines = (folder / "frames.jsonl").read_text().splitlines()
    return record, [StepRecord.model_validate_json(line) for line in lines]


@pytest.mark.parametrize("name", METHODS)
def test_steps_and_visits_have_the_quality_of_their_pseudo_labels(
    name: str, tiny_run: Tree, run_data: RunData, tmp_path: Path
) -> None:
    record, steps = _first(_settings(tiny_run, name), run_data, tmp_path)
    assert set(record.pseudo_labels) == {"coverage", "accuracy", "miou"}
    for key in ("coverage", "accuracy"):
        values = [step.pseudo_labels[key] for step in steps]
        assert min(values) <= record.pseudo_labels[key] <= max(values)
    assert all(0.0 < value <= 1.0 for value in record.pseudo_labels.values())


@pytest.mark.parametrize("name", METHODS)
def test_it_changes_nothing_and_is_absent_without_labels_or_online_scores(
    name: str, tiny_run: Tree, run_data: RunData, tmp_path: Path
) -> None:
    blank = {
        domain: Frames(frames.images, np.full_like(frames.labels, IGNORE))
        for domain, frames in run_data.visited.items()
    }
    unlabelled = replace(run_data, visited=blank)
    silent = _settings(tiny_run, name, evaluation={"online": False})
    whole, _ = _first(_settings(tiny_run, name), run_data, tmp_path / "whole")
    for folder, settings, data in (
        ("blank", _settings(tiny_run, name), unlabelled),
        ("silent", silent, run_data),
    ):
        record, steps = _first(settings, data, tmp_path / folder)
        assert record.pseudo_labels == {}
        assert all(step.pseudo_labels == {} for step in steps)
        assert record.miou == whole.miou
        assert record.losses == whole.losses
        assert record.peak_memory == whole.peak_memory or folder == "silent"


@pytest.mark.parametrize("name", ["tent", "source_only", "adversarial"])
def test_methods_without_pseudo_labels_have_no_quality(
    name: str, tiny_run: Tree, run_data: RunData, tmp_path: Path
) -> None:
    method = {"masked_consistency": {"weight": 0.0}} if name == "adversarial" else {}
    record, _ = _first(_settings(tiny_run, name, method=method), run_data, tmp_path)
    assert record.pseudo_labels == {}

"""Tests of a node that cannot read the frames of a study: the whole study ends, not one trial after the other."""

from pathlib import Path
from typing import NoReturn

import pytest
import ray
from ray.exceptions import RayTaskError

from hpo.execution.trainable import PROGRESS, VisitTrainable, config_of
from hpo.study.jobs import Job, RunUpdate
from segada.engine.run_data import prepare_data
from segada.engine.shared_data import packed
from segada.errors import InputError
from segada.settings import RunSettings


class Lost:
    """A parcel whose data set is elsewhere."""

    def unpacked(self) -> None:
        raise InputError("domain 'road': no folder /data/road")


def test_the_reason_concerns_all_trials_and_names_both_cures(
    tmp_path: Path, tiny_run: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = RunSettings.model_validate(tiny_run)
    worker = VisitTrainable.__new__(VisitTrainable)
    worker._shared, worker._run_data, worker._proven = {"val": Lost()}, {}, set()  # type: ignore[dict-item]
    monkeypatch.setattr(ray, "get", lambda shared: shared)
    worker.reset_config(config_of(Job("trial", "trial 0", tmp_path, settings, 0, {})))
    result = worker.step()
    said = RunUpdate.model_validate_json(str(result[PROGRESS]))
    assert (said.concerns_all, said.finished, result["done"]) == (True, False, True)
    assert str(said.failure).startswith("on node ")
    assert "domain 'road': no folder /data/road; put the data set where all nodes find it, or " in str(said.failure)
    assert str(said.failure).endswith("data.loading.cache: null")


@pytest.mark.parametrize(
    ("cause", "failure", "path"),
    [
        (InputError("domain 'd': id 77", ("data", "domains", "d", "classes")), "domain 'd': id 77", 4),
        (ValueError("weights do not fit"), "weights do not fit", 0),
        (IndexError("index 4 is out of bounds"), "IndexError: index 4 is out of bounds; segada adapt shows where", 0),
    ],
)
def test_frames_that_nobody_can_prepare_end_the_study_whatever_the_reason(
    cause: Exception,
    failure: str,
    path: int,
    tmp_path: Path,
    tiny_run: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: object) -> NoReturn:
        raise RayTaskError("prepare_shared_data", "its traceback", cause)

    settings = RunSettings.model_validate(tiny_run)
    worker = VisitTrainable.__new__(VisitTrainable)
    worker._shared, worker._run_data, worker._proven = {"val": Lost()}, {}, set()  # type: ignore[dict-item]
    monkeypatch.setattr(ray, "get", fail)
    worker.reset_config(config_of(Job("trial", "trial 0", tmp_path, settings, 0, {})))
    said = RunUpdate.model_validate_json(str(worker.step()[PROGRESS]))
    assert (said.concerns_all, said.passes, said.failure, len(said.path)) == (True, False, failure, path)


@pytest.mark.parametrize(("scale", "alike"), [(0.5, True), (1.5, False)])
def test_a_run_that_fails_at_once_is_compared_with_one_without_its_parameters(
    scale: float, alike: bool, tmp_path: Path, tiny_run: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of 32 pixels is too small for every network."""
    fixed = RunSettings.model_validate({**tiny_run, "method": {"name": "cotta", "scales": [scale]}})
    trial = RunSettings.model_validate({**tiny_run, "method": {"name": "cotta", "scales": [0.5], "ema_alpha": 0.9}})
    worker = VisitTrainable.__new__(VisitTrainable)
    worker._shared = {"val": packed(prepare_data(fixed), fixed)}  # type: ignore[dict-item]
    worker._run_data, worker._proven = {}, set()
    monkeypatch.setattr(ray, "get", lambda shared: shared)
    worker.reset_config(config_of(Job("trial", "trial 0", tmp_path, trial, 0, {"method.ema_alpha": 0.9})))
    said = RunUpdate.model_validate_json(str(worker.step()[PROGRESS]))
    assert (said.fails_alike, said.concerns_all) == (alike, False)
    assert str(said.failure).startswith("method.scales has 0.5, but data.size 32 x 64 would then be smaller")

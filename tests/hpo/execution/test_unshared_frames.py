"""Tests of a node that cannot read the frames of a study: the whole study ends, not one trial after the other."""

from pathlib import Path

import pytest
import ray

from hpo.execution.trainable import PROGRESS, VisitTrainable, config_of
from hpo.study.jobs import Job, RunUpdate
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
    worker._shared, worker._run_data = {"val": Lost()}, {}  # type: ignore[dict-item]
    monkeypatch.setattr(ray, "get", lambda shared: shared)
    worker.reset_config(config_of(Job("trial", "trial 0", tmp_path, settings, 0, {})))
    result = worker.step()
    said = RunUpdate.model_validate_json(str(result[PROGRESS]))
    assert (said.concerns_all, said.finished, result["done"]) == (True, False, True)
    assert str(said.failure).startswith("on node ")
    assert "domain 'road': no folder /data/road; put the data set where all nodes find it, or " in str(said.failure)
    assert str(said.failure).endswith("data.loading.cache: null")

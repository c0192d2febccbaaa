"""Tests of code of the user that fails in the middle of a run: its trial fails at once, with place and cause."""

from pathlib import Path

from own_code import named

from hpo.execution.trainable import PROGRESS, VisitTrainable, config_of
from hpo.study.jobs import Job, RunUpdate
from segada.engine.run_data import prepare_data
from segada.settings import RunSettings
from segada.settings.nested import Tree, merged


def worker_of(tiny_run: dict[str, object], folder: Path) -> VisitTrainable:
    tree: Tree = tiny_run  # type: ignore[assignment]
    settings = RunSettings.model_validate(merged(tree, {"method": {"name": named("Raising")}}))
    worker = VisitTrainable.__new__(VisitTrainable)
    split = settings.evaluation.split
    worker._shared, worker._run_data, worker._proven = {}, {split: prepare_data(settings)}, {split}
    worker.reset_config(config_of(Job("trial", "trial 0", folder, settings, 0, {})))
    return worker


def test_a_trial_fails_with_the_line_of_the_code_and_is_not_repeated(
    tiny_run: dict[str, object], tmp_path: Path
) -> None:
    result = worker_of(tiny_run, tmp_path).step()
    said = RunUpdate.model_validate_json(str(result[PROGRESS]))
    assert str(said.failure).startswith("your code fails in own_code.py:")
    assert str(said.failure).endswith(": RuntimeError: no step today")
    assert (said.passes, said.concerns_all, result["done"]) == (False, False, True)

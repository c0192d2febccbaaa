"""Tests of the runs of a study: baselines and confirmation are runs of their own beside the search."""

from pathlib import Path

from hpo.config.study_file import load_study
from hpo.study.names import SPLITS
from hpo.study.plan import Plan
from segada.settings import RunSettings

STUDY = """
name: tiny
run:
  preset: adpt3
  controller: {name: hamlet}
  logging: {mix_panels: 8, frames: true}
space:
  method.pseudo_threshold: {type: float, low: 0.5, high: 0.9}
sampler: {name: random, seed: 0}
"""


def test_a_baseline_keeps_nothing_that_is_a_method_s_own_and_is_valid_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_text(STUDY)
    baselines = {job.name: job.settings for job in Plan(load_study(str(path)), tmp_path / "out").baselines()}
    assert set(baselines) == {"source_only", "batch_norm"}
    for settings in baselines.values():
        assert RunSettings.model_validate(settings.model_dump(mode="json"), strict=False) == settings
        assert (settings.adapter.name, settings.image_adapter.name, settings.controller.name) == (
            "none",
            "none",
            "constant",
        )
        assert settings.logging.frames


def test_the_pictures_of_the_report_are_drawn_under_the_first_seed_and_change_no_hash(tmp_path: Path) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_text(STUDY)
    known = {}
    for count in (3, 0):
        plan = Plan(load_study(str(path), {"confirm.pictures": count}), tmp_path / "out")
        jobs = [job for split in SPLITS for job in plan._confirmation("trial 0", 0, plan.default(), split)]
        known[count] = jobs
    assert {job.name: job.settings.logging.disagreement_panels for job in known[3]} == {
        "trial 0 seed 1": 3,
        "trial 0 seed 2": 0,
        "trial 0 seed 1 val": 0,
        "trial 0 seed 2 val": 0,
    }
    assert {job.settings.logging.disagreement_panels for job in known[0]} == {0}
    assert len({job.settings.settings_hash() for job in known[3]}) == 4
    assert [job.settings.settings_hash() for job in known[3]] == [job.settings.settings_hash() for job in known[0]]

"""Tests of studies with several source models: their runs, gains within each, and intervals that count them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from scipy.stats import t as student
from study_samples import candidate, leave_run, random_areas, report, results

from hpo.config.study_file import StudyFile, load_study
from hpo.monitoring.summary import print_summary
from hpo.reporting.conclusion import conclusion
from hpo.reporting.page import page
from hpo.results.confirmation import Bootstrap, Candidate, Confirmation, confirm
from hpo.results.source_model import SourceModel
from hpo.results.source_models import by_source_model
from hpo.study.plan import Plan, undone

pytestmark = pytest.mark.rounding

STUDY = """
name: several
run:
  model: {checkpoint: null}
pretrain: {method: {name: supervised}, seed: 4}
source_models: 3
space:
  method.pseudo_threshold: {type: float, low: 0.5, high: 0.9, default: 0.6}
sampler: {name: random}
confirm: {top: 2, seeds: 2}
"""
NAMES = ("seed 4", "seed 5", "seed 6")
SHIFTS = (0, 12, 4)
GAINS = (1, 6, 2)


def several(name: str, trial: int | None, rights: Sequence[int]) -> Candidate:
    """Two seeds on each source model, with so many pixels more of each class right than a base."""
    runs = []
    for right in rights:
        areas = random_areas(np.random.default_rng(0), 0.6)
        areas[:, 0] += right
        runs += candidate(name, trial, areas).runs
    return Candidate(name, trial, tuple(runs), source_models=len(rights))


def confirmed(sources: Sequence[float] = (0.6, 0.5, 0.55)) -> Confirmation:
    base = several("source_only", None, SHIFTS)
    best = several("trial 1", 1, [shift + gain for shift, gain in zip(SHIFTS, GAINS, strict=True)])
    known = {
        name: SourceModel(domain="clear", miou=miou, least=0.25, name=name)
        for name, miou in zip(NAMES, sources, strict=True)
    }
    return by_source_model([best], [base], {}, known, ())


def test_each_source_model_has_the_rows_of_a_study_of_its_own() -> None:
    found = confirmed()
    assert [one.name for one in found.source_models] == list(NAMES)
    for shift, gain, one in zip(SHIFTS, GAINS, found.source_models, strict=True):
        base = several("source_only", None, [shift])
        alone = confirm([several("trial 1", 1, [shift + gain])], [base], {}, Bootstrap())
        assert one.runs == alone.runs
    assert found.rests_on == "frames and source models"
    assert found.runs[-1].seeds == [1, 2]
    assert len(found.runs[-1].mean_miou_by_seed) == 2


def test_the_interval_over_all_is_that_of_student_over_the_source_models() -> None:
    """Frames that are all alike leave source models alone; their gains are then a sample of three."""
    runs: dict[str, list[object]] = {"source_only": [], "trial 1": []}
    gains = []
    for shift, gain in zip(SHIFTS, GAINS, strict=True):
        miou = []
        for name, right in (("source_only", shift), ("trial 1", shift + gain)):
            areas = np.tile(np.full((1, 1, 19), 100), (20, 3, 1)).astype(np.int64)
            areas[:, 0] = 60 + right
            runs[name] += candidate(name, None, areas).runs
            miou.append((60 + right) / (140 - right))
        gains.append(miou[1] - miou[0])
    both = [Candidate(name, None, tuple(several), source_models=3) for name, several in runs.items()]  # type: ignore[arg-type]
    gain = confirm([both[1]], [both[0]], {}, Bootstrap(replicates=20000)).runs[-1].gain["source_only"]
    assert gain.value == pytest.approx(np.mean(gains))
    half = student.ppf(0.975, 2) * np.std(gains, ddof=1) / np.sqrt(3)
    # Ends of 20000 replicates scatter by about 1.5 %.
    assert gain.high - gain.value == pytest.approx(half, rel=0.06)
    assert gain.value - gain.low == pytest.approx(half, rel=0.06)


def test_a_single_source_model_changes_nothing() -> None:
    one, base = several("trial 1", 1, [5]), several("source_only", None, [0])
    found = by_source_model([one], [base], {}, {"": None}, ())
    assert found == confirm([one], [base], {}, Bootstrap())
    assert found.rests_on == "frames and seeds"
    assert "source_models" not in found.model_dump(exclude_defaults=True)


def test_report_terminal_and_conclusion_separate_the_source_models() -> None:
    found = confirmed()
    whole = results(found)
    detail = conclusion(whole).detail
    assert "with 2 fresh seeds on each of 3 source models" in detail
    assert "By source model, over the untouched source model: +" in detail
    assert detail.count("points (seed ") == 3
    html = page(whole)
    assert "<h2>By source model</h2>" in html
    assert "source models add their standard error" in html
    assert all(html.count(name) >= 1 for name in NAMES)
    console = Console(width=200, force_terminal=False)
    with console.capture() as said:
        print_summary(whole, Path("out"), console)
    assert "By source model: mean mIoU in %" in said.get()
    assert all(name in said.get() for name in NAMES)
    assert "By source model" not in page(results(None))


def test_the_source_model_that_works_least_decides() -> None:
    found = confirmed((0.6, 0.2, 0.55))
    assert found.source is not None
    assert found.source.name == NAMES[1]
    headline = conclusion(replace(results(found), source=found.source)).headline
    assert headline.startswith("No answer. The source model (seed 5) does not work on its own domain: 20.0 %")


@pytest.fixture
def file(tmp_path: Path) -> StudyFile:
    path = tmp_path / "several.yaml"
    path.write_text(STUDY)
    return load_study(str(path), runs=False)


def test_every_configuration_and_baseline_runs_on_every_source_model(file: StudyFile, tmp_path: Path) -> None:
    plan = Plan(file, tmp_path / "out")
    assert [job.settings.seed for job in plan.sources.trainings()] == [4, 5, 6]
    assert [str(job.folder.relative_to(plan.out)) for job in plan.sources.trainings()] == [
        "source",
        "sources/2",
        "sources/3",
    ]
    assert {job.settings.model.checkpoint for job in plan.baselines()} == {str(plan.sources.weights(0))}
    jobs = [*plan.confirmed_baselines(), *plan._confirmation("trial 7", 7, plan.default(), "val")]
    assert len(jobs) == 3 * 3 * 2
    assert len({job.folder for job in jobs}) == len({job.settings.settings_hash() for job in jobs}) == len(jobs)
    last = jobs[-1]
    assert (last.name, last.folder.name) == ("trial 7 source 3 seed 2 val", "trial-7-source-3-s2-val")
    assert last.settings.model.checkpoint == str(plan.sources.weights(2))
    assert last.settings.seed == 2
    drawn = [
        job for job in plan._confirmation("trial 7", 7, plan.default()) if job.settings.logging.disagreement_panels
    ]
    assert [job.name for job in drawn] == ["trial 7 seed 1"]


def test_trainings_that_are_over_are_not_repeated(file: StudyFile, tmp_path: Path) -> None:
    plan = Plan(file, tmp_path / "out")
    first, _, third = plan.sources.trainings()
    for job in (first, third):
        leave_run(job, report(0.0), np.ones((4, 3, 19), np.int64))
    assert [job.name for job in undone(plan.sources.trainings())] == ["source 2"]


def test_listed_checkpoints_take_the_place_of_the_run_s(tmp_path: Path) -> None:
    listed = tmp_path / "listed.yaml"
    listed.write_text(
        STUDY.replace("  model: {checkpoint: null}", "  seed: 0")
        .replace("pretrain: {method: {name: supervised}, seed: 4}\n", "")
        .replace("source_models: 3", "source_models: [streets_tiny, other.safetensors]")
    )
    plan = Plan(load_study(str(listed), runs=False), tmp_path / "out")
    assert plan.search_settings().model.checkpoint == "streets_tiny"
    assert [plan.confirmation_settings(one).model.checkpoint for one in plan.repeats] == [
        *["streets_tiny"] * 2,
        *["other.safetensors"] * 2,
    ]
    assert plan.sources.titles() == ["streets_tiny", "other.safetensors"]
    assert list(plan.sources.trainings()) == []

"""A study that visits a domain without labels: its scores are those of the other domains, and that is said."""

import csv
import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from optuna import create_study
from optuna.trial import TrialState, create_trial
from rich.console import Console
from study_samples import SOURCE_ONLY, candidate, random_areas, report, results

from hpo.config.objectives import METRICS, ObjectiveSettings, domain_miou
from hpo.config.rung_values import gain_so_far, projected_gain, rung_losses
from hpo.monitoring.summary import print_summary
from hpo.pruners.paired import PairedPruner
from hpo.reporting.page import page
from hpo.reporting.wording import not_scored
from hpo.results.confirmation import Bootstrap, Candidate, SeedRun, confirm
from hpo.results.digest import Report, Visits
from hpo.results.results import StudyResults, write_csv
from hpo.samplers.history import RUNG
from hpo.tracking.points import point_of
from segada.records import RunReport

BLANK = "50mm"
"""Domain without labels: the second of three visits."""
RUNS = (TrialState.COMPLETE, TrialState.RUNNING)
LABELLED = {name: value for name, value in SOURCE_ONLY.items() if name != BLANK}


def blanked(whole: RunReport) -> RunReport:
    visits = [
        visit.model_copy(update={"miou": {name: value for name, value in visit.miou.items() if name != BLANK}})
        for visit in whole.visits
    ]
    return whole.model_copy(update={"visits": visits, "source_only": LABELLED})


def test_scores_are_those_of_the_domains_with_labels() -> None:
    half = blanked(report(0.04))
    route = list(SOURCE_ONLY)
    assert half.unscored == (BLANK,)
    assert gain_so_far(half.visits, LABELLED) == pytest.approx(0.04)
    assert gain_so_far(half.visits[1:2], LABELLED) == 0.0
    assert projected_gain(half.visits[:1], LABELLED, route) == pytest.approx(0.04)
    assert METRICS["worst_domain_miou"](half) == pytest.approx(0.27)
    assert math.isnan(domain_miou(half, BLANK))
    one = ObjectiveSettings(metric="forgetting", goal="minimize")
    assert rung_losses([one], half, 2, 0.0) == [pytest.approx(-0.04)]
    assert point_of(half.visits[1])["visited_miou"] is None


def test_pruning_judges_nobody_before_the_first_visit_with_labels(tmp_path: Path) -> None:
    half = blanked(report(0.04))
    late = half.model_copy(update={"visits": half.visits[1:2], "gain": math.nan, "forgetting": math.nan})
    pair = [
        ObjectiveSettings(metric=name, goal=goal) for name, goal in (("gain", "maximize"), ("forgetting", "minimize"))
    ]
    assert rung_losses(pair, late, 1, gain_so_far(late.visits, LABELLED)) == [0.0, 0.0]
    assert rung_losses(pair, half, 3, 0.04) == [-0.04, pytest.approx(-0.04)]

    trials = [create_trial(state=state, value=0.0 if state == TrialState.COMPLETE else None) for state in RUNS]
    study = create_study(direction="maximize")
    study.add_trials(trials)
    for number in range(len(trials)):
        (tmp_path / str(number)).mkdir()
        np.savez(tmp_path / str(number) / "areas.npz", visit0=np.zeros((0, 3, 19), np.int64))
    judged = study.trials[1]
    judged.system_attrs[RUNG.format(visits=1)] = [0.0]
    assert not PairedPruner(1, 0.01, tmp_path).prune(study, judged)


def unscored(one: Candidate) -> Candidate:
    runs = tuple(
        SeedRun(blanked(run.report), (run.areas[0], np.zeros((0, 3, 19), np.int64), run.areas[2])) for run in one.runs
    )
    return dataclasses.replace(one, runs=runs)


def study() -> StudyResults:
    areas = random_areas(np.random.default_rng(0), 0.6)
    everyone = [unscored(candidate(name, None, areas)) for name in ("source_only", "batch_norm", "default")]
    confirmed = confirm([unscored(candidate("trial 1", 1, areas))], everyone, {}, Bootstrap(replicates=50))
    whole = results(confirmed)
    half = blanked(report(0.0))
    trial = dataclasses.replace(whole.trials[0], visits=Visits.of(half.visits), report=Report.of(half))
    return dataclasses.replace(whole, trials=(trial,), baselines={"source_only": half})


def test_a_confirmation_leaves_the_visit_out() -> None:
    confirmed = study().confirmed
    assert confirmed is not None
    assert [set(run.miou) for run in confirmed.runs] == [{"clear", "200mm"}] * 4
    assert all(run.mean_miou.value == pytest.approx(run.miou["clear"].value) for run in confirmed.runs)


def test_summary_report_and_table_say_so(tmp_path: Path) -> None:
    console = Console(width=200)
    with console.capture() as capture:
        print_summary(study(), tmp_path, console)
    write_csv(study(), tmp_path / "results.csv")
    (row,) = csv.DictReader((tmp_path / "results.csv").read_text().splitlines())

    assert f"{not_scored(holds_out=True)}: {BLANK}" in capture.get()
    assert f"<p>{not_scored(holds_out=True)}: {BLANK}.</p>" in page(study())
    assert ">nan" not in page(study())
    assert row[f"miou/{BLANK}"] == ""

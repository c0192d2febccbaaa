"""Tests of Ray's metrics port: Prometheus reads the results of the study."""

import csv
import math
import re
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
from study_samples import report
from study_texts import study_text

from hpo.config.objectives import ConstraintSettings
from hpo.config.study_file import load_study
from hpo.execution import prometheus as gauges
from hpo.execution.prometheus import Gauges
from hpo.monitoring.prometheus import EXPORTED, PREFIX, STATES
from hpo.orchestration.coordinator import RunCoordinator
from hpo.reporting.outputs import write_outputs
from hpo.study.budget import TrialBudget
from hpo.study.jobs import Job, Outcome, RunUpdate
from hpo.study.plan import Plan
from hpo.study.provenance import write_study
from hpo.study.study import open_study
from segada.settings import RunSettings

STUDY = study_text("budget: {trials: 4}", "confirm: {top: 0}")
PATIENCE = 60
LINE = re.compile(r"(?P<name>\w+)\{(?P<labels>[^}]*)\} (?P<value>\S+)")

Series = dict[tuple[str, ...], float]


@pytest.fixture(scope="module")
def metrics_page() -> Iterator[str]:
    """The address of the metrics of a Ray that reports them every second."""
    context = ray.init(
        address="local",
        num_cpus=1,
        include_dashboard=False,
        _system_config={"metrics_report_interval_ms": 1000},
        logging_level="CRITICAL",
        log_to_driver=False,
    )
    node = context.address_info["node_ip_address"]
    yield f"http://{node}:{context.address_info['metrics_export_port']}/metrics"
    ray.shutdown()


def scraped(page: str) -> dict[str, Series]:
    """Values by name and by our labels, in their order."""
    with urllib.request.urlopen(page, timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    found: dict[str, Series] = {name: {} for name in EXPORTED}
    for line in lines:
        match = LINE.fullmatch(line)
        if match and (name := match["name"].removeprefix(PREFIX)) in EXPORTED:
            labels = dict(re.findall(r'(\w+)="([^"]*)"', match["labels"]))
            found[name][tuple(labels[label] for label in EXPORTED[name].labels)] = float(match["value"])
    return found


def settled(page: str, condition) -> dict[str, Series]:
    """What is exported once a condition on it holds."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            found = scraped(page)
        except OSError:
            # The agent of the node starts after Ray does.
            found = {name: {} for name in EXPORTED}
        if condition(found) or time.monotonic() > end:
            return found
        time.sleep(0.5)


def test_gauges_are_the_results(metrics_page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "KEPT", 2)
    (tmp_path / "study-file.yaml").write_text(STUDY)
    file = load_study(str(tmp_path / "study-file.yaml"))
    out = tmp_path / "out"
    study, plan = open_study(file, out), Plan(file, out)
    write_study(file, out)
    coordinator = RunCoordinator(study, plan, [Gauges("tiny", study.budget())])
    gain = 0.0
    while (job := coordinator.next_job()) is not None:
        gain += 0.01
        whole = report(gain)
        whole = whole.model_copy(
            update={"visits": [visit.model_copy(update={"peak_memory": 3.5}) for visit in whole.visits]}
        )
        job.folder.mkdir(parents=True)
        (job.folder / "visits.jsonl").write_text("".join(f"{one.model_dump_json()}\n" for one in whole.visits))
        whole = whole.model_copy(update={"settings_hash": job.settings.settings_hash()})
        (job.folder / "report.json").write_text(whole.model_dump_json())
        failure = "diverged" if job.name == "trial 1" else None
        coordinator.visited(job, RunUpdate(report=whole, finished=True, failure=failure))
    write_outputs(study, plan, {})

    with (out / "results.csv").open(newline="") as rows:
        results = {f"trial {row['number']}": row for row in csv.DictReader(rows)}
    found = settled(metrics_page, lambda found: found["segada_trials"].get(("tiny", "complete")) == 3)

    # Of four trials one failed, and only those that ended last are still exported.
    shown = {"trial 2", "trial 3"}
    assert {trial for _, trial in found["segada_gain"]} == shown
    for trial in shown:
        row = results[trial]
        assert found["segada_gain"]["tiny", trial] == pytest.approx(float(row["gain"]))
        for domain in ("clear", "50mm", "200mm"):
            assert found["segada_miou"]["tiny", trial, domain] == pytest.approx(float(row[f"miou/{domain}"]))
        assert found["segada_frames_per_second"]["tiny", trial] == 8.0
        assert found["segada_peak_memory_bytes"]["tiny", trial] == 3.5 * 2**20
    states = [row["state"] for row in results.values()]
    assert found["segada_trials"] == {("tiny", state): states.count(state) for state in STATES}
    # A failed run has no visits to report.
    assert found["segada_visits_total"] == {("tiny",): 3 * (2 + 3)}


def test_a_trial_that_breaks_a_constraint_leaves_no_gain_behind() -> None:
    limit = ConstraintSettings(metric="mean_miou", at_most=0.5)
    watched, shown = Gauges("tiny", TrialBudget(2), [limit]), {}

    class Metric:
        def set(self, value: float, labels: dict[str, str]) -> None:
            shown[labels.get("trial")] = value

        def inc(self, count: int, labels: dict[str, str]) -> None:
            pass

    watched.__dict__ |= {"_gauges": defaultdict(Metric), "_visits": Metric()}
    for number, gain in enumerate((0.01, 0.2)):
        job = Job("trial", f"trial {number}", Path(), RunSettings(), number, {})
        watched.started(job)
        watched.visited(job, report(gain))
        watched.ended(job, Outcome("complete", report(gain)))
    assert shown["trial 0"] == pytest.approx(0.01)
    assert math.isnan(shown["trial 1"])


def test_every_name_says_what_it_is() -> None:
    assert all(one.labels[0] == "study" and one.meaning.endswith(".") for one in EXPORTED.values())
    assert [name for name, one in EXPORTED.items() if one.counts] == ["segada_visits_total"]

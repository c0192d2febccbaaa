"""Tests of the fault injection: invariants detect losses, and no kind of fault changes the numbers."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from study_texts import study_text

from benchmarks.search import chaos, invariants
from benchmarks.search import fault_campaign as campaign
from benchmarks.search import faults as kinds
from benchmarks.search.damages import JournalTorn
from benchmarks.search.endings import GroupTerminated, StartTerminated
from benchmarks.search.fault import DriverKilled
from benchmarks.search.fault_campaign import Campaign, Control, Outcome
from segada.errors import InputError

LOG = "2026-11-21 12:00:00 "
NOOP = Path(__file__).parents[1] / "helpers" / "noop_driver.py"
STUDY = study_text("budget: {trials: 6}", "confirm: {top: 0}", name="shared")


def leave(folder: Path, seconds: float = 1.0, gain: float = 0.1, log: str = "") -> None:
    """Writes the files of a run with one visit."""
    folder.mkdir(parents=True, exist_ok=True)
    visit = {"visit": 0, "losses": {"mix": 0.5}, "seconds": seconds, "frames_per_second": 8 / seconds, "peak_memory": 1}
    (folder / "settings.yaml").write_text("seed: 0")
    (folder / "visits.jsonl").write_text(json.dumps(visit) + "\n")
    (folder / "report.json").write_text(json.dumps({"visits": [visit], "gain": gain, "seconds": seconds}))
    (folder / "weights.safetensors").write_bytes(b"weights")
    (folder / "log.txt").write_text(log)


def test_a_report_that_is_gone_or_another_one_is_a_loss(tmp_path: Path) -> None:
    for name in ("0", "1", "2"):
        leave(tmp_path / "trials" / name)
    before = invariants.reports(tmp_path)
    assert invariants.lost(before, tmp_path) == []
    (tmp_path / "trials" / "1" / "report.json").unlink()
    leave(tmp_path / "trials" / "2", seconds=2.0)
    assert invariants.lost(before, tmp_path) == ["trials/1: its report is gone", "trials/2: its report is another one"]


def test_only_the_folders_of_runs_are_looked_into_since_others_go_while_one_looks(tmp_path: Path) -> None:
    for folder in ("trials/0", "baselines/source_only", "confirmation/default-s1", "drivers/x", "ray/y"):
        leave(tmp_path / folder)
    found = [str(path.relative_to(tmp_path)) for path in invariants.files_of_runs(tmp_path, "visits.jsonl")]
    assert found == [
        "baselines/source_only/visits.jsonl",
        "confirmation/default-s1/visits.jsonl",
        "trials/0/visits.jsonl",
    ]
    assert len(list(invariants.runs(tmp_path))) == len(invariants.reports(tmp_path)) == 3


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["visit 0 (clear): mIoU", "visit 1 (rain): mIoU"], []),
        (["visit 0 (clear): mIoU", "visit 0 (clear): mIoU"], ["trials/0: visit 0"]),
        (
            [
                "visit 0 (a): m",
                "visit 1 (a): m",
                "state.pt: is empty; the run continues after the visit before",
                "visit 1 (a)",
            ],
            [],
        ),
        (
            ["visit 0 (a): m", "visit 1 (a): m", "x; the run continues after the visit before, y", "visit 0 (a): m"],
            ["trials/0: visit 0"],
        ),
        (["visit 0 (a): m", "visit 1 (a): m", "x; the run starts again", "visit 0 (a): m", "visit 1 (a): m"], []),
    ],
)
def test_a_visit_is_repeated_unless_what_it_left_was_damaged(
    lines: list[str], found: list[str], tmp_path: Path
) -> None:
    leave(tmp_path / "trials" / "0", log="".join(f"{LOG}{line}\n" for line in ["settings a1b2, seed 0", *lines]))
    assert invariants.repeated(tmp_path) == found


def test_visits_out_of_order_are_found(tmp_path: Path) -> None:
    leave(tmp_path / "trials" / "0")
    line = (tmp_path / "trials" / "0" / "visits.jsonl").read_text()
    (tmp_path / "trials" / "0" / "visits.jsonl").write_text(line + line)
    assert invariants.repeated(tmp_path) == ["trials/0: visits.jsonl"]


def test_only_what_a_clock_and_a_memory_gave_may_differ(tmp_path: Path) -> None:
    for name in ("control", "same", "other", "fewer"):
        leave(tmp_path / name / "trials" / "0", seconds=len(name), gain=0.2 if name == "other" else 0.1)
        (tmp_path / name / "results.csv").write_text(f"number,seconds,gain\n0,{len(name)},{name == 'other'}\n")
    (tmp_path / "fewer" / "trials" / "0" / "weights.safetensors").write_bytes(b"others")
    control = tmp_path / "control"
    assert invariants.differing(tmp_path / "same", control) == []
    assert invariants.differing(tmp_path / "other", control) == ["trials/0/report.json", "results.csv"]
    assert invariants.differing(tmp_path / "fewer", control) == ["trials/0/weights.safetensors"]
    leave(tmp_path / "same" / "trials" / "1")
    found = invariants.differing(tmp_path / "same", control)
    assert found == ["trials/1/report.json", "trials/1/weights.safetensors"]


@pytest.fixture
def against(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Control:
    """Runs the undisturbed study, with runs that compute nothing."""

    def start(file: Path, out: Path, log: int, *options: str) -> "subprocess.Popen[bytes]":
        program = [sys.executable, str(NOOP), str(file), "0.05", "2"]
        command = [*program, "--space", str(file), "--out", str(out), *options]
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    monkeypatch.setattr(campaign, "start", start)
    (tmp_path / "study-file.yaml").write_text(STUDY)
    return campaign.control(tmp_path / "study-file.yaml", tmp_path / "control")


@pytest.mark.chaos
@pytest.mark.parametrize("kind", ["read-only", "disk-full"])
def test_a_file_system_that_refuses_a_driver_costs_nothing(kind: str, against: Control, tmp_path: Path) -> None:
    """Runs without Ray and engine, so that faults hit the driver's own writes more often."""
    outcome = chaos.disturbed(kind, against, tmp_path, kills=4, seed=1, console=Console())
    if outcome.kills == 0:
        pytest.skip("no file system can be mounted here: needs root")
    assert (outcome.faults, outcome.lost, outcome.wrong) == ([], [], 0)
    assert (outcome.kills, outcome.trials) == (4, 6 * outcome.studies)


class Tampering(DriverKilled):
    """Kills the driver once a run is finished, and changes its report."""

    def strike(self, driver: "subprocess.Popen[bytes]", out: Path, generator: np.random.Generator) -> bool:
        reports = sorted(out.glob("trials/*/report.json"))
        if not reports:
            return False
        super().strike(driver, out, generator)
        reports[0].write_text(reports[0].read_text().replace('"seed":0', '"seed":7'))
        return True


def test_a_campaign_kills_until_the_study_is_done_and_finds_what_was_changed(against: Control, tmp_path: Path) -> None:
    outcome, said = Outcome(), list[str]()
    campaign_of = Campaign(DriverKilled(tmp_path / "driver"), against, "0", np.random.default_rng(0))
    campaign_of.run(outcome, 3, said.append)
    assert (outcome.kills, outcome.studies, outcome.trials, outcome.wrong) == (len(said), 1, 6, 0)
    assert outcome.kills > 0
    campaign_of.remove()
    assert list((tmp_path / "driver").iterdir()) == list(tmp_path.glob("driver-*")) == []

    changed = Outcome()
    Campaign(Tampering(tmp_path / "changed"), against, "0", np.random.default_rng(0)).run(changed, 1, said.append)
    assert (changed.kills, len(changed.lost), len(changed.differing)) == (1, 1, 1)
    assert changed.lost[0].endswith(": its report is another one")


def test_sigterm_to_the_group_at_any_point_ends_a_driver_with_its_results(against: Control, tmp_path: Path) -> None:
    for kind, kills in ((GroupTerminated, 2), (StartTerminated, 1)):
        outcome = Outcome()
        Campaign(kind(tmp_path / kind.__name__), against, "0", np.random.default_rng(0)).run(outcome, kills, print)
        assert (outcome.faults, outcome.lost, outcome.wrong) == ([], [], 0)
        assert (outcome.studies, outcome.trials) == (1, 6)
        assert outcome.kills > 0


def test_a_torn_journal_costs_no_trial(against: Control, tmp_path: Path) -> None:
    outcome = Outcome()
    Campaign(JournalTorn(tmp_path / "torn"), against, "0", np.random.default_rng(3)).run(outcome, 2, print)
    assert (outcome.faults, outcome.lost, outcome.wrong) == ([], [], 0)
    assert (outcome.kills, outcome.studies, outcome.trials) == (2, 1, 6)


class Deaf(GroupTerminated):
    """Pretends to terminate the driver."""

    ends_within = 0.1

    def strike(self, _driver: "subprocess.Popen[bytes]", out: Path, _generator: np.random.Generator) -> bool:
        return len(list(out.glob("*/*/visits.jsonl"))) > 0


def test_a_driver_that_goes_on_or_leaves_no_results_is_a_fault(against: Control, tmp_path: Path) -> None:
    outcome = Outcome()
    Campaign(Deaf(tmp_path / "deaf"), against, "0", np.random.default_rng(0)).run(outcome, 1, print)
    said = [fault.partition(": ")[2].partition(";")[0] for fault in outcome.faults]
    assert said[:3] == [
        "a driver still runs 0 s later",
        "a driver ended without report.html",
        "a driver ended without results.csv",
    ]
    assert outcome.kills == 1


def test_incidents_are_spread_evenly_over_the_life_of_a_study(tmp_path: Path) -> None:
    study = Control(tmp_path, tmp_path, seconds=0.0, start_seconds=0.0, visits=40)
    struck = []
    for seed in range(400):
        campaign_of = Campaign(DriverKilled(tmp_path / "x"), study, "0", np.random.default_rng(seed))
        while campaign_of._visits < study.visits:
            due = campaign_of._drawn()
            campaign_of._visits = next(number for number in range(campaign_of._visits, 1000) if due(number))
            struck.append(campaign_of._visits)
    found = np.histogram(struck, [0, 10, 20, 30, 40])[0]
    assert np.all(np.abs(found / found.mean() - 1) < 0.2), found
    starting = Campaign(StartTerminated(tmp_path / "x"), study, "0", np.random.default_rng(0))
    assert all(starting._drawn()(0) for _ in range(20))


def test_a_driver_that_ends_as_it_should_not_is_a_fault(against: Control, tmp_path: Path) -> None:
    against.file.write_text("name: nothing\n")
    outcome = Outcome()
    Campaign(DriverKilled(tmp_path / "driver"), against, "0", np.random.default_rng(0)).run(outcome, 0, print)
    assert [fault.partition(": ")[2] for fault in outcome.faults] == [
        f"a driver ended with code 2; see {tmp_path / 'driver-0.log'}"
    ] * campaign.MOST_FAULTS


def test_kinds_are_named_and_the_folder_keeps_what_was_found(tmp_path: Path) -> None:
    assert chaos._kinds("driver,node") == ["driver", "node"]
    with pytest.raises(Exception, match="fire is not a kind of fault; choose from driver, worker"):
        chaos._kinds("driver,fire")
    (tmp_path / "driver").mkdir()
    with pytest.raises(InputError, match="contains findings of an earlier command"):
        chaos.run(chaos.argparse.Namespace(out=tmp_path, kills=1, seed=0, kinds=["driver"], engine="segada"))
    wrong = chaos.argparse.Namespace(out=tmp_path / "new", kills=1, seed=0, kinds=["checkpoint"], engine="command")
    with pytest.raises(InputError, match="--kinds: checkpoint cannot hit the engine command; program, driver"):
        chaos.run(wrong)


def test_workers_are_found_by_the_names_that_ray_gives_them() -> None:
    program = "import time; print(1, flush=True); time.sleep(60)"
    names = ["ray::VisitTrainable.step", "ray::IDLE", "ray::DashboardAgent", "ray::prepare_shared_data"]
    started = [
        subprocess.Popen(["/bin/bash", "-c", 'exec -a "$0" "$1" -c "$2"', name, sys.executable, program], stdout=-1)
        for name in names
    ]
    try:
        for process in started:
            assert process.stdout is not None
            process.stdout.readline()
        found = kinds.workers(kinds.os.getpid())
        assert found == sorted([started[0].pid, started[3].pid])
        assert kinds.workers(started[0].pid) == []
    finally:
        for process in started:
            process.kill()
            process.communicate()

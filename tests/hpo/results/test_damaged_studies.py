"""Tests of damaged files of a finished study: each is named and written again, and all other results count."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from study_samples import leave_run, report

import hpo.run
import hpo.session.main_job
from hpo.comparison.results import is_over
from hpo.config.study_file import StudyFile, load_study, load_written
from hpo.execution.gpu_share import FILE as SHARES
from hpo.execution.gpu_share import _read as read_shares
from hpo.monitoring.locations import places
from hpo.monitoring.status import status_of
from hpo.orchestration.coordinator import RunCoordinator
from hpo.report import rebuild
from hpo.study.first_trials import beginning_of
from hpo.study.jobs import RunUpdate
from hpo.study.plan import Plan, undone
from hpo.study.study import read_study
from segada.artifacts.run_files import damages
from segada.engine.run_data import RunData, prepare_data
from segada.engine.runner import Run
from segada.errors import InputError

STUDY = """
name: tiny
run:
  data: {size: [32, 64], splits: {source: 12, adapt: 8, val: 4, test: 4}}
  stream: {visits: [clear, 100mm], frames: 4, replay: {size: 8}}
  evaluation: {split: val}
space:
  method.optimizer.lr: {type: float, low: 1e-4, high: 1e-2, log: true, default: 1e-3}
sampler: {name: random, seed: 0}
budget: {trials: 2}
confirm: {top: 1, seeds: 1, source_at_least: 0}
"""

Damage = Callable[[bytes], bytes]
KINDS: dict[str, Damage] = {
    "empty": lambda _: b"",
    "cut in half": lambda content: content[: len(content) // 2],
    "other bytes": lambda _: bytes(range(128, 256)) * 8,
    "zeroes": lambda content: bytes(len(content)),
    "another shape": lambda _: b'{"a": [1]}\n',
}
TRIAL, BASELINE, CONFIRMED = "trials/0", "baselines/batch_norm", "confirmation/trial-0-s1"
RUN_FILES = ("report.json", "visits.jsonl", "areas.npz", "settings.yaml", "weights.safetensors")
DONE_AGAIN = {
    **{f"{TRIAL}/{name}": "trial 0 files" for name in RUN_FILES[:2]},
    **{f"{BASELINE}/{name}": "batch_norm" for name in RUN_FILES},
    **{f"{CONFIRMED}/{name}": "trial 0 seed 1" for name in RUN_FILES},
}
"""Files that are made again, and by which run."""
MISSED = [name for name in DONE_AGAIN if name.startswith(CONFIRMED) or name.endswith("report.json")]
MISSED.remove(f"{CONFIRMED}/visits.jsonl")
"""Files that are not there are damaged ones, too: what is read of a run."""
CASES = [
    (path, kind)
    for path in DONE_AGAIN
    for kind in KINDS
    # The lower half of settings has the defaults alone: without it they are the same settings.
    if not (path.endswith("settings.yaml") and kind == "cut in half")
]


class Engine:
    """Does what is left of an agenda, one run after the other, without Ray."""

    def __init__(self) -> None:
        self.jobs: list[str] = []
        self.is_idle = False
        self._run_data: dict[str, RunData] = {}

    def work_off(self, coordinator: RunCoordinator, *_: object) -> None:
        while not coordinator.is_over and (job := coordinator.next_job()) is not None:
            self.jobs.append(job.name)
            if self.is_idle:
                coordinator.stop()
                return
            split = job.settings.evaluation.split
            self._run_data[split] = self._run_data.get(split) or prepare_data(job.settings)
            run = Run(job.settings, self._run_data[split], job.folder)
            while True:
                if not run.finished:
                    run.next_visit()
                progress = RunUpdate(report=run.report(), finished=run.finished)
                if not coordinator.visited(job, progress):
                    break


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    one = Engine()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hpo.session.main_job, "_work_off", one.work_off)
        yield one


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> StudyFile:
    path = tmp_path_factory.mktemp("study") / "tiny.yaml"
    path.write_text(STUDY)
    return load_study(str(path))


@pytest.fixture(scope="module")
def finished(engine: Engine, file: StudyFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finished") / "out"
    assert hpo.session.main_job.run(file, out)
    return out


@pytest.fixture
def out(engine: Engine, finished: Path, tmp_path: Path) -> Path:
    """A copy; what is large is shared until it is damaged."""
    shutil.copytree(finished, tmp_path / "out", copy_function=_copied)
    engine.jobs, engine.is_idle = [], False
    return tmp_path / "out"


def _copied(source: str, target: str) -> None:
    (os.link if source.endswith((".pt", ".safetensors")) else shutil.copyfile)(source, target)


def _damage(path: Path, damage: Damage) -> bytes:
    """Damages a file and says what it was."""
    content = path.read_bytes() if path.exists() else b'{"x": "y"}\n'
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(damage(content))
    return content


def _run(file: StudyFile, out: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["run", "--space", file.document.file, "--out", str(out)])
    return hpo.run.main()


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_damaged_file_of_a_run_is_named_and_only_that_run_is_done_again(
    name: str, kind: str, engine: Engine, file: StudyFile, out: Path
) -> None:
    _damage(out / name, KINDS[kind])
    study, plan = read_study(file, out), Plan(file, out)

    assert str(out / name) in "\n".join(hpo.session.main_job.damages_of(study, plan))
    jobs = [*plan.baselines(), *plan.confirmed_baselines(), *plan.confirmations(study), *plan.repairs(study)]
    assert [job.name for job in undone(jobs)] == [DONE_AGAIN[name]]
    assert not hpo.session.main_job._is_done(study, plan)
    assert len(study.finished()) == 2


@pytest.mark.parametrize("name", MISSED)
def test_a_file_that_is_missing_is_as_a_damaged_one(name: str, file: StudyFile, out: Path) -> None:
    (out / name).unlink()
    study, plan = read_study(file, out), Plan(file, out)

    assert f"{out / name}: is missing" in "\n".join(hpo.session.main_job.damages_of(study, plan))
    assert [job.name for job in plan.lost(study, ())] == [DONE_AGAIN[name]]


@pytest.mark.parametrize("name", [f"{TRIAL}/report.json", f"{TRIAL}/areas.npz", f"{CONFIRMED}/areas.npz", "study.yaml"])
def test_a_comparison_does_not_take_a_damaged_study_for_one_that_is_over(name: str, file: StudyFile, out: Path) -> None:
    assert is_over(file, out)
    _damage(out / name, KINDS["cut in half"])
    assert not is_over(file, out)


def test_a_whole_study_names_nothing_and_has_nothing_left(
    engine: Engine, file: StudyFile, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hpo.session.main_job.run(file, out)
    assert engine.jobs == []
    assert "damaged" not in capsys.readouterr().out
    shutil.rmtree(out / TRIAL)
    assert hpo.session.main_job.run(file, out), "a trial whose folder is gone counts"
    assert engine.jobs == []


def test_the_same_command_makes_files_again_from_the_checkpoint_and_keeps_the_damaged_ones(
    engine: Engine, file: StudyFile, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trial = [f"{TRIAL}/{name}" for name in ("visits.jsonl", "report.json", "areas.npz", "weights.safetensors")]
    names = (*trial, f"{BASELINE}/report.json", f"{CONFIRMED}/areas.npz")
    whole = {name: _damage(out / name, KINDS["cut in half"]) for name in names}
    visits = {name: (out / name).parent.joinpath("log.txt").read_text().count(": mIoU") for name in names}

    assert _run(file, out, monkeypatch) == 0
    said = capsys.readouterr()
    assert said.err == ""
    for name, content in whole.items():
        assert f"damaged: {out / name}: " in said.out
        assert (out / name).read_bytes() == content
        assert (out / f"{name}.damaged").read_bytes() == content[: len(content) // 2]
        assert (out / name).parent.joinpath("log.txt").read_text().count(": mIoU") == visits[name], "no visit again"
    assert engine.jobs == ["batch_norm", "trial 0 files", "trial 0 seed 1"]
    engine.jobs.clear()
    assert _run(file, out, monkeypatch) == 0
    assert engine.jobs == []


def test_a_run_without_a_checkpoint_that_is_whole_is_run_again(engine: Engine, file: StudyFile, out: Path) -> None:
    whole = {name: (out / CONFIRMED / name).read_bytes() for name in ("areas.npz", "weights.safetensors")}
    for name in ("weights.safetensors", "checkpoint/state.pt", "checkpoint/former.pt"):
        _damage(out / CONFIRMED / name, KINDS["cut in half"])

    assert hpo.session.main_job.run(file, out)
    assert engine.jobs == ["trial 0 seed 1"]
    assert {name: (out / CONFIRMED / name).read_bytes() for name in whole} == whole
    assert (out / "best" / "weights.safetensors").read_bytes() == whole["weights.safetensors"]
    assert (out / CONFIRMED / "checkpoint" / "state.pt.damaged").exists()


@pytest.mark.parametrize("name", [f"{TRIAL}/report.json", f"{BASELINE}/report.json", f"{CONFIRMED}/areas.npz"])
def test_the_report_names_it_and_says_the_rest(name: str, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = (out / "best" / "weights.safetensors").read_bytes()
    _damage(out / name, KINDS["cut in half"])
    rebuild(out)

    assert f"damaged: {out / name}: cannot be read (" in capsys.readouterr().out
    page = (out / "report.html").read_text()
    assert str(out / name) in page
    assert "Confirmed" in page or "confirmed" in page
    assert (out / "results.csv").read_text().count("complete") == 2
    assert (out / "best" / "weights.safetensors").read_bytes() == weights
    assert "point" in page


@pytest.mark.parametrize("kind", KINDS)
def test_failures_that_cannot_be_read_are_taken_from_the_study(
    kind: str, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _damage(out / "failures.json", KINDS[kind])
    damaged = (out / "failures.json").read_bytes()
    rebuild(out)

    assert f"damaged: {out / 'failures.json'}: " in capsys.readouterr().out
    assert (out / "failures.json.damaged").read_bytes() == damaged


@pytest.mark.parametrize("kind", KINDS)
def test_a_study_file_in_the_folder_that_is_damaged_is_written_again_by_the_studys_command_alone(
    kind: str, file: StudyFile, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _damage(out / "study.yaml", KINDS[kind])
    cure = f"python -m hpo.run --space FILE --out {out}"
    later = tmp_path / "later.yaml"
    later.write_text(f"{STUDY}start_from: {out}\n")

    for command in (lambda: rebuild(out), lambda: beginning_of(load_study(str(later)))):
        with pytest.raises(InputError) as refusal:
            command()
        assert str(refusal.value).startswith(f"{out / 'study.yaml'}:")
        assert str(refusal.value).endswith(cure)
        assert "\n" not in str(refusal.value)
    (place,) = places(str(out))
    (said,) = status_of(place, 0.0).damages
    assert said.startswith(f"{out / 'study.yaml'}:")
    assert hpo.session.main_job.run(file, out)
    assert f"damaged: {out / 'study.yaml'}" in capsys.readouterr().out
    assert (out / "study.yaml.damaged").exists()
    assert load_written(out).identity == file.identity


def test_status_names_a_report_that_cannot_be_read_and_does_not_count_it(out: Path) -> None:
    _damage(out / BASELINE / "report.json", KINDS["zeroes"])
    (place,) = places(str(out))
    status = status_of(place, 0.0)

    assert status.baselines == 1
    assert [line.partition(":")[0] for line in status.damages] == [str(out / BASELINE / "report.json")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_measured_share_that_cannot_be_read_is_a_named_damage(kind: str, tmp_path: Path) -> None:
    whole = b'{"H200": {"used": 3, "total": 10}}\n'
    (tmp_path / SHARES).write_bytes(whole)
    assert read_shares(tmp_path / SHARES).value["H200"].trials == 3
    _damage(tmp_path / SHARES, KINDS[kind])
    found = read_shares(tmp_path / SHARES)
    assert found.value == {}
    assert str(tmp_path / SHARES) in str(found.damage)


def test_a_folder_in_the_place_of_a_file_is_damage_too(out: Path) -> None:
    (out / BASELINE / "report.json").unlink()
    (out / BASELINE / "report.json").mkdir()
    assert [str(damage) for damage in damages(out / BASELINE)] == [f"{out / BASELINE / 'report.json'}: is a folder"]


def test_a_source_training_is_lost_if_its_weights_are_damaged_and_not_if_its_folder_is_gone(
    file: StudyFile, out: Path, tmp_path: Path
) -> None:
    path = tmp_path / "with-source.yaml"
    path.write_text(f"{STUDY}pretrain: {{method: {{name: supervised}}}}\n")
    plan = Plan(load_study(str(path)), out)
    study, weights = read_study(file, out), plan.sources.weights(0)
    assert "source" not in [job.name for job in plan.lost(study, ())]
    (job,) = plan.sources.trainings()
    leave_run(job, report(0.0), np.ones((4, 3, 19), np.int64))
    assert undone([job]) == []

    for damage in ("cut in half", "empty"):
        _damage(weights, KINDS[damage])
        assert "source" in [job.name for job in plan.lost(study, ())]
        assert any(line.startswith(f"{weights}: ") for line in hpo.session.main_job.damages_of(study, plan))
    weights.unlink()
    assert f"{weights}: is missing" in "\n".join(hpo.session.main_job.damages_of(study, plan))

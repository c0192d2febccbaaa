"""Tests of studies in folders that cannot be written."""

import errno
import os
import tempfile
from pathlib import Path

import pytest
from study_texts import study_text

from hpo.config.study_file import StudyFile, load_study
from hpo.orchestration.coordinator import RunCoordinator
from hpo.report import main as report_main
from hpo.session.main_job import _check_obstacle, begin_anew
from hpo.status import main as status_main
from hpo.study import drivers, edits
from hpo.study.drivers import joined
from hpo.study.jobs import RunUpdate
from hpo.study.plan import Plan
from hpo.study.provenance import write_study
from hpo.study.study import open_study
from hpo.trial import main as trial_main
from segada.cli.exit_codes import exit_code
from segada.core.storage_errors import DeniedError, StorageError, writing
from segada.errors import InputError


@pytest.fixture
def file(tmp_path: Path) -> StudyFile:
    (tmp_path / "study.yaml").write_text(study_text("budget: {trials: 2}"))
    return load_study(str(tmp_path / "study.yaml"))


@pytest.fixture
def out(file: StudyFile, tmp_path: Path) -> Path:
    open_study(file, tmp_path / "out")
    write_study(file, tmp_path / "out")
    return tmp_path / "out"


def refuse(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(drivers, "take", refused)
    monkeypatch.setattr(edits, "take", refused)
    monkeypatch.setattr(tempfile, "TemporaryFile", refused)


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_a_study_that_can_never_be_written_is_wrong_input_and_a_full_disk_passes(
    number: int, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, number)
    with (
        pytest.raises(InputError, match=r"its study cannot go on, because nothing can be written") as said,
        joined(out),
    ):
        pass
    assert f"cp -r {out} COPY" in str(said.value)
    assert "\n" not in str(said.value)
    refuse(monkeypatch, errno.ENOSPC)
    with pytest.raises(StorageError, match="is full"), joined(out):
        pass


def test_a_study_that_cannot_be_moved_aside_is_wrong_input(
    file: StudyFile, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, errno.EROFS)
    monkeypatch.setattr(drivers, "locked", drivers.take)
    with pytest.raises(InputError, match=r"cannot be moved aside \(Read-only file system\); name a new folder"):
        begin_anew(file, out)


def test_a_report_on_a_read_only_folder_names_it_and_status_reads_it(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse(monkeypatch, errno.EROFS)
    before = sorted(path.name for path in out.iterdir())
    assert report_main([str(out)]) == 2
    said = capsys.readouterr().err
    assert said == (
        f"error: {out}: a report cannot be written there (Read-only file system); make a copy and report on that: "
        f"cp -r {out} COPY\n"
    )
    assert status_main([str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == before


def test_a_trial_of_a_study_that_cannot_be_written_is_not_changed(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse(monkeypatch, errno.EROFS)
    for words in (["stop", str(out), "0"], ["add", str(out), "--set", "method.pseudo_threshold=0.8"]):
        assert trial_main(words) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"error: {out}: its study cannot go on, because nothing can be written there (Read-only")
        assert said.count("\n") == 1


def test_a_file_that_may_not_be_written_is_not_resumable_for_ever(capsys: pytest.CaptureFixture[str]) -> None:
    def denied(number: int) -> None:
        with writing(Path("/proc/file")):
            raise OSError(number, "no")

    assert exit_code(lambda: denied(errno.EACCES)) == 2
    assert capsys.readouterr().err.startswith("error: /proc/file: Permission denied; change the permissions")
    assert exit_code(lambda: denied(errno.ENOSPC)) == 3


@pytest.mark.parametrize("denied", [True, False])
def test_a_worker_that_may_not_write_ends_the_driver_and_blames_no_setting(
    denied: bool,
    file: StudyFile,
    out: Path,
) -> None:
    plan = Plan(file, out)
    coordinator = RunCoordinator(open_study(file, out), plan, [])
    job = coordinator.next_job()
    assert job is not None
    update = RunUpdate(
        report=None, finished=False, failure="/x: refused", concerns_all=True, passes=not denied, denied=denied
    )
    coordinator.visited(job, update)
    with pytest.raises(StorageError, match=r"^/x: refused$") as said:
        _check_obstacle(coordinator, plan)
    assert isinstance(said.value, DeniedError) is denied

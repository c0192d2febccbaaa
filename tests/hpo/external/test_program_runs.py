"""Runs of a program: its end, its limits, and what happens after a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from external_studies import study

from hpo.external.run import ProgramTrial
from hpo.study.jobs import RunUpdate
from segada.artifacts.run_files import damages, read_areas, read_recordings, read_report, read_visits

LOG = "from visit 0, seed 0, split val"


def trial(folder: Path, engine: dict[str, Any] | None = None, run: dict[str, Any] | None = None) -> ProgramTrial:
    file = study(engine, run={"quality": 0.5, **(run or {})}, resources={"retries": 1})
    return ProgramTrial(file.run_settings(), folder)


def updates(one: ProgramTrial) -> list[RunUpdate]:
    found = [one.next_visit()]
    while not found[-1].finished and found[-1].failure is None:
        found.append(one.next_visit())
    return found


def deeds(**by_domain: str) -> dict[str, Any]:
    return {"deeds": by_domain}


def failure(one: ProgramTrial) -> str:
    last = updates(one)[-1]
    assert not last.finished
    assert last.failure is not None
    assert "\n" not in last.failure
    return last.failure


def test_a_run_reports_visit_by_visit_and_leaves_our_records(tmp_path: Path) -> None:
    found = updates(trial(tmp_path))
    assert [len(one.report.visits) for one in found if one.report] == [1, 2, 3]
    report = found[-1].report
    assert found[-1].finished
    assert report == read_report(tmp_path).value
    assert report.mean_miou == pytest.approx(0.5)
    assert [visit.metrics for visit in read_visits(tmp_path).value] == [{"latency": 3.5}] * 3
    assert damages(tmp_path) == []
    assert (tmp_path / "log.txt").read_text() == "from visit 0, seed 0, split val\n"


def test_visits_that_are_read_at_once_share_the_time(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"domain": name, "miou": 0.5}) + "\n" for name in ("fog", "night", "rain"))
    write = 'sleep 0.5; printf "%s" "$3" >> $2/visits.jsonl; true $0 $1'
    began = time.monotonic()
    found = updates(trial(tmp_path, {"command": ["sh", "-c", write, "{settings}", "{seed}", "{folder}", lines]}))
    assert found[-1].report is not None
    assert found[-1].report.seconds <= time.monotonic() - began


def test_a_finished_run_starts_no_program_again(tmp_path: Path) -> None:
    updates(trial(tmp_path))
    (update,) = updates(trial(tmp_path, {"grace": 3.0}))
    assert update.finished
    assert (tmp_path / "log.txt").read_text().count("from visit") == 1


def test_a_killed_program_resumes_in_its_folder(tmp_path: Path) -> None:
    found = updates(trial(tmp_path, run=deeds(night="once:kill")))
    assert found[-1].finished
    assert [one.incident for one in found if one.incident] == [
        "the program was started again, because it was killed by SIGKILL"
    ]
    assert "from visit 1" in (tmp_path / "log.txt").read_text()


def test_a_program_that_is_always_killed_fails_and_may_be_tried_again(tmp_path: Path) -> None:
    last = updates(trial(tmp_path, run=deeds(night="kill")))[-1]
    assert last.passes
    assert last.failure is not None
    assert last.failure.startswith("the program ended 2 times, last because it was killed by SIGKILL: from visit 0")


def test_a_program_that_cannot_resume_begins_anew(tmp_path: Path) -> None:
    command = study().settings.engine.command[:-1]  # type: ignore[union-attr]
    one = trial(tmp_path, {"command": list(command)}, deeds(night="once:kill"))
    assert updates(one)[-1].finished
    assert (tmp_path / "log.txt").read_text().count("from visit 0") == 2
    assert len((tmp_path / "program/visits.jsonl").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (deeds(night="fail"), f"the program ended with exit code 1: {LOG} / warming up / ValueError: lr is too high"),
        (deeds(fog="end"), f"the program ended without a visit; it wrote no visits.jsonl: {LOG}"),
        (deeds(rain="end"), "the program ended after 2 of 3 visits"),
        ({"lines": {"fog": '{"domain": "snow", "miou": 1}'}}, "visits.jsonl line 1: domain: 'snow' is in neither"),
        ({"lines": {"fog": '{"domain": "fog", "miou": NaN}'}}, "visits.jsonl line 1: miou.fog: is nan"),
    ],
)  # fmt: skip
def test_a_run_fails_with_its_reason_in_a_line(tmp_path: Path, run: dict[str, Any], said: str) -> None:
    assert failure(trial(tmp_path, run=run)).startswith(said)


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    command = ["no-such-program", "{settings}", "{folder}", "{seed}"]
    assert failure(trial(tmp_path, {"command": command})) == (
        "the program cannot start: no-such-program: No such file or directory"
    )


def test_a_full_file_system_stops_the_study_that_can_be_resumed(tmp_path: Path) -> None:
    code = "import os; raise OSError(28, os.strerror(28), 'state.pt')"
    last = updates(trial(tmp_path, {"command": [sys.executable, "-c", code, "{settings}", "{folder}", "{seed}"]}))[-1]
    assert last.concerns_all
    assert last.passes
    assert last.failure is not None
    assert "is full" in last.failure


def test_a_run_of_other_settings_is_not_overwritten(tmp_path: Path) -> None:
    updates(trial(tmp_path))
    before = (tmp_path / "report.json").read_bytes()
    assert "has the run of other settings" in failure(trial(tmp_path, run={"quality": 0.6}))
    assert (tmp_path / "report.json").read_bytes() == before


def test_a_run_with_a_damaged_file_is_made_again(tmp_path: Path) -> None:
    updates(trial(tmp_path))
    (tmp_path / "visits.jsonl").write_text("{")
    assert updates(trial(tmp_path))[-1].finished
    assert damages(tmp_path) == []


def test_silence_ends_a_run(tmp_path: Path) -> None:
    engine = {"silent_hours": 0.5 / 3600}
    said = failure(trial(tmp_path, engine, deeds(night="sleep")))
    assert said.endswith("no visit and no output (engine.silent_hours)")
    assert are_gone(tmp_path)


def test_time_ends_a_run(tmp_path: Path) -> None:
    said = failure(trial(tmp_path, {"hours": 0.5 / 3600}, deeds(night="sleep")))
    assert said.endswith("(engine.hours)")
    assert are_gone(tmp_path)


def test_closing_ends_the_program_and_its_children(tmp_path: Path) -> None:
    words = 'echo {settings} {seed}; trap "" TERM; sleep 1000 & sleep 1000 & touch {folder}/ready; wait; sleep 1000'
    script = ["bash", "-c", words]
    one = trial(tmp_path, {"command": script})
    one._start()
    while not (tmp_path / "program/ready").exists():
        time.sleep(0.01)
    assert len(alive(tmp_path)) > 2
    one.close()
    assert are_gone(tmp_path)


def test_a_program_goes_with_the_worker_that_was_killed(tmp_path: Path) -> None:
    settings = study(run={"quality": 0.5, **deeds(night="sleep")}).run_settings()
    code = (
        "import sys; from pathlib import Path; from hpo.config.program import ProgramRun;"
        "from hpo.external.run import ProgramTrial;"
        "one = ProgramTrial(ProgramRun.model_validate_json(sys.argv[1]), Path(sys.argv[2]));"
        "one.next_visit(); print('visited', flush=True); one.next_visit()"
    )
    words = [sys.executable, "-c", code, settings.model_dump_json(), str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"visited\n"
        assert alive(tmp_path) != []
        worker.send_signal(signal.SIGKILL)
    # The next worker waits until the program is gone, and resumes.
    rest = ProgramTrial(study(run={"quality": 0.5}).run_settings(), tmp_path)
    assert updates(rest)[-1].finished
    assert are_gone(tmp_path)
    assert [visit.domain for visit in read_visits(tmp_path).value] == ["fog", "night", "rain"]


def test_printed_visits_are_read_from_the_log(tmp_path: Path) -> None:
    code = (
        "import json; print('begins');"
        "[print('VISIT', json.dumps({'domain': name, 'miou': 0.5})) for name in ('fog', 'night', 'rain')]"
    )
    command = [sys.executable, "-c", code, "{settings}", "{folder}", "{seed}"]
    assert updates(trial(tmp_path, {"command": command, "prefix": "VISIT "}))[-1].finished


def test_environment_and_options_of_the_program(tmp_path: Path) -> None:
    code = (
        "import json, os, sys; from pathlib import Path; folder = Path(os.environ['FOLDER']);"
        "told = [os.environ[name] for name in ('SEED', 'CUDA_VISIBLE_DEVICES')];"
        "(folder / 'words').write_text(json.dumps(sys.argv[1:] + told))"
    )
    for style, words in (
        ("mmseg-options", ["quality=0.5", "model.name=a b", "size=[64,128]", "on=True", "none=None"]),
        ("flags", ["--quality=0.5", "--model.name=a b", "--size=64,128", "--on=true", "--none=null"]),
    ):
        engine = {"command": [sys.executable, "-c", code, "{settings}"], "settings": style}
        engine |= {"env": {"FOLDER": "{folder}", "SEED": "{seed}"}, "seed": 7}
        run = {"model.name": "a b", "size": [64, 128], "on": True, "none": None}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CUDA_VISIBLE_DEVICES", "3")
            updates(trial(tmp_path / style, engine, run))
        assert json.loads((tmp_path / style / "program/words").read_text()) == [*words, "7", "3"]


def test_areas_are_taken_over_if_they_agree(tmp_path: Path) -> None:
    (tmp_path / "program").mkdir()

    def left(miou: float, visits: int = 3) -> None:
        (tmp_path / "starts.json").unlink(missing_ok=True)
        areas = np.array([[[1000 * miou, 0], [1000, 0], [1000, 0]]], dtype=np.int64)
        np.savez(tmp_path / "areas.npz", **{f"visit{number}": areas for number in range(visits)})

    code = (
        "import json, shutil, sys; from pathlib import Path; folder = Path(sys.argv[1]);"
        "(folder / 'visits.jsonl').write_text(''.join(json.dumps({'domain': n, 'miou': 0.5}) + '\\n'"
        " for n in ('fog', 'night', 'rain')));"
        "(folder.parent / 'areas.npz').exists() and shutil.move(folder.parent / 'areas.npz', folder)"
    )
    engine = {"command": [sys.executable, "-c", code, "{folder}", "{settings}", "{seed}"], "areas": True}
    assert failure(trial(tmp_path, engine)) == "areas.npz: is missing; write it to {folder}, or engine.areas: false"
    left(0.5, visits=2)
    assert failure(trial(tmp_path, engine)) == "areas.npz: has 2 visits, and 3 were reported"
    left(0.25)
    assert "visit0 gives an mIoU of 0.1429, but the line says 0.5000" in failure(trial(tmp_path, engine))
    areas = np.array([[[500, 0], [500, 0], [1000, 0]]], dtype=np.int64)
    left(0.5)
    np.savez(tmp_path / "areas.npz", visit0=areas, visit1=areas, visit2=areas)
    assert updates(trial(tmp_path, engine))[-1].finished
    assert len(read_areas(tmp_path).value) == 3
    assert [one.tolist() for one in read_recordings(tmp_path).value] == [[0]] * 3


def test_recordings_of_the_frames_are_read_and_checked(tmp_path: Path) -> None:
    areas = np.array([[[500, 0], [500, 0], [1000, 0]]] * 2, dtype=np.int64)

    np.savez(tmp_path / "areas.npz", visit0=areas, visit1=areas, recording1=np.array([3, 4]))
    assert [one.tolist() for one in read_recordings(tmp_path).value] == [[0, 0], [3, 4]]
    np.savez(tmp_path / "areas.npz", visit0=areas, recording0=np.array([3]))
    damage = read_recordings(tmp_path).damage
    assert damage is not None
    assert damage.problem == "cannot be read (recording0 is int64 [1], and not int64 [2])"


def are_gone(folder: Path) -> bool:
    """Whether all end within seconds."""
    end = time.monotonic() + 5
    while alive(folder) and time.monotonic() < end:
        time.sleep(0.02)
    return alive(folder) == []


def alive(folder: Path) -> list[str]:
    """Programs, and their guards, that have a file of the folder open."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            links = [str(link.readlink()) for link in (process / "fd").iterdir()]
        except OSError:
            continue
        if int(process.name) != os.getpid() and any(str(folder) in link for link in links):
            found.append(process.name)
    return found

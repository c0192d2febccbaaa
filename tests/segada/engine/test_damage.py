"""Tests that a run resumed in a damaged folder ends like an undamaged one."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from segada.artifacts.run_dir import RunDir
from segada.artifacts.run_files import damages
from segada.core.atomic_io import keep_damaged
from segada.core.run_names import RUN_NAMES
from segada.engine.run_data import RunData, prepare_data
from segada.engine.runner import Run
from segada.errors import InputError
from segada.settings import RunSettings

Damage = Callable[[bytes], bytes]
PUBLISHED = ("weights.safetensors", "areas.npz", "frames.jsonl")
NEWEST, FORMER, STEPS = "checkpoint/state.pt", "checkpoint/former.pt", "frames.jsonl"
KEPT = ["former.pt", "state.pt", "state.pt.damaged"]


def _flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGES: dict[str, Damage] = {
    "truncated": lambda content: content[: len(content) // 2],
    "one byte short": lambda content: content[:-1],
    "a bit flipped": _flipped,
    "empty": lambda _: b"",
    "zeroes": lambda content: bytes(len(content)),
    "other text": lambda _: b"not what it was\n",
}

FEW = ("truncated", "a bit flipped", "empty")


@pytest.fixture(scope="module")
def settings(tiny_run: dict[str, object]) -> RunSettings:
    stream = {**tiny_run["stream"], "visits": ["clear", "200mm", "clear"], "frames": 4}  # type: ignore[dict-item]
    logging = {"frames": True}
    return RunSettings.model_validate(
        {**tiny_run, "stream": stream, "logging": logging, "method": {"pseudo_threshold": 0.1}}
    )


@pytest.fixture(scope="module")
def run_data(settings: RunSettings) -> RunData:
    return prepare_data(settings)


@pytest.fixture(scope="module")
def control(settings: RunSettings, run_data: RunData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs without damage and returns the folder."""
    folder = tmp_path_factory.mktemp("control")
    _finish(Run(settings, run_data, folder))
    return folder


def _finish(run: Run) -> None:
    while not run.finished:
        run.next_visit()


def _stopped(settings: RunSettings, run_data: RunData, folder: Path, visits: int = 2) -> None:
    """Leaves a run that was killed after the given number of visits."""
    run = Run(settings, run_data, folder)
    for _ in range(visits):
        run.next_visit()
    with (folder / STEPS).open("a") as file:
        file.write('{"visit": 2, "domain": "clear", "step": 2, "fra')


def _numbers(folder: Path) -> tuple[object, object, list[bytes]]:
    """Returns all results of a finished run, without times."""
    report = json.loads((folder / "report.json").read_text())
    lines = [json.loads(line) for line in (folder / "visits.jsonl").read_text().splitlines()]
    for part in (report, *report["visits"], *lines):
        part.pop("seconds")
        part.pop("frames_per_second", None)
    return report, lines, [(folder / name).read_bytes() for name in PUBLISHED]


def _damage(path: Path, damage: Damage) -> None:
    path.write_bytes(damage(path.read_bytes()))


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_checkpoint_costs_one_visit(
    kind: str, settings: RunSettings, run_data: RunData, control: Path, tmp_path: Path
) -> None:
    _stopped(settings, run_data, tmp_path)
    _damage(tmp_path / NEWEST, DAMAGES[kind])
    resumed = Run(settings, run_data, tmp_path)

    assert resumed.visits_done == 1
    assert len((tmp_path / "visits.jsonl").read_text().splitlines()) == 1
    said = (tmp_path / "log.txt").read_text().splitlines()[-1]
    assert "checkpoint/state.pt: " in said
    assert said.endswith("the run continues after the visit before, from checkpoint/former.pt")
    _finish(resumed)
    assert _numbers(tmp_path) == _numbers(control)
    assert sorted(path.name for path in (tmp_path / "checkpoint").iterdir()) == [
        "former.pt",
        "state.pt",
        "state.pt.damaged",
    ]


@pytest.mark.parametrize("kind", FEW)
def test_a_run_without_a_checkpoint_that_is_whole_begins_anew_and_says_so(
    kind: str, settings: RunSettings, run_data: RunData, control: Path, tmp_path: Path
) -> None:
    _stopped(settings, run_data, tmp_path)
    for name in (NEWEST, FORMER):
        _damage(tmp_path / name, DAMAGES[kind])
    resumed = Run(settings, run_data, tmp_path)

    assert resumed.visits_done == 0
    assert not (tmp_path / "visits.jsonl").exists()
    said = (tmp_path / "log.txt").read_text().splitlines()[-1]
    assert "checkpoint/state.pt: " in said
    assert "checkpoint/former.pt: " in said
    assert said.endswith("the run starts again")
    _finish(resumed)
    assert _numbers(tmp_path) == _numbers(control)


@pytest.mark.parametrize("kind", FEW)
@pytest.mark.parametrize("name", ["visits.jsonl", "areas.npz", STEPS, "settings.yaml", "log.txt"])
def test_every_other_file_may_be_damaged(
    name: str, kind: str, settings: RunSettings, run_data: RunData, control: Path, tmp_path: Path
) -> None:
    _stopped(settings, run_data, tmp_path)
    _damage(tmp_path / name, DAMAGES[kind])
    _finish(Run(settings, run_data, tmp_path))

    assert _numbers(tmp_path) == _numbers(control)
    assert RunSettings.model_validate(yaml.safe_load((tmp_path / "settings.yaml").read_bytes())) == settings
    assert (tmp_path / "log.txt").read_text(errors="replace").splitlines()[-1].endswith(_last_line(control))


def _last_line(folder: Path) -> str:
    """Returns the last line of the log, without date and time."""
    return (folder / "log.txt").read_text().splitlines()[-1][20:]


def test_damage_to_the_log_of_steps_costs_the_visits_whose_steps_are_lost(
    settings: RunSettings, run_data: RunData, control: Path, tmp_path: Path
) -> None:
    _stopped(settings, run_data, tmp_path)
    lines = (tmp_path / STEPS).read_text().splitlines(keepends=True)
    (tmp_path / STEPS).write_text(lines[0] + lines[1][:-9])
    resumed = Run(settings, run_data, tmp_path)

    assert resumed.visits_done == 1
    assert "state.pt: frames.jsonl, which goes with it, is damaged" in (tmp_path / "log.txt").read_text()
    _finish(resumed)
    assert _numbers(tmp_path) == _numbers(control)


def test_a_kill_between_two_renames_costs_one_visit(
    settings: RunSettings, run_data: RunData, control: Path, tmp_path: Path
) -> None:
    _stopped(settings, run_data, tmp_path)
    (tmp_path / NEWEST).replace(tmp_path / FORMER)
    (tmp_path / "checkpoint" / ".state.pt.a1b2c3d4").write_bytes(b"the half of a checkpoint")
    resumed = Run(settings, run_data, tmp_path)

    assert resumed.visits_done == 2
    assert [path.name for path in (tmp_path / "checkpoint").iterdir()] == ["state.pt"]
    _finish(resumed)
    assert _numbers(tmp_path) == _numbers(control)


def test_a_finished_run_whose_checkpoint_is_damaged_is_not_called_finished_before_it_is(
    settings: RunSettings, run_data: RunData, control: Path, tmp_path: Path
) -> None:
    _finish(Run(settings, run_data, tmp_path))
    _damage(tmp_path / NEWEST, _flipped)
    resumed = Run(settings, run_data, tmp_path)

    assert not resumed.finished
    assert not (tmp_path / "report.json").exists()
    _finish(resumed)
    assert _numbers(tmp_path) == _numbers(control)


def test_settings_that_cannot_be_read_do_not_let_another_run_into_the_folder(
    settings: RunSettings, run_data: RunData, tmp_path: Path
) -> None:
    _stopped(settings, run_data, tmp_path)
    (tmp_path / "settings.yaml").write_bytes(b"")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    other = settings.model_copy(update={"evaluation": settings.evaluation.model_copy(update={"batch_size": 3})})

    with pytest.raises(ValueError, match=f"holds a run of other settings \\(hash {settings.settings_hash()}"):
        Run(other, run_data, tmp_path)
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_a_smaller_batch_of_evaluation_gives_the_same_bytes(
    settings: RunSettings, run_data: RunData, control: Path, tmp_path: Path
) -> None:
    _stopped(settings, run_data, tmp_path)
    _finish(Run(settings, run_data, tmp_path, evaluation_batch=1))
    assert _numbers(tmp_path) == _numbers(control)


@pytest.mark.parametrize("kind", FEW)
@pytest.mark.parametrize("name", ["report.json", "visits.jsonl", "areas.npz", "settings.yaml", "weights.safetensors"])
def test_a_damaged_file_of_a_finished_run_is_written_again_and_kept_beside_it(
    name: str, kind: str, settings: RunSettings, run_data: RunData, control: Path, tmp_path: Path
) -> None:
    shutil.copytree(control, tmp_path, dirs_exist_ok=True)
    _damage(tmp_path / name, DAMAGES[kind])
    damaged = (tmp_path / name).read_bytes()
    found = [damage.path.name for damage in damages(tmp_path)]

    assert Run(settings, run_data, tmp_path).finished
    assert _numbers(tmp_path) == _numbers(control)
    # A bit may flip without a trace in what has no checksum.
    assert found == [name] or (kind == "a bit flipped" and not found)
    assert (tmp_path / f"{name}.damaged").exists() == bool(found)
    if found:
        assert (tmp_path / f"{name}.damaged").read_bytes() == damaged
        assert f"{name}: " in (tmp_path / "log.txt").read_text()
        assert f"it is kept as {name}.damaged and written again" in (tmp_path / "log.txt").read_text()


def test_a_second_damage_does_not_replace_what_was_kept_of_the_first(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / "areas.npz").write_text(str(number))
        keep_damaged(tmp_path / "areas.npz")
    kept = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert kept == {"areas.npz.damaged": "0", "areas.npz.damaged.2": "1", "areas.npz.damaged.3": "2"}


def test_nothing_of_a_run_that_begins_anew_is_lost(settings: RunSettings, run_data: RunData, tmp_path: Path) -> None:
    _stopped(settings, run_data, tmp_path)
    visits = (tmp_path / "visits.jsonl").read_bytes()
    for name in (NEWEST, FORMER):
        _damage(tmp_path / name, DAMAGES["zeroes"])
    Run(settings, run_data, tmp_path)

    assert (tmp_path / "visits.jsonl.damaged").read_bytes() == visits
    for name in (NEWEST, FORMER, STEPS):
        assert (tmp_path / f"{name}.damaged").exists()


@pytest.mark.parametrize("name", RUN_NAMES)
def test_a_device_or_a_folder_in_place_of_a_file_is_refused(name: str, tmp_path: Path) -> None:
    place = tmp_path / name
    place.parent.mkdir(exist_ok=True)
    place.symlink_to("/dev/null")
    with pytest.raises(InputError, match="is a pipe, a device or a socket, where a file should be"):
        RunDir(tmp_path).claim(RunSettings())
    place.unlink()
    place.mkdir()
    with pytest.raises(InputError, match="is a folder, where a file should be"):
        RunDir(tmp_path).claim(RunSettings())
    assert [path for path in tmp_path.rglob("*") if path not in (place, place.parent)] == []

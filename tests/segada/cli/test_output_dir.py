"""Tests that commands write only into a folder that is new, empty or their own, and keep foreign files."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from segada import adapt, compare, convert, evaluate, pretrain
from segada.artifacts.run_dir import RunDir
from segada.cli.output_dir import check_own
from segada.errors import InputError
from segada.settings import RunSettings
from segada.settings.files import read_yaml

TINY = {
    "data": {"size": [32, 64], "splits": {"source": 8, "adapt": 8, "test": 4}},
    "stream": {"visits": ["clear"], "frames": 4},
    "method": {"name": "source_only"},
}
COMMANDS: dict[str, tuple[Callable[[], int], list[str]]] = {
    "adapt": (adapt.main, ["tiny.yaml"]),
    "pretrain": (pretrain.main, ["--debug"]),
    "evaluate": (evaluate.main, ["streets_tiny"]),
    "compare": (compare.main, ["compare_streets"]),
}
OTHERS = ("report.json", "results.csv", "log.txt", "settings.yaml", "evaluation.csv", ".env.local", "src/a.py")


@pytest.fixture
def refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command that must refuse with one line and change nothing."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(TINY))

    def refused(main: Callable[[], int], *arguments: str) -> str:
        before = _tree(tmp_path)
        monkeypatch.setattr(sys, "argv", ["command", *arguments])
        assert main() == 2
        assert _tree(tmp_path) == before
        line = capsys.readouterr().err
        assert line.count("\n") == 1
        return line

    return refused


def _tree(folder: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def _write(path: Path, text: str = "mine\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("out", [".", "", "/"])
def test_a_folder_of_something_else_is_refused(
    name: str, out: str, refusal: Callable[..., str], tmp_path: Path
) -> None:
    for other in OTHERS:
        if other != "settings.yaml":
            _write(tmp_path / other)
    main, words = COMMANDS[name]
    assert "--out" in refusal(main, *words, "--out", out)


@pytest.mark.parametrize("other", [name for name in OTHERS if "/" not in name])
def test_a_run_replaces_no_file_of_anybody(
    other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    mine = _write(tmp_path / "out" / other)
    monkeypatch.setattr(sys, "argv", ["command", "tiny.yaml", "--out", "out"])
    assert adapt.main() == 2
    assert "out" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == [mine]
    assert mine.read_text() == "mine\n"


@pytest.mark.parametrize(
    "name", ["report.json", "visits.jsonl", "frames.jsonl", "weights.safetensors", "settings.yaml"]
)
def test_the_engine_itself_refuses_files_that_a_run_would_remove(name: str, tmp_path: Path) -> None:
    mine = _write(tmp_path / name)
    with pytest.raises(ValueError, match=f"{name}: would be replaced, and no settings show that it is a run's"):
        RunDir(tmp_path).claim(RunSettings.model_validate(TINY))
    assert mine.read_text() == "mine\n"


def test_of_drafts_a_run_removes_its_own(tmp_path: Path) -> None:
    settings, folder = RunSettings.model_validate(TINY), RunDir(tmp_path)
    folder.claim(settings)
    mine = [_write(tmp_path / name) for name in (".env.local", ".bashrc.bak", ".settings.yaml.swp", "checkpoint/.a.b")]
    left = [_write(tmp_path / name) for name in (".settings.yaml.ab12cd_3", "checkpoint/.state.pt.ab12cd_3")]
    folder.claim(settings)
    assert all(path.exists() for path in mine)
    assert not any(path.exists() for path in left)


@pytest.mark.parametrize("left", ["", "seed", "\0\0\0"])
def test_settings_of_which_a_power_cut_left_a_part_are_written_again(left: str, tmp_path: Path) -> None:
    settings, folder = RunSettings.model_validate(TINY), RunDir(tmp_path)
    folder.claim(settings)
    whole = (tmp_path / "settings.yaml").read_text()
    (tmp_path / "settings.yaml").write_text(whole[:9] if left == "seed" else left)
    assert folder.claim(settings)
    assert (tmp_path / "settings.yaml").read_text() == whole


def test_weights_are_written_over_none_of_others(refusal: Callable[..., str], tmp_path: Path) -> None:
    _write(tmp_path / "mine.safetensors")
    assert "is there already" in refusal(convert.main, "streets_tiny", "mine.safetensors")
    assert "is there already" in refusal(pretrain.main, "--debug", "--half", "mine.safetensors")


@pytest.mark.timeout(30)
def test_pipes_are_refused_at_once(refusal: Callable[..., str], tmp_path: Path) -> None:
    for name in ("pipe.yaml", "pipe.safetensors", "out/settings.yaml", "run/report.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        os.mkfifo(tmp_path / name)
    assert "pipe.yaml: cannot be read: it is a pipe" in refusal(adapt.main, "pipe.yaml")
    assert "pipe.safetensors is a pipe" in refusal(adapt.main, "tiny.yaml", "--load-from", "pipe.safetensors")
    assert "pipe.safetensors: is a pipe" in refusal(pretrain.main, "--debug", "--half", "pipe.safetensors")
    assert "settings.yaml: is a pipe" in refusal(adapt.main, "tiny.yaml", "--out", "out")
    with pytest.raises(ValueError, match=r"report\.json: is a pipe"):
        RunDir(tmp_path / "run").claim(RunSettings.model_validate(TINY))
    with pytest.raises(InputError, match="is a pipe, a device or a socket"):
        read_yaml("/dev/zero")


def test_a_folder_is_known_as_ours_by_one_mark(tmp_path: Path) -> None:
    check_own(tmp_path / "gone", "run", ["settings.yaml"])
    check_own(tmp_path, "run", ["settings.yaml"])
    _write(tmp_path / "a" / "notes.txt")
    with pytest.raises(InputError, match=r"a: holds notes\.txt but no run"):
        check_own(tmp_path / "a", "run", ["settings.yaml"])
    _write(tmp_path / "a" / "settings.yaml")
    check_own(tmp_path / "a", "run", ["settings.yaml"])

"""What the main job refuses: exit code 2, one line, and nothing created."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from hpo.folder_lock import LOCK
from hpo.report import main as report_main
from hpo.run import main as run_main
from hpo.study import open_study
from hpo.study_file import load_study


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """Runs a command that must refuse, and gives the line it says."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str, main=run_main) -> str:
        before = sorted(tmp_path.rglob("*"))
        monkeypatch.setattr(sys, "argv", ["command", *arguments])
        assert main() == 2
        assert sorted(tmp_path.rglob("*")) == before
        line = capsys.readouterr().err
        assert line.count("\n") == 1
        assert line.startswith("error: ")
        return line

    return command


def test_a_study_file_that_is_not_there(refused):
    assert "ga_dacs.yaml" in refused("--space", "ga_dasc.yaml")


def test_a_study_file_that_is_not_yaml(refused, tmp_path):
    (tmp_path / "broken.yaml").write_text("name: [")
    assert "broken.yaml:1" in refused("--space", "broken.yaml")


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("steam.passes=2", "stream"),
        ("stream.passes=two", "passes"),
        ("confirm.seeds=0", "confirm.seeds"),
        ("stream.passes", "PATH=VALUE"),
        ("model.checkpoint=1", "checkpoint"),
    ],
)
def test_settings_that_cannot_be(refused, assignment, said):
    assert said in refused("--space", "smoke.yaml", "--set", assignment)


def test_no_trials(refused):
    assert "budget.trials" in refused("--space", "smoke.yaml", "--trials", "0")


def test_the_folder_of_another_study(refused, tmp_path):
    open_study(load_study("smoke.yaml"), tmp_path / "out")

    assert "another study" in refused("--space", "smoke.yaml", "--set", "stream.passes=3", "--out", "out")


def test_a_folder_in_which_another_driver_works(refused, tmp_path):
    open_study(load_study("smoke.yaml"), tmp_path / "out")
    with (tmp_path / "out" / LOCK).open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "another driver" in refused("--space", "smoke.yaml", "--out", "out")


def test_wandb_without_a_key(refused, monkeypatch, tmp_path):
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    assert "WANDB_API_KEY" in refused("--space", "smoke.yaml", "--set", "tracking.wandb=true")


def test_a_report_of_no_study(refused, tmp_path):
    assert "study.yaml" in refused(str(tmp_path), main=report_main)


def test_the_driver_loads_no_torch_and_a_refusal_no_ray():
    program = (
        "import sys, hpo.run; assert 'ray' not in sys.modules and 'torch' not in sys.modules\n"
        "import hpo.tuning.execution; assert 'torch' not in sys.modules and 'wandb' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])

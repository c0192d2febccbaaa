"""Wrong input ends a command with code 2, one line with the cure, and nothing written."""

import errno
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from segada import adapt, pretrain
from segada.cli.exit_codes import DONE, FAILED, INTERRUPTED, WRONG_INPUT, exit_code

TINY = {
    "data": {"size": [32, 64], "splits": {"source": 8, "adapt": 8, "test": 4}},
    "stream": {"visits": ["clear"], "frames": 4},
    "method": {"name": "source_only"},
}
Run = Callable[..., int]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def command(main: Callable[[], int], *arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["command", *arguments])
        return main()

    return command


@pytest.mark.parametrize(
    ("changes", "arguments", "said"),
    [
        ({}, ["--set", "method.nam=dacs"], "method.nam: there is no such key; did you mean name?"),
        ({}, ["--set", "adapter.rank=4"], "adapter.rank: there is no such key; it goes with adapter.name lora"),
        ({}, ["--set", "model.drop_path=1.0"], "model.drop_path: should be less than 1, not 1.0"),
        (
            {},
            ["--set", "method.name=dacs", "--set", "model.frozen_modules=[encoder, head]"],
            "nothing of this network learns: model.freeze and model.frozen_modules",
        ),
        ({}, ["--set", "pseudo_threshold"], "--set pseudo_threshold: must be PATH=VALUE"),
        ({"stream": {"visits": ["claer"]}}, [], "stream.visits: names 'claer', but data.domains has only"),
        ({"evaluation": {"domains": ["night"]}}, [], "evaluation.domains: leaves out 'clear'"),
        ({"model": {"checkpoint": "nowhere"}}, [], "no shipped checkpoint is called 'nowhere'"),
        ({"model": {"encoder": "mit_b0"}}, [], "holds weights for model.encoder mit_tiny"),
        ({"data": {"size": [100000, 100000]}}, [], "data.size.0: should be less than or equal to 8192, not 100000"),
        (
            {"data": {"size": [8192, 8192], "splits": {"source": 10**6}}},
            [],
            "the 1000084 frames of the run take 250021 GiB, but",
        ),
        ({"data": {"size": [16, 64]}}, [], "must be at least 32 pixels"),
        ({"runtime": {"device": "cuda"}}, [], "torch finds no GPU here"),
        ({"data": {"domains": {"clear": {"dataset": "camvid"}}}}, [], "needs a folder"),
        ({"data": {"root": "gone", "domains": {"clear": {"dataset": "camvid"}}}}, [], "no folder gone"),
    ],
)
def test_wrong_settings_are_refused_in_one_line(
    run: Run,
    changes: dict[str, object],
    arguments: list[str],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "run.yaml").write_text(yaml.safe_dump({**TINY, **changes}))
    assert run(adapt.main, "run.yaml", *arguments) == WRONG_INPUT
    error = capsys.readouterr().err
    assert said in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["run.yaml"]


def test_a_missing_file_and_a_wrong_method_of_training_are_refused(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(adapt.main, "gone.yaml") == WRONG_INPUT
    assert run(pretrain.main, "--set", "method.name=dacs") == WRONG_INPUT
    assert "a source training is 'supervised'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_loss_that_is_not_finite_is_one_line(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wild = {"name": "dacs", "optimizer": {"lr": 1.0e30}}
    (tmp_path / "run.yaml").write_text(yaml.safe_dump({**TINY, "stream": {"visits": ["clear"]}, "method": wild}))
    assert run(adapt.main, "run.yaml") == WRONG_INPUT
    error = capsys.readouterr().err
    assert "; a smaller learning rate" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("main", "arguments", "said"),
    [
        (adapt.main, ["run.yaml", "--out", "run.yaml"], "--out run.yaml: run.yaml is no folder; choose another place"),
        (adapt.main, ["run.yaml", "--out", "run.yaml/a/b"], "--out run.yaml/a/b: run.yaml is no folder"),
        (adapt.main, ["run.yaml", "--out", "/proc/nowhere"], "--out /proc/nowhere: nothing can be written there ("),
        (pretrain.main, ["--out", "run.yaml"], "--out run.yaml: run.yaml is no folder"),
        (pretrain.main, ["--half", "half.pt"], "--half half.pt: must end with .safetensors"),
        (pretrain.main, ["--half", "run.yaml/half.safetensors"], "--half run.yaml: run.yaml is no folder"),
    ],
)
def test_a_place_that_takes_no_results_is_refused_before_anything_is_done(
    run: Run,
    main: Callable[[], int],
    arguments: list[str],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(TINY))
    assert run(main, *arguments) == WRONG_INPUT
    error = capsys.readouterr().err
    assert error.startswith(f"error: {said}")
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["run.yaml"]


def test_a_folder_of_another_run_is_refused_and_the_default_folder_never_collides(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(TINY))
    assert run(adapt.main, "run.yaml") == DONE
    assert run(adapt.main, "run.yaml", "--seed", "1") == DONE
    logging = ["--set", "logging.frames=true"]
    assert run(adapt.main, "run.yaml", *logging) == DONE
    folders = sorted((tmp_path / "runs").iterdir())
    assert len(folders) == 3
    logged = next(folder for folder in folders if folder.name.endswith("-logged"))
    plain = logged.with_name(logged.name.removesuffix("-logged"))
    assert (logged / "frames.jsonl").exists()
    assert (logged / "weights.safetensors").read_bytes() == (plain / "weights.safetensors").read_bytes()
    assert "mIoU in percent" in capsys.readouterr().out
    assert run(adapt.main, "run.yaml", *logging, "--out", str(plain)) == WRONG_INPUT
    assert "holds this run with other logging settings; choose another folder" in capsys.readouterr().err
    assert run(adapt.main, "run.yaml", "--seed", "2", "--out", str(folders[0])) == WRONG_INPUT
    assert "holds a run of other settings" in capsys.readouterr().err


def test_an_interruption_says_how_to_go_on_and_an_error_keeps_its_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    def broken() -> None:
        raise ZeroDivisionError("a bug")

    assert exit_code(interrupted) == INTERRUPTED
    assert "To go on: python " in capsys.readouterr().err
    assert exit_code(broken) == FAILED
    assert "ZeroDivisionError: a bug" in capsys.readouterr().err


def test_a_file_that_may_not_be_read_is_named_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def denied() -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "runs/a/study.journal")

    assert exit_code(denied) == WRONG_INPUT
    said = "error: runs/a/study.journal: Permission denied; change its permissions, or run as its owner\n"
    assert capsys.readouterr().err == said


def test_a_reader_that_closes_its_pipe_sees_no_traceback() -> None:
    shell = f"{shlex.quote(sys.executable)} -m hpo.space schema | head -c 10"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=True)
    assert (len(done.stdout), done.stderr) == (10, "")


def _too_much_of_torch() -> None:
    torch.empty(2**60)


def _too_much_of_numpy() -> None:
    np.empty(2**58)


@pytest.mark.parametrize("greedy", [_too_much_of_torch, _too_much_of_numpy])
def test_memory_that_does_not_suffice_is_said_in_one_line(
    greedy: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(greedy) == FAILED
    error = capsys.readouterr().err
    assert error.startswith("error: memory is short: ")
    assert error.endswith("; choose a smaller data.size, stream.batch_size or evaluation.batch_size\n")
    assert error.count("\n") == 1

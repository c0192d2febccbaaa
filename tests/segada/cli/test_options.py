"""Tests of the options common to commands that run a model: their effects, and contradictions."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from segada import adapt, pretrain
from segada.cli.exit_codes import DONE, WRONG_INPUT
from segada.cli.options import DEBUG, add_run_options
from segada.cli.run_request import Chosen, chosen
from segada.errors import InputError
from segada.settings import RunSettings
from segada.settings.files import load_run_settings

TINY = {
    "data": {"size": [32, 64], "splits": {"source": 8, "adapt": 8, "test": 4}},
    "stream": {"visits": ["clear"], "frames": 4},
    "method": {"name": "source_only"},
}
Choose = Callable[..., Chosen]
Run = Callable[..., int]


@pytest.fixture
def choose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Choose:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(TINY))

    def read(*arguments: str) -> Chosen:
        parser = argparse.ArgumentParser()
        add_run_options(parser, "settings", "out")
        return chosen(parser.parse_args(arguments), lambda settings, file: Path(f"{file.stem}-{settings.seed}"))

    return read


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(TINY))

    def command(main: Callable[[], int], *arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["command", *arguments])
        return main()

    return command


def test_shortcuts_are_the_settings_that_they_stand_for(choose: Choose) -> None:
    short = choose("run.yaml", "--seed", "3", "--load-from", "w.safetensors", "--deterministic", "--tags", "rain,a-1")
    longs = ("seed=3", "model.checkpoint=w.safetensors", "runtime.deterministic=true")
    spelled = choose("run.yaml", *(word for text in longs for word in ("--set", text)))
    assert short.settings == spelled.settings
    assert short.settings.runtime.deterministic
    assert short.settings.model.checkpoint == "w.safetensors"
    assert short.folder == Path("run-3")
    assert short.tags == ("rain", "a-1")


def test_debug_sets_exactly_its_table_and_the_file_s_rest_stays(choose: Choose) -> None:
    debug = choose("run.yaml", "--debug").settings
    by_hand = choose("run.yaml", *(word for path, value in DEBUG.items() for word in ("--set", f"{path}={value}")))
    assert debug == by_hand.settings
    assert debug.stream.visits == ("clear",)
    own = choose("run.yaml", "--debug", "--set", "stream.frames=2", "--set", "stream.passes=3").settings
    assert (own.stream.frames, own.stream.passes, own.data.splits.source) == (2, 3, 24)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no settings: name a file, or a run's folder with --resume-from"),
        (
            ["run.yaml", "--seed", "1", "--set", "seed=2"],
            "--seed says seed=1, but --set says seed=2; leave one of them out",
        ),
        (
            ["run.yaml", "--load-from", "a.safetensors", "--set", "model.checkpoint=null"],
            "--load-from says model.checkpoint=a.safetensors, but --set says model.checkpoint=None",
        ),
        (["run.yaml", "--deterministic", "--set", "runtime.deterministic=false"], "--deterministic says"),
        (["run.yaml", "--seed", "-1"], "run.yaml (--seed): seed: should be greater than or equal to 0, not -1"),
        (["run.yaml", "--tags", "two words"], "--tags: 'two words' is no tag"),
        (["run.yaml", "--tags", "a,,b"], "--tags: '' is no tag"),
        (["--resume-from", "gone"], "--resume-from gone: holds no run that has finished a visit"),
        (["--resume-from", "."], "--resume-from .: holds no run that has finished a visit"),
        (["--resume-from", "gone", "--out", "other"], "goes on with the run in that folder; leave out another --out"),
        (["--resume-from", "gone", "--load-from", "w.safetensors"], "leave out --load-from, which begins a new run"),
        (["--resume-from", "gone", "--no-auto-resume"], "leave out --no-auto-resume"),
    ],
)
def test_what_contradicts_is_refused_and_nothing_is_written(
    arguments: list[str], said: str, choose: Choose, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as refusal:
        choose(*arguments)
    assert said in str(refusal.value)
    assert [path.name for path in tmp_path.iterdir()] == ["run.yaml"]


def test_a_run_is_gone_on_with_from_its_folder_alone_and_its_tags_are_added_up(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(adapt.main, "run.yaml", "--out", "there", "--seed", "2", "--tags", "rain") == DONE
    report = (tmp_path / "there" / "report.json").read_bytes()
    (tmp_path / "there" / "report.json").unlink()
    (tmp_path / "run.yaml").unlink()
    capsys.readouterr()
    assert run(adapt.main, "--resume-from", "there", "--tags", "rain,again") == DONE
    out = capsys.readouterr().out
    assert "continues after visit 1 of 1, from there" in out
    assert "tags: rain, again" in out
    assert (tmp_path / "there" / "report.json").read_bytes() == report
    assert json.loads((tmp_path / "there" / "tags.json").read_text()) == ["rain", "again"]
    assert load_run_settings(tmp_path / "there" / "settings.yaml").settings_hash() == (
        RunSettings.model_validate({**TINY, "seed": 2}).settings_hash()
    )


def test_a_folder_is_gone_on_with_only_where_that_is_meant(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(adapt.main, "run.yaml", "--out", "there") == DONE
    before = {path: path.read_bytes() for path in (tmp_path / "there").rglob("*") if path.is_file()}
    assert run(adapt.main, "run.yaml", "--out", "there", "--no-auto-resume") == WRONG_INPUT
    assert "--no-auto-resume, but there holds a run; choose another --out" in capsys.readouterr().err
    assert run(adapt.main, "--resume-from", "there", "--seed", "5") == WRONG_INPUT
    said = capsys.readouterr().err
    assert "--resume-from there goes on with the settings there (hash " in said
    assert "begin a run of theirs with --load-from there/weights.safetensors" in said
    assert run(pretrain.main, "--resume-from", "there") == WRONG_INPUT
    assert "method.name is 'source_only', but a source training is 'supervised'" in capsys.readouterr().err
    assert run(adapt.main, "run.yaml", "--out", "there", "--seed", "1", "--tags", "wrong") == WRONG_INPUT
    assert {path: path.read_bytes() for path in (tmp_path / "there").rglob("*") if path.is_file()} == before
    assert run(adapt.main, "run.yaml", "--out", "there", "--auto-resume") == DONE


def test_shipped_recipes_are_named_without_a_path(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGADA_CAMVID", "nowhere")
    assert run(pretrain.main, "pretrain_camvid") == WRONG_INPUT
    assert "no folder nowhere" in capsys.readouterr().err
    assert run(pretrain.main, "pretrain_canvid") == WRONG_INPUT
    assert "no shipped recipe has this name; did you mean pretrain_camvid?" in capsys.readouterr().err
    assert run(pretrain.main, "gone.yaml") == WRONG_INPUT
    assert "gone.yaml: cannot be read" in capsys.readouterr().err
    assert pretrain.recipes()[0].name == pretrain.DEFAULT


def test_weights_alone_begin_a_new_run(run: Run, tmp_path: Path) -> None:
    assert run(adapt.main, "run.yaml", "--out", "first") == DONE
    weights = tmp_path / "first" / "weights.safetensors"
    assert run(adapt.main, "run.yaml", "--out", "second", "--load-from", str(weights)) == DONE
    second = load_run_settings(tmp_path / "second" / "settings.yaml")
    assert second.model.checkpoint == str(weights)
    # Of the same numbers: nothing was learned between.
    reports = [json.loads((tmp_path / name / "report.json").read_text()) for name in ("first", "second")]
    assert reports[0]["source_only"] == reports[1]["source_only"]

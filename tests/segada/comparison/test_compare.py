"""A comparison: its numbers are those of single runs, nothing is done twice, and wrong recipes are refused."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from rich.console import Console

from segada import adapt, compare
from segada.cli.exit_codes import DONE, INTERRUPTED, WRONG_INPUT
from segada.comparison import runs as runs_module
from segada.comparison.recipe import load_recipe, shipped_recipes
from segada.engine.runner import Run
from segada.records import RunReport, VisitRecord
from segada.settings.files import load_run_settings
from segada.settings.nested import merged

METHODS: dict[str, Any] = {
    "batch_norm": {"method": {"name": "batch_norm"}},
    "dacs": {"method": {"name": "dacs", "pseudo_threshold": 0.1}},
}
Command = Callable[..., int]


@pytest.fixture(scope="module")
def recipe(tiny_run: dict[str, object]) -> dict[str, Any]:
    return {"run": tiny_run, "seeds": 2, "methods": METHODS}


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.chdir(tmp_path)

    def run(recipe: dict[str, Any], *arguments: str) -> int:
        (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe, sort_keys=False))
        monkeypatch.setattr(sys, "argv", ["compare", "recipe.yaml", *arguments])
        return compare.main()

    return run


@pytest.fixture(scope="module")
def whole(recipe: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunReport]:
    """The reports of the recipe, done one run at a time and never stopped."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    compare.compare(load_recipe(str(folder / "recipe.yaml"), {}, {}), folder, 1, Console(quiet=True))
    return _reports(folder)


def _reports(folder: Path) -> dict[str, RunReport]:
    found = (folder / "runs").glob("*/report.json")
    return {path.parent.name: RunReport.model_validate_json(path.read_bytes()) for path in found}


def _miou(reports: dict[str, RunReport]) -> dict[str, list[dict[str, float]]]:
    return {name: [visit.miou for visit in report.visits] for name, report in reports.items()}


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open() as lines:
        return list(csv.DictReader(lines))


def test_numbers_are_those_of_single_runs(
    command: Command, recipe: dict[str, Any], tiny_run: dict[str, object], tmp_path: Path
) -> None:
    assert command(recipe, "--out", "out", "--markdown", "table.md") == DONE

    reports = _reports(tmp_path / "out")
    assert sorted(reports) == ["batch_norm-s0", "batch_norm-s1", "dacs-s0", "dacs-s1"]
    single: dict[str, list[float]] = {name: [] for name in METHODS}
    for name, changes in METHODS.items():
        for seed in range(2):
            (tmp_path / "run.yaml").write_text(yaml.safe_dump(merged(tiny_run, {**changes, "seed": seed})))
            settings = load_run_settings(tmp_path / "run.yaml")
            alone = adapt.adapt(settings, tmp_path / "alone" / f"{name}{seed}", Console(quiet=True))
            there = reports[f"{name}-s{seed}"]
            assert there.settings_hash == settings.settings_hash()
            assert _miou({name: there}) == _miou({name: alone})
            single[name].append(alone.mean_miou)
    for row in _rows(tmp_path / "out" / "comparison.csv"):
        assert float(row["mean_miou mean"]) == np.mean(single[row["method"]])
        assert float(row["mean_miou deviation"]) == np.std(single[row["method"]], ddof=1)
    assert len(_rows(tmp_path / "out" / "runs.csv")) == 4
    table = (tmp_path / "table.md").read_text()
    assert table == (tmp_path / "out" / "comparison.md").read_text()
    assert "measured one run at a time" in table


def test_a_finished_run_is_not_repeated_and_a_new_method_is_added(
    command: Command, recipe: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = {**recipe, "seeds": 1}
    assert command(first, "--out", "out") == DONE
    table = (tmp_path / "out" / "comparison.md").read_text()
    done: list[str] = []
    finish = runs_module._finish

    def noted(run: Any, *rest: Any) -> str | None:
        done.append(run.name)
        return finish(run, *rest)

    monkeypatch.setattr(runs_module, "_finish", noted)
    assert command(first, "--out", "out") == DONE
    assert done == []
    assert (tmp_path / "out" / "comparison.md").read_text() == table
    more = {**recipe, "methods": {**METHODS, "source_only": {"method": {"name": "source_only"}}}}
    assert command(more, "--out", "out") == DONE
    assert done == ["batch_norm seed 1", "dacs seed 1", "source_only seed 0", "source_only seed 1"]


def test_several_runs_at_a_time_give_the_same_numbers_and_say_so(
    command: Command, recipe: dict[str, Any], whole: dict[str, RunReport], tmp_path: Path
) -> None:
    assert command(recipe, "--out", "out", "--jobs", "2") == DONE
    assert _miou(_reports(tmp_path / "out")) == _miou(whole)
    assert "measured up to 2 runs at a time" in (tmp_path / "out" / "comparison.md").read_text()
    # Once disturbed, always disturbed: the runs are the same ones.
    assert command(recipe, "--out", "out") == DONE
    assert "measured up to 2 runs at a time" in (tmp_path / "out" / "comparison.md").read_text()


def test_a_comparison_that_is_interrupted_goes_on_where_it_was(
    command: Command,
    recipe: dict[str, Any],
    whole: dict[str, RunReport],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    visited: list[str] = []
    next_visit = Run.next_visit

    def interrupted(run: Run) -> VisitRecord:
        # In the second visit of the first run of dacs, whose first visit is saved by then.
        if len(visited) == 5:
            raise KeyboardInterrupt
        record = next_visit(run)
        visited.append(record.domain)
        return record

    monkeypatch.setattr(Run, "next_visit", interrupted)
    assert command(recipe, "--out", "out") == INTERRUPTED
    assert "interrupted; finished visits are kept. To go on: python " in capsys.readouterr().err
    assert sorted(_reports(tmp_path / "out")) == ["batch_norm-s0", "batch_norm-s1"]
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)

    _resume(command, recipe, whole, tmp_path / "out")
    assert len((tmp_path / "out" / "runs" / "dacs-s0" / "log.txt").read_text().splitlines()) == 3


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_a_comparison_that_is_stopped_leaves_no_process_and_goes_on_where_it_was(
    ending: signal.Signals, command: Command, recipe: dict[str, Any], whole: dict[str, RunReport], tmp_path: Path
) -> None:
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    line = [sys.executable, "-m", "segada.compare", "recipe.yaml", "--out", "out", "--jobs", "2"]
    process = subprocess.Popen(
        line, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while process.poll() is None and not list((tmp_path / "out" / "runs").glob("dacs-*/visits.jsonl")):
        time.sleep(0.01)
    # A terminal sends its Ctrl-C to all processes; a kill is for one.
    {signal.SIGINT: os.killpg, signal.SIGKILL: os.kill}[ending](process.pid, ending)
    # Its end, too, is that of every process that holds its standard error.
    _, error = process.communicate(timeout=60)

    assert process.returncode == {signal.SIGINT: INTERRUPTED, signal.SIGKILL: -signal.SIGKILL}[ending]
    if ending == signal.SIGINT:
        assert error.startswith("interrupted; finished visits are kept. To go on: python ")
        assert error.count("\n") == 1
    assert len(_reports(tmp_path / "out")) < 4
    _resume(command, recipe, whole, tmp_path / "out")


def _resume(command: Command, recipe: dict[str, Any], whole: dict[str, RunReport], folder: Path) -> None:
    before = {name: report.seconds for name, report in _reports(folder).items()}
    assert command(recipe, "--out", folder.name) == DONE
    after = _reports(folder)
    assert {name: report.seconds for name, report in after.items() if name in before} == before
    assert _miou(after) == _miou(whole)


def test_the_source_model_is_trained_once_for_all_methods(
    command: Command, recipe: dict[str, Any], tmp_path: Path
) -> None:
    pretrain = {
        "stream": {"split": "source", "visits": ["clear"], "frames": None},
        "method": {"name": "supervised"},
        "evaluation": {"online": False},
    }
    trained = {**recipe, "pretrain": pretrain, "run": {**recipe["run"], "model": {"checkpoint": None}}, "seeds": 1}
    assert command(trained, "--out", "out") == DONE
    weights = (tmp_path / "out" / "source" / "weights.safetensors").stat().st_mtime_ns
    assert command(trained, "--out", "out", "--seeds", "2") == DONE

    assert (tmp_path / "out" / "source" / "weights.safetensors").stat().st_mtime_ns == weights
    settings = yaml.safe_load((tmp_path / "out" / "runs" / "dacs-s1" / "settings.yaml").read_text())
    assert settings["model"]["checkpoint"] == "out/source/weights.safetensors"
    trained_miou = RunReport.model_validate_json((tmp_path / "out" / "source" / "report.json").read_bytes())
    assert _reports(tmp_path / "out")["dacs-s0"].source_only["clear"] == trained_miou.visits[0].miou["clear"]


def test_a_run_that_diverges_is_shown_and_stops_no_other(
    command: Command, recipe: dict[str, Any], tmp_path: Path
) -> None:
    wild = {"method": {"name": "dacs", "optimizer": {"lr": 1e30}}}
    methods = {"wild": wild, "source_only": {"method": {"name": "source_only"}}}
    assert command({**recipe, "methods": methods}, "--out", "out") == DONE

    table = (tmp_path / "out" / "comparison.md").read_text()
    assert "`wild` did not finish with seeds 0, 1, which its numbers leave out: the loss term 'clean' is" in table
    assert [row["method"] for row in _rows(tmp_path / "out" / "comparison.csv")] == ["source_only"]


@pytest.mark.parametrize(
    ("changes", "arguments", "said"),
    [
        ({"method": {}}, [], "recipe.yaml:{method}: method: there is no such key; did you mean methods?"),
        ({"seeds": 0}, [], "recipe.yaml:{seeds}: seeds: should be greater than or equal to 1, not 0"),
        ({}, ["--seeds", "0"], "recipe.yaml (--seeds): seeds: should be greater than or equal to 1, not 0"),
        ({}, ["--jobs", "0"], "--jobs must be at least 1, but is 0"),
        ({"run": {"stream": {"visits": ["claer"]}}}, [], "recipe.yaml:{visits}: run.stream.visits: names 'claer'"),
        ({"methods": {"a b": {}}}, [], "recipe.yaml:{a b}: methods.a b: "),
        (
            {"methods": {"dacs": {"method": {"pseudo_thresold": 0.5}}}},
            [],
            (
                "recipe.yaml:{pseudo_thresold}: methods.dacs.method.pseudo_thresold: there is no such key; did you "
                "mean pseudo_threshold?"
            ),
        ),
        (
            {"methods": {"dacs": {"stream": {"visits": ["clear"]}}}},
            [],
            "recipe.yaml:{visits}: methods.dacs.stream.visits: is the same for all methods",
        ),
        ({"methods": {"dacs": {"seed": 5}}}, [], "recipe.yaml:{seed}: methods.dacs.seed: is the same for all"),
        (
            {"methods": {"dacs": {"model": {"checkpoint": "nowhere"}}}},
            [],
            "recipe.yaml:{dacs}: methods.dacs: model.checkpoint: no shipped checkpoint is called 'nowhere'",
        ),
        (
            {"methods": {"dacs": {"adapter": {"name": "adaptformer", "stages": [0, 0]}}}},
            [],
            "adapter.stages",
        ),
        (
            {"pretrain": {"method": {"name": "dacs"}}},
            [],
            "recipe.yaml:{name}: pretrain.method.name: must be supervised",
        ),
        (
            {
                "run": {
                    "data": {"root": "gone", "domains": {"clear": {"dataset": "camvid"}}},
                    "stream": {"visits": ["clear"]},
                }
            },
            [],
            "domain 'clear': no folder gone",
        ),
    ],
)
def test_wrong_recipes_are_refused_in_one_line(
    command: Command,
    changes: dict[str, Any],
    arguments: list[str],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recipe = {"methods": {"dacs": {"method": {"name": "dacs"}}}, **changes}
    assert command(recipe, *arguments) == WRONG_INPUT

    error = capsys.readouterr().err
    keys = [line.split(":")[0].strip() for line in (tmp_path / "recipe.yaml").read_text().splitlines()]
    for key, number in {key: number for number, key in enumerate(keys, start=1)}.items():
        said = said.replace(f"{{{key}}}", str(number))
    assert said in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.yaml"]


def test_a_folder_of_another_comparison_is_refused_before_anything_is_written(
    command: Command, recipe: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = {**recipe, "seeds": 1, "methods": {"batch_norm": METHODS["batch_norm"]}}
    assert command(one, "--out", "out") == DONE
    capsys.readouterr()
    other = merged(recipe, {"run": {"stream": {"passes": 2}}})

    assert command(other, "--out", "out") == WRONG_INPUT

    assert "holds a run of other settings" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out" / "runs").iterdir()] == ["batch_norm-s0"]


def test_a_process_that_was_killed_is_said_in_one_line(
    command: Command, recipe: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Killed(ProcessPoolExecutor):
        def submit(self, *_: Any) -> Future[Any]:  # type: ignore[override]
            future: Future[Any] = Future()
            future.set_exception(BrokenProcessPool("terminated abruptly"))
            return future

    monkeypatch.setattr(runs_module, "ProcessPoolExecutor", Killed)
    assert command(recipe, "--out", "out", "--jobs", "2") == WRONG_INPUT
    error = capsys.readouterr().err
    assert "one of 2 processes was killed, as the system does where memory is short; use fewer --jobs" in error
    assert error.count("\n") == 1


def test_the_training_is_not_driven_as_the_runs_are(recipe: dict[str, Any], tmp_path: Path) -> None:
    drive = {"stream": {"route": "forward_and_back", "rounds": 2}}
    pretrain = {"stream": {"visits": ["clear"]}, "method": {"name": "supervised"}}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump({**merged(recipe, {"run": drive}), "pretrain": pretrain}))
    loaded = load_recipe(str(tmp_path / "recipe.yaml"), {}, {})
    source = loaded.source()
    assert source is not None
    assert source.stream.all_visits() == ("clear",)
    assert len(loaded.base().stream.all_visits()) == 6


@pytest.mark.parametrize("name", [name.removesuffix(".yaml") for name in shipped_recipes()])
def test_a_shipped_recipe_loads_by_its_name(name: str, request: pytest.FixtureRequest) -> None:
    recorded = {"run.data.root": str(request.getfixturevalue("camvid"))} if name == "compare_camvid" else {}
    methods = load_recipe(name, recorded, {}).settings.methods
    assert {"source_only", "batch_norm", "dacs"} <= methods.keys()


def test_the_photographs_and_the_streets_have_a_recipe() -> None:
    assert {"compare_camvid.yaml", "compare_streets.yaml"} <= set(shipped_recipes())

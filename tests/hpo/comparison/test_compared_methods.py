"""Methods at fixed settings: their numbers are those of single runs, nothing is done twice, wrong files are refused."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import psutil
import pytest
import yaml
from rich.console import Console

from hpo import compare
from hpo.comparison import method_runs, methods_file
from hpo.comparison.engine_process import EngineProcess
from hpo.comparison.methods_file import MethodsFile, load_methods, methods_path, shipped_comparisons
from segada import adapt as adapt_command
from segada import pretrain
from segada.cli.exit_codes import DONE, INTERRUPTED, NO_ANSWER, WRONG_INPUT
from segada.engine.preflight import problems
from segada.engine.runner import Run
from segada.engine.session import adapt
from segada.records import Preflight, RunReport, VisitRecord
from segada.settings import RunSettings
from segada.settings.nested import merged

METHODS: dict[str, Any] = {
    "batch_norm": {"method": {"name": "batch_norm"}},
    "dacs": {"method": {"name": "dacs", "pseudo_threshold": 0.1}},
}
COMMANDS = {"segada.adapt": adapt_command.main, "segada.pretrain": pretrain.main}
Command = Callable[..., int]


class ProcessHere(EngineProcess):
    """Runs the command in this process, at once and to its end, without the seconds that a child process imports."""

    commands: ClassVar[list[str]] = []
    alone: ClassVar[set[bool]] = set()

    def __init__(self, words: Sequence[str], errors: Path, *, alone: bool) -> None:
        self._errors = errors
        self.commands.append(Path(words[-1]).name)
        self.alone.add(alone)
        said = io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stderr(said), redirect_stdout(io.StringIO()):
            patch.setattr(sys, "argv", list(words))
            self._code = COMMANDS[words[0]]()
        errors.write_text(said.getvalue())

    def exit_code(self) -> int | None:
        return self._code

    def kill(self) -> None:
        pass


def _check_here(file: MethodsFile) -> None:
    """Does what the child process of `check_data_and_networks` does."""

    def answered(_: Sequence[str], **options: Any) -> Any:
        found = problems(Preflight.model_validate_json(options["input"]))
        return SimpleNamespace(stdout=json.dumps(found))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(methods_file.subprocess, "run", answered)
        CHECK(file)


CHECK = MethodsFile.check_data_and_networks


@pytest.fixture(scope="module")
def content(tiny_run: dict[str, object]) -> dict[str, Any]:
    return {"run": tiny_run, "seeds": 2, "methods": METHODS}


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.chdir(tmp_path)

    def run(content: dict[str, Any], *arguments: str) -> int:
        (tmp_path / "methods.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
        monkeypatch.setattr(sys, "argv", ["compare", "methods.yaml", *arguments])
        return compare.main()

    return run


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> type[ProcessHere]:
    monkeypatch.setattr(method_runs, "EngineProcess", ProcessHere)
    monkeypatch.setattr(MethodsFile, "check_data_and_networks", _check_here)
    ProcessHere.commands.clear()
    ProcessHere.alone.clear()
    return ProcessHere


def _reports(folder: Path) -> dict[str, RunReport]:
    found = (folder / "runs").glob("*/report.json")
    return {path.parent.name: RunReport.model_validate_json(path.read_bytes()) for path in found}


def _miou(reports: dict[str, RunReport]) -> dict[str, list[dict[str, float]]]:
    return {name: [visit.miou for visit in report.visits] for name, report in reports.items()}


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open() as lines:
        return list(csv.DictReader(lines))


def test_numbers_of_child_processes_are_those_of_single_runs(
    command: Command, content: dict[str, Any], tiny_run: dict[str, object], tmp_path: Path
) -> None:
    assert command(content, "--out", "out", "--markdown", "table.md", "--seeds", "1", "--jobs", "2") == DONE

    reports = _reports(tmp_path / "out")
    assert sorted(reports) == ["batch_norm-s0", "dacs-s0"]
    for name, changes in METHODS.items():
        settings = RunSettings.model_validate(merged(tiny_run, changes))
        alone = adapt(settings, tmp_path / "alone" / name, Console(quiet=True))
        assert reports[f"{name}-s0"].settings_hash == settings.settings_hash()
        assert _miou({name: reports[f"{name}-s0"]}) == _miou({name: alone})
    table = (tmp_path / "table.md").read_text()
    assert table == (tmp_path / "out" / "comparison.md").read_text()
    assert "measured up to 2 runs at a time" in table
    # Once disturbed, always disturbed: the runs are the same ones.
    assert command(content, "--out", "out", "--seeds", "1") == DONE
    assert (tmp_path / "out" / "comparison.md").read_text() == table


def test_tables_hold_means_and_deviations_of_the_runs(
    command: Command, content: dict[str, Any], tmp_path: Path, here: type[ProcessHere]
) -> None:
    assert command(content, "--out", "out") == DONE
    assert here.alone == {True}
    reports = _reports(tmp_path / "out")
    for row in _rows(tmp_path / "out" / "comparison.csv"):
        found = [reports[f"{row['method']}-s{seed}"].mean_miou for seed in range(2)]
        assert float(row["mean_miou mean"]) == np.mean(found)
        assert float(row["mean_miou deviation"]) == np.std(found, ddof=1)
    assert len(_rows(tmp_path / "out" / "runs.csv")) == 4
    assert "measured one run at a time" in (tmp_path / "out" / "comparison.md").read_text()


def test_a_finished_run_is_not_repeated_and_a_new_method_is_added(
    command: Command, content: dict[str, Any], tmp_path: Path, here: type[ProcessHere]
) -> None:
    first = {**content, "seeds": 1}
    assert command(first, "--out", "out") == DONE
    table = (tmp_path / "out" / "comparison.md").read_text()
    here.commands.clear()
    assert command(first, "--out", "out") == DONE
    assert here.commands == []
    assert (tmp_path / "out" / "comparison.md").read_text() == table
    more = {**content, "methods": {**METHODS, "source_only": {"method": {"name": "source_only"}}}}
    assert command(more, "--out", "out") == DONE
    assert here.commands == ["batch_norm-s1", "dacs-s1", "source_only-s0", "source_only-s1"]


def test_a_comparison_that_is_interrupted_goes_on_where_it_was(
    command: Command,
    content: dict[str, Any],
    tmp_path: Path,
    here: type[ProcessHere],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command(content, "--out", "whole") == DONE
    next_visit, visited = Run.next_visit, []

    def interrupted(run: Run) -> VisitRecord:
        # In the second visit of the first run of dacs, whose first visit is saved by then.
        if len(visited) == 5:
            raise KeyboardInterrupt
        record = next_visit(run)
        visited.append(record.domain)
        return record

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "next_visit", interrupted)
        assert command(content, "--out", "out") == INTERRUPTED
    assert "interrupted; finished visits are kept. To go on: python " in capsys.readouterr().err
    assert sorted(_reports(tmp_path / "out")) == ["batch_norm-s0", "batch_norm-s1"]
    assert command(content, "--out", "out") == DONE
    assert _miou(_reports(tmp_path / "out")) == _miou(_reports(tmp_path / "whole"))
    log = (tmp_path / "out" / "runs" / "dacs-s0" / "log.txt").read_text()
    assert [log.count(f"visit {visit} (") for visit in range(2)] == [1, 1]


def _wait_for_end_of_commands(folder: Path) -> None:
    """Waits until no process works in the folder."""
    end = time.monotonic() + 10.0
    while any(one.info["cwd"] == str(folder) for one in psutil.process_iter(["cwd"]) if one.pid != os.getpid()):
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_a_comparison_that_is_stopped_leaves_no_process_and_goes_on_where_it_was(
    ending: signal.Signals, command: Command, content: dict[str, Any], tmp_path: Path, here: type[ProcessHere]
) -> None:
    assert command(content, "--out", "whole") == DONE
    line = [sys.executable, "-m", "hpo.compare", "methods.yaml", "--out", "out", "--jobs", "2"]
    process = subprocess.Popen(
        line, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while process.poll() is None and not list((tmp_path / "out" / "runs").glob("*/visits.jsonl")):
        time.sleep(0.01)
    # A terminal sends its Ctrl-C to all processes; a kill is for one.
    {signal.SIGINT: os.killpg, signal.SIGKILL: os.kill}[ending](process.pid, ending)
    _, error = process.communicate(timeout=60)

    assert process.returncode == {signal.SIGINT: INTERRUPTED, signal.SIGKILL: -signal.SIGKILL}[ending]
    if ending == signal.SIGINT:
        assert error.startswith("interrupted; finished visits are kept. To go on: python ")
        assert error.count("\n") == 1
    _wait_for_end_of_commands(tmp_path)
    before = {name: report.seconds for name, report in _reports(tmp_path / "out").items()}
    assert len(before) < 4
    assert command(content, "--out", "out") == DONE
    after = _reports(tmp_path / "out")
    assert {name: report.seconds for name, report in after.items() if name in before} == before
    assert _miou(after) == _miou(_reports(tmp_path / "whole"))


def test_the_source_model_is_trained_once_for_all_methods(
    command: Command, content: dict[str, Any], tmp_path: Path, here: type[ProcessHere]
) -> None:
    pretrain = {
        "stream": {"split": "source", "visits": ["clear"], "frames": None},
        "method": {"name": "supervised"},
        "evaluation": {"online": False},
    }
    trained = {**content, "pretrain": pretrain, "run": {**content["run"], "model": {"checkpoint": None}}, "seeds": 1}
    assert command(trained, "--out", "out") == DONE
    weights = (tmp_path / "out" / "source" / "weights.safetensors").stat().st_mtime_ns
    assert command(trained, "--out", "out", "--seeds", "2") == DONE

    assert (tmp_path / "out" / "source" / "weights.safetensors").stat().st_mtime_ns == weights
    settings = yaml.safe_load((tmp_path / "out" / "runs" / "dacs-s1" / "settings.yaml").read_text())
    assert settings["model"]["checkpoint"] == "out/source/weights.safetensors"
    trained_miou = RunReport.model_validate_json((tmp_path / "out" / "source" / "report.json").read_bytes())
    assert _reports(tmp_path / "out")["dacs-s0"].source_only["clear"] == trained_miou.visits[0].miou["clear"]


def test_a_run_that_diverges_is_shown_and_stops_no_other(
    command: Command, content: dict[str, Any], tmp_path: Path, here: type[ProcessHere]
) -> None:
    wild = {"method": {"name": "dacs", "optimizer": {"lr": 1e30}}}
    methods = {"wild": wild, "source_only": {"method": {"name": "source_only"}}}
    assert command({**content, "methods": methods}, "--out", "out") == NO_ANSWER

    table = (tmp_path / "out" / "comparison.md").read_text()
    assert "`wild` did not finish with seeds 0, 1, which its numbers leave out: the loss term 'clean' is" in table
    assert [row["method"] for row in _rows(tmp_path / "out" / "comparison.csv")] == ["source_only"]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("changes", "arguments", "said"),
    [
        ({"method": {}}, [], "methods.yaml:{method}: method: there is no such key; did you mean methods?"),
        ({"seeds": 0}, [], "methods.yaml:{seeds}: seeds: should be greater than or equal to 1, not 0"),
        ({}, ["--seeds", "0"], "methods.yaml (--seeds): seeds: should be greater than or equal to 1, not 0"),
        ({}, ["--jobs", "0"], "--jobs must be at least 1, but is 0"),
        ({"run": {"stream": {"visits": ["claer"]}}}, [], "methods.yaml:{visits}: run.stream.visits: names 'claer'"),
        ({"methods": {"a b": {}}}, [], "methods.yaml:{a b}: methods.a b: "),
        (
            {"methods": {"dacs": {"method": {"pseudo_thresold": 0.5}}}},
            [],
            (
                "methods.yaml:{pseudo_thresold}: methods.dacs.method.pseudo_thresold: there is no such key; "
                "did you mean pseudo_threshold?"
            ),
        ),
        (
            {"methods": {"dacs": {"stream": {"visits": ["clear"]}}}},
            [],
            "methods.yaml:{visits}: methods.dacs.stream.visits: is the same for all methods",
        ),
        ({"methods": {"dacs": {"seed": 5}}}, [], "methods.yaml:{seed}: methods.dacs.seed: is the same for all"),
        (
            {"methods": {"dacs": {"model": {"checkpoint": "nowhere"}}}},
            [],
            "methods.yaml:{dacs}: methods.dacs: model.checkpoint: no shipped checkpoint is called 'nowhere'",
        ),
        (
            {"methods": {"dacs": {"adapter": {"name": "adaptformer", "stages": [0, 0]}}}},
            [],
            "adapter.stages",
        ),
        (
            {"pretrain": {"method": {"name": "dacs"}}},
            [],
            "methods.yaml:{name}: pretrain.method.name: must be supervised",
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
def test_wrong_files_are_refused_in_one_line(
    command: Command,
    changes: dict[str, Any],
    arguments: list[str],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    content = {"methods": {"dacs": {"method": {"name": "dacs"}}}, **changes}
    assert command(content, *arguments) == WRONG_INPUT

    error = capsys.readouterr().err
    keys = [line.split(":")[0].strip() for line in (tmp_path / "methods.yaml").read_text().splitlines()]
    for key, number in {key: number for number, key in enumerate(keys, start=1)}.items():
        said = said.replace(f"{{{key}}}", str(number))
    assert said in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["methods.yaml"]


def test_a_folder_of_another_comparison_is_refused_before_anything_is_written(
    command: Command,
    content: dict[str, Any],
    tmp_path: Path,
    here: type[ProcessHere],
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = {**content, "seeds": 1, "methods": {"batch_norm": METHODS["batch_norm"]}}
    assert command(one, "--out", "out") == DONE
    capsys.readouterr()
    other = merged(content, {"run": {"stream": {"passes": 2}}})

    assert command(other, "--out", "out") == WRONG_INPUT

    assert "holds a run of other settings" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out" / "runs").iterdir()] == ["batch_norm-s0"]


def test_a_process_that_was_killed_is_said_in_one_line(
    command: Command,
    content: dict[str, Any],
    here: type[ProcessHere],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(here, "exit_code", lambda _: -signal.SIGKILL)
    assert command(content, "--out", "out", "--jobs", "2") == WRONG_INPUT
    error = capsys.readouterr().err
    assert "one of 2 processes was killed, as the system does where memory is short; go on with fewer --jobs" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--trials", "3"], "--trials is for a comparison of studies, and methods.yaml holds methods at fixed"),
        (["--address", "auto"], "--address is for a comparison of studies"),
    ],
)
def test_options_of_a_search_are_refused(
    command: Command, content: dict[str, Any], arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(content, *arguments) == WRONG_INPUT
    assert said in capsys.readouterr().err


def test_options_of_methods_are_refused_for_studies(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["compare", "compare_methods", "--jobs", "2"])
    assert compare.main() == WRONG_INPUT
    assert "--jobs is for a comparison of methods at fixed settings" in capsys.readouterr().err


def test_a_misspelled_comparison_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["compare", "compare_camvdi"])
    assert compare.main() == WRONG_INPUT
    assert "nothing shipped has this name; did you mean compare_camvid?" in capsys.readouterr().err


def test_a_path_without_a_part_of_the_file_is_one_into_the_runs(content: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "methods.yaml").write_text(yaml.safe_dump(content))
    loaded = load_methods(tmp_path / "methods.yaml", {"stream.passes": 3, "run.seed": 5}, {})
    assert (loaded.base().stream.passes, loaded.base().seed) == (3, 5)


def test_values_beside_a_preset_replace_it_in_any_order(content: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "methods.yaml").write_text(yaml.safe_dump({**content, "methods": {"adapters": {}}}))
    given = {"adapter.bottleneck": 3, "preset": "adpt1"}
    for overrides in (given, dict(reversed(given.items()))):
        adapter = load_methods(tmp_path / "methods.yaml", overrides, {}).base().adapter
        assert (adapter.name, adapter.bottleneck) == ("adaptformer", 3)


def test_the_training_is_not_driven_as_the_runs_are(content: dict[str, Any], tmp_path: Path) -> None:
    drive = {"stream": {"route": "forward_and_back", "rounds": 2}}
    pretrain = {"stream": {"visits": ["clear"]}, "method": {"name": "supervised"}}
    (tmp_path / "methods.yaml").write_text(yaml.safe_dump({**merged(content, {"run": drive}), "pretrain": pretrain}))
    loaded = load_methods(tmp_path / "methods.yaml", {}, {})
    source = loaded.source()
    assert source is not None
    assert source.stream.all_visits() == ("clear",)
    assert len(loaded.base().stream.all_visits()) == 6


@pytest.mark.parametrize("name", ["compare_camvid", "compare_streets", "compare_placement"])
def test_a_shipped_comparison_loads_by_its_name(name: str, request: pytest.FixtureRequest) -> None:
    assert name in shipped_comparisons()
    recorded = {"data.root": str(request.getfixturevalue("camvid"))} if name == "compare_camvid" else {}
    path = methods_path(name)
    assert path is not None
    loaded = load_methods(path, recorded, {})
    _check_here(loaded)
    assert "source_only" in loaded.settings.methods

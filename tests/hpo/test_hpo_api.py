"""The public API of `hpo`: its names, what importing it loads, and a search from a script and from a notebook."""

import inspect
import subprocess
import sys
import threading
from importlib.metadata import entry_points
from pathlib import Path

import nbformat
import numpy as np
import pytest
import yaml
from nbclient import NotebookClient
from study_samples import leave_run, random_areas, report, results

import hpo
import hpo.session.main_job
from hpo.cli.main import HPO
from hpo.reporting.outputs import write_outputs
from hpo.study.plan import Plan
from hpo.study.provenance import write_study
from hpo.study.study import open_study

ROOT = Path(__file__).parents[2]
SIGNATURES = {
    "load_results": "(out: str | pathlib.Path) -> hpo.results.results.StudyResults",
    "load_study": "(file: str | pathlib.Path, overrides: collections.abc.Mapping[str, Value] | None = None, "
    "options: collections.abc.Mapping[str, str] | None = None, *, runs: bool = True) "
    "-> hpo.config.study_file.StudyFile",
    "search": "(study: hpo.config.study_file.StudyFile, out: str | pathlib.Path | None = None, *, "
    "resume: bool = False, new: bool = False, address: str | None = None) -> hpo.results.results.StudyResults",
}
CLASSES = ("InputError", "StudyFile", "StudyResults", "TrialResult")
RESULTS = {
    *(
        "baselines",
        "best",
        "caveats",
        "completed",
        "confirmed",
        "damages",
        "exhausted",
        "failed",
        "failures",
        "folder",
        "labels",
        "maximized",
    ),
    *("name", "objectives", "report", "search_seconds", "study_yaml", "to_frame", "trials", "visits"),
    *(
        "budget",
        "budget_trials",
        "confirms",
        "ended_by",
        "front",
        "holds_out",
        "infeasible",
        "is_external",
        "limits",
        "rendered",
        "no_answer",
        "references",
        "scored",
        "source",
        "unscored",
    ),
}
STUDY: dict[str, object] = {
    "name": "tiny",
    "run": {
        "data": {"size": [32, 64], "splits": {"source": 12, "adapt": 8, "val": 4, "test": 4}},
        "stream": {"visits": ["clear", "50mm", "200mm"], "frames": 4, "replay": {"size": 8}},
        "model": {"checkpoint": str(ROOT / "segada/models/checkpoints/streets_tiny.safetensors")},
        "evaluation": {"split": "val"},
    },
    "space": {"method.pseudo_threshold": {"type": "float", "low": 0.5, "high": 0.9, "default": 0.9}},
    "sampler": {"name": "random", "seed": 0},
    "budget": {"trials": 2},
    "resources": {"workers": 2},
    "confirm": {"top": 1, "seeds": 1, "source_at_least": 0},
}
# As a user writes it, in ten lines.
SCRIPT = """
import hpo
study = hpo.load_study("tiny.yaml", {"budget.trials": 2})
results = hpo.search(study, out="runs/tiny")
assert results.best is not None and results.confirmed is not None
assert len(results.trials) == 2
assert results.report.is_file()
assert list(results.to_frame()["state"]) == ["complete", "complete"]
assert hpo.load_results("runs/tiny") == results
print("best is trial", results.best.number)
"""


def test_the_names_and_signatures_are_these():
    assert sorted(hpo.__all__) == sorted([*CLASSES, *SIGNATURES, "__version__"])
    assert dir(hpo) == sorted(hpo.__all__)
    for name, signature in SIGNATURES.items():
        function = getattr(hpo, name)
        told = str(inspect.signature(function)).replace("segada.settings.nested.Value", "Value")
        assert told.replace(_VALUE, "Value") == signature
    for name in (*CLASSES, *SIGNATURES):
        assert getattr(hpo, name).__doc__
    for one in (*(getattr(hpo, name) for name in SIGNATURES), hpo.StudyFile.from_dict, hpo.StudyResults.to_frame):
        assert "Example:" in (one.__doc__ or "")
    fields = {name for name in dir(hpo.StudyResults) if not name.startswith("_")}
    assert fields | set(hpo.StudyResults.__dataclass_fields__) == RESULTS


_VALUE = str(inspect.signature(hpo.load_study).parameters["overrides"].annotation).partition("[str, ")[2][:-8]


def test_names_are_loaded_when_they_are_used():
    program = (
        "import sys, hpo; heavy = ('torch', 'ray', 'optuna', 'numpy', 'pydantic', 'rich', 'pandas', 'yaml')\n"
        "print([name for name in heavy if name in sys.modules])\n"
        "hpo.search, hpo.load_results, hpo.StudyFile\n"
        "print([name for name in ('torch', 'ray', 'wandb', 'pandas') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told == "[]\n[]\n"
    with pytest.raises(AttributeError, match="module 'hpo' has no attribute 'serach'"):
        hpo.serach  # noqa: B018


def test_a_study_of_a_dictionary_is_that_of_the_file(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(STUDY))
    read = hpo.load_study(path, {"budget.trials": 3})
    given = hpo.StudyFile.from_dict(STUDY, {"budget.trials": 3})
    assert given.resolved() == read.resolved()
    assert given.settings.budget.trials == 3


def test_a_dictionary_may_extend_a_shipped_study():
    study = hpo.StudyFile.from_dict({"extends": "ga_dacs.yaml", "name": "short", "budget": {"trials": 12}})
    shipped = hpo.load_study("ga_dacs")
    assert (study.settings.name, study.settings.budget.trials) == ("short", 12)
    assert study.identity == shipped.identity


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"budget": {"trails": 3}}, "study (a dictionary): budget.trails: "),
        ({"budget": {"trials": float("nan")}}, "study: Out of range float values are not JSON compliant"),
        ({"run": {"data": {"root": Path("x")}}}, "study: Object of type PosixPath is not JSON serializable"),
        ({"extends": "ga_dacs.yml"}, "study (a dictionary): extends: there is no file"),
        (
            {"space": {"method.nothing": {"type": "bool", "default": True}}},
            "study (a dictionary): space.method.nothing",
        ),
    ],
)
def test_a_wrong_dictionary_is_refused_in_one_line(change, said):
    with pytest.raises(hpo.InputError) as refused:
        hpo.StudyFile.from_dict({**STUDY, **change})
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A study whose two trials and confirmation are finished, without a run of the engine."""
    out = tmp_path / "out"
    file = hpo.StudyFile.from_dict(STUDY)
    study, plan = open_study(file, out), Plan(file, out)
    write_study(file, out)
    for value in (0.5, 0.6):
        proposal = study.ask()
        assert proposal is not None
        job = plan.trial(proposal)
        leave_run(job, report(value - 0.5), random_areas(np.random.default_rng(0), 0.6, frames=4))
        study.complete(proposal.number, [value])
    for job in [*plan.baselines(), *plan.confirmed_baselines(), *plan.confirmations(study)]:
        areas = random_areas(np.random.default_rng(0), 0.6, frames=4)
        leave_run(job, report(0.0, seed=job.settings.seed), areas)
    return out


def test_results_are_read_from_the_folder_and_nothing_is_written(out):
    before = sorted(out.rglob("*"))
    found = hpo.load_results(out)
    assert sorted(out.rglob("*")) == before
    assert [trial.values for trial in found.trials] == [(0.5,), (0.6,)]
    assert found.best is found.trials[1]
    assert found.confirmed is not None
    assert found.confirmed.best == "trial 1"
    assert found.report == out / "report.html"
    file = hpo.load_study(out / "study.yaml")
    assert write_outputs(open_study(file, out), Plan(file, out), {}) == found
    assert found.report.is_file()


def test_a_folder_without_a_study_is_refused(tmp_path):
    with pytest.raises(hpo.InputError, match=r"has no study\.yaml"):
        hpo.load_results(tmp_path)


def test_a_study_that_has_no_trial_yet_has_no_best(tmp_path):
    file = hpo.StudyFile.from_dict(STUDY)
    open_study(file, tmp_path / "out")
    write_study(file, tmp_path / "out")
    found = hpo.load_results(tmp_path / "out")
    assert (found.best, found.confirmed) == (None, None)
    # The defaults are tried first, and wait for it.
    assert list(found.to_frame()["state"]) == ["waiting"]


def test_a_frame_has_the_columns_of_results_csv():
    frame = results(None).to_frame()
    assert list(frame.index) == [0, 1, 2, 3]
    assert list(frame["state"]) == ["complete", "complete", "pruned", "fail"]
    assert list(frame["mean_miou"])[:2] == [0.46, 0.5]
    assert frame["mean_miou"].isna().sum() == 2
    assert frame.loc[3, "adapter.stages"] == "0 1"


def test_without_pandas_the_cure_is_named(monkeypatch):
    monkeypatch.setattr("hpo.results.results.find_spec", lambda _: None)
    with pytest.raises(hpo.InputError, match=r"pip install 'segada\[pandas\]'"):
        results(None).to_frame()


def test_wrong_calls_of_search_are_refused(tmp_path):
    study = hpo.StudyFile.from_dict(STUDY)
    with pytest.raises(hpo.InputError, match="give one of them"):
        hpo.search(study, tmp_path / "out", resume=True, new=True)
    with pytest.raises(hpo.InputError, match="holds no study 'tiny' to resume"):
        hpo.search(study, tmp_path / "out", resume=True)
    said: list[str] = []

    def elsewhere() -> None:
        try:
            hpo.search(study, tmp_path / "out")
        except hpo.InputError as error:
            said.append(str(error))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert said == ["hpo.search: runs in the main thread alone, which signals reach; call it there"]
    assert list(tmp_path.iterdir()) == []


def test_a_search_that_is_stopped_says_how_it_goes_on(tmp_path, monkeypatch):
    def stopped(coordinator, *_: object) -> None:
        coordinator.stop()

    monkeypatch.setattr(hpo.session.main_job, "_work_off", stopped)
    with pytest.raises(KeyboardInterrupt, match=r"To continue, call hpo\.search again"):
        hpo.search(hpo.StudyFile.from_dict(STUDY), tmp_path / "out")
    assert [trial.state for trial in hpo.load_results(tmp_path / "out").trials] == ["waiting"]


def test_a_script_searches(tmp_path):
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(STUDY))
    (tmp_path / "script.py").write_text(SCRIPT)
    ran = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    assert "\x1b" not in ran.stdout
    assert ran.stdout.splitlines()[-1].startswith("best is trial ")


@pytest.mark.slow
def test_a_notebook_searches(tmp_path):
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(STUDY))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SCRIPT)])
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = notebook.cells[0].outputs
    assert {output.output_type for output in shown} == {"stream"}
    text = "".join(output.text for output in shown if output.name == "stdout")
    assert "\x1b" not in text
    assert text.splitlines()[-1].startswith("best is trial ")


def test_the_console_script_has_every_command_of_hpo():
    modules = {f"hpo.{path.stem}" for path in (ROOT / "hpo").glob("*.py") if path.stem != "__init__"}
    assert {command.module for command in HPO.commands.values()} == modules
    scripts = {script.name: script.value for script in entry_points(group="console_scripts", name="hpo")}
    assert scripts in ({"hpo": "hpo.cli.main:main"}, {})

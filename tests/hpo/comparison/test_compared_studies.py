"""Comparing methods: who may take part, what is run, what is shared, and what is said in the end."""

import csv
import io
import json
import re
import shutil
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save
from study_samples import leave_run, random_areas, report

import hpo.comparison.comparison
from hpo.compare import main
from hpo.comparison.comparison import compare
from hpo.comparison.diagram import diagram
from hpo.comparison.results import Comparison
from hpo.comparison.reuse import take_over
from hpo.comparison.studies import compared_studies
from hpo.comparison.wording import bars, detail, headline, letters
from hpo.config.document import read_document
from hpo.config.study_file import StudyFile, load_study
from hpo.orchestration.coordinator import RunCoordinator
from hpo.reporting.outputs import write_outputs
from hpo.study.jobs import Job, RunUpdate
from hpo.study.plan import Plan
from hpo.study.provenance import write_study
from hpo.study.study import open_study
from segada.cli.exit_codes import NO_ANSWER
from segada.errors import InputError

BASE = """
run: {stream: {visits: [clear, 50mm, 200mm]}}
sampler: {name: random, seed: 0}
budget: {trials: 3}
confirm: {top: 1, seeds: 3}
"""
METHODS = {
    "still": "extends: _base.yaml\nname: still\nrun: {method: {name: source_only}}\nspace: {}\n",
    "tent": "extends: _base.yaml\nname: tent\nrun: {method: {name: tent}}\nspace:\n"
    "  method.optimizer.lr: {type: float, low: 1e-5, high: 1e-2, log: true, default: 1e-4}\n",
    "dacs": "extends: _base.yaml\nname: dacs\nspace:\n"
    "  method.pseudo_threshold: {type: float, low: 0.5, high: 0.9, default: 0.9}\n",
}
WORTH = {"source_only": 0.0, "batch_norm": 0.01, "tent": 0.02, "dacs": 0.15}
"""By how much each method is better than the source model, in these runs that nobody computes."""


def write_methods(place: Path) -> Path:
    place.mkdir()
    (place / "_base.yaml").write_text(BASE, encoding="utf-8")
    for name, text in METHODS.items():
        (place / f"{name}.yaml").write_text(text, encoding="utf-8")
    return place


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_methods(tmp_path / "methods")


def finish(coordinator: RunCoordinator, job: Job) -> None:
    """Leaves what the engine would leave of a run that is as good as its method."""
    worth = WORTH[job.settings.method.name]
    left = report(worth, seed=job.settings.seed)
    leave_run(job, left, random_areas(np.random.default_rng(job.settings.seed), 0.5 + worth, frames=8))
    lines = "".join(visit.model_dump_json() + "\n" for visit in left.visits)
    (job.folder / "visits.jsonl").write_text(lines, encoding="utf-8")
    coordinator.visited(job, RunUpdate(report=left, finished=True))


class Engine:
    """Stands in for the main job: the same agenda over the same study, but the runs cost nothing."""

    def __init__(self, broken: Sequence[str] = (), stops_after: int | None = None) -> None:
        self.broken = broken
        self.left = stops_after
        self.jobs: list[str] = []

    def __call__(self, file: StudyFile, out: Path, _address: str | None) -> bool:
        study, plan = open_study(file, out), Plan(file, out)
        write_study(file, out)
        coordinator = RunCoordinator(study, plan, [])
        while (job := coordinator.next_job()) is not None:
            if self.left == 0:
                coordinator.stop()
                break
            self.jobs.append(f"{file.settings.name}: {job.name}")
            self.left = None if self.left is None else self.left - 1
            if job.kind == "trial" and file.settings.name in self.broken:
                coordinator.broke(job, "the loss is\nnan")
            else:
                finish(coordinator, job)
        write_outputs(study, plan, coordinator.failures)
        return not coordinator.is_stopped


@dataclass(frozen=True)
class Done:
    """A comparison that has been made."""

    methods: Path
    out: Path
    comparison: Comparison
    jobs: list[str]
    printed: str


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    place = tmp_path_factory.mktemp("compared")
    methods, engine, printed = write_methods(place / "methods"), Engine(), io.StringIO()
    with pytest.MonkeyPatch.context() as monkeypatch, redirect_stdout(printed):
        put_in(monkeypatch, engine)
        comparison = compare(compared_studies([str(methods)], []), place / "out")
    assert comparison is not None
    return Done(methods, place / "out", comparison, engine.jobs, printed.getvalue())


def put_in(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> Engine:
    monkeypatch.setattr(hpo.comparison.comparison, "run", engine)
    return engine


def test_every_winner_stands_beside_the_others(done: Done) -> None:
    comparison = done.comparison
    assert [method.name for method in comparison.methods] == ["dacs", "tent", "still"]
    first, _, last = comparison.methods
    assert (first.trials, last.trials) == (3, 1)
    assert first.frames == 3 * 3 * 8
    assert first.settings.keys() == {"method.pseudo_threshold"}
    assert first.confirmed.gain.keys() == {"source_only", "batch_norm"}
    assert first.confirmed.gain["source_only"].low > 0
    assert last.confirmed.gain["source_only"].value == 0.0
    assert comparison.seeds == [1, 2, 3]
    assert comparison.ranking is not None
    assert comparison.ranking.blocks == 9
    assert "dacs comes first, ahead of every other method." in done.printed


def test_scripts_read_the_same(done: Done) -> None:
    assert Comparison.model_validate_json((done.out / "comparison.json").read_bytes()) == done.comparison
    with (done.out / "comparison.csv").open(newline="") as file:
        rows = {row["method"]: row for row in csv.DictReader(file)}
    first = done.comparison.methods[0]
    assert set(rows) == {"dacs", "tent", "still", "source_only", "batch_norm"}
    assert float(rows["dacs"]["settings/method.pseudo_threshold"]) == first.settings["method.pseudo_threshold"]
    assert float(rows["dacs"]["mean_miou low"]) < float(rows["dacs"]["mean_miou"])


def test_baselines_are_run_once_for_all(done: Done) -> None:
    # Two on the frames of the search, and under three seeds on those of the report.
    baselines = [job for job in done.jobs if "source_only" in job or "batch_norm" in job]
    assert len(baselines) == len({job.split(": ")[1] for job in baselines}) == 8
    for method in ("dacs", "still", "tent"):
        assert len(list((done.out / method).glob("confirmation/source_only-s*/report.json"))) == 3


def test_a_source_training_is_done_once_and_no_other_one_is_taken_for_it(folder: Path, tmp_path: Path) -> None:
    text = (folder / "_base.yaml").read_text() + "pretrain: {method: {name: supervised}}\n"
    (folder / "_base.yaml").write_text(text, encoding="utf-8")
    dacs, still, tent = compared_studies([str(folder)], [])
    trained = dacs.pretrain_settings()
    assert trained is not None
    source = tmp_path / "out" / "dacs" / "source"
    source.mkdir(parents=True)
    weights = save({"weight": np.ones(3)})
    (source / "weights.safetensors").write_bytes(weights)
    left = report(0.0).model_copy(update={"settings_hash": trained.settings_hash()})
    (source / "report.json").write_text(left.model_dump_json(), encoding="utf-8")
    # A method's room is its own, but in the training of its source model it is the supervised one.
    plans = [Plan(file, tmp_path / "out" / file.settings.name) for file in (still, tent)]
    for plan in plans:
        take_over(plan, [tmp_path / "out" / "dacs"])
    assert [plan.sources.weights(0).read_bytes() for plan in plans] == [weights] * 2

    (other,) = (file for file in compared_studies([str(folder)], ["--seed=3"]) if file.settings.name == "tent")
    plan = Plan(other, tmp_path / "elsewhere" / "tent")
    take_over(plan, [tmp_path / "out" / "dacs"])
    assert not plan.sources.folder(0).exists()


def test_run_again_there_is_nothing_left_to_do(done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = Path(shutil.copytree(done.out, tmp_path / "out"))
    again = put_in(monkeypatch, Engine())
    compare(compared_studies([str(done.methods)], []), out)
    assert again.jobs == []
    assert (out / "comparison.json").read_bytes() == (done.out / "comparison.json").read_bytes()

    more = put_in(monkeypatch, Engine())
    comparison = compare(compared_studies([str(done.methods)], ["--trials=4"]), out)
    assert comparison is not None
    assert [job for job in more.jobs if job.endswith("trial 3")] == ["dacs: trial 3", "tent: trial 3"]
    assert not [job for job in more.jobs if job.startswith("still")]
    assert {method.trials for method in comparison.methods} == {4, 1}


def test_stopped_it_ends_with_its_own_exit_code_and_goes_on(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["hpo.compare", str(folder), "--out", str(tmp_path / "out")]
    monkeypatch.setattr("sys.argv", words)
    monkeypatch.setattr("sys.orig_argv", ["python", "-m", *words])
    first = put_in(monkeypatch, Engine(stops_after=20))
    assert main() == 3
    assert f"To go on: python -m hpo.compare {folder}" in capsys.readouterr().err
    second = put_in(monkeypatch, Engine())
    assert main() == 0
    assert len(first.jobs) == 20
    assert not set(first.jobs) & set(second.jobs)


def test_new_begins_anew_beside_the_folder_that_was_there_and_resume_wants_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(folder), "--out", str(tmp_path / "out")]
    engine = put_in(monkeypatch, Engine())
    assert main([*words, "--resume"]) == 2
    assert "holds none of these studies, so that --resume has nothing to continue" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

    assert main([*words, "--new"]) == 0
    assert "is now in" not in capsys.readouterr().out
    jobs = list(engine.jobs)
    assert main([*words, "--resume"]) == 0
    assert engine.jobs == jobs
    assert main([*words, "--new"]) == 0
    assert f"what {tmp_path / 'out'} held is now in {tmp_path / 'out.1'}" in capsys.readouterr().out
    assert engine.jobs == [*jobs, *jobs]
    assert (tmp_path / "out.1" / "comparison.html").is_file()


def test_a_method_that_fails_is_shown_and_the_others_go_on(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["hpo.compare", str(folder), "--out", str(tmp_path / "out")])
    put_in(monkeypatch, Engine(broken=["dacs"]))

    assert main() == NO_ANSWER
    said = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert said["failures"] == {"dacs": "trial 0: the loss is nan"}
    assert [method["name"] for method in said["methods"]] == ["tent", "still"]
    assert "dacs failed: trial 0: the loss is nan" in capsys.readouterr().out
    html = (tmp_path / "out" / "comparison.html").read_text()
    assert "the loss is nan" in html

    put_in(monkeypatch, Engine(broken=["tent", "dacs"]))
    monkeypatch.setattr("sys.argv", ["hpo.compare", *(str(folder / f"{n}.yaml") for n in ("tent", "dacs"))])
    monkeypatch.chdir(tmp_path)
    assert main() == NO_ANSWER
    assert "tent failed: trial 0: the loss is nan" in capsys.readouterr().out


def test_a_method_of_which_no_trial_keeps_the_constraints_is_said_to_have_no_answer(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (folder / "_base.yaml").open("a") as base:
        base.write("constraints: [{metric: mean_miou, at_most: 0.55}]\n")
    monkeypatch.setattr("sys.argv", ["hpo.compare", str(folder), "--out", str(tmp_path / "out")])
    engine = put_in(monkeypatch, Engine())
    for _ in range(2):
        assert main() == NO_ANSWER
        said = json.loads((tmp_path / "out" / "comparison.json").read_text())
        assert said["failures"] == {"dacs": "no trial keeps every constraint"}
        assert [method["name"] for method in said["methods"]] == ["tent", "still"]
    assert len(engine.jobs) == len(set(engine.jobs))


def test_a_folder_of_other_studies_is_refused(done: Done, monkeypatch: pytest.MonkeyPatch) -> None:
    put_in(monkeypatch, Engine())
    other = compared_studies([str(done.methods)], ["--set=stream.frames=8"])
    with pytest.raises(InputError, match=r"holds another study named 'dacs': run\.stream\.frames"):
        compare(other, done.out)


def test_the_page_is_one_file_with_a_diagram(done: Done) -> None:
    html = (done.out / "comparison.html").read_text()

    assert done.comparison.ranking is not None
    assert diagram(done.comparison.ranking) in html
    assert headline(done.comparison) in html
    for shown in ("dacs", "50mm", "batch norm", "Wilcoxon"):
        assert shown in html
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", html)


def test_methods_on_a_source_model_that_does_not_work_are_not_compared(done: Done) -> None:
    assert done.comparison.source is not None
    assert done.comparison.source.works
    broken = done.comparison.source.model_copy(update={"miou": 0.068})
    comparison = done.comparison.model_copy(update={"source": broken})
    assert headline(comparison).startswith(
        "No comparison. The source model does not work on its own domain: 6.8 % mIoU"
    )
    assert detail(comparison).startswith("Differences between configurations of a model that does not work mean")


def test_groups_share_letters_and_bars(done: Done) -> None:
    assert done.comparison.ranking is not None
    overlapping = done.comparison.ranking.model_copy(update={"groups": [["dacs", "tent"], ["tent", "still"]]})
    assert letters(overlapping) == {"dacs": "a", "tent": "ab", "still": "b"}
    assert bars(overlapping) == "dacs, tent | tent, still"
    assert diagram(overlapping).count('class="bar"') == 2


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ([["dacs"], ["tent", "still"]], "dacs comes first, ahead of every other method."),
        ([["dacs", "tent"], ["still"]], "dacs comes first, but cannot be told apart from tent."),
        ([["dacs", "tent", "still"]], "No order holds over domains and seeds: none of the 3 methods"),
    ],
)
def test_the_headline_says_no_more_than_the_tests_do(done: Done, groups: list[list[str]], said: str) -> None:
    assert done.comparison.ranking is not None
    ranking = done.comparison.ranking.model_copy(update={"groups": groups, "blocks": 6})
    comparison = done.comparison.model_copy(update={"ranking": ranking})
    assert headline(comparison).startswith(said)
    assert "6 blocks are too few to tell any two of 3 methods apart" in detail(comparison)


@pytest.mark.parametrize(
    ("name", "changed", "said"),
    [
        ("tent", "budget: {trials: 4}", "tent.yaml:6: budget.trials: is 4, but 3 in DIR/dacs.yaml"),
        ("tent", "confirm: {seeds: 2}", "tent.yaml:6: confirm.seeds: is 2, but 3 in DIR/dacs.yaml"),
        ("tent", "sampler: {name: tpe}", "tent.yaml:6: sampler"),
        ("still", "objectives: [{metric: gain, goal: maximize}]", "still.yaml:5: objectives: is "),
        ("still", "confirm: {top: 0}", "still.yaml:5: confirm.top: is 0, so that there is nothing to compare"),
        ("still", "pretrain: {method: {name: supervised}}", "still.yaml:5: pretrain: is "),
    ],
)
def test_what_differs_in_more_than_the_method_is_refused(folder: Path, name: str, changed: str, said: str) -> None:
    (folder / f"{name}.yaml").write_text(f"{METHODS[name]}{changed}\n", encoding="utf-8")
    with pytest.raises(InputError) as refusal:
        compared_studies([str(folder)], [])
    assert str(refusal.value).replace(f"{folder}/", "DIR/").startswith(f"DIR/{said}")


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ("stream: {frames: 60}", "run.stream.frames: is 60, but 120 in"),
        ("stream: {visits: [clear, 200mm]}", "run.stream.visits: is "),
        ("seed: 3", "run.seed: is 3, but 0 in"),
        ("model: {encoder: mit_b0}", "run.model.encoder: is 'mit_b0', but 'mit_tiny' in"),
        ("data: {splits: {source: 100}}", "run.data.splits.source: is 100, but 500 in"),
    ],
)
def test_runs_of_another_stream_seed_or_source_model_are_refused(folder: Path, inside: str, said: str) -> None:
    text = METHODS["tent"].replace("{method: {name: tent}}", f"{{method: {{name: tent}}, {inside}}}")
    (folder / "tent.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(said)) as refusal:
        compared_studies([str(folder)], [])
    assert "make them the same, as --set" in str(refusal.value)


def test_what_is_set_for_all_makes_them_equal(folder: Path) -> None:
    (folder / "tent.yaml").write_text(f"{METHODS['tent']}budget: {{trials: 4}}\n", encoding="utf-8")
    files = compared_studies([str(folder)], ["--trials=5", "--seed=7", "--set=stream.frames=8"])
    assert [file.settings.name for file in files] == ["dacs", "still", "tent"]
    assert [file.settings.budget.trials for file in files] == [5, 1, 5]
    assert {file.run_settings().seed for file in files} == {7}
    assert {file.run_settings().stream.frames for file in files} == {8}


def test_methods_may_differ_in_what_learns(folder: Path) -> None:
    text = METHODS["dacs"] + "  model.freeze: {type: choice, choices: [encoder, nothing], default: encoder}\n"
    (folder / "dacs.yaml").write_text(f"{text}run: {{adapter: {{name: lora}}}}\n", encoding="utf-8")
    assert len(compared_studies([str(folder)], [])) == 3


def test_a_parameter_that_all_share_is_none_of_a_method(folder: Path) -> None:
    text = METHODS["dacs"] + "  stream.passes: {type: int, low: 1, high: 3, default: 1}\n"
    (folder / "dacs.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"dacs\.yaml:5: space\.stream\.passes: is the same for all"):
        compared_studies([str(folder)], [])


def test_one_study_or_one_name_twice_is_no_comparison(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs two studies or more"):
        compared_studies([str(folder / "dacs.yaml")] * 2, [])
    (folder / "twin.yaml").write_text(METHODS["dacs"], encoding="utf-8")
    with pytest.raises(InputError, match=r"twin\.yaml:2: name: is dacs, as in .*dacs\.yaml"):
        compared_studies([str(folder)], [])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="has no study file"):
        compared_studies([str(tmp_path / "empty")], [])


def test_the_shipped_methods_can_be_compared() -> None:
    files = compared_studies(["compare_methods"], [])
    names = ["adversarial", "batch_norm", "cotta", "dacs", "dacs_adapters", "eata", "hamlet", "rmt", "rotta", "sar"]
    names += ["source_only", "svdp", "tent"]
    assert [file.settings.name for file in files] == names
    for file in files:
        assert file.space.defaults() is not None
        assert bool(file.space.parameters) == (file.settings.name != "source_only")
        generator = np.random.default_rng(1)
        for _ in range(50):
            file.run_settings(file.space.draw(generator))
    assert load_study("compare_methods/tent").settings.name == "tent"
    with pytest.raises(InputError, match="no such file"):
        read_document("../hpo/tent")

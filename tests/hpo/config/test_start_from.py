"""Tests of the first points of a search."""

import csv
from pathlib import Path

import pytest

from hpo.config.study_file import StudyFile, load_study
from hpo.reporting.outputs import write_outputs
from hpo.reporting.page import page
from hpo.study.plan import Plan
from hpo.study.provenance import write_study
from hpo.study.study import open_study
from segada.errors import InputError

STUDY = """\
name: begin
run: {stream: {visits: [clear, 25mm]}}
space:
  method.pseudo_threshold: {type: float, low: 0.5, high: 0.99, default: 0.9}
  adapter.name: {type: choice, choices: [none, adaptformer], default: none}
  adapter.bottleneck: {type: int, low: 4, high: 64, when: {adapter.name: adaptformer}}
  method.source_fdist_lambda: {type: float, low: 0.001, high: 0.1, log: true, off: 0.0, default: 0.0}
forbidden:
  - {adapter.name: adaptformer, adapter.bottleneck: 64}
sampler: {name: random}
budget: {trials: 8}
"""


def study_of(folder: Path, start: str = "", text: str = STUDY) -> StudyFile:
    path = folder / "study.yaml"
    path.write_text(text + (f"start_from: {start}\n" if start else ""), encoding="utf-8")
    return load_study(str(path))


def begun(file: StudyFile, out: Path, count: int) -> list[dict[str, object]]:
    study = open_study(file, out)
    proposals = [study.ask() for _ in range(count)]
    return [dict(proposal.configuration.values) for proposal in proposals if proposal is not None]


DEFAULTS = {"method.pseudo_threshold": 0.9, "adapter.name": "none", "method.source_fdist_lambda": 0.0}


def test_the_defaults_come_first_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    assert begun(study_of(tmp_path), tmp_path / "a", 1) == [DEFAULTS]
    assert begun(study_of(tmp_path, "defaults"), tmp_path / "b", 1) == [DEFAULTS]
    assert begun(study_of(tmp_path, "[]"), tmp_path / "c", 1) != [DEFAULTS]


def test_configurations_are_filled_up_with_defaults_and_tried_in_order_each_once(tmp_path: Path) -> None:
    file = study_of(
        tmp_path,
        "[{method.pseudo_threshold: 0.6}, defaults, {method.pseudo_threshold: 0.9}, {adapter.name: adaptformer, "
        "method.source_fdist_lambda: 0.01}]",
    )
    first, second, third, fourth = begun(file, tmp_path / "out", 4)
    assert first == {**DEFAULTS, "method.pseudo_threshold": 0.6}
    assert second == DEFAULTS
    assert {**third, "adapter.bottleneck": 0} == {
        **DEFAULTS,
        "adapter.name": "adaptformer",
        "method.source_fdist_lambda": 0.01,
        "adapter.bottleneck": 0,
    }
    # It has no default, so the sampler chose it.
    assert third["adapter.bottleneck"] in range(4, 64)
    assert fourth not in (first, second, third)


def test_the_best_of_a_former_study_that_fit_this_one(tmp_path: Path) -> None:
    other = STUDY.replace("low: 0.5", "low: 0.1").replace("name: begin", "name: former") + (
        "start_from: [{method.pseudo_threshold: 0.2}, {method.pseudo_threshold: 0.7}, {method.pseudo_threshold: 0.8, "
        "adapter.name: "
        "adaptformer, adapter.bottleneck: 8}]\n"
    )
    former = open_study(study_of(tmp_path, text=other), tmp_path / "former")
    for value in (0.5, 0.1, 0.4):
        proposal = former.ask()
        assert proposal is not None
        former.complete(proposal.number, [value])
    (tmp_path / "former" / "study.yaml").write_text(other, encoding="utf-8")
    best = {"method.pseudo_threshold": 0.8, "adapter.name": "adaptformer", "adapter.bottleneck": 8}
    expected = [DEFAULTS, {**DEFAULTS, **best}]
    # Of the best, the threshold lies outside this space; so its default stands in.
    assert begun(study_of(tmp_path, f"{{study: {tmp_path}/former, top: 2}}"), tmp_path / "a", 2) == expected
    assert begun(study_of(tmp_path, f"{tmp_path}/former"), tmp_path / "b", 3)[2]["method.pseudo_threshold"] == 0.7
    assert begun(study_of(tmp_path, f"[{{study: {tmp_path}/former, top: 1}}]"), tmp_path / "c", 1) == [DEFAULTS]


def test_a_study_that_goes_on_asks_for_no_former_one(tmp_path: Path) -> None:
    assert open_study(study_of(tmp_path), tmp_path / "out").ask() is not None
    study = open_study(study_of(tmp_path, "runs/gone"), tmp_path / "out")
    assert study.remaining() == 8


def test_a_former_study_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"study\.yaml:12: start_from\.0\.study: there is no study in the folder gone"):
        open_study(study_of(tmp_path, "gone"), tmp_path / "out")


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (
            "[{method.pseudo_treshold: 0.6}]",
            "12: start_from.0.method.pseudo_treshold: is not a parameter .* did you mean method.pseudo_thres",
        ),
        (
            "[defaults, {method.pseudo_threshold: 0.1}]",
            "12: start_from.1.method.pseudo_threshold: never has the value 0.1; it is",
        ),
        ("{method.pseudo_threshold: high}", "12: start_from.0.method.pseudo_threshold: never has the value 'high'"),
        ("{adapter.name: lora}", "12: start_from.0.adapter.name: never has the value 'lora'; choose from none, adapt"),
        ("{adapter.bottleneck: 8}", "12: start_from.0.adapter.bottleneck: has no effect here: the conditions of"),
        ("{adapter.name: adaptformer, adapter.bottleneck: 64}", "12: start_from.0: is forbidden, by forbidden.0"),
        ("[{study: a, tpo: 3}]", "12: start_from.0.tpo: there is no such key; did you mean top?"),
        ("3", "12: start_from: should be a list, not 3"),
    ],
)
def test_configurations_that_cannot_be_are_refused(tmp_path: Path, start: str, said: str) -> None:
    with pytest.raises(InputError, match=rf"study\.yaml:{said}") as refusal:
        study_of(tmp_path, start)
    assert "\n" not in str(refusal.value)


def test_one_parameter_is_one_column_of_the_results_however_it_is_stored(tmp_path: Path) -> None:
    text = STUDY.replace(
        "  adapter.bottleneck",
        "  adapter.stages: {type: subset, of: [0, 1], default: [0, 1], when: {adapter.name: adaptformer}}\n"
        "  adapter.blocks: {type: each, of: adapter.stages, choices: [all, last], default: [last, all]}\n"
        "  stream.frames: {type: choice, choices: [null, 8], default: 8}\n  adapter.bottleneck",
    )
    file = study_of(
        tmp_path,
        "[defaults, {adapter.name: adaptformer, stream.frames: null, method.source_fdist_lambda: 0.05}]",
        text,
    )
    study, plan = open_study(file, tmp_path / "out"), Plan(file, tmp_path / "out")
    for value in (0.6, 0.5):
        proposal = study.ask()
        assert proposal is not None
        study.complete(proposal.number, [value])
    write_study(file, plan.out)
    page(write_outputs(study, plan, {}))
    first, second = csv.DictReader((plan.out / "results.csv").read_text().splitlines())
    assert [name for name in first if "." in name] == sorted(file.space.parameters)
    assert (first["method.source_fdist_lambda"], first["adapter.blocks"]) == ("0.0", "")
    assert (second["method.source_fdist_lambda"], second["adapter.blocks"]) == ("0.05", "last all")

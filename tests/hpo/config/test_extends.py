"""Tests of study files that extend others: the merged values, and the file that an error names."""

from pathlib import Path

import pytest

from hpo.config.study_file import load_study
from segada.errors import InputError

BASE = """\
name: base
run: {stream: {visits: [clear, 25mm]}}
space:
  method.optimizer.lr: {type: float, low: 1e-4, high: 1e-1, log: true}
  method.pseudo_threshold: {type: float, low: 0.5, high: 0.99, default: 0.9}
sampler: {name: genetic, population_size: 4}
budget: {trials: 9}
pruning: {min_visits: 1}
"""


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def test_what_the_extending_file_says_holds(tmp_path: Path) -> None:
    child = """\
name: child
extends: base.yaml
run: {stream: {passes: 2}}
space:
  method.pseudo_threshold: {low: 0.7}
  method.optimizer.lr: {type: float, low: 0.001, high: 0.5}
  method.ema_alpha: {type: float, low: 0.9, high: 0.99}
sampler: {name: random, seed: 3}
pruning: null
"""
    write(tmp_path, base=BASE, child=child)
    study = load_study(str(tmp_path / "child.yaml"))
    assert study.settings.name == "child"
    assert study.run_settings().stream.visits == ("clear", "25mm")
    assert study.run_settings().stream.passes == 2
    assert study.settings.budget.trials == 9
    assert study.settings.pruning is None
    assert study.settings.sampler.model_dump() == {"name": "random", "seed": 3}
    shown = {path: parameter.described for path, parameter in study.space.parameters.items()}
    assert shown == {
        "method.pseudo_threshold": "0.7 to 0.99",
        # With a type the parameter is a new one: the logarithm is not inherited.
        "method.optimizer.lr": "0.001 to 0.5",
        "method.ema_alpha": "0.9 to 0.99",
    }
    assert study.space.defaults() is None


def test_null_takes_a_parameter_out(tmp_path: Path) -> None:
    write(tmp_path, base=BASE, child="name: c\nextends: base\nspace: {method.pseudo_threshold: null}\n")
    with pytest.raises(InputError, match=r"child\.yaml:2: extends: there is no file .*base, and no shipped study"):
        load_study(str(tmp_path / "child.yaml"))
    write(tmp_path, child="name: c\nextends: base.yaml\nspace: {method.pseudo_threshold: null}\n")
    assert list(load_study(str(tmp_path / "child.yaml")).space.parameters) == ["method.optimizer.lr"]


def test_shipped_studies_can_be_extended_by_name(tmp_path: Path) -> None:
    write(tmp_path, mine="name: mine\nextends: ga_dacs\nbudget: {trials: 3}\n")
    mine, shipped = load_study(str(tmp_path / "mine.yaml")), load_study("ga_dacs")
    assert mine.settings.budget.trials == 3
    assert mine.fingerprint() == shipped.fingerprint()


def test_a_file_beside_wins_over_a_shipped_one_and_files_extend_in_chains(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    write(tmp_path, smoke=BASE)
    write(tmp_path / "deep", middle="name: middle\nextends: ../smoke.yaml\n", top="name: top\nextends: middle.yaml\n")
    assert load_study(str(tmp_path / "deep" / "top.yaml")).settings.budget.trials == 9


@pytest.mark.parametrize(
    ("base", "child", "said"),
    [
        (BASE.replace("trials: 9", "trials: 0"), "name: c", "base.yaml:7: budget.trials: should be greater"),
        (BASE, "budget: {trials: 0}", "child.yaml:3: budget.trials: should be greater"),
        (
            BASE.replace("low: 0.5", "low: 1.5"),
            "name: c",
            "base.yaml:5: space.method.pseudo_threshold: low < high must",
        ),
        (
            BASE,
            "space: {method.pseudo_threshold: {high: 0.1}}",
            "child.yaml:3: space.method.pseudo_threshold: low < high must",
        ),
        (
            BASE,
            "space: {method.pseudo_threshold: {hihg: 0.1}}",
            "child.yaml:3: space.method.pseudo_threshold.hihg: there is no such",
        ),
        (BASE, "\n\nrun: {stream: {visits: [nowhere]}}", "child.yaml:5: run.stream.visits: names 'nowhere'"),
        (BASE.replace("visits: [clear", "visits: [klear"), "name: c", "base.yaml:2: run.stream.visits: names 'klear'"),
        (BASE, "pruning: {min_visits: 7}", "child.yaml:3: pruning.min_visits: must be below the 2 visits"),
        (BASE.replace("min_visits: 1", "min_visits: 7"), "name: c", "base.yaml:8: pruning.min_visits: must be below"),
        (
            BASE.replace("pseudo_threshold", "pseudo_treshold"),
            "name: c",
            "base.yaml:5: space.method.pseudo_treshold: no setting has this",
        ),
        (BASE, "space: {nothing.here: null}", "child.yaml:3: space.nothing.here: "),
    ],
)
def test_an_error_names_the_file_in_which_it_stands(tmp_path: Path, base: str, child: str, said: str) -> None:
    write(tmp_path, base=base, child=f"\nextends: base.yaml\n{child}\n" + ("" if "name:" in child else "name: c\n"))
    with pytest.raises(InputError) as refusal:
        load_study(str(tmp_path / "child.yaml"))
    assert str(refusal.value).startswith(f"{tmp_path}/{said}")
    assert "\n" not in str(refusal.value)


def test_circles_are_refused(tmp_path: Path) -> None:
    write(tmp_path, a="name: a\nextends: b.yaml\n", b="extends: c.yaml\n", c="\nextends: a.yaml\n")
    with pytest.raises(InputError) as refusal:
        load_study(str(tmp_path / "a.yaml"))
    assert str(refusal.value) == (
        f"{tmp_path}/c.yaml:2: extends: files extend each other: a.yaml -> b.yaml -> c.yaml -> a.yaml"
    )
    write(tmp_path, self="extends: self.yaml\n")
    with pytest.raises(InputError, match=r"self\.yaml:1: extends: .*: self.yaml -> self.yaml"):
        load_study(str(tmp_path / "self.yaml"))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("[a, b]", "1: extends: should be the name of a study file, not"),
        ("ga_dax", "1: extends: there is no file .*did you mean ga_dacs.yaml"),
        ("../smoke.yaml", "1: extends: there is no file .*shipped are .*ga_camvid.yaml"),
    ],
)
def test_what_is_no_file_is_refused(tmp_path: Path, value: str, said: str) -> None:
    (tmp_path / "deep").mkdir()
    write(tmp_path / "deep", child=f"extends: {value}\n")
    with pytest.raises(InputError, match=said):
        load_study(str(tmp_path / "deep" / "child.yaml"))


def test_a_resolved_study_stands_alone(tmp_path: Path) -> None:
    write(tmp_path, mine="name: mine\nextends: ga_dacs\n")
    assert "extends" not in load_study(str(tmp_path / "mine.yaml")).resolved()

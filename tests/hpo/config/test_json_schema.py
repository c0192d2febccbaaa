"""Tests of the JSON schema of study files: shipped files are valid, and errors that an editor should mark are not."""

import json
import sys
from pathlib import Path

import jsonschema
import pytest
from test_study_file import GOOD

from hpo.config.document import shipped_studies
from hpo.config.json_schema import study_schema
from hpo.config.study_file import load_study
from hpo.space import main
from segada.settings import RunSettings
from segada.settings.files import read_value, read_yaml
from segada.settings.schema import all_paths

SHIPPED = Path(__file__).parents[3] / "search_spaces"
VALIDATOR = jsonschema.Draft202012Validator(study_schema())

EVERYTHING = """\
name: everything
run:
  preset: adpt1
  method: {mix_ratio: 0.25}
  adapter: {name: adaptformer}
pretrain: {method: {name: supervised, optimizer: {lr: 3e-3}}, controller: {name: one_cycle}}
space:
  method.pseudo_threshold: {type: float, low: 0.5, high: 0.99, step: 0.01, default: 0.9}
  method.source_fdist_lambda: {type: float, low: 1e-3, high: 1e-1, log: true, off: 0.0}
  adapter.stages: {type: subset, of: [0, 1, 2, 3], default: [0, 1]}
  adapter.blocks: {type: each, of: adapter.stages, choices: [all, last], default: all}
  method.fdist_classes:
    {type: choice, choices: [all, things], when: {method.source_fdist_lambda: {above: 0.0}}}
  adapter.bottleneck:
    {type: int, low: 4, high: 64, log: true, when: [{adapter.stages: {has: 1}}, {method.pseudo_threshold: 0.5}]}
forbidden:
  - {adapter.bottleneck: [4, 5], method.pseudo_threshold: {below: 0.6}}
start_from: [defaults, runs/former, {study: runs/other, top: 2}, {method.pseudo_threshold: 0.7}]
sampler: {name: tpe}
objectives: [{metric: gain, goal: maximize}]
"""


def errors(text: str) -> list[str]:
    return [error.json_path for error in VALIDATOR.iter_errors(read_value(text, "study"))]


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(study_schema())
    assert set(all_paths(RunSettings)) == set(study_schema()["$defs"]["Study"]["properties"]["space"]["properties"])


@pytest.mark.parametrize("name", shipped_studies())
def test_shipped_studies_fit(name: str) -> None:
    assert not list(VALIDATOR.iter_errors(read_yaml(SHIPPED / name).tree))


@pytest.mark.parametrize("name", ["ga_dacs", "smoke"])
def test_resolved_studies_fit(name: str) -> None:
    assert not list(VALIDATOR.iter_errors(load_study(name, runs=False).resolved()))


def test_every_key_fits() -> None:
    assert errors(GOOD) == []
    assert errors(EVERYTHING) == []
    start = next(line for line in EVERYTHING.splitlines() if line.startswith("start_from"))
    for single in ("defaults", "{method.pseudo_threshold: 0.7}", "{study: runs/other}"):
        assert errors(EVERYTHING.replace(start, f"start_from: {single}")) == []
    assert errors(EVERYTHING.replace(start, "start_from: 3")) != []


def test_a_study_that_extends_another_may_say_less() -> None:
    space = "{method.pseudo_threshold: {low: 0.6}, method.ema_alpha: null}"
    short = f"extends: ga_dacs\nspace: {space}\nsampler: {{population_size: 5}}\n"
    assert errors(short) == []
    assert errors(short.replace("extends: ga_dacs\n", "")) != []
    assert errors(short.replace("population", "popluation")) != []


@pytest.mark.parametrize(
    ("replaced", "by"),
    [
        ("name: tiny\n", ""),
        ("budget:", "bugdet:"),
        ("trials: 3", "trials: 0"),
        ("trials: 3", "trials: few"),
        ("type: float", "type: flaot"),
        ("low: 1e-4", "low: small"),
        ("log: true", "logarithmic: true"),
        ("type: subset", "type: subset\n    of_: 3"),
        ("name: random", "name: genetics"),
        ("name: random", "name: random, population_size: 3"),
        ("split: val", "split: selected"),
        ("evaluation: {split", "evaluation: {splits"),
        ("visits: [clear, 25mm, 50mm]", "visits: clear"),
        ("min_visits: 2", "min_visits: two"),
        ("when: {adapter.name: adaptformer}", "when: {adapter.name: {abov: 3}}"),
    ],
)
def test_what_is_wrong_does_not_fit(replaced: str, by: str) -> None:
    assert replaced in GOOD
    assert errors(GOOD.replace(replaced, by, 1)) != []


def test_an_external_engine_has_settings_of_its_own() -> None:
    text = (SHIPPED.parent / "examples" / "external_engine" / "study.yaml").read_text(encoding="utf-8")
    own = text + "run: {source: {steps: 10}}\n"
    assert errors(own) == []
    assert errors(own.replace("areas: true", "area: true")) != []
    assert errors(own.replace("engine:", "tracking:")) != []


def test_the_command_prints_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["hpo.space", "schema"])
    assert main() == 0
    assert json.loads(capsys.readouterr().out) == study_schema()

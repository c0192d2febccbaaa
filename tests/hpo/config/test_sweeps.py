"""Tests of W&B sweeps: sweeps as studies, studies as sweeps, and the runs of an agent."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from wandb.sdk.launch.sweeps import utils
from wandb_files import as_dict, records

from hpo.config.study_file import StudyFile, load_study
from hpo.config.sweep_import import unused
from hpo.search_space.scaling import from_unit
from hpo.tracking.sweep_agent import point_of_study
from hpo.tracking.sweep_export import lost, sweep_of
from segada.errors import InputError

SWEEP = """\
program: train.py
name: My sweep, no. 1
project: rain
method: random
metric: {name: mean_miou, goal: maximize}
parameters:
  method.pseudo_threshold: {min: 0.5, max: 0.99}
  method:
    parameters:
      optimizer:
        parameters:
          lr: {distribution: log_uniform_values, min: 1e-5, max: 1e-2}
  stream.passes: {value: 2}
  stream.visits: {value: [clear, 25mm, 50mm, 75mm]}
  adapter.name: {values: [none, adaptformer]}
early_terminate: {type: hyperband, min_iter: 2, eta: 3}
run_cap: 7
"""


def load(folder: Path, text: str = SWEEP) -> StudyFile:
    path = folder / "sweep.yaml"
    path.write_text(text, encoding="utf-8")
    return load_study(str(path))


def test_a_sweep_is_a_study_as_it_is(tmp_path: Path) -> None:
    study = load(tmp_path)
    assert study.settings.name == "My-sweep-no.-1"
    assert study.settings.sampler.model_dump()["name"] == "random"
    assert [(one.metric, one.goal) for one in study.settings.objectives] == [("mean_miou", "maximize")]
    assert {path: one.described for path, one in study.space.parameters.items()} == {
        "method.pseudo_threshold": "0.5 to 0.99",
        "method.optimizer.lr": "1e-05 to 0.01, log",
        "adapter.name": '"none" | "adaptformer"',
    }
    assert study.run_settings().stream.passes == 2
    assert study.run_settings().stream.visits == ("clear", "25mm", "50mm", "75mm")
    assert study.settings.pruning is not None
    assert (study.settings.pruning.min_visits, study.settings.pruning.reduction_factor) == (2, 3)
    assert study.settings.budget.trials == 7
    assert study.settings.tracking.project == "rain"
    assert unused(yaml.safe_load(SWEEP)) == ["program"]


def test_methods_and_defaults_of_a_sweep(tmp_path: Path) -> None:
    bayes = load(tmp_path, "method: bayes\nparameters: {method.pseudo_threshold: {min: 0.5, max: 0.9}}\n")
    assert bayes.settings.sampler.model_dump()["name"] == "tpe"
    assert bayes.settings.name == "sweep"
    assert bayes.settings.pruning is None
    minimized = load(
        tmp_path, SWEEP.replace(", goal: maximize", "").replace("mean_miou", "forgetting").replace("early", "# ")
    )
    assert [(one.metric, one.goal) for one in minimized.settings.objectives] == [("forgetting", "minimize")]
    late = load(tmp_path, SWEEP.replace("min_iter: 2, eta: 3", "max_iter: 27, s: 2"))
    assert late.settings.pruning is not None
    assert (late.settings.pruning.min_visits, late.settings.pruning.reduction_factor) == (3, 3)


@pytest.mark.parametrize(
    ("path", "given", "described"),
    [
        ("stream.passes", "{min: 1, max: 9}", "1 to 9"),
        ("stream.passes", "{min: 1, max: 9, distribution: int_uniform}", "1 to 9"),
        ("stream.passes", "{distribution: q_uniform, min: 4, max: 16, q: 4}", "4 to 16 by 4"),
        ("stream.passes", "{distribution: q_uniform, min: 1, max: 9}", "1 to 9"),
        ("stream.passes", "{distribution: q_log_uniform_values, min: 2, max: 9}", "2 to 9, log"),
        ("stream.passes", f"{{distribution: q_log_uniform, min: {math.log(2)}, max: {math.log(9)}}}", "2 to 9, log"),
        ("method.clean_weight", "{min: 0.5, max: 2}", "0.5 to 2"),
        ("method.clean_weight", "{distribution: uniform, min: 1, max: 2}", "1 to 2"),
        ("method.clean_weight", "{distribution: q_uniform, min: 0, max: 1, q: 0.25}", "0 to 1 by 0.25"),
        ("method.clean_weight", f"{{distribution: log_uniform, min: {math.log(0.5)}, max: 0}}", "0.5 to 1, log"),
        ("method.clean_weight", f"{{distribution: inv_log_uniform, min: 0, max: {math.log(2)}}}", "0.5 to 1, log"),
        ("method.clean_weight", "{distribution: inv_log_uniform_values, min: 0.5, max: 1}", "0.5 to 1, log"),
        ("method.clean_weight", "{values: [1, 0.5]}", "1 | 0.5"),
        ("method.clean_weight", "{values: [1.0, 0.5], probabilities: [0.5, 0.5]}", "1.0 | 0.5"),
        ("adapter.stages", "{values: [[0], [0, 1]]}", "[0] | [0, 1]"),
    ],
)
def test_distributions_that_have_a_counterpart(tmp_path: Path, path: str, given: str, described: str) -> None:
    fixed = "  adapter.name: {value: adaptformer}\n"
    study = load(tmp_path, f"method: random\nparameters:\n{fixed}  {path}: {given}\n")
    assert study.space.parameters[path].described == described


@pytest.mark.parametrize(
    ("replaced", "by", "said"),
    [
        (
            "{min: 0.5, max: 0.99}",
            "{distribution: normal, mu: 0.5}",
            "7: parameters.method.pseudo_threshold: no sampler here draws from normal",
        ),
        (
            "{min: 0.5, max: 0.99}",
            "{distribution: beta}",
            "7: parameters.method.pseudo_threshold: no sampler here draws from beta; write min",
        ),
        (
            "{min: 0.5, max: 0.99}",
            "{distribution: nromal}",
            "7: parameters.method.pseudo_threshold.distribution: should be",
        ),
        ("{min: 0.5, max: 0.99}", "{min: 0.5}", "7: parameters.method.pseudo_threshold: uniform needs min and max"),
        (
            "{min: 0.5, max: 0.99}",
            "{max: 0.5}",
            "7: parameters.method.pseudo_threshold: needs value, values, min and max, or",
        ),
        (
            "{min: 0.5, max: 0.99}",
            "{mni: 0.5}",
            "7: parameters.method.pseudo_threshold.mni: there is no such key; did you mean min?",
        ),
        (
            "{min: 0.5, max: 0.99}",
            "{min: 0.9, max: 0.5}",
            "7: parameters.method.pseudo_threshold: low < high must hold",
        ),
        (
            "{min: 0.5, max: 0.99}",
            "{min: 0.5, max: 1.5}",
            "7: parameters.method.pseudo_threshold.max: should be less than",
        ),
        (
            "{min: 0.5, max: 0.99}",
            "{distribution: categorical}",
            "7: parameters.method.pseudo_threshold: categorical needs values",
        ),
        (
            "{min: 0.5, max: 0.99}",
            "{values: [0.5, 2.0]}",
            "7: parameters.method.pseudo_threshold.values.1: should be less than",
        ),
        (
            "{min: 0.5, max: 0.99}",
            "{values: [0.5, 0.6], probabilities: [0.1, 0.9]}",
            "7: parameters.method.pseudo_threshold: samplers here draw values with equal",
        ),
        (
            "{min: 0.5, max: 0.99}",
            "{distribution: q_log_uniform_values, min: 1, max: 8, q: 2}",
            "7: parameters.method.pseudo_threshold: no sampler here draws multiples of q: 2",
        ),
        (
            "method.pseudo_threshold:",
            "pseudo_threshold:",
            "7: parameters.pseudo_threshold: no setting has this path; did you mean method.pseudo_threshold?",
        ),
        (
            " lr:",
            " lrr:",
            "12: parameters.method.parameters.optimizer.parameters.lrr: no setting has",
        ),
        ("{value: 2}", "{value: two}", "13: parameters.stream.passes.value: should be a valid integer, not 'two'"),
        ("stream.passes", "steam.passes", "13: parameters.steam.passes: there is no such key; did you mean stream?"),
        ("75mm]", "76mm]", "14: parameters.stream.visits.value: names '76mm'"),
        ("mean_miou", "val_loss", "5: metric.name: there is no metric 'val_loss'"),
        ("goal: maximize", "goal: maximum", "5: metric.goal: should be 'minimize' or 'maximize', not 'maximum'"),
        ("method: random", "method: genetic", "4: method: should be 'bayes', 'random' or 'grid', not 'genetic'"),
        (
            "min_iter: 2",
            "min_iter: 4",
            "16: early_terminate.min_iter: must be below the 4 visits of the stream, but is 4",
        ),
        ("eta: 3", "eta: 1.5", "16: early_terminate.eta: must be a whole number from 2 on here, but is 1.5"),
        ("min_iter: 2", "max_iter: 2", "16: early_terminate: needs min_iter, or max_iter and s"),
        ("run_cap: 7", "run_cap: 0", "17: run_cap: should be greater than or equal to 1, not 0"),
        ("run_cap: 7", "run_cpa: 7", "17: run_cpa: there is no such key; did you mean run_cap?"),
        (
            "program: train.py",
            "command: [python, -m, hpo.tracking.sweep_agent, a.yaml, '${args_json}']",
            "1: command: this sweep was made from a study",
        ),
    ],
)
def test_what_is_wrong_with_a_sweep_is_said_in_its_own_words(tmp_path: Path, replaced: str, by: str, said: str) -> None:
    assert replaced in SWEEP
    with pytest.raises(InputError) as refusal:
        load(tmp_path, SWEEP.replace(replaced, by, 1))
    assert str(refusal.value).startswith(f"{tmp_path}/sweep.yaml:{said}")
    assert "\n" not in str(refusal.value)


STUDY = """\
name: exported
run: {stream: {visits: [clear, 25mm, 50mm]}}
space:
  method.optimizer.lr: {type: float, low: 1e-5, high: 1e-2, log: true}
  method.clean_weight: {type: float, low: 0.0, high: 2.0, step: 0.25}
  method.mix_weight: {type: float, low: 0.1, high: 1.1, step: 0.25}
  stream.passes: {type: int, low: 1, high: 4}
  method.source_fdist_lambda: {type: float, low: 0.001, high: 0.1, log: true, off: 0.0}
  adapter.name: {type: choice, choices: [none, adaptformer]}
  adapter.stages: {type: subset, of: [0, 1, 2], when: {adapter.name: adaptformer}}
  adapter.blocks: {type: each, of: adapter.stages, choices: [all, last]}
  adapter.bottleneck: {type: int, low: 4, high: 64, log: true, when: {adapter.name: adaptformer}}
  stream.frames: {type: choice, choices: [null, 8]}
forbidden: [{adapter.name: none, stream.passes: 4}]
sampler: {name: genetic}
pruning: {min_visits: 2}
"""


@pytest.fixture
def study(tmp_path: Path) -> StudyFile:
    path = tmp_path / "exported.yaml"
    path.write_text(STUDY, encoding="utf-8")
    return load_study(str(path))


def test_a_study_as_a_sweep(study: StudyFile) -> None:
    sweep = sweep_of(study, "exported.yaml")
    assert sweep["method"] == "bayes"
    assert sweep["program"] == "segada.adapt"
    assert sweep["metric"] == {"name": "mean_miou", "goal": "maximize"}
    assert sweep["early_terminate"] == {"type": "hyperband", "min_iter": 2, "eta": 2}
    assert sweep["run_cap"] == 24
    parameters = sweep["parameters"]
    assert isinstance(parameters, dict)
    assert parameters["method.optimizer.lr"] == {
        "distribution": "log_uniform_values",
        "min": 1e-5,
        "max": 1e-2,
    }
    assert parameters["method.clean_weight"] == {"distribution": "q_uniform", "min": 0.0, "max": 2.0, "q": 0.25}
    assert parameters["method.mix_weight"]["values"] == pytest.approx([0.1, 0.35, 0.6, 0.85, 1.1])
    assert parameters["stream.passes"] == {"distribution": "int_uniform", "min": 1, "max": 4}
    assert parameters["adapter.bottleneck"] == {"distribution": "q_log_uniform_values", "q": 1, "min": 4, "max": 64}
    assert parameters["method.source_fdist_lambda.on"] == {"values": [False, True]}
    assert parameters["adapter.blocks.1"] == {"values": ["all", "last"]}
    assert len(lost(study)) == 2


def test_a_sweep_has_no_paired_test_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "paired.yaml"
    path.write_text(STUDY.replace("{min_visits: 2}", "{name: paired}"), encoding="utf-8")
    paired = load_study(str(path))
    assert "early_terminate" not in sweep_of(paired, "paired.yaml")
    assert "a sweep has no paired test: no run is stopped early" in lost(paired)


def command_of(sweep: dict[str, object], proposed: dict[str, object]) -> list[str]:
    """The command line that wandb's agent makes of a proposal (`Agent._command_run`)."""
    parts = utils.create_sweep_command(list(sweep["command"]))  # type: ignore[call-overload]
    macros = utils.create_sweep_command_args({"args": {name: {"value": value} for name, value in proposed.items()}})
    macros |= {"interpreter": ["python"], "program": [sweep["program"]], "env": ["/usr/bin/env"]}
    line: list[str] = []
    for part in parts:
        line += macros[part[2:-1]] if part.startswith("${") else [part]
    return line


def test_what_an_agent_proposes_is_the_point_that_it_means(study: StudyFile) -> None:
    sweep = sweep_of(study, "exported.yaml")
    generator = np.random.default_rng(0)
    for _ in range(50):
        drawn = study.space.draw(generator)
        raw = study.space.encode(drawn.values)
        everything = {name: from_unit(one, 0.3) for name, one in study.space.distributions().items()} | raw
        *start, arguments = command_of(sweep, everything)
        assert start == ["/usr/bin/env", "python", "-m", "hpo.tracking.sweep_agent", "exported.yaml"]
        assert point_of_study(study.space, arguments) == drawn


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"method.clean_weigth": 1}, r"method\.clean_weigth: is not a dimension of the study's space; did you mean"),
        ({"stream.passes": 9}, r"stream\.passes: lies between 1 and 4, not at 9"),
        ({"adapter.stages": "0+7"}, r"adapter\.stages: is one of 0, 1, 2, 0\+1"),
        ({"stream.passes": 4, "adapter.name": "none"}, "is forbidden by the study"),
        ({"method.clean_weight": "much"}, r"method\.clean_weight: lies between 0 and 2, not at 'much'"),
    ],
)
def test_points_that_are_none_of_the_study_are_refused(study: StudyFile, change: dict[str, object], said: str) -> None:
    point = {name: from_unit(one, 0.0) for name, one in study.space.distributions().items()}
    assert point_of_study(study.space, json.dumps(point)).values["adapter.name"] == "none"
    with pytest.raises(InputError, match=said):
        point_of_study(study.space, json.dumps(point | change))


@pytest.mark.parametrize(
    ("text", "said"), [("{", "is not JSON"), ("[1]", "must be a JSON object"), ("{}", "is missing")]
)
def test_arguments_that_are_no_point_are_refused(study: StudyFile, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        point_of_study(study.space, text)


def test_a_study_that_trains_its_source_model_is_no_sweep(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(STUDY + "pretrain: {method: {name: supervised}}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.yaml:17: pretrain: the runs of a sweep share no source training"):
        sweep_of(load_study(str(tmp_path / "a.yaml")), "a.yaml")


def test_an_agent_s_command_adapts_and_tells_wandb(tmp_path: Path, tiny_run: dict[str, object]) -> None:
    space = {
        "method.pseudo_threshold": {"type": "float", "low": 0.5, "high": 0.9},
        "adapter.name": {"type": "choice", "choices": ["none", "adaptformer"]},
        "adapter.bottleneck": {"type": "int", "low": 2, "high": 8, "when": {"adapter.name": "adaptformer"}},
    }
    text = yaml.safe_dump({"name": "tiny", "run": tiny_run, "space": space, "sampler": {"name": "random"}})
    (tmp_path / "tiny.yaml").write_text(text, encoding="utf-8")
    proposed = {"method.pseudo_threshold": 0.75, "adapter.name": "none", "adapter.bottleneck": 4}
    command = command_of(sweep_of(load_study(str(tmp_path / "tiny.yaml")), "tiny.yaml"), proposed)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "WANDB_MODE": "offline", "WANDB_RUN_ID": "abc", "WANDB_SILENT": "true"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "runs" / "tiny" / "sweep" / "abc"
    report = json.loads((folder / "report.json").read_text())
    settings = yaml.safe_load((folder / "settings.yaml").read_text())
    assert (settings["method"]["pseudo_threshold"], settings["adapter"]) == (0.75, {"name": "none"})
    (log,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    history = [as_dict(record.history.item) for record in records(log) if record.HasField("history")]
    assert [point["domain"] for point in history if "domain" in point] == ["clear", "200mm"]
    assert history[-1]["mean_miou"] == pytest.approx(report["mean_miou"])

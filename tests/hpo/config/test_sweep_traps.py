"""Tests of W&B sweeps that say something else than their authors mean: refused or said, with line and cure."""

from pathlib import Path

import pytest

from hpo.cli.options import run_parser
from hpo.config.command_line import study_file
from hpo.config.study_file import load_study
from hpo.config.sweep_import import notes_on
from segada.errors import InputError

LR, WEIGHT = "method.optimizer.lr", "method.clean_weight"
METRIC = "metric: {name: mean_miou, goal: maximize}"
ANY = f"{WEIGHT}: {{min: 0.5, max: 1.5}}"


def sweep(folder: Path, parameters: str, rest: str = METRIC) -> Path:
    path = folder / "sweep.yaml"
    path.write_text(f"method: random\n{rest}\nparameters:\n  {parameters}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("parameters", "place", "problem", "cure"),
    [
        (
            f"{LR}: {{distribution: log_uniform, min: 0.0001, max: 0.01}}",
            LR,
            "exponents of e in log_uniform: 1.0001 to 1.01005",
            "for 0.0001 to 0.01 write distribution: log_uniform_values",
        ),
        (
            f"{LR}: {{distribution: log_uniform, min: 1e-3, max: 10}}",
            LR,
            "1.001 to 22026.5",
            "distribution: log_uniform_values",
        ),
        (f"{LR}: {{distribution: log_uniform, min: 16, max: 512}}", LR, "2.28441e+222", "log_uniform_values"),
        (
            f"{LR}: {{distribution: inv_log_uniform, min: 1e-3, max: 0.1}}",
            LR,
            "0.904837 to 0.999",
            "write distribution: inv_log_uniform_values",
        ),
        (
            f"{LR}: {{distribution: log_uniform_values, min: -9, max: -4}}",
            f"{LR}.min",
            "must be above 0 in log_uniform_values, but is -9",
            "for exponents of e write distribution: log_uniform",
        ),
        (
            "method.pseudo_threshold: {min: 0, max: 1}",
            "method.pseudo_threshold",
            "draws whole numbers alone, from 0 to 1",
            "write distribution: uniform",
        ),
        (
            f"{WEIGHT}: {{distribution: q_uniform, min: 0, max: 1}}",
            WEIGHT,
            "without q, q_uniform draws whole numbers alone",
            "write distribution: uniform",
        ),
        (f"{WEIGHT}: {{min: 0.1, max: 2.0, value: 1}}", WEIGHT, "has value and min, max", "leave the others out"),
        (f"{WEIGHT}: {{values: [1.0, 2.0], min: 0.5}}", WEIGHT, "has values and min", "leave the others out"),
        (f"{WEIGHT}: {{value: 1, values: [1.0]}}", WEIGHT, "has value and values", "leave the others out"),
        (f"{WEIGHT}: {{distribution: constant}}", WEIGHT, "constant needs value", ""),
        (f"{WEIGHT}: {{low: 0.1, high: 0.9}}", f"{WEIGHT}.low", "is a key of study files", "write min"),
        (
            f"{WEIGHT}: {{min: 0.1, max: 0.9, log: true}}",
            f"{WEIGHT}.log",
            "is a key of study files",
            "log_uniform_values",
        ),
        (
            f"{LR}: {{distribution: loguniform, min: 1e-4, max: 1e-2}}",
            f"{LR}.distribution",
            "no dist",
            "log_uniform_values",
        ),
        (
            "method: {optimizer: {lr: {min: 1e-4, max: 1e-2}}}",
            "method.optimizer",
            "is nested without saying so",
            "the path method.optimizer.lr",
        ),
        (f"{ANY}\n  method: {{parameters: {{clean_weight: {{value: 1.0}}}}}}", "method", "is given twice", "leave one"),
        (
            "adapter.name: {values: [none], probabilities: [0.5, 0.5]}",
            "adapter.name.prob",
            "for 1 values",
            "one for each",
        ),
        (f"{WEIGHT}: 0.5", WEIGHT, "is 0.5 alone", "write {value: 0.5}"),
        (f"{WEIGHT}: [0.5, 1.0]", WEIGHT, "alone", "write {values: [0.5, 1.0]}"),
    ],
)
def test_what_is_surely_meant_otherwise_is_refused(
    tmp_path: Path, parameters: str, place: str, problem: str, cure: str
) -> None:
    path = sweep(tmp_path, parameters)
    with pytest.raises(InputError) as refusal:
        load_study(str(path), runs=False)
    said = str(refusal.value)
    line = len(path.read_text().splitlines())
    assert said.startswith(f"{path}:{line}: parameters.{place}")
    assert problem in said
    assert cure in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        (
            "{name: val/mIoU, goal: maximize}",
            "2: metric.name: there is no metric 'val/mIoU': in names there is a slash in",
        ),
        ("{name: mean_miou/fog, goal: maximize}", "2: metric.name: there is no metric 'mean_miou/fog'"),
        ("{name: mean_miou}", "2: metric: has no goal, which W&B takes for minimize, and mean_miou is better high"),
        ("{name: miou/200mm}", "2: metric: has no goal, which W&B takes for minimize"),
    ],
)
def test_metrics_that_mean_something_else_are_refused(tmp_path: Path, metric: str, said: str) -> None:
    path = sweep(tmp_path, ANY, f"metric: {metric}")
    with pytest.raises(InputError) as refusal:
        load_study(str(path), runs=False)
    assert str(refusal.value).startswith(f"{path}:{said}")


@pytest.mark.parametrize(
    ("parameters", "notes"),
    [
        (ANY, []),
        (f"{WEIGHT}: {{min: 0.0, max: 1.0}}", []),
        ("stream.passes: {min: 1, max: 2}", []),
        (f"{WEIGHT}: {{distribution: int_uniform, min: 1, max: 3}}", []),
        (
            f"{LR}: {{distribution: log_uniform, min: -9.2, max: -4.6}}",
            [f"{LR}: min and max are exponents of e in log_uniform: 0.000101039 to 0.0100518"],
        ),
        (
            f"{LR}: {{distribution: log_uniform, min: -5, max: -2}}",
            [
                (
                    f"{LR}: min and max are exponents of e in log_uniform: 0.00673795 to 0.135335; for powers of ten "
                    "write distribution: log_uniform_values, min: 1e-5, max: 1e-2"
                )
            ],
        ),
        (
            f"{WEIGHT}: {{min: 0, max: 2}}",
            [
                (
                    f"{WEIGHT}: with whole numbers as min and max, W&B draws whole numbers alone, from 0 to 2; for "
                    "those between write distribution: uniform"
                )
            ],
        ),
        (
            f"{LR}: {{min: 1e-6, max: 1e-2}}",
            [
                (
                    f"{LR}: uniform draws nine of ten values above 0.001; for all orders of magnitude alike write "
                    "distribution: log_uniform_values"
                )
            ],
        ),
        (
            f"{WEIGHT}: {{min: 0.5, max: 1.0, q: 0.1}}",
            [f"{WEIGHT}.q: has no effect in uniform; write distribution: q_uniform"],
        ),
        (
            f"{WEIGHT}: {{distribution: q_uniform, min: 0.1, max: 1, q: 0.25}}",
            [f"{WEIGHT}: q_uniform draws multiples of q: 0.25, from 0 to 1"],
        ),
    ],
)
def test_what_may_be_meant_otherwise_is_said_with_its_line(tmp_path: Path, parameters: str, notes: list[str]) -> None:
    path = sweep(tmp_path, parameters)
    assert load_study(str(path), runs=False).space.parameters
    assert notes_on(path) == [f"{path}:4: parameters.{note}" for note in notes]


def test_what_is_not_used_is_said_when_the_sweep_is_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rest = "early_terminate: {type: hyperband, min_iter: 2, s: 2, strict: true}\nprogram: train.py"
    path = sweep(tmp_path, ANY, rest)
    study_file(run_parser().parse_args(["--space", str(path)]))
    assert capsys.readouterr().err.splitlines() == [
        f"note: {path}:2: early_terminate: counts visits of a run here, and at W&B whatever a run logs",
        f"note: {path}:2: early_terminate: has min_iter, so that max_iter and s have no effect",
        f"note: {path}:2: early_terminate.strict: is not used: every run at a rung is compared with all before it",
        f"note: {path}:1: method: there is no metric: mean_miou is maximized",
        f"note: {path}:3: program: is not used: trials are runs of this engine",
    ]
    (tmp_path / "more.yaml").write_text("extends: sweep.yaml\nname: more\n")
    study_file(run_parser().parse_args(["--space", str(tmp_path / "more.yaml")]))
    assert f"note: {path}:3: program" in capsys.readouterr().err

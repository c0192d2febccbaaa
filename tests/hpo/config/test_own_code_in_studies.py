"""Studies whose runs name code of the user: its settings are searched, and reading their folder imports nothing."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from own_code import FILE

import hpo.report
import hpo.status
from hpo.config.json_schema import study_schema
from hpo.config.study_file import load_study
from hpo.search_space.configuration import Configuration
from hpo.study.drivers import joined
from hpo.study.provenance import write_study
from hpo.study.study import open_study
from segada.cli.exit_codes import DONE
from segada.errors import InputError
from segada.settings import named_kinds
from segada.settings.files import read_yaml

STUDY = """\
name: own
run:
  stream: {visits: [clear, 50mm, 200mm]}
  evaluation: {split: val}
  method: {name: METHOD}
space:
  method.rate: {type: float, low: 0.0, high: 0.5, default: 0.1}
  method.every: {type: int, low: 1, high: 4, default: 1}
sampler: {name: random, seed: 0}
budget: {trials: 4}
"""
CHOICE = """\
name: choice
run: {stream: {visits: [clear, 50mm, 200mm]}, evaluation: {split: val}, method: {name: tent}}
space:
  method.name: {type: choice, choices: [tent, METHOD], default: tent}
  method.rate: {type: float, low: 0.0, high: 0.5, default: 0.1, when: {method.name: METHOD}}
  method.optimizer.lr: {type: float, low: 1e-5, high: 1e-3, log: true, default: 1e-4, when: {method.name: tent}}
sampler: {name: random, seed: 0}
budget: {trials: 4}
"""


def written(folder: Path, text: str = STUDY, method: str = "./mine.py:Shrink") -> Path:
    """Writes a study beside a copy of the code."""
    (folder / "mine.py").write_text(FILE.read_text(), encoding="utf-8")
    path = folder / "own.yaml"
    path.write_text(text.replace("METHOD", f'"{method}"'), encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as refused:
        load_study(str(path))
    assert "\n" not in str(refused.value)
    return str(refused.value).removeprefix(str(path.parent))


def test_own_settings_are_parameters(tmp_path: Path) -> None:
    study = load_study(str(written(tmp_path)))
    settings = study.run_settings(Configuration({"method.rate": 0.25, "method.every": 2}))
    name = f"{tmp_path}/mine.py:Shrink"
    assert settings.method.model_dump() == {"name": name, "rate": 0.25, "every": 2}
    assert study.resolved()["run"]["method"] == {"name": name, "rate": 0.01, "every": 1}  # type: ignore[index, call-overload]


def test_own_code_is_a_choice_among_our_methods(tmp_path: Path) -> None:
    study = load_study(str(written(tmp_path, CHOICE)))
    name = f"{tmp_path}/mine.py:Shrink"
    chosen = study.run_settings(Configuration({"method.name": name, "method.rate": 0.5}))
    assert chosen.method.model_dump() == {"name": name, "rate": 0.5, "every": 1}


@pytest.mark.parametrize(
    ("text", "method", "said"),
    [
        (
            STUDY.replace("0.5", "1.5"),
            "./mine.py:Shrink",
            "/own.yaml:7: space.method.rate.high: should be less",
        ),
        (
            STUDY.replace(".rate", ".rat"),
            "./mine.py:Shrink",
            "/own.yaml:7: space.method.rat: no setting has this pa",
        ),
        (STUDY, "./mine.py:Nobody", "/own.yaml:5: run.method.name: '"),
        (STUDY, "tent", "/own.yaml:7: space.method.rate: no setting has this path"),
        (CHOICE, "./mine.py:Alternating", "/own.yaml:4: space.method.name: '"),
        (
            CHOICE.replace(", when: {method.name: METHOD}", ""),
            "own_code:Shrink",
            "/own.yaml:5: space.method.rate: exi",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_its_line(text: str, method: str, said: str, tmp_path: Path) -> None:
    assert refusal(written(tmp_path, text, method)).startswith(said)


def test_the_schema_of_a_study_has_the_settings_of_its_code(tmp_path: Path) -> None:
    path = written(tmp_path, method="own_code:Shrink")
    schema = study_schema(load_study(str(path)))
    assert "method.rate" in schema["$defs"]["Study"]["properties"]["space"]["properties"]
    validator = jsonschema.Draft202012Validator(schema)
    tree = read_yaml(path).tree
    assert not list(validator.iter_errors(tree))
    tree["run"]["method"]["rate"] = "much"  # type: ignore[index, call-overload]
    assert [error.json_path for error in validator.iter_errors(tree)] == ["$.run.method"]
    general = jsonschema.Draft202012Validator(study_schema())
    assert not list(general.iter_errors(tree))


def test_the_schema_of_a_study_has_the_settings_of_its_sampler_and_pruner(tmp_path: Path) -> None:
    parts = 'sampler: {name: "own_search:Tree", startup: 4}\npruning: {name: "own_search:Median", first: 2}\n'
    path = written(tmp_path, STUDY.replace("sampler: {name: random, seed: 0}\n", parts), "own_code:Shrink")
    validator = jsonschema.Draft202012Validator(study_schema(load_study(str(path))))
    tree: Any = read_yaml(path).tree
    assert not list(validator.iter_errors(tree))
    tree["sampler"]["startup"] = "much"
    tree["pruning"]["first"] = 0
    assert {error.json_path for error in validator.iter_errors(tree)} == {"$.sampler", "$.pruning"}
    tree["sampler"], tree["pruning"] = {"name": "./own_search.py:Tree", "start": 1}, None
    assert [error.json_path for error in validator.iter_errors(tree)] == ["$.sampler"]


@pytest.mark.parametrize("text", [STUDY, CHOICE])
def test_reading_a_folder_of_somebody_imports_no_code(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    study, out = load_study(str(written(tmp_path, text))), tmp_path / "out"
    with joined(out) as driver, driver.exclusive():
        open_study(study, out, driver)
        write_study(study, out)

    def refuse(name: str) -> object:
        pytest.fail(f"{name} was imported")

    monkeypatch.setattr(named_kinds, "load_code", refuse)
    named_kinds._made.cache_clear()
    assert hpo.status.main([str(out)]) == DONE
    assert hpo.report.main([str(out)]) == DONE
    told = capsys.readouterr()
    assert "damaged" not in told.out + told.err
    with pytest.raises(BaseException, match=r"mine.py:Shrink was imported"):
        load_study(str(out / "study.yaml"), runs=False)

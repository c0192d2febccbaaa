"""Tests of a study without parameters: one configuration, tried once and confirmed."""

from pathlib import Path

import optuna
import pytest
from pydantic import TypeAdapter
from rich.console import Console

from hpo.config.describe import print_space
from hpo.config.study_file import load_study
from hpo.samplers.registry import SAMPLERS, AnySamplerSettings
from hpo.search_space import Space
from hpo.study.plan import Plan
from hpo.study.study import open_study
from segada.errors import InputError

STUDY = """
name: fixed
run: {method: {name: source_only}, evaluation: {split: val}}
space: {}
sampler: {name: genetic, seed: 0}
budget: {trials: 5}
confirm: {top: 2, seeds: 2}
"""


def write(folder: Path, text: str = STUDY) -> str:
    (folder / "fixed.yaml").write_text(text, encoding="utf-8")
    return str(folder / "fixed.yaml")


def test_it_has_one_trial_whatever_its_budget_and_that_is_the_default(tmp_path: Path) -> None:
    file = load_study(write(tmp_path))
    study = open_study(file, tmp_path / "out")
    proposal = study.ask()

    assert proposal is not None
    assert proposal.configuration.values == {}
    assert study.ask() is None
    study.complete(proposal.number, [0.5])
    assert study.is_search_over()
    jobs = list(Plan(file, tmp_path / "out").confirmations(study))
    assert [job.name for job in jobs] == ["trial 0 seed 1", "trial 0 seed 2"]
    assert {job.settings.method.name for job in jobs} == {"source_only"}


def test_to_leave_the_space_out_is_still_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="space: this key is missing"):
        load_study(write(tmp_path, STUDY.replace("space: {}\n", "")))


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_proposes_nothing_where_there_is_nothing(name: str) -> None:
    settings = TypeAdapter(AnySamplerSettings).validate_python({"name": name})
    study = optuna.create_study(sampler=settings.build(Space({}), 1))
    trial = study.ask()

    assert Space({}).suggest(trial).values == {}
    study.tell(trial, 1.0)
    assert Space({}).suggest(study.ask()).values == {}


def test_it_is_shown_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    print_space(Space({}), Console())
    assert capsys.readouterr().out == "no parameters: one configuration, the settings of the run\n"

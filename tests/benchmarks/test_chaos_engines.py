"""Faults injected into studies of our engine and of an external one, which lose and change nothing."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.search import chaos, invariants
from benchmarks.search.fault_campaign import Control
from hpo.config.program import ProgramRun
from hpo.config.study_file import load_study
from hpo.external.run import ProgramTrial
from segada.artifacts.run_files import read_areas


def test_the_program_of_a_study_resumes_to_the_same_numbers(tmp_path: Path) -> None:
    text = chaos.COMMAND_STUDY.format(seed=0, python=sys.executable, program=chaos.PROGRAM)
    (tmp_path / "study.yaml").write_text(text)
    run = load_study(tmp_path / "study.yaml", {"run.steps": 2}).run_settings()
    assert isinstance(run, ProgramRun)
    for name in ("whole", "killed"):
        trial = ProgramTrial(run, tmp_path / name)
        trial.next_visit()
        if name == "killed":
            trial.close()
            trial = ProgramTrial(run, tmp_path / name)
        while not trial.next_visit().finished:
            pass
    assert invariants.numbers(tmp_path / "whole") == invariants.numbers(tmp_path / "killed")
    whole, killed = (read_areas(tmp_path / name).value for name in ("whole", "killed"))
    assert [areas.tolist() for areas in whole] == [areas.tolist() for areas in killed]


@pytest.fixture(scope="module")
def undisturbed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    """Runs the undisturbed study of an engine."""
    study, _ = chaos.STUDIES[request.param]
    with chaos.own_ray():
        yield chaos.undisturbed(tmp_path_factory.mktemp(request.param), seed=0, study=study)


@pytest.mark.chaos
@pytest.mark.parametrize(
    ("undisturbed", "kind"),
    [(engine, kind) for engine, (_, kinds) in chaos.STUDIES.items() for kind in kinds],
    indirect=["undisturbed"],
)
def test_faults_lose_repeat_and_change_nothing(undisturbed: Control, kind: str) -> None:
    console = Console()
    outcome = chaos.disturbed(kind, undisturbed, undisturbed.out.parent, kills=2, seed=1, console=console)
    if outcome.kills == 0:
        pytest.skip(f"{kind} is not possible on this machine")
    chaos.show({kind: outcome}, console)
    assert outcome.wrong == 0
    assert (outcome.kills, outcome.trials) == (2, 6 * outcome.studies)

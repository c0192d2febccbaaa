"""Tests of samplers that take long: other drivers need not wait for them, and still no configuration comes twice."""

from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import pytest
from drivers_bench import STUDY
from optuna.trial import FrozenTrial

from hpo.config.study_file import load_study
from hpo.samplers.history import Genome
from hpo.samplers.whole_point import WholePointSampler
from hpo.study.drivers import Driver
from hpo.study.file_lock import attempt
from hpo.study.folder import LOCK
from hpo.study.study import Study, open_study

PATH = "method.pseudo_threshold"


@pytest.fixture
def studies(tmp_path: Path) -> Iterator[list[Study]]:
    """The study as two drivers have it."""
    (tmp_path / "shared.yaml").write_text(STUDY)
    file = load_study(str(tmp_path / "shared.yaml"))
    drivers = [Driver(tmp_path / "out") for _ in range(2)]
    yield [open_study(file, tmp_path / "out", driver) for driver in drivers]
    for driver in drivers:
        driver.leave()


def propose(study: Study, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> None:
    """Lets the sampler propose 0.6, then 0.7; something happens before its first proposal."""
    sampler = study.optuna_study.sampler
    assert isinstance(sampler, WholePointSampler)

    def proposed(_study: optuna.Study, _trial: FrozenTrial, number: int) -> Genome:
        if number == 0:
            meanwhile()
        return {PATH: (0.6, 0.7, 0.8)[number]}

    monkeypatch.setattr(sampler, "propose", proposed)


def test_no_lock_is_held_while_a_sampler_computes(
    studies: list[Study], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free: list[bool] = []

    def look() -> None:
        lock = attempt(tmp_path / "out" / LOCK, "a")
        free.append(lock is not None)
        if lock is not None:
            lock.close()

    first, _ = studies
    propose(first, monkeypatch, look)
    with first.drivers.exclusive():
        assert first.ask() is not None
        look()
    assert free == [True, False]


def test_drivers_that_propose_at_the_same_time_have_other_configurations(
    studies: list[Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = studies
    found: list[object] = []
    propose(second, monkeypatch, lambda: None)
    propose(first, monkeypatch, lambda: found.append(second.ask()))
    found.insert(0, first.ask())
    chosen = [(one.number, one.configuration.values[PATH]) for one in found]  # type: ignore[attr-defined]
    assert chosen == [(0, 0.7), (1, 0.6)]


def test_a_driver_that_proposed_later_but_recorded_first_keeps_its_configuration(
    studies: list[Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = studies
    found: list[object] = []
    propose(second, monkeypatch, lambda: None)
    propose(first, monkeypatch, lambda: None)
    sampler = first.optuna_study.sampler
    assert isinstance(sampler, WholePointSampler)
    record = sampler._record

    def recorded(study: optuna.Study, trial: FrozenTrial, genome: Genome) -> None:
        if not found:
            found.append(second.ask())
        record(study, trial, genome)

    monkeypatch.setattr(sampler, "_record", recorded)
    found.insert(0, first.ask())
    chosen = [(one.number, one.configuration.values[PATH]) for one in found]  # type: ignore[attr-defined]
    assert chosen == [(0, 0.7), (1, 0.6)]

"""Tests of the overhead benchmark: its arithmetic, and a search of idle trials."""

import time
from pathlib import Path

import pytest

from benchmarks.search import overhead
from benchmarks.search.idle import IdleTrainable
from benchmarks.search.overhead import Pace, Rest, idle, rest_of
from hpo.config.study_file import load_study
from hpo.study.provenance import write_study
from hpo.study.study import open_study
from segada.errors import InputError


def test_spans_are_laid_on_as_few_workers_as_suffice() -> None:
    assert overhead._lanes([(0.0, 2.0), (1.0, 3.0), (2.0, 4.0), (3.5, 6.0)]) == [(0.0, 4.0), (1.0, 6.0)]
    assert overhead._lanes([(5.0, 6.0), (0.0, 1.0)]) == [(0.0, 6.0)]


def test_the_rest_is_what_no_visit_took() -> None:
    rest = Rest(trials=4, workers=2, seconds=10.0, visits=9.5)
    assert rest.share == pytest.approx(0.05)
    assert str(rest).endswith("the rest is 5.0 %, 0.12 s a trial")
    pace = Pace(trials=300, start=8.0, seconds=10.0, processor=4.5)
    assert str(pace).startswith("300 idle trials: 30.0 finished per second, after a start of 8.0 s; of 33.3 ms")
    assert str(pace).endswith("the driver computes 15.0")


def test_the_rest_of_a_study_is_counted_from_its_ledger_and_its_visits(tmp_path: Path) -> None:
    (tmp_path / "idle.yaml").write_text(overhead.STUDY.format(trials=2, workers=1))
    file, out = load_study(str(tmp_path / "idle.yaml")), tmp_path / "out"
    study = open_study(file, out)
    write_study(file, out)
    with pytest.raises(InputError, match="no trial of this study is finished"):
        rest_of(out)
    began = time.time()
    for number in range(2):
        assert study.ask() is not None
        time.sleep(0.1)
        worker = IdleTrainable.__new__(IdleTrainable)
        worker.reset_config({"settings": file.run_settings().model_dump_json()})
        worker.step()
        folder = out / "trials" / str(number)
        folder.mkdir(parents=True)
        record = worker._visits[0].model_copy(update={"seconds": 0.08})
        (folder / "visits.jsonl").write_text(record.model_dump_json() + "\n")
        study.complete(number, [0.5])
    rest = rest_of(out)
    assert (rest.trials, rest.workers, rest.visits) == (2, 1, pytest.approx(0.16))
    assert 0.2 <= rest.seconds <= time.time() - began
    assert rest.share == pytest.approx(1 - 0.16 / rest.seconds)
    with pytest.raises(InputError, match="contains no study"):
        rest_of(tmp_path)


def test_too_few_trials_are_refused() -> None:
    with pytest.raises(InputError, match="--trials 10: must be more than 10"):
        idle(10, workers=2)


@pytest.mark.slow
def test_trials_that_do_nothing_are_finished_by_workers_that_are_used_again() -> None:
    pace = idle(60, workers=2)
    # The baselines beside them.
    assert pace.trials == 60 + 2 - overhead.WARM
    assert pace.processor < pace.seconds
    # A worker of its own for each trial takes seconds to start.
    assert pace.trials / pace.seconds > 2

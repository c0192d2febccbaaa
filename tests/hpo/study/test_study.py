"""Tests of the study: results are stored permanently, and interrupted trials resume."""

from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from hpo.config.study_file import StudyFile, load_study
from hpo.study.attributes import REASON
from hpo.study.proposals import HASH
from hpo.study.study import Study, open_study
from segada.errors import InputError

TEXT = """\
name: tiny
run: {stream: {visits: [clear, 25mm, 50mm, 75mm]}, evaluation: {split: val}}
space:
  method.pseudo_threshold: {type: float, low: 0.5, high: 0.9, default: 0.6}
  method.mix_weight: {type: float, low: 0.0, high: 1.0, default: 0.5}
sampler: {name: genetic, population_size: 3}
budget: {trials: 4}
pruning: {min_visits: 2, reduction_factor: 2}
"""


def study_file(folder: Path, text: str = TEXT) -> StudyFile:
    path = folder / "tiny.yaml"
    path.write_text(text, encoding="utf-8")
    return load_study(str(path))


@pytest.fixture
def file(tmp_path: Path) -> StudyFile:
    return study_file(tmp_path)


@pytest.fixture
def study(file: StudyFile, tmp_path: Path) -> Study:
    return open_study(file, tmp_path / "out")


def states(study: Study) -> list[TrialState]:
    return [trial.state for trial in study.optuna_study.get_trials(deepcopy=False)]


def test_the_first_trial_is_the_default_and_the_budget_is_handed_out_once(study: Study) -> None:
    proposals = [study.ask() for _ in range(6)]
    assert [None if proposal is None else proposal.number for proposal in proposals] == [0, 1, 2, 3, None, None]
    assert proposals[0] is not None
    assert proposals[0].configuration.values == {"method.pseudo_threshold": 0.6, "method.mix_weight": 0.5}
    assert len({proposal.configuration.hash for proposal in proposals if proposal is not None}) == 4


def test_every_way_to_end_counts_and_the_first_word_holds(study: Study) -> None:
    for _ in range(4):
        study.ask()
    assert study.remaining() == 4
    assert study.complete(0, [0.5]) == TrialState.COMPLETE
    assert study.prune(1) == TrialState.PRUNED
    assert study.fail(2, "the loss is\n  not finite") == TrialState.FAIL
    assert study.remaining() == 1
    assert study.fail(0, "late") == TrialState.COMPLETE
    assert study.complete(1, [0.9]) == TrialState.PRUNED
    assert study.complete(2, [0.9]) == TrialState.FAIL
    assert study.report(1, 3, 0.5) is True
    assert study.report(2, 3, 0.5) is False
    trials = study.optuna_study.get_trials()
    assert trials[0].values == [0.5]
    assert REASON not in trials[0].user_attrs
    assert trials[2].user_attrs[REASON] == "the loss is not finite"
    assert study.ask() is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_none_is_a_failure_with_its_reason(study: Study, value: float) -> None:
    study.ask()
    assert study.complete(0, [value]) == TrialState.FAIL
    assert study.optuna_study.get_trials()[0].user_attrs[REASON] == f"mean_miou is {value}"
    assert study.best(3) == []


def test_another_process_goes_on_where_one_stopped(file: StudyFile, tmp_path: Path) -> None:
    first = open_study(file, tmp_path / "out")
    begun = [first.ask() for _ in range(3)]
    first.complete(0, [0.25])
    second = open_study(file, tmp_path / "out")
    taken = [second.ask() for _ in range(4)]
    assert [proposal and (proposal.number, proposal.resumed) for proposal in taken] == [
        (1, True),
        (2, True),
        (3, False),
        None,
    ]
    assert [proposal and proposal.configuration for proposal in taken[:2]] == [p and p.configuration for p in begun[1:]]
    assert second.optuna_study.get_trials()[0].values == [0.25]
    assert states(second) == [TrialState.COMPLETE, *[TrialState.RUNNING] * 3]


def test_a_trial_whose_driver_died_while_asking_is_completed_as_it_would_have_been(
    file: StudyFile, tmp_path: Path
) -> None:
    whole = open_study(file, tmp_path / "whole")
    torn = open_study(file, tmp_path / "torn")
    for study in (whole, torn):
        study.ask()
        study.complete(0, [0.5])
    expected = whole.ask()
    torn.optuna_study.ask().suggest_float("method.pseudo_threshold", 0.5, 0.9)
    resumed = open_study(file, tmp_path / "torn").ask()
    assert expected is not None
    assert resumed is not None
    assert resumed.configuration == expected.configuration
    assert resumed.resumed


def test_a_larger_budget_continues_the_study(study: Study, tmp_path: Path) -> None:
    for number in range(4):
        study.ask()
        study.complete(number, [0.1 * number])
    more = load_study(str(tmp_path / "tiny.yaml"), {"budget.trials": 6})
    again = open_study(more, tmp_path / "out")
    assert again.remaining() == 2
    numbers = [proposal.number for proposal in iter(again.ask, None)]
    assert numbers == [4, 5]


def test_half_a_line_at_the_end_of_the_journal_is_forgotten(file: StudyFile, tmp_path: Path) -> None:
    study = open_study(file, tmp_path / "out")
    study.ask()
    study.complete(0, [0.5])
    journal = tmp_path / "out" / "study.journal"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code":4,"worker')
    again = open_study(file, tmp_path / "out")
    assert [trial.values for trial in again.finished()] == [[0.5]]
    assert journal.read_bytes().startswith(whole)
    assert again.ask() is not None


@pytest.mark.parametrize(
    ("text", "difference"),
    [
        (TEXT.replace("high: 0.9", "high: 0.8"), "space.method.pseudo_threshold.high is 0.9 there and 0.8 in the file"),
        (TEXT.replace("75mm", "100mm"), "run.stream.visits is"),
        (
            TEXT.replace("  method.mix_weight", "  method.clean_weight"),
            "space.method.clean_weight is in the file alone",
        ),
        (TEXT.replace("tiny", "other"), "holds the study 'tiny', not 'other'"),
    ],
)
def test_the_folder_of_another_study_is_refused_and_left_alone(
    study: Study, tmp_path: Path, text: str, difference: str
) -> None:
    study.ask()
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with pytest.raises(InputError, match=r"out: holds .* --out") as refusal:
        open_study(study_file(tmp_path, text), tmp_path / "out")
    assert difference in str(refusal.value)
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_a_folder_with_results_of_something_else_is_refused_and_left_alone(file: StudyFile, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "results.csv").write_text("precious", encoding="utf-8")
    with pytest.raises(InputError, match=r"holds results\.csv but no study\.journal"):
        open_study(file, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["results.csv"]
    with pytest.raises(InputError, match="is a file, not a folder"):
        open_study(file, tmp_path / "out" / "results.csv")


@pytest.mark.parametrize("content", ["not a journal", "not a journal\n", "[1]\n[2]\n", "{}\n"])
def test_a_journal_that_is_none_is_refused_and_left_alone(file: StudyFile, tmp_path: Path, content: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "study.journal").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read as a study's journal"):
        open_study(file, tmp_path / "out")
    assert (tmp_path / "out" / "study.journal").read_text(encoding="utf-8") == content


def test_a_database_can_keep_several_studies(tmp_path: Path) -> None:
    text = f"{TEXT}storage: sqlite:///{tmp_path}/studies.db\n"
    first = open_study(study_file(tmp_path, text), tmp_path / "a")
    other = open_study(study_file(tmp_path, text.replace("tiny", "other")), tmp_path / "b")
    first.ask()
    assert len(states(first)) == 1
    assert states(other) == [TrialState.WAITING]
    with pytest.raises(InputError, match="holds another study named 'tiny'"):
        open_study(study_file(tmp_path, text.replace("0.9", "0.8")), tmp_path / "a")


def test_the_best_are_complete_trials_each_configuration_once(study: Study) -> None:
    for _ in range(4):
        study.ask()
    study.report(1, 1, 0.9)
    study.prune(1)
    for number, value in ((0, 0.3), (2, 0.5), (3, 0.4)):
        study.complete(number, [value])
    assert [trial.number for trial in study.best(2)] == [2, 3]
    study.optuna_study.enqueue_trial(study.optuna_study.get_trials()[2].params)
    repeated = study.optuna_study.ask()
    study.file.space.suggest(repeated)
    study.optuna_study.tell(repeated, 0.45)
    assert [trial.number for trial in study.best(9)] == [2, 3, 0]


@pytest.mark.parametrize(("line", "best"), [("", [0.5, 0.3]), ("confirm: {apart: 0.0}\n", [0.5, 0.4, 0.3])])
def test_of_two_that_are_practically_the_same_the_better_is_among_the_best(
    tmp_path: Path, line: str, best: list[float]
) -> None:
    study = open_study(study_file(tmp_path, TEXT + line), tmp_path / "out")
    # Thresholds that are 0.025 and 0.125 of their range away from the first.
    for threshold, value in ((0.7, 0.5), (0.71, 0.4), (0.75, 0.3)):
        point = {"method.pseudo_threshold": threshold, "method.mix_weight": 0.5}
        study.optuna_study.add_trial(
            optuna.create_trial(params=point, distributions=study.file.space.distributions(), value=value)
        )
    assert [trial.values[0] for trial in study.best(9)] == best


def test_minimized_objectives_and_fronts(tmp_path: Path) -> None:
    single = TEXT.replace(
        "pruning: {min_visits: 2, reduction_factor: 2}", "objectives: [{metric: forgetting, goal: minimize}]"
    )
    study = open_study(study_file(tmp_path, single), tmp_path / "single")
    for number, value in enumerate((0.3, 0.1, 0.2)):
        study.ask()
        study.complete(number, [value])
    assert [trial.number for trial in study.best(3)] == [1, 2, 0]
    several = single.replace("objectives: [", "objectives: [{metric: gain, goal: maximize}, ")
    study = open_study(study_file(tmp_path, several), tmp_path / "several")
    for number, values in enumerate(([0.1, 0.1], [0.3, 0.3], [0.05, 0.2])):
        study.ask()
        study.complete(number, values)
    assert [trial.number for trial in study.best(3)] == [1, 0]
    # The ends of the front come before a trial that is second by the first objective.
    study.ask()
    study.complete(3, [0.29, 0.28])
    assert [trial.number for trial in study.front()] == [1, 3, 0]
    assert [trial.number for trial in study.best(2)] == [1, 0]
    assert [trial.number for trial in study.best(3)] == [1, 0, 3]


def test_halving_goes_by_the_gain_after_the_rungs_and_never_after_the_last_visit(study: Study, tmp_path: Path) -> None:
    for _ in range(4):
        study.ask()
    decisions = {
        number: [study.report(number, visits, gain) for visits in (1, 2, 3, 4)]
        for number, gain in ((0, 0.2), (1, 0.3), (2, 0.1))
    }
    assert decisions == {0: [False] * 4, 1: [False] * 4, 2: [False, True, True, True]}
    assert study.report(3, 2, float("nan")) is True
    # Whatever becomes of this process now.
    again = open_study(study.file, tmp_path / "out")
    assert [trial.number for trial in again.finished()] == [2, 3]


def test_every_trial_carries_the_hash_of_its_configuration(study: Study) -> None:
    proposal = study.ask()
    assert proposal is not None
    (trial,) = study.optuna_study.get_trials()
    assert trial.system_attrs[HASH] == proposal.configuration.hash == study.configuration(trial).hash


def test_without_pruning_nothing_is_pruned(tmp_path: Path) -> None:
    text = TEXT.replace("pruning: {min_visits: 2, reduction_factor: 2}\n", "")
    study = open_study(study_file(tmp_path, text), tmp_path / "out")
    assert isinstance(study.optuna_study.pruner, optuna.pruners.NopPruner)


def test_what_breaks_a_constraint_is_never_best_and_the_ledger_knows_by_how_much(tmp_path: Path) -> None:
    text = TEXT + "constraints:\n  - {metric: frames_per_second, at_least: 10.0}\n"
    study = open_study(study_file(tmp_path, text), tmp_path / "out")
    for number, (value, violation) in enumerate([(0.5, -1.0), (0.9, 2.5), (0.4, 0.0)]):
        study.ask()
        assert study.complete(number, [value], [violation]) == TrialState.COMPLETE
    assert [trial.number for trial in study.best(3)] == [0, 2]
    told = [dict(trial.constraints) for trial in study.optuna_study.get_trials()[:3]]
    assert told == [{"frames_per_second at least 10.0": value} for value in (-1.0, 2.5, 0.0)]


@pytest.mark.parametrize(
    ("part", "error"),
    [
        ("constraints: [{metric: gain}]", "needs one limit: at_least or at_most"),
        ("constraints: [{metric: fps, at_least: 1}]", "constraints.0.metric: there is no metric 'fps'"),
        ("objectives: [{metric: gain - fps, goal: maximize}]", "objectives.0.metric: there is no metric 'fps'"),
        ("objectives: [{metric: 'gain[0]', goal: maximize}]", "objectives.0.metric: 'gain[0]' is not a formula"),
        ("objectives: [{metric: 'miou[\"snow\"]', goal: maximize}]", "there is no metric 'miou/snow'"),
    ],
)
def test_metrics_and_limits_that_cannot_be(tmp_path: Path, part: str, error: str) -> None:
    with pytest.raises(InputError) as refusal:
        study_file(tmp_path, TEXT + part + "\n")
    assert error in str(refusal.value)

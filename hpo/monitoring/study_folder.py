"""Content of a study's folder beside its trials: budget, confirmation, and the outcome of a finished study."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import optuna
from optuna.trial import FrozenTrial
from pydantic import Field, TypeAdapter

from hpo.config.document import STUDY
from hpo.config.objectives import ConstraintSettings, ObjectiveSettings
from hpo.config.study_file import load_written
from hpo.reporting.budget import cures
from hpo.reporting.conclusion import best_run, conclusion
from hpo.reporting.feasibility import violation
from hpo.reporting.wording import counted
from hpo.results.collect import read_results
from hpo.results.confirmation import Estimate
from hpo.results.damages import read_failures
from hpo.results.feasibility import ConstraintResult
from hpo.results.results import StudyResults
from hpo.samplers.ranking import best_first
from hpo.study.admission import admitted_of
from hpo.study.attributes import identity_of
from hpo.study.budget import ConfirmationBudget, TrialBudget, budget_of
from hpo.study.drivers import SoleDriver
from hpo.study.plan import Plan, undone
from hpo.study.study import Study
from segada.artifacts.run_files import read_report
from segada.cli.exit_codes import DONE, NO_ANSWER
from segada.cli.interruption import program
from segada.core.run_names import REPORT
from segada.errors import InputError
from segada.records import Record

_CONSTRAINTS = TypeAdapter(list[ConstraintSettings])
_OBJECTIVES = TypeAdapter(list[ObjectiveSettings])

State = Literal["running", "interrupted", "finished", "unknown"]


class BrokenConstraint(Record):
    """A constraint that a complete trial breaks, or is not known to keep."""

    constraint: str
    """Constraint as text: `peak_memory at most 900`."""
    value: float | None
    """Value in the trial; null if the trial does not define the metric, or its value was not recorded."""
    limit: float
    by: float | None
    """Amount by which the limit is broken; null if there is no value."""
    text: str
    """The same in words: `exceeds peak_memory 900 by 12`."""


class ConfirmedBest(Record):
    """Result of the best confirmed configuration on frames that the search did not use."""

    name: str
    trial: int | None
    seeds: list[int]
    mean_miou: Estimate | None
    """Null if no visited domain has labels."""
    seed_deviation: float | None
    """Standard deviation of the mean mIoU over the seeds; null with a single seed."""
    gain: dict[str, Estimate]
    """Gain over each baseline and over the default configuration, by name; empty if no visited domain has labels."""
    objectives: dict[str, float] = Field(default_factory=dict)
    """Mean over the seeds of each objective, by its metric; empty with a single objective if a visited domain has
    labels."""
    first_by_seed: list[float] = Field(default_factory=list)
    """First objective by seed, if `objectives` has it."""


class Outcome(NamedTuple):
    """Fields of `StudyStatus` of the same names."""

    state: State
    confirmed_best: ConfirmedBest | None = None
    conclusion: str | None = None
    details: str | None = None
    exit_code: int | None = None
    next_steps: Sequence[str] = ()


def broken_constraint(result: ConstraintResult) -> BrokenConstraint:
    """Returns the record of a constraint that is not kept."""
    by = None if result.value is None else result.excess
    return BrokenConstraint(
        constraint=result.text, value=result.value, limit=result.limit, by=by, text=violation(result)
    )


class StudyFolder:
    """Study with its results folder; without the folder, or with a damaged study.yaml, only the trials are known."""

    def __init__(self, optuna_study: optuna.Study, out: Path | None) -> None:
        """Reads study.yaml.

        Args:
            optuna_study: Trials of the study.
            out: Results folder; None if it is not accessible from here.
        """
        self.out = out
        self.damages: list[str] = []
        self.visits: Sequence[str] = ()
        self.baseline_names: Sequence[str] = ()
        self._optuna_study = optuna_study
        self._plan = self._planned()
        self._study = None
        if self._plan is not None:
            self._study = Study(self._plan.file, optuna_study, optuna_study._storage, SoleDriver())
            self.visits = self._plan.search_settings().stream.all_visits()
            self.baseline_names = self._plan.baseline_names
        known = identity_of(optuna_study)
        self.constraints = _CONSTRAINTS.validate_python(known.get("constraints", []))
        objectives = _OBJECTIVES.validate_python(known.get("objectives", []))
        unnamed = [f"objective {number}" for number in range(len(optuna_study.directions))]
        self.objectives = [one.metric for one in objectives] or unnamed

    def _planned(self) -> Plan | None:
        if self.out is None or not (self.out / STUDY).exists():
            return None
        try:
            return Plan(load_written(self.out), self.out)
        except InputError as error:
            self.damages.append(str(error))
            return None

    def budget(self) -> TrialBudget:
        """Returns how much of the budget is spent; without study.yaml the number of its trials is unknown."""
        if self._study is not None:
            return self._study.budget()
        return budget_of(self._optuna_study.get_trials(deepcopy=False), None)

    def best(self) -> FrozenTrial | None:
        """Returns the best complete trial that counts and keeps every constraint."""
        limits = [constraint.text for constraint in self.constraints]
        trials = (admitted_of(self._optuna_study) or self._optuna_study).get_trials(deepcopy=False)
        return next(iter(best_first(trials, self._optuna_study.directions, limits)), None)

    def finished_baselines(self) -> int:
        """Returns the number of baselines with an intact report; notes damaged reports of runs beside the search."""
        if self.out is None:
            return 0
        found: dict[str, int] = {}
        for part in ("baselines", "confirmation"):
            readings = [read_report(path.parent) for path in sorted(self.out.glob(f"{part}/*/{REPORT}"))]
            self.damages += [f"{one.damage}; the study's own command makes it again" for one in readings if one.damage]
            found[part] = sum(one.value is not None for one in readings)
        return found["baselines"]

    def confirmation(self) -> ConfirmationBudget:
        """Returns how many confirmation runs there are and how many of them are over; none without study.yaml."""
        if self._study is None or self._plan is None:
            return ConfirmationBudget(0)
        return self._plan.confirmation_budget(self._study, self._failures())

    def outcome(self, *, has_driver: bool) -> Outcome:
        """Returns what became of the study, or what goes on with it.

        Args:
            has_driver: True if a driver runs the study now.
        """
        if has_driver:
            return Outcome("running")
        if self._study is None or self._plan is None:
            return Outcome("unknown")
        command = _command(self._plan.out)
        if self._is_unfinished(self._study, self._plan):
            return Outcome("interrupted", next_steps=[f"to go on: {command}"])
        results = read_results(self._study, self._plan)
        answer = conclusion(results)
        return Outcome(
            "finished",
            _confirmed_best(results),
            answer.headline,
            answer.detail,
            DONE if results.no_answer is None else NO_ANSWER,
            _next_steps(results, command),
        )

    def _is_unfinished(self, study: Study, plan: Plan) -> bool:
        if study.remaining():
            return True
        failed = self._failures()
        baselines = [job for job in undone(plan.baselines()) if job.name not in failed]
        return bool(baselines or plan.confirmation_budget(study, failed).left or plan.lost(study, failed))

    def _failures(self) -> Mapping[str, str]:
        assert self._study is not None
        assert self._plan is not None
        return {**read_failures(self._plan.out).value, **self._study.leases.failures()}


def _confirmed_best(results: StudyResults) -> ConfirmedBest | None:
    best = best_run(results.confirmed)
    if best is None:
        return None
    return ConfirmedBest(
        name=best.name,
        trial=best.trial,
        seeds=best.seeds,
        mean_miou=best.mean_miou,
        seed_deviation=best.seed_deviation,
        gain=best.gain,
        objectives=best.objectives,
        first_by_seed=best.first_by_seed,
    )


def _next_steps(results: StudyResults, command: str) -> list[str]:
    """Returns what a finished study leaves to do."""
    failed = len(results.failures)
    again = [f"to try {counted(failed, 'failed run')} again: {command}"] if failed else []
    # No option of this command widens the space.
    place = "" if results.budget.ended_by == "space" else f", in {command}"
    return [*again, *(f"{sentence}{place}" for sentence in cures(results.budget))]


def _command(out: Path) -> str:
    return f"{program('hpo.run')} {shlex.join(['--space', str(out / STUDY), '--out', str(out)])}"

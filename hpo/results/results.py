"""Results of a study, read from its run folder, and results.csv."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hpo.config.objectives import DOMAIN_PREFIX, LABEL_FREE_PREFIX
from hpo.results.confirmation import Confirmation
from hpo.results.digest import Report, Visits
from hpo.results.feasibility import ConstraintResult
from hpo.results.source_model import SourceModel
from hpo.study.baselines import BASELINES
from hpo.study.budget import EndedBy, TrialBudget, trial_budget
from segada.core.atomic_io import write_text
from segada.core.spreadsheet import csv_text
from segada.errors import InputError
from segada.records import RunReport, visit_labels
from segada.settings.nested import Tree, Value

if TYPE_CHECKING:
    from pandas import DataFrame

CONSTRAINT: Final = "constraint/"
"""Prefix of the columns with the values of constraints' metrics."""
VIOLATION: Final = "violation/"
"""Prefix of the columns with the amounts by which limits are broken."""
OPEN: Final = ("running", "waiting")
"""States of trials that are not over."""
REPORT_PAGE: Final = "report.html"
"""Name of the page with a study's results, in its folder."""


@dataclass(frozen=True, slots=True)
class TrialResult:
    """Result of one trial in any state."""

    number: int
    state: str
    """State of the trial: complete, pruned, fail, running or waiting."""
    values: tuple[float, ...]
    """Objective values; empty unless complete."""
    parameters: dict[str, Value]
    """Values of the active parameters, by path."""
    visits: Visits
    report: Report | None
    """Digest of the report of a completed trial."""
    seconds: float
    reason: str
    is_counted: bool = True
    """False if the budget does not count it: a retry, a result from outside or of a former study."""
    is_retry: bool = False
    """True if it repeats a failed trial."""
    incidents: tuple[str, ...] = ()
    """Incidents from which the trial recovered, such as deaths of its worker."""
    origin: str = ""
    """Origin of the point, as in `hpo.study.origin`."""
    left_out: str = ""
    """Why a complete trial does not count as a result; empty if it counts."""
    constraints: tuple[ConstraintResult, ...] = ()
    """Constraints of a completed trial, in the order of the study file."""

    @property
    def is_feasible(self) -> bool:
        """True if the trial is complete and keeps every constraint."""
        return self.state == "complete" and all(constraint.is_kept for constraint in self.constraints)

    @property
    def gain(self) -> float | None:
        """Gain over source-only on the split `val`; None before the end, and if no visited domain has labels."""
        return _number(self.report.gain) if self.report else None


@dataclass(frozen=True)
class StudyResults:
    """Results of a whole study, finished or not."""

    name: str
    objectives: tuple[str, ...]
    maximized: tuple[bool, ...]
    trials: tuple[TrialResult, ...]
    baselines: dict[str, RunReport]
    """Reports of the baselines on the split `val`, by name."""
    folder: Path
    """Folder of the study."""
    best: TrialResult | None
    """Best completed trial that keeps every constraint, by the first objective; None if there is none yet."""
    confirmed: Confirmation | None
    """Best configurations and baselines on the test frames with fresh seeds; None until all of these runs are over."""
    visits: tuple[str, ...]
    """Visited domains in stream order."""
    study_yaml: str
    """Content of study.yaml in the run folder."""
    failures: dict[str, str]
    """Reasons of failed baselines and confirmation runs, by name of the run."""
    search_seconds: float
    """Wall time during which trials ran, over all sessions; a pause in the middle of a trial counts."""
    front: tuple[int, ...] = ()
    """Numbers of the trials on the Pareto front, in the order of the first objective; empty with a single objective."""
    source: SourceModel | None = None
    """Source model on its own domain; None until a run has scored it."""
    exhausted: str | None = None
    """Clause that says that all configurations have been tried, before the budget was spent; None if they have not."""
    damages: tuple[str, ...] = ()
    """Lines on damaged or missing files, with the consequence of each."""
    limits: tuple[str, ...] = ()
    """Constraints as text, in the order of the study file."""
    budget_trials: int | None = None
    """Number of trials of the budget; None if it is unknown."""
    ended_by: EndedBy = ""
    """Limit that ended the search before all trials of the budget; empty if none did."""
    confirms: bool = True
    """True if the study asks for a confirmation (`confirm.top` is above 0)."""
    references: tuple[str, ...] = tuple(BASELINES)
    """Names of the baselines of the study; gains in the search are counted from the first. Empty if it has none."""
    rendered: tuple[str, ...] = ()
    """Visited domains that are known to be rendered."""
    is_external: bool = False
    """True if an external engine ran the study; its runs do not score the source model."""
    holds_out: bool = True
    """False if the study evaluates no held-out frame, because `run.evaluation.domains` is []."""
    caveats: tuple[str, ...] = ()
    """Sentences on what the results rest on, where it is less than usual."""

    @property
    def report(self) -> Path:
        """Path of report.html."""
        return self.folder / REPORT_PAGE

    def to_frame(self) -> "DataFrame":
        """Returns the trials as a pandas frame with a row per trial, indexed by its number.

        Columns are those of results.csv: state, objectives, constraints, parameters by path, `miou/<visit>`, gain,
        `label_free/<score>`, seconds, reason, incidents, origin. What a trial does not have is missing (NaN or None).
        Lists are text with a space between two members.

        Raises:
            InputError: pandas is not installed.

        Example:
            >>> frame = hpo.load_results("runs/ga_dacs").to_frame()
            >>> frame[frame.state == "complete"].sort_values("mean_miou").tail(3)
        """
        if find_spec("pandas") is None:
            raise InputError("to_frame needs pandas, which is not installed: pip install 'segada[pandas]'")
        from pandas import DataFrame  # optional, and slow to import

        columns, rows = table(self)
        return DataFrame(rows, columns=columns).set_index("number")

    @property
    def unscored(self) -> list[str]:
        """Visited domains that are not scored, because their held-out frames have no labelled pixel."""
        found = [name for report in self.baselines.values() for name in report.unscored]
        for trial in self.completed():
            found += [name for name, miou in zip(self.visits, trial.visits.miou, strict=False) if math.isnan(miou)]
        return list(dict.fromkeys(found))

    @property
    def scored(self) -> list[str]:
        """Visited domains that are not known to be without labels."""
        unscored = self.unscored
        return [name for name in dict.fromkeys(self.visits) if name not in unscored]

    @property
    def labels(self) -> list[str]:
        """Unique names of the visits."""
        return visit_labels(self.visits)

    @property
    def budget(self) -> TrialBudget:
        """Numbers of the trials, beside the number that the budget allows."""
        own = [trial.state for trial in self.trials if trial.is_counted]
        others = [trial.state for trial in self.trials if not trial.is_counted]
        retries = sum(trial.is_retry and trial.state in OPEN for trial in self.trials)
        over = sum(state not in OPEN for state in others)
        return replace(trial_budget(own, self.budget_trials, self.ended_by), uncounted=over, retries=retries)

    @property
    def no_answer(self) -> str | None:
        """Reason why the study has no answer, in a clause; None if it has one.

        An answer is the best configuration, confirmed beside a baseline; without confirmation, the best trial. A study
        with runs left has none yet.
        """
        if self.best is None:
            return "no trial keeps every constraint" if self.completed() else self._none_completed()
        if self.source is not None and not self.source.works:
            return "the source model does not work on its own domain"
        if not self.confirms:
            return None
        if self.confirmed is None:
            return f"no configuration is confirmed{', and runs failed' if self.failures else ''}"
        best = next((run for run in self.confirmed.runs if run.name == self.confirmed.best), None)
        if best is None:
            return "every configuration failed under a fresh seed"
        has_baseline = any(run.name in self.references for run in self.confirmed.runs)
        return (
            None if has_baseline or not self.references else "no baseline was confirmed, so no comparison is possible"
        )

    def _none_completed(self) -> str:
        budget = self.budget
        if budget.failed and budget.failed == budget.over:
            return f"every trial failed ({budget.failed} of {budget.over})"
        pruned = f" ({budget.pruned} pruned, {budget.failed} failed)" if budget.over else ""
        return f"no trial has completed{pruned}"

    def completed(self) -> list[TrialResult]:
        """Returns the completed trials that count: first those that keep every constraint, best first by the first
        objective, then the others in the same order.
        """
        done = [trial for trial in self.trials if trial.state == "complete" and not trial.left_out]
        sign = -1.0 if self.maximized[0] else 1.0
        return sorted(done, key=lambda trial: (not trial.is_feasible, sign * trial.values[0]))

    def infeasible(self) -> list[TrialResult]:
        """Returns the completed trials that break a constraint, in the order of `completed`."""
        return [trial for trial in self.completed() if not trial.is_feasible]

    def failed(self) -> dict[str, str]:
        """Returns the reason of every failed run: trials first, then baselines and confirmation runs."""
        trials = {f"trial {trial.number}": trial.reason for trial in self.trials if trial.state == "fail"}
        return {**trials, **self.failures}


def write_csv(results: StudyResults, path: Path) -> None:
    """Writes a row per trial: number, state, objectives, every parameter, miou/<visit> ..., gain, label_free/<score>
    ...

    A study with constraints has, after the objectives, the column `feasible`, and for each constraint the value of its
    metric and the amount by which the limit is broken: 0 if it is kept, inf if the trial does not define the metric.
    The last columns are its seconds, the reason why it ended early or does not count, its incidents, and who chose its
    point. Label-free scores are means over the visits of completed trials. No column occurs twice: a column that is
    also an objective is among the objectives, and for a trial without objective values has its value from the other
    source.
    """
    names, rows = table(results)
    write_text(path, csv_text(names, rows))


def table(results: StudyResults) -> tuple[list[str], list[Tree]]:
    """Returns the names of the columns of results.csv, and a row per trial that lacks columns without a value."""
    parameters = sorted({name for trial in results.trials for name in trial.parameters})
    miou = [f"{DOMAIN_PREFIX}{label}" for label in results.labels]
    scores = _scores(results)
    label_free = [f"{LABEL_FREE_PREFIX}{score}" for score in scores]
    limits = [name for text in results.limits for name in (f"{CONSTRAINT}{text}", f"{VIOLATION}{text}")]
    constrained = ["feasible", *limits] if limits else []
    columns = ["number", "state", *results.objectives, *constrained, *parameters, *miou, "gain", *label_free]
    names = list(dict.fromkeys([*columns, "seconds", "reason", "incidents", "origin"]))
    return names, [_row(trial, results, scores) for trial in results.trials]


def _scores(results: StudyResults) -> list[str]:
    """Returns the names of all label-free scores that any visit has."""
    return list(dict.fromkeys(name for trial in results.trials for name in trial.visits.scores))


def _row(trial: TrialResult, results: StudyResults, scores: Sequence[str]) -> Tree:
    miou = (f"{DOMAIN_PREFIX}{label}" for label in results.labels)
    known = trial.report.label_free if trial.report is not None else {}
    return {
        "number": trial.number,
        "state": trial.state,
        **_constraints(trial),
        **{name: _cell(value) for name, value in trial.parameters.items()},
        **dict(zip(miou, map(_number, trial.visits.miou), strict=False)),
        "gain": trial.gain,
        **{f"{LABEL_FREE_PREFIX}{score}": _number(known.get(score, math.nan)) for score in scores},
        "seconds": round(trial.seconds, 3),
        "reason": trial.reason,
        "incidents": "; ".join(trial.incidents),
        "origin": trial.origin,
        **dict(zip(results.objectives, trial.values, strict=False)),
    }


def _constraints(trial: TrialResult) -> Tree:
    if not trial.constraints:
        return {}
    cells: Tree = {"feasible": trial.is_feasible}
    for one in trial.constraints:
        excess = None if one.excess is None else max(one.excess, 0.0)
        cells |= {f"{CONSTRAINT}{one.text}": one.value, f"{VIOLATION}{one.text}": excess}
    return cells


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _cell(value: Value) -> Value:
    return " ".join(str(item) for item in value) if isinstance(value, list) else value

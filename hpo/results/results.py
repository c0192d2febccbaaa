"""What a study has found, read from its folder; and results.csv."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hpo.config.objectives import DOMAIN_PREFIX, LABEL_FREE_PREFIX
from hpo.results.confirmation import Confirmation
from hpo.results.digest import Report, Visits
from segada.core.atomic_io import write_text
from segada.core.spreadsheet import csv_text
from segada.records import RunReport, visit_labels
from segada.settings.nested import Tree, Value


@dataclass(frozen=True, slots=True)
class TrialResult:
    """One trial, whatever became of it."""

    number: int
    state: str
    """complete, pruned, fail, running or waiting."""
    values: tuple[float, ...]
    """Of the objectives; empty unless complete."""
    parameters: dict[str, Value]
    """By path; a parameter that its conditions switched off is absent."""
    visits: Visits
    report: Report | None
    """Of a completed one."""
    seconds: float
    reason: str
    incidents: tuple[str, ...] = ()
    """What happened on the way, though it went on: deaths of its worker, for one."""

    @property
    def gain(self) -> float | None:
        """Over source-only on the frames of the selection; None before the end."""
        return self.report.gain if self.report else None


@dataclass(frozen=True)
class StudyResults:
    """A whole study, finished or not."""

    name: str
    objectives: tuple[str, ...]
    maximized: tuple[bool, ...]
    trials: tuple[TrialResult, ...]
    baselines: dict[str, RunReport]
    """On the frames of the selection."""
    confirmation: Confirmation | None
    visits: tuple[str, ...]
    """Domains in stream order."""
    study_yaml: str
    """As it stands in the folder."""
    failures: dict[str, str]
    """Baselines and confirmation runs that failed, with the reason, by the run's name."""
    search_seconds: float
    """Wall time during which trials ran, over all sessions; a pause in the middle of a trial counts."""
    damages: tuple[str, ...] = ()
    """Files that are damaged or missing, with what becomes of them; a line for each."""

    @property
    def labels(self) -> list[str]:
        """Unique names of the visits."""
        return visit_labels(self.visits)

    def completed(self) -> list[TrialResult]:
        """Completed trials, best first objective first."""
        done = [trial for trial in self.trials if trial.state == "complete"]
        return sorted(done, key=lambda trial: trial.values[0], reverse=self.maximized[0])

    def failed(self) -> dict[str, str]:
        """Every run that failed, with the reason: trials, then baselines and confirmation runs."""
        trials = {f"trial {trial.number}": trial.reason for trial in self.trials if trial.state == "fail"}
        return {**trials, **self.failures}


def write_csv(results: StudyResults, path: Path) -> None:
    """A row per trial: number, state, objectives, every parameter, miou/<visit> ..., gain, label_free/<score> ...

    Then its seconds, the reason why it ended early, and what happened to it on the way. Label-free scores are means
    over visits, of completed trials. No column is there twice: one that is an objective stands with the objectives, and
    says of a trial without a value what else is known of it.
    """
    parameters = sorted({name for trial in results.trials for name in trial.parameters})
    miou = [f"{DOMAIN_PREFIX}{label}" for label in results.labels]
    scores = _scores(results)
    label_free = [f"{LABEL_FREE_PREFIX}{score}" for score in scores]
    columns = ["number", "state", *results.objectives, *parameters, *miou, "gain", *label_free]
    names = list(dict.fromkeys([*columns, "seconds", "reason", "incidents"]))
    write_text(path, csv_text(names, (_row(trial, results, scores) for trial in results.trials)))


def _scores(results: StudyResults) -> list[str]:
    """All label-free scores that any visit has."""
    return list(dict.fromkeys(name for trial in results.trials for name in trial.visits.scores))


def _row(trial: TrialResult, results: StudyResults, scores: Sequence[str]) -> Tree:
    miou = (f"{DOMAIN_PREFIX}{label}" for label in results.labels)
    known = trial.report.label_free if trial.report is not None else {}
    return {
        "number": trial.number,
        "state": trial.state,
        **{name: _cell(value) for name, value in trial.parameters.items()},
        **dict(zip(miou, trial.visits.miou, strict=False)),
        "gain": trial.gain,
        **{f"{LABEL_FREE_PREFIX}{score}": _number(known.get(score, math.nan)) for score in scores},
        "seconds": round(trial.seconds, 3),
        "reason": trial.reason,
        "incidents": "; ".join(trial.incidents),
        **dict(zip(results.objectives, trial.values, strict=False)),
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _cell(value: Value) -> Value:
    return " ".join(str(item) for item in value) if isinstance(value, list) else value

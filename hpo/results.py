"""What a study has found, read from its folder; and results.csv."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hpo.confirm import Confirmation
from hpo.objectives import DOMAIN_PREFIX, LABEL_FREE_PREFIX, objective_value
from segada.atomic import write_text
from segada.records import RunReport, VisitRecord, visit_labels
from segada.settings.trees import Tree, Value


@dataclass(frozen=True)
class TrialResult:
    """One trial, whatever became of it."""

    number: int
    state: str
    """complete, pruned, fail, running or waiting."""
    values: tuple[float, ...]
    """Of the objectives; empty unless complete."""
    parameters: dict[str, Value]
    """By path; a parameter that its conditions switched off is absent."""
    visits: tuple[VisitRecord, ...]
    report: RunReport | None
    seconds: float
    reason: str
    mishaps: tuple[str, ...] = ()
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
    maximised: tuple[bool, ...]
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
        return sorted(done, key=lambda trial: trial.values[0], reverse=self.maximised[0])

    def failed(self) -> dict[str, str]:
        """Every run that failed, with the reason: trials, then baselines and confirmation runs."""
        trials = {f"trial {trial.number}": trial.reason for trial in self.trials if trial.state == "fail"}
        return {**trials, **self.failures}


def visited_miou(visits: Sequence[VisitRecord]) -> list[float]:
    """mIoU on the domain being visited, visit by visit."""
    return [record.visited_miou for record in visits]


def write_csv(results: StudyResults, path: Path) -> None:
    """A row per trial: number, state, objectives, every parameter, miou/<visit> ..., gain, label_free/<score> ...

    Then its seconds, the reason why it ended early, and what happened to it on the way. Label-free scores are means
    over visits, of completed trials. No column is there twice: one that is an objective stands with the objectives, and
    says of a trial without a value what else is known of it.
    """
    parameters = sorted({name for trial in results.trials for name in trial.parameters})
    miou = [f"{DOMAIN_PREFIX}{label}" for label in results.labels]
    scores = _label_free_metrics(results)
    columns = ["number", "state", *results.objectives, *parameters, *miou, "gain", *scores]
    text = io.StringIO()
    names = list(dict.fromkeys([*columns, "seconds", "reason", "mishaps"]))
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_row(trial, results, scores) for trial in results.trials)
    write_text(path, text.getvalue())


def _label_free_metrics(results: StudyResults) -> list[str]:
    """All scores that any visit has."""
    visits = (visit for trial in results.trials for visit in trial.visits)
    return list(dict.fromkeys(f"{LABEL_FREE_PREFIX}{name}" for visit in visits for name in visit.label_free))


def _row(trial: TrialResult, results: StudyResults, scores: Sequence[str]) -> Tree:
    miou = (f"{DOMAIN_PREFIX}{label}" for label in results.labels)
    report = trial.report
    return {
        "number": trial.number,
        "state": trial.state,
        **{name: _cell(value) for name, value in trial.parameters.items()},
        **dict(zip(miou, visited_miou(trial.visits), strict=False)),
        "gain": trial.gain,
        **{score: _number(objective_value(score, report)) for score in scores if report is not None},
        "seconds": round(trial.seconds, 3),
        "reason": trial.reason,
        "mishaps": "; ".join(trial.mishaps),
        **dict(zip(results.objectives, trial.values, strict=False)),
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _cell(value: Value) -> Value:
    return " ".join(str(item) for item in value) if isinstance(value, list) else value

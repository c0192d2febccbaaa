"""What a study has found, read from its folder; and results.csv."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hpo.confirm import Confirmation, visit_labels
from hpo.objectives import LABEL_FREE_PREFIX, objective_value
from segada.atomic import write_text
from segada.records import RunReport, VisitRecord
from segada.settings.trees import Value


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
    over visits, of completed trials.
    """
    parameters = sorted({name for trial in results.trials for name in trial.parameters})
    scores = _label_free_metrics(results)
    header = ["number", "state", *results.objectives, *parameters]
    header += [f"miou/{label}" for label in results.labels] + ["gain", *scores, "seconds", "reason", "mishaps"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for trial in results.trials:
        writer.writerow(_row(trial, parameters, scores, results))
    write_text(path, text.getvalue())


def _label_free_metrics(results: StudyResults) -> list[str]:
    """Of all scores that any visit has, those that are no objective and so have no column yet."""
    visits = (visit for trial in results.trials for visit in trial.visits)
    metrics = dict.fromkeys(f"{LABEL_FREE_PREFIX}{name}" for visit in visits for name in visit.label_free)
    return [metric for metric in metrics if metric not in results.objectives]


def _row(trial: TrialResult, parameters: Sequence[str], scores: Sequence[str], results: StudyResults) -> list[Value]:
    values: list[Value] = [*trial.values, *[None] * (len(results.objectives) - len(trial.values))]
    miou: list[Value] = [*visited_miou(trial.visits), *[None] * (len(results.labels) - len(trial.visits))]
    chosen = [_cell(trial.parameters.get(name)) for name in parameters]
    scored = [None if trial.report is None else _number(objective_value(score, trial.report)) for score in scores]
    end: list[Value] = [round(trial.seconds, 3), trial.reason, "; ".join(trial.mishaps)]
    return [trial.number, trial.state, *values, *chosen, *miou, trial.gain, *scored, *end]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _cell(value: Value) -> Value:
    return " ".join(str(item) for item in value) if isinstance(value, list) else value

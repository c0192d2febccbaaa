"""Results of a study, read from its run folder, and results.csv."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hpo.config.objectives import DOMAIN_PREFIX, LABEL_FREE_PREFIX
from hpo.results.confirmation import Confirmation
from hpo.results.digest import Report, Visits
from segada.core.atomic_io import write_text
from segada.core.spreadsheet import csv_text
from segada.errors import InputError
from segada.records import RunReport, visit_labels
from segada.settings.nested import Tree, Value

if TYPE_CHECKING:
    from pandas import DataFrame

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
    incidents: tuple[str, ...] = ()
    """Incidents from which the trial recovered, such as deaths of its worker."""
    origin: str = ""
    """Origin of the point, as in `hpo.study.origin`."""
    left_out: str = ""
    """Why a complete trial does not count as a result; empty if it counts."""

    @property
    def gain(self) -> float | None:
        """Gain over source-only on the split `val`; None before the end."""
        return self.report.gain if self.report else None


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
    damages: tuple[str, ...] = ()
    """Lines on damaged or missing files, with the consequence of each."""

    @property
    def report(self) -> Path:
        """Path of report.html."""
        return self.folder / REPORT_PAGE

    def to_frame(self) -> "DataFrame":
        """Returns the trials as a pandas frame with a row per trial, indexed by its number.

        Columns are those of results.csv: state, objectives, parameters by path, `miou/<visit>`, gain,
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
    def labels(self) -> list[str]:
        """Unique names of the visits."""
        return visit_labels(self.visits)

    def completed(self) -> list[TrialResult]:
        """Returns the completed trials that count, best first by the first objective."""
        done = [trial for trial in self.trials if trial.state == "complete" and not trial.left_out]
        return sorted(done, key=lambda trial: trial.values[0], reverse=self.maximized[0])

    def failed(self) -> dict[str, str]:
        """Returns the reason of every failed run: trials first, then baselines and confirmation runs."""
        trials = {f"trial {trial.number}": trial.reason for trial in self.trials if trial.state == "fail"}
        return {**trials, **self.failures}


def write_csv(results: StudyResults, path: Path) -> None:
    """Writes a row per trial: number, state, objectives, every parameter, miou/<visit> ..., gain, label_free/<score>
    ...

    The last columns are its seconds, the reason why it ended early or does not count, its incidents, and who chose its
    point. Label-free scores are means over
    the visits of completed trials. No column occurs twice: a column that is also an objective is among the objectives,
    and for a trial without objective values has its value from the other source.
    """
    names, rows = table(results)
    write_text(path, csv_text(names, rows))


def table(results: StudyResults) -> tuple[list[str], list[Tree]]:
    """Returns the names of the columns of results.csv, and a row per trial that lacks columns without a value."""
    parameters = sorted({name for trial in results.trials for name in trial.parameters})
    miou = [f"{DOMAIN_PREFIX}{label}" for label in results.labels]
    scores = _scores(results)
    label_free = [f"{LABEL_FREE_PREFIX}{score}" for score in scores]
    columns = ["number", "state", *results.objectives, *parameters, *miou, "gain", *label_free]
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
        **{name: _cell(value) for name, value in trial.parameters.items()},
        **dict(zip(miou, trial.visits.miou, strict=False)),
        "gain": trial.gain,
        **{f"{LABEL_FREE_PREFIX}{score}": _number(known.get(score, math.nan)) for score in scores},
        "seconds": round(trial.seconds, 3),
        "reason": trial.reason,
        "incidents": "; ".join(trial.incidents),
        "origin": trial.origin,
        **dict(zip(results.objectives, trial.values, strict=False)),
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _cell(value: Value) -> Value:
    return " ".join(str(item) for item in value) if isinstance(value, list) else value

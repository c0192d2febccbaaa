"""Results of a comparison: the winners of its studies, all on the same frames with the same seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import Field, JsonValue

from hpo.comparison.ranking import Ranking, block_scores, ranked
from hpo.config.study_file import StudyFile, load_written
from hpo.reporting.wording import unknown
from hpo.results.collect import confirmation_of, results_of
from hpo.results.confirmation import Blocks, Bootstrap, Candidate, Confirmed, SeedRun, confirm
from hpo.results.damages import read_failures
from hpo.results.results import StudyResults
from hpo.results.seed_run import read_seed_run
from hpo.results.source_model import SourceModel
from hpo.study.folder import holds_study
from hpo.study.plan import Plan
from hpo.study.study import Study, read_study
from segada.errors import InputError
from segada.records import Record
from segada.settings import RunSettings
from segada.settings.domain_use import source_frames


class Method(Record):
    """Row of the comparison: the winner of a study, and the cost of its search."""

    name: str
    """Name of the study."""
    trial: int
    """Number of the trial that the confirmation of the study selected."""
    settings: dict[str, JsonValue]
    """Settings of the winner by path; empty for a study without parameters."""
    trials: int
    """Number of ended trials of the search, including pruned and failed ones."""
    frames: int
    """Number of frames of these trials; a frame counts in every pass."""
    search_seconds: float
    """Wall time of the search, baselines and confirmation left out."""
    confirmed: Confirmed
    """mIoU on the reported frames; its gains are over what `Comparison.references` names, frames and seeds paired."""
    frames_per_second: float
    """Median, over visits and seeds, of frames predicted and adapted on per second."""
    trainable_parameters: int
    source_frames: str = ""
    """Use of source frames while adapting: `replayed`, read `once` at the beginning, or `none`; empty if unknown."""

    @property
    def worst(self) -> str:
        """Label of the visit with the lowest mIoU."""
        return min(self.confirmed.miou, key=lambda label: self.confirmed.miou[label].value)


class Comparison(Record):
    """`comparison.json`."""

    name: str
    seeds: list[int]
    """None of them is one of a search."""
    confidence: float
    methods: list[Method]
    """By mean rank; by mean mIoU where nothing is ranked."""
    references: list[Confirmed]
    """The baselines on the same frames with the same seeds."""
    blocks: dict[str, Blocks] = Field(default_factory=dict)
    """Frames, and the blocks in which they are drawn for the intervals, by label of the visit."""
    source: SourceModel | None = None
    """Source model on its own domain; null if the runs did not score this domain."""
    ranking: Ranking | None
    """Null for fewer than two methods."""
    failures: dict[str, str]
    """Methods without a result, with the reason."""
    notes: list[str]
    """How it was measured, in sentences."""
    is_external: bool = False
    """True if an external engine ran the studies."""


@dataclass(frozen=True)
class Winner:
    """Contribution of a completed study to the comparison."""

    results: StudyResults
    trial: int
    runs: tuple[SeedRun, ...]
    source: SourceModel | None
    baselines: Mapping[str, tuple[SeedRun, ...]]
    source_models: int = 1
    source_frames: str = ""


def winner_of(file: StudyFile, out: Path) -> Winner | str:
    """The confirmed winner of a study, or why there is none.

    Args:
        file: the study.
        out: the folder of its results.
    """
    study, plan = _kept(file, out), Plan(file, out)
    confirmation = confirmation_of(study, plan, read_failures(out).value)
    results = results_of(study, plan, confirmation)
    best = None if confirmation is None else next((r for r in confirmation.runs if r.name == confirmation.best), None)
    if best is None or best.trial is None:
        failed = [f"{name}: {' '.join(reason.split())}" for name, reason in results.failed().items()]
        # Where trials completed, it is not the failed ones that leave the study without a winner.
        is_infeasible = results.best is None and results.completed()
        return failed[0] if failed and not is_infeasible else results.no_answer or "it is not over"
    if best.mean_miou is None:
        return f"{unknown(holds_out=results.holds_out)}, so that there is no mIoU to compare"
    runs = {name: _seed_runs(plan, name) for name in (best.name, *plan.baseline_names)}
    baselines = {name: runs[name] for name in plan.baseline_names if runs[name]}
    run = file.run_settings()
    frames = source_frames(run.method) if isinstance(run, RunSettings) else ""
    return Winner(results, best.trial, runs[best.name], results.source, baselines, file.source_models, frames)


def is_over(file: StudyFile, out: Path) -> bool:
    """Whether a folder holds this very study with everything confirmed, so that there is nothing to run."""
    try:
        if load_written(out).identity != file.identity:
            return False
    except InputError:
        # Missing or damaged: running the study writes it.
        return False
    study, plan, failures = _kept(file, out), Plan(file, out), read_failures(out).value
    return confirmation_of(study, plan, failures) is not None and not plan.lost(study, failures)


def has_run(file: StudyFile, out: Path) -> bool:
    """Whether every run of a study is over, the failed ones included, so that a study without a winner has no answer.

    Args:
        file: the study.
        out: the folder of its results.
    """
    if not holds_study(out):
        return False
    study, failures = _kept(file, out), read_failures(out).value
    return study.remaining() == 0 and Plan(file, out).confirmation_budget(study, failures).left == 0


def compared(name: str, winners: Mapping[str, Winner], failures: Mapping[str, str], notes: Sequence[str]) -> Comparison:
    """Puts the winners beside each other.

    Args:
        name: of the comparison.
        winners: by the names of their studies, at least one.
        failures: why other studies have none, by name.
        notes: sentences on how it was measured.
    """
    # A study may be called as a baseline is, and mean something else.
    candidates = [
        Candidate(f"study {study}", winner.trial, winner.runs, source_models=winner.source_models)
        for study, winner in winners.items()
    ]
    baselines = {study: runs for winner in winners.values() for study, runs in winner.baselines.items()}
    references = [
        Candidate(study, None, runs, source_models=candidates[0].source_models) for study, runs in baselines.items()
    ]
    confirmation = confirm(candidates, references, {}, Bootstrap())
    named = zip(winners, confirmation.runs[len(references) :], strict=True)
    rows = {study: row.model_copy(update={"name": study}) for study, row in named}
    methods = [_method(study, winner, rows[study]) for study, winner in winners.items()]
    ranking = ranked({one: block_scores(winner.runs) for one, winner in winners.items()}) if len(winners) > 1 else None
    return Comparison(
        name=name,
        seeds=methods[0].confirmed.seeds,
        confidence=confirmation.confidence,
        blocks=confirmation.blocks,
        methods=sorted(methods, key=lambda one: ranking.methods.index(one.name) if ranking else 0),
        references=confirmation.runs[: len(references)],
        source=next((winner.source for winner in winners.values()), None),
        ranking=ranking,
        failures=dict(failures),
        notes=list(notes),
        is_external=any(winner.results.is_external for winner in winners.values()),
    )


def _kept(file: StudyFile, out: Path) -> Study:
    """The study of a folder, wherever the command that wrote it was told to keep it."""
    return read_study(file.kept_in(load_written(out).settings.storage), out)


def _method(name: str, winner: Winner, confirmed: Confirmed) -> Method:
    over = [trial for trial in winner.results.trials if trial.state in ("complete", "pruned", "fail")]
    best = next(trial for trial in winner.results.trials if trial.number == winner.trial)
    reports = [run.report for run in winner.runs]
    return Method(
        name=name,
        trial=winner.trial,
        settings=dict(best.parameters),
        trials=len(over),
        frames=sum(trial.visits.frames for trial in over),
        search_seconds=winner.results.search_seconds,
        confirmed=confirmed,
        frames_per_second=float(np.median([visit.frames_per_second for one in reports for visit in one.visits])),
        trainable_parameters=reports[0].trainable_parameters,
        source_frames=winner.source_frames,
    )


def _seed_runs(plan: Plan, name: str) -> tuple[SeedRun, ...]:
    """All runs of a confirmation, by source model and seed; empty if one is missing."""
    runs = [read_seed_run(plan.confirmation_folder(name, repeat)) for repeat in plan.repeats]
    return tuple(run for run in runs if run is not None) if None not in runs else ()

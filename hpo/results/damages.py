"""Damaged and missing files of a study's runs, and what they mean."""

from collections.abc import Sequence
from pathlib import Path

from optuna.trial import TrialState
from pydantic import TypeAdapter

from hpo.study.jobs import Job
from hpo.study.origin import ended_outside
from hpo.study.plan import Plan, trial_damages
from hpo.study.study import Study
from hpo.study.trial_records import STATES
from segada.artifacts.run_files import Reading, damages, read
from segada.core.run_names import REPORT

FAILURES = "failures.json"
CONFIRMATION = Path("best", "confirmation.json")

_FAILURES = TypeAdapter(dict[str, str])
_AGAIN = "the study's own command writes it again"
_LOST = "{trial} counts as before, but the records of its visits are lost"
_BECOMES = {
    "complete": f"{{trial}} keeps its objective values, which are in the study, and {_AGAIN}",
    "pruned": _LOST,
    "fail": _LOST,
    "running": "the run writes it again when it resumes",
    "waiting": "",
}
"""Consequence of damage in a trial's file, by the trial's state."""


def damages_of(study: Study, plan: Plan) -> tuple[str, ...]:
    """Returns a line per damaged or missing file of a study's runs, with the consequence."""
    jobs = [*plan.sources.trainings(), *plan.baselines(), *plan.confirmed_baselines()]
    if study.is_search_over():
        jobs += plan.confirmations(study)
    lost = _lost_reports(study, plan, jobs) if (plan.out / CONFIRMATION).exists() else []
    lines = [f"{damage}; {_AGAIN}" for job in jobs for damage in damages(job.folder, job.needs)]
    lines += [f"{path}: is missing; {_AGAIN}" for path in lost]
    for trial in study.optuna_study.get_trials(deepcopy=False):
        is_complete = trial.state == TrialState.COMPLETE and not ended_outside(trial)
        found = trial_damages(plan.trial_folder(trial.number), is_complete=is_complete)
        becomes = _BECOMES[STATES[trial.state]].format(trial=f"trial {trial.number}")
        lines += [f"{damage}; {becomes}" for damage in found]
    return tuple(lines)


def _lost_reports(study: Study, plan: Plan, jobs: Sequence[Job]) -> list[Path]:
    """Lists the missing reports of a finished study's runs."""
    failed = {*study.leases.failures(), *read_failures(plan.out).value}
    paths = [job.folder / REPORT for job in jobs if job.name not in failed]
    return [path for path in paths if path.parent.is_dir() and not path.exists()]


def read_failures(out: Path) -> Reading[dict[str, str]]:
    """Reads the reasons of failed runs other than trials, by name, as left by the last driver."""
    return read(out / FAILURES, _FAILURES.validate_json, {})

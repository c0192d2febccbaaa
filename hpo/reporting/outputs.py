"""Output files of a study: study.yaml, results.csv, best/ and report.html."""

import json
from dataclasses import replace
from pathlib import Path

from hpo.reporting.page import write_report
from hpo.results.collect import confirmation_of, kept_confirmation, results_of
from hpo.results.confirmation import Confirmation
from hpo.results.damages import CONFIRMATION, FAILURES, read_failures
from hpo.results.results import StudyResults, write_csv
from hpo.study.plan import Plan, undone
from hpo.study.study import Study
from segada.artifacts.run_files import damages, read_settings, settings_text
from segada.core.atomic_io import keep_damaged, write_bytes, write_text
from segada.core.run_names import SETTINGS
from segada.settings import RunSettings


def write_outputs(study: Study, plan: Plan, failures: dict[str, str]) -> StudyResults:
    """Writes failures.json, results.csv, report.html and, once everything is confirmed, best/.

    Args:
        study: the study.
        plan: plan of its runs.
        failures: reasons of baselines and confirmation runs that failed in this session, by name.
    """
    damaged = kept_failures(plan.out)
    failures = _write_failures(study, plan, failures)
    confirmation = confirmation_of(study, plan, failures)
    if confirmation is not None:
        _write_best(confirmation, plan)
    results = results_of(study, plan, confirmation or kept_confirmation(study, plan))
    results = replace(results, damages=(*damaged, *results.damages))
    write_csv(results, plan.out / "results.csv")
    write_report(results, results.report)
    return results


def kept_failures(out: Path) -> list[str]:
    """Keeps a damaged failures.json under another name, and returns a sentence on it; empty if it is intact."""
    damage = read_failures(out).damage
    if damage is None:
        return []
    return [f"{damage}; it is kept as {keep_damaged(damage.path).name}, and the failures are taken from the study"]


def _write_failures(study: Study, plan: Plan, failures: dict[str, str]) -> dict[str, str]:
    """Writes failures of this and earlier sessions whose runs have not succeeded since."""
    known = {**read_failures(plan.out).value, **failures}
    jobs = [*plan.baselines(), *plan.confirmed_baselines(), *plan.confirmations(study), *plan.repairs(study)]
    failed = {job.name: known[job.name] for job in undone(jobs) if job.name in known}
    if failed:
        write_text(plan.out / FAILURES, json.dumps(failed, indent=1) + "\n")
    else:
        (plan.out / FAILURES).unlink(missing_ok=True)
    return failed


def _write_best(confirmation: Confirmation, plan: Plan) -> None:
    path = plan.out / CONFIRMATION
    write_text(path, confirmation.model_dump_json(indent=1) + "\n")
    if confirmation.best is None:
        return
    folder = plan.confirmation_folder(confirmation.best, plan.repeats[0])
    # If the run is damaged, the files already in best/ are kept.
    if damages(folder, plan.needs["test"]):
        return
    for kept in plan.kept_files(folder):
        write_bytes(path.with_name(kept.name), kept.read_bytes())
    settings, searched = read_settings(folder).value, plan.search_settings()
    if settings is not None and isinstance(searched, RunSettings):
        # The pictures of the report are the study's, not the configuration's.
        pictures = {"disagreement_panels": searched.logging.disagreement_panels}
        settings = settings.model_copy(update={"logging": settings.logging.model_copy(update=pictures)})
        write_text(path.with_name(SETTINGS), settings_text(settings))

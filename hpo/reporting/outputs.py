"""What a study leaves behind for people and scripts: study.yaml, results.csv, best/ and report.html."""

import json
import platform
import shutil
import subprocess
from dataclasses import replace
from importlib.metadata import version
from itertools import takewhile
from pathlib import Path

import yaml

from hpo.config.study_file import StudyFile, load_written
from hpo.reporting.page import write_report
from hpo.results.collect import CONFIRMATION, FAILURES, confirmation_of, kept_confirmation, read_failures, results_of
from hpo.results.confirmation import Confirmation
from hpo.results.results import StudyResults, write_csv
from hpo.study.attributes import STUDY
from hpo.study.plan import NEEDS, Plan, undone
from hpo.study.study import Study
from segada.artifacts.run_files import SETTINGS, WEIGHTS, damages
from segada.core.atomic_io import keep_damaged, write_bytes, write_text
from segada.settings.files import InputError

_FORMER = "# sessions before, newest first:"
_PACKAGES = ("segada", "torch", "ray", "optuna", "deap", "numpy")


def write_study(file: StudyFile, out: Path) -> list[str]:
    """Writes study.yaml: every default filled in, and on top, as comments, what every session of it was run with.

    Returns:
        What was damaged about the one that stood there, which is kept under another name; empty if nothing was.
    """
    path = out / STUDY
    damaged = [] if not path.exists() else _kept_study(path)
    versions = ", ".join(f"{package} {version(package)}" for package in _PACKAGES)
    head = [f"# git revision {_revision()}", f"# python {platform.python_version()}, {versions}"]
    former = provenance(path)
    if former[: len(head)] == head:
        former = former[len(head) :]
    elif former:
        former = [_FORMER, *(line for line in former if line != _FORMER)]
    body = yaml.safe_dump(file.resolved(), sort_keys=False, allow_unicode=True)
    write_text(path, "\n".join([*head, *former, body]))
    return damaged


def _kept_study(path: Path) -> list[str]:
    try:
        load_written(path.parent)
    except InputError as error:
        said = str(error).partition(";")[0]
        return [f"{said}; it is kept as {keep_damaged(path).name} and written again"]
    return []


def provenance(path: Path) -> list[str]:
    """The comments on top of a study.yaml: revision and versions, session by session; empty if there is no file."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return list(takewhile(lambda line: line.startswith("#"), lines))


def write_outputs(study: Study, plan: Plan, failures: dict[str, str]) -> StudyResults:
    """Writes failures.json, results.csv, report.html and, once everything is confirmed, best/.

    Args:
        study: the study.
        plan: where its runs are.
        failures: baselines and confirmation runs that failed in this session, with the reason, by name.
    """
    damaged = kept_failures(plan.out)
    failures = _write_failures(study, plan, failures)
    confirmation = confirmation_of(study, plan, failures)
    if confirmation is not None:
        _write_best(confirmation, plan)
    results = results_of(study, plan, confirmation or kept_confirmation(study, plan))
    results = replace(results, damages=(*damaged, *results.damages))
    write_csv(results, plan.out / "results.csv")
    write_report(results, plan.out / "report.html")
    return results


def kept_failures(out: Path) -> list[str]:
    """Keeps a failures.json that is damaged under another name, and says so; empty if it is not."""
    damage = read_failures(out).damage
    if damage is None:
        return []
    return [f"{damage}; it is kept as {keep_damaged(damage.path).name}, and what failed is taken from the study"]


def _write_failures(study: Study, plan: Plan, failures: dict[str, str]) -> dict[str, str]:
    """Keeps what failed, in this session or before, and has not been made up for since."""
    known = {**read_failures(plan.out).value, **failures}
    jobs = [*plan.baselines(), *plan.confirmed_baselines(), *plan.confirmations(study), *plan.repairs(study)]
    standing = {job.name: known[job.name] for job in undone(jobs) if job.name in known}
    if standing:
        write_text(plan.out / FAILURES, json.dumps(standing, indent=1) + "\n")
    else:
        (plan.out / FAILURES).unlink(missing_ok=True)
    return standing


def _write_best(confirmation: Confirmation, plan: Plan) -> None:
    path = plan.out / CONFIRMATION
    write_text(path, confirmation.model_dump_json(indent=1) + "\n")
    if confirmation.best is None:
        return
    folder = plan.confirmation_folder(confirmation.best, plan.seeds[0])
    # Of a run that is damaged, what stands in best/ already is as good as it will be.
    if not damages(folder, NEEDS["report"]):
        for name in (SETTINGS, WEIGHTS):
            write_bytes(path.with_name(name), (folder / name).read_bytes())


def _revision() -> str:
    """Of the checkout that this file is part of; an installed package may lie in somebody else's."""
    git, here = shutil.which("git"), Path(__file__)
    if git is None or not _answer(git, "ls-files", here.name):
        return "unknown"
    return _answer(git, "describe", "--always", "--dirty", "--abbrev=12") or "unknown"


def _answer(*command: str) -> str:
    return subprocess.run(
        command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    ).stdout.strip()

"""What a study leaves behind for people and scripts: study.yaml, results.csv, best/ and report.html."""

import json
import platform
import shutil
import subprocess
from importlib.metadata import version
from itertools import takewhile
from pathlib import Path

import yaml

from hpo.collect import FAILURES, confirmation_of, read_failures, results_of
from hpo.confirm import Confirmation
from hpo.plan import Plan, undone
from hpo.reporting.page import write_report
from hpo.results import StudyResults, write_csv
from hpo.study import Study
from hpo.study_file import StudyFile
from segada.atomic import write_bytes, write_text

_FORMER = "# sessions before, newest first:"
_PACKAGES = ("segada", "torch", "ray", "optuna", "deap", "numpy")


def write_study(file: StudyFile, out: Path) -> None:
    """Writes study.yaml: every default filled in, and on top, as comments, what every session of it was run with."""
    versions = ", ".join(f"{package} {version(package)}" for package in _PACKAGES)
    head = [f"# git revision {_revision()}", f"# python {platform.python_version()}, {versions}"]
    former = provenance(out / "study.yaml")
    if former[: len(head)] == head:
        former = former[len(head) :]
    elif former:
        former = [_FORMER, *(line for line in former if line != _FORMER)]
    body = yaml.safe_dump(file.resolved(), sort_keys=False, allow_unicode=True)
    write_text(out / "study.yaml", "\n".join([*head, *former, body]))


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
    failures = _write_failures(study, plan, failures)
    confirmation = confirmation_of(study, plan, failures)
    if confirmation is not None:
        _write_best(confirmation, plan)
    results = results_of(study, plan, confirmation)
    write_csv(results, plan.out / "results.csv")
    write_report(results, plan.out / "report.html")
    return results


def _write_failures(study: Study, plan: Plan, failures: dict[str, str]) -> dict[str, str]:
    """Keeps what failed, in this session or before, and has not been made up for since."""
    known = {**read_failures(plan.out), **failures}
    jobs = [*plan.baselines(), *plan.confirmed_baselines(), *plan.confirmations(study)]
    standing = {job.name: known[job.name] for job in undone(jobs) if job.name in known}
    if standing:
        write_text(plan.out / FAILURES, json.dumps(standing, indent=1) + "\n")
    else:
        (plan.out / FAILURES).unlink(missing_ok=True)
    return standing


def _write_best(confirmation: Confirmation, plan: Plan) -> None:
    best = plan.out / "best"
    write_text(best / "confirmation.json", confirmation.model_dump_json(indent=1) + "\n")
    if confirmation.best is None:
        return
    folder = plan.confirmation_folder(confirmation.best, plan.seeds[0])
    for name in ("settings.yaml", "weights.safetensors"):
        write_bytes(best / name, (folder / name).read_bytes())


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

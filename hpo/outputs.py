"""What a study leaves behind for people and scripts: study.yaml, results.csv, best/ and report.html."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import yaml

from hpo.collect import confirmation_of, results_of
from hpo.confirm import Confirmation
from hpo.plan import Plan
from hpo.reporting.page import write_report
from hpo.results import StudyResults, write_csv
from hpo.study import Study
from hpo.study_file import StudyFile
from segada.atomic import write_bytes, write_text

_PACKAGES = ("segada", "torch", "ray", "optuna", "deap", "numpy")


def write_study(file: StudyFile, out: Path) -> None:
    """Writes study.yaml: every default filled in, and on top, as comments, what it was run with."""
    versions = ", ".join(f"{package} {version(package)}" for package in _PACKAGES)
    head = [f"# git revision {_revision()}", f"# python {platform.python_version()}, {versions}"]
    body = yaml.safe_dump(file.resolved(), sort_keys=False, allow_unicode=True)
    write_text(out / "study.yaml", "\n".join([*head, body]))


def write_outputs(study: Study, plan: Plan, failures: dict[str, str]) -> StudyResults:
    """Writes results.csv, report.html and, once everything is confirmed, best/."""
    confirmation = confirmation_of(study, plan, failures)
    if confirmation is not None:
        _write_best(confirmation, plan)
    results = results_of(study, plan, confirmation)
    write_csv(results, plan.out / "results.csv")
    write_report(results, plan.out / "report.html")
    return results


def read_confirmation(out: Path) -> Confirmation | None:
    """best/confirmation.json, if there is one."""
    path = out / "best" / "confirmation.json"
    return Confirmation.model_validate_json(path.read_bytes()) if path.exists() else None


def _write_best(confirmation: Confirmation, plan: Plan) -> None:
    best = plan.out / "best"
    write_text(best / "confirmation.json", confirmation.model_dump_json(indent=1) + "\n")
    if confirmation.best is None:
        return
    folder = plan.confirmation_folder(confirmation.best, plan.seeds[0])
    for name in ("settings.yaml", "weights.safetensors"):
        write_bytes(best / name, (folder / name).read_bytes())


def _revision() -> str:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    answer = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "unknown"

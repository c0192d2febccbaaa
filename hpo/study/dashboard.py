"""Command that shows a study in a browser with optuna-dashboard."""

import os
import shlex
from pathlib import Path
from urllib.parse import urlsplit

from hpo.config.storage_url import DIALECTS, VARIABLE, without_password
from hpo.study.journal.file import JOURNAL


def trials_command(place: str | None, out: Path) -> str:
    """Returns the command line, without a password: the shell inserts the URL of HPO_STORAGE if that has one.

    Args:
        place: database of the study, as `hpo.config.storage_url.place_of` gives it; None for a journal.
        out: run folder of the study.
    """
    if place is None:
        return f"optuna-dashboard {shlex.quote(str(out / JOURNAL))}"
    secret = os.environ.get(VARIABLE, "")
    if secret and without_password(secret) != secret:
        return f'optuna-dashboard "${{{VARIABLE}/postgresql:/postgresql+psycopg:}}"'
    scheme = urlsplit(place).scheme
    return f"optuna-dashboard {shlex.quote(DIALECTS[scheme] + place[len(scheme) :])}"

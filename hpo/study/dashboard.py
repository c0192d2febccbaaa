"""The command that shows a study in a browser: optuna-dashboard reads what the study is kept in."""

import os
import shlex
from pathlib import Path
from urllib.parse import urlsplit

from hpo.config.storage_url import DIALECTS, VARIABLE, without_password
from hpo.study.journal.file import JOURNAL


def trials_command(place: str | None, out: Path) -> str:
    """The command line, without a password: where HPO_STORAGE has one, the shell puts it in.

    Args:
        place: database of the study, as `hpo.study.storage.place_of` gives it; None for a journal.
        out: folder of the results.
    """
    if place is None:
        return f"optuna-dashboard {shlex.quote(str(out / JOURNAL))}"
    secret = os.environ.get(VARIABLE, "")
    if secret and without_password(secret) != secret:
        return f'optuna-dashboard "${{{VARIABLE}/postgresql:/postgresql+psycopg:}}"'
    scheme = urlsplit(place).scheme
    return f"optuna-dashboard {shlex.quote(DIALECTS[scheme] + place[len(scheme) :])}"

"""What a study is doing: `python -m hpo.status OUT` looks, and changes nothing."""

import argparse
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import optuna
from optuna.storages import BaseStorage
from rich.console import Console

from hpo.config.document import STUDY
from hpo.config.storage_url import place_of
from hpo.monitoring.status import StudyLocation, StudyStatus, status_of
from hpo.monitoring.status_view import print_plain, print_table
from hpo.study.attributes import FOLDER, FOLDER_ID
from hpo.study.journal.file import JOURNAL
from hpo.study.storage import read_storage
from segada.artifacts.run_files import read
from segada.cli.console import terminal
from segada.cli.exit_codes import Parser, exit_code
from segada.core.printing import say
from segada.errors import InputError
from segada.settings.files import read_value
from segada.settings.inputs import resolved


def main() -> int:
    """The command line."""
    parser = Parser(prog="python -m hpo.status", description=__doc__)
    parser.add_argument(
        "place",
        metavar="OUT|URL",
        help="folder of a study's results, or the database of studies: sqlite:///FILE, postgresql://...",
    )
    parser.add_argument("--name", metavar="STUDY", help="which study of a database; without it, all are listed")
    parser.add_argument("--watch", type=float, metavar="SECONDS", help="look again and again, until the study is over")
    parser.add_argument("--json", action="store_true", help="for machines: a line of JSON per study and look")
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return exit_code(lambda: _look(arguments))


def places(named: str, study: str | None = None) -> list[StudyLocation]:
    """The studies of a folder or a database.

    Args:
        named: the folder, or the URL of the database.
        study: the only one that is wanted; None for all.

    Raises:
        InputError: there is no study, or none of this name.
    """
    is_url = "://" in named
    out = None if is_url else resolved(Path(named), "OUT")
    if out is not None and not out.is_dir():
        raise InputError(f"{named}: there is no such folder; name the folder of a study, or the URL of a database")
    place = place_of(named) if is_url else None
    shown = place or str(out)
    storage = read_storage(place, Path()) if out is None else _storage_of(out)
    found = [summary.study_name for summary in storage.get_all_studies()]
    wanted = _name_in(out) if out is not None and study is None else study
    if wanted is not None and wanted not in found:
        raise InputError(f"{shown}: holds no study {wanted!r}, but {', '.join(sorted(found)) or 'none at all'}")
    optuna_studies = [optuna.load_study(study_name=name, storage=storage) for name in found if wanted in (None, name)]
    if not optuna_studies:
        raise InputError(f"{shown}: holds no study")
    return [StudyLocation(optuna_study, out or _folder_of(optuna_study), shown) for optuna_study in optuna_studies]


def _look(arguments: argparse.Namespace) -> None:
    if arguments.watch is not None and not (math.isfinite(arguments.watch) and arguments.watch > 0):
        raise InputError(f"--watch must be a number of seconds above 0, but is {arguments.watch}")
    console = terminal()
    show = _shown_as(arguments, console)
    while True:
        statuses = [status_of(place, time.time()) for place in places(arguments.place, arguments.name)]
        if arguments.watch is not None and console.is_terminal and not arguments.json:
            console.clear()
        for status in statuses:
            show(status)
        if arguments.watch is None or all(status.is_over for status in statuses):
            return
        sys.stdout.flush()
        try:
            time.sleep(arguments.watch)
        except KeyboardInterrupt:
            return


def _shown_as(arguments: argparse.Namespace, console: Console) -> Callable[[StudyStatus], None]:
    if arguments.json:
        return lambda status: print(status.model_dump_json())
    return (lambda status: print_table(status, console)) if console.is_terminal else (lambda one: print_plain(one, say))


def _storage_of(out: Path) -> BaseStorage:
    """The folder's journal, or the database that its study.yaml names."""
    if (out / JOURNAL).is_file():
        return read_storage(None, out)
    place = _study_yaml(out).get("storage")
    if place is None:
        raise InputError(f"{out}: holds no study; name the folder of one, as in python -m hpo.status runs/ga_dacs")
    return read_storage(place_of(str(place)), out)


def _name_in(out: Path) -> str | None:
    name = _study_yaml(out).get("name")
    return None if name is None else str(name)


def _study_yaml(out: Path) -> dict[str, object]:
    """Empty if it is damaged: the study may be found without it, and what is wrong with it is said then."""
    nothing: object = {}
    tree = read(out / STUDY, lambda content: read_value(content.decode("utf-8"), STUDY), nothing).value
    return tree if isinstance(tree, dict) else {}


def _folder_of(optuna_study: optuna.Study) -> Path | None:
    """The folder of the results of a study in a database, if it can be seen from here."""
    kept = optuna_study.user_attrs.get(FOLDER)
    if not isinstance(kept, dict):
        return None
    folder = Path(str(kept["path"]))
    path = folder / FOLDER_ID
    return folder if path.is_file() and path.read_text(encoding="utf-8") == kept["id"] else None


if __name__ == "__main__":
    sys.exit(main())

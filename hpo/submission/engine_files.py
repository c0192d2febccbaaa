"""Settings files of an external engine, which are sent with its study."""

import os
from pathlib import Path, PurePosixPath

from segada.errors import InputError
from segada.settings.files import read_yaml


def settings_of_engine(name: str, path: Path) -> dict[str, Path]:
    """Returns the settings files that the engine of a study file names, at bundle paths where the study finds them.

    Args:
        name: path of the study file in the bundle.
        path: its local path; a file that is no YAML names none.

    Raises:
        InputError: one of them has an absolute path, is out of the bundle, or is not there.
    """
    engine = read_yaml(path).tree.get("engine") if path.suffix in (".yaml", ".yml") else None
    named = [engine.get(key) for key in ("defaults", "json_schema")] if isinstance(engine, dict) else []
    found: dict[str, Path] = {}
    for one in named:
        if not isinstance(one, str):
            continue
        placed = os.path.normpath(PurePosixPath(name).parent / one)
        if PurePosixPath(one).is_absolute() or placed.startswith(".."):
            cure = "name it by a path seen from the study file, in its folder"
            raise InputError(f"{path}: engine names {one}, which the cluster does not have; {cure}")
        if not (path.parent / one).is_file():
            raise InputError(f"{path}: engine names {one}, which is not there (seen from {path.parent.absolute()})")
        found[placed] = path.parent / one
    return found

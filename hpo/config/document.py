"""Reading of a study file by path or shipped name, merged with the files that it extends."""

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from hpo.config.sweep_import import as_study, is_sweep
from segada.errors import InputError
from segada.settings.files import Document, read_yaml
from segada.settings.inputs import check_regular, checked_path, misnamed
from segada.settings.limits import FILES
from segada.settings.nested import Tree
from segada.settings.schema import nearest
from segada.settings.validation_errors import shown
from segada.settings.yaml_text import parsed

STUDY = "study.yaml"
"""Name, in a run folder, of the study file with every default filled in."""

GIVEN = "study"
"""Name in errors of a study that stands in no file."""

EXTENDS = "extends"
"""Key of a study file that names its base file; the base supplies every value that the file does not set."""


def read_document(file: str) -> Document:
    """Reads a study file and all files that it extends; a W&B sweep is translated into a study.

    Mappings are merged, anything else is replaced (`segada.settings.nested.merged`). A parameter of the space with a
    `type` replaces the one that it extends, one without changes the keys that it names, and null removes it.

    Args:
        file: a path, or the bare name of a study that is shipped (`ga_dacs` or `ga_dacs.yaml`).

    Raises:
        InputError: a file is missing or not YAML, or files extend each other in a circle.
    """
    path = _found(Path(), str(checked_path(Path(file), "")))
    if path is None:
        check_regular(Path(file))
        raise InputError(f"{file}: no such file, and no shipped study has this name; {_hint(file)}")
    return _read(path, ())


def document_of(tree: Mapping[str, object]) -> Document:
    """A study that is given as nested dictionaries, read as strictly as a file, with all that it extends.

    Relative names in it are seen from the current folder.

    Raises:
        InputError: it holds something that a study file cannot, or as in `read_document`.
    """
    try:
        text = json.dumps(tree, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as problem:
        cure = "a study has text, finite numbers, truth values, None, and lists and dictionaries of these"
        raise InputError(f"{GIVEN}: {problem}; {cure}") from None
    # JSON is YAML: limits and types are those of a file.
    value, _ = parsed(text, GIVEN)
    if not isinstance(value, dict):
        raise InputError(f"{GIVEN}: must be a dictionary with the keys of a study file, but is {shown(value)}")
    return _whole(Document(GIVEN, value, given={(): "a dictionary"}), Path(GIVEN), ())


def path_in_file(path: str, sections: Container[str]) -> str:
    """Returns the path in a study or a comparison of a path on the command line, which leads into `run` unless it
    begins with a section of the file.
    """
    return path if path.split(".")[0] in sections else f"run.{path}"


@dataclass(frozen=True)
class Found:
    """File of a study.

    Attributes:
        name: Name on the command line, or in the file that extends this one.
        path: Path of the file.
    """

    name: str
    path: Path


def files_of(file: str) -> list[Found]:
    """Lists the study file and the files that it extends; every file precedes its base.

    Args:
        file: as in `read_document`.

    Raises:
        InputError: as in `read_document`.
    """
    read_document(file)
    chain: list[Found] = []
    folder, name = Path(), file
    while (path := _found(folder, name)) is not None:
        chain.append(Found(name, path))
        tree = read_yaml(path).tree
        if is_sweep(tree) or EXTENDS not in tree:
            break
        folder, name = path.parent, str(tree[EXTENDS])
    return chain


def shipped_studies() -> list[str]:
    """Lists the names of the study files that are shipped with the package."""
    return sorted(entry.name for entry in resources.files("search_spaces").iterdir() if entry.name.endswith(".yaml"))


def _found(folder: Path, name: str) -> Path | None:
    """Finds the file of this name in a folder, or else the shipped study of this name."""
    if (folder / name).is_file():
        return folder / name
    if ".." in Path(name).parts or Path(name).is_absolute():
        return None
    shipped = Path(str(resources.files("search_spaces") / (name if Path(name).suffix else f"{name}.yaml")))
    return shipped if shipped.suffix == ".yaml" and shipped.is_file() else None


def _hint(file: str) -> str:
    name, names = file if Path(file).suffix else f"{file}.yaml", shipped_studies()
    return nearest(name, names) if Path(file).name == file else f"shipped are {', '.join(names)}"


def _read(path: Path, below: tuple[Path, ...]) -> Document:
    return _whole(read_yaml(path), path, below)


def _whole(document: Document, path: Path, below: tuple[Path, ...]) -> Document:
    if is_sweep(document.tree):
        return as_study(document, path.stem)
    if EXTENDS not in document.tree:
        return document
    name = document.tree[EXTENDS]
    document = replace(document, tree={key: value for key, value in document.tree.items() if key != EXTENDS})
    if not isinstance(name, str):
        raise document.error((EXTENDS,), f"should be the name of a study file, not {name!r}")
    problem = misnamed(name)
    if problem is not None:
        raise document.error((EXTENDS,), problem)
    base = _found(path.parent, name)
    if base is None:
        raise document.error(
            (EXTENDS,), f"there is no file {path.parent / name}, and no shipped study has this name; {_hint(name)}"
        )
    chain = (*below, path.resolve())
    if len(chain) > FILES:
        raise document.error((EXTENDS,), f"more than {FILES} files extend each other; merge some of them")
    if base.resolve() in chain:
        circle = [*chain[chain.index(base.resolve()) :], base]
        raise document.error((EXTENDS,), f"files extend each other: {' -> '.join(file.name for file in circle)}")
    return _extended(document, _read(base, chain))


def _extended(document: Document, base: Document) -> Document:
    ours, theirs = document.tree.get("space"), base.tree.get("space")
    if isinstance(ours, dict) and isinstance(theirs, dict):
        replaced = {path for path, given in ours.items() if not isinstance(given, dict) or "type" in given}
        kept: Tree = {path: parameter for path, parameter in theirs.items() if path not in replaced}
        base = replace(base, tree={**base.tree, "space": kept})
        new: Tree = {path: given for path, given in ours.items() if given is not None or path not in theirs}
        document = replace(document, tree={**document.tree, "space": new})
    return document.over(base)

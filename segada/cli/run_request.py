"""Reads the options of a command that runs a model: its settings, from which weights, in which folder."""

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from segada.cli.options import DEBUG, DETERMINISTIC, LOAD_FROM
from segada.cli.output_dir import check_folder, check_own, named_folder
from segada.core.run_names import RUN_MARKS, SETTINGS, WEIGHTS
from segada.errors import InputError
from segada.settings import RunSettings
from segada.settings.assignments import parse_assignments
from segada.settings.files import load_run_settings
from segada.settings.inputs import checked_path
from segada.settings.nested import Value
from segada.settings.schema import nearest


@dataclass(frozen=True, slots=True)
class Chosen:
    """Request of a command line.

    Attributes:
        settings: Of the run.
        folder: Where it leaves everything.
        tags: Words to keep there.
    """

    settings: RunSettings
    folder: Path
    tags: tuple[str, ...]


def chosen(
    arguments: argparse.Namespace, default_folder: Callable[[RunSettings, Path], Path], recipes: Sequence[Path] = ()
) -> Chosen:
    """Reads what `add_run_options` added; writes nothing.

    Args:
        arguments: As parsed.
        default_folder: From the settings and their file to the folder without `--out`.
        recipes: Settings that can be named without a path; the first of them is taken where none is named.

    Raises:
        InputError: options contradict each other, or settings or a folder are not as they must be.
    """
    tags = _tags(arguments.tags)
    overrides, options = _overrides(arguments)
    if arguments.resume_from is not None:
        return Chosen(_resumed(arguments, overrides, options), arguments.resume_from, tags)
    file = _file(arguments.settings, recipes)
    settings = load_run_settings(file, overrides, options)
    folder = named_folder(arguments.out, default_folder(settings, file))
    check_folder(folder)
    check_own(folder, "run", RUN_MARKS)
    if not arguments.auto_resume and (folder / SETTINGS).exists():
        raise InputError(
            f"--no-auto-resume, but {folder} holds a run; choose another --out, or go on with it without this option"
        )
    return Chosen(settings, folder, tags)


def _file(named: str | None, recipes: Sequence[Path]) -> Path:
    if named is None and recipes:
        return recipes[0]
    if named is None:
        raise InputError("no settings: name a file, or a run's folder with --resume-from")
    path = checked_path(Path(named), "")
    shipped = {recipe.stem: recipe for recipe in recipes}
    if not recipes or path.is_file() or path.name != named or path.suffix:
        return path
    if named not in shipped:
        raise InputError(f"{named}: no such file, and no shipped recipe has this name; {nearest(named, shipped)}")
    return shipped[named]


def _overrides(arguments: argparse.Namespace) -> tuple[dict[str, Value], dict[str, str]]:
    """Returns the values that the options give, and the option of each that is not `--set`, by path."""
    given = parse_assignments(arguments.assignments)
    shortcuts: dict[str, tuple[str, Value]] = {
        "seed": ("--seed", arguments.seed),
        LOAD_FROM: ("--load-from", arguments.load_from),
        DETERMINISTIC: ("--deterministic", arguments.deterministic or None),
    }
    debug = dict(DEBUG) if arguments.debug else {}
    options = {path: "--debug" for path in debug if path not in given}
    for path, (option, value) in shortcuts.items():
        if value is None:
            continue
        if given.get(path, value) != value:
            raise InputError(
                f"{option} says {path}={value}, but --set says {path}={given[path]}; leave one of them out"
            )
        given[path] = value
        options[path] = option
    return {**debug, **given}, options


def _resumed(arguments: argparse.Namespace, overrides: Mapping[str, Value], options: Mapping[str, str]) -> RunSettings:
    folder: Path = checked_path(arguments.resume_from, "--resume-from")
    contradicted = {
        "another --out": arguments.out is not None and Path(arguments.out) != folder,
        "--no-auto-resume": not arguments.auto_resume,
        "--load-from, which begins a new run": arguments.load_from is not None,
    }
    for what, is_there in contradicted.items():
        if is_there:
            raise InputError(f"--resume-from {folder} goes on with the run in that folder; leave out {what}")
    held = folder / SETTINGS
    if not (folder / "checkpoint").is_dir() or not held.is_file():
        raise InputError(
            f"--resume-from {folder}: holds no run that has finished a visit; name the folder of one, or begin it with "
            "--out"
        )
    settings = load_run_settings(held)
    wanted = load_run_settings(arguments.settings or held, overrides, options)
    if wanted.settings_hash() != settings.settings_hash():
        raise InputError(
            f"--resume-from {folder} goes on with the settings there (hash {settings.settings_hash()}), but the file "
            f"or the options say others (hash {wanted.settings_hash()}); leave them out, or begin a run of theirs with "
            f"--load-from {folder / WEIGHTS}"
        )
    check_folder(folder, "--resume-from")
    return settings


def _tags(texts: Sequence[str]) -> tuple[str, ...]:
    tags = [tag for text in texts for tag in text.split(",")]
    for tag in tags:
        if not re.fullmatch(r"[\w.:+-]+", tag):
            raise InputError(
                f"--tags: {tag!r} is no tag; words of letters, digits and . : + - _ are, with commas between them"
            )
    return tuple(dict.fromkeys(tags))

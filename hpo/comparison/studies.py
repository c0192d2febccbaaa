"""Which studies are compared, and whether the comparison is fair: all but the methods must be the same."""

from collections.abc import Collection, Iterator, Sequence
from importlib import resources
from pathlib import Path

from hpo.cli.options import run_parser
from hpo.config.command_line import study_file
from hpo.config.program_study import ProgramStudy
from hpo.config.study_file import StudyFile
from segada.errors import InputError
from segada.settings.inputs import checked_path
from segada.settings.nested import Value
from segada.settings.validation_errors import shown

OWN = (
    "name",
    "space",
    "forbidden",
    "start_from",
    "storage",
    "tracking",
    "run.method",
    "run.adapter",
    "run.image_adapter",
    "run.controller",
    "run.model.drop_path",
    "run.model.freeze",
    "run.model.frozen_modules",
    "run.model.trainable_modules",
    "run.logging",
)
"""Parts of a study, and groups of them, in which methods may differ: what is inserted, what learns, and how."""

OWN_OF_PROGRAMS = (
    *OWN,
    "run",
    *(f"engine.{key}" for key in ("command", "function", "env", "settings", "defaults", "json_schema", "baselines")),
    *(f"engine.{key}" for key in ("prefix", "resume", "hours", "silent_hours", "grace")),
)
"""The same for studies with an external engine, whose settings are free-form: programs may differ, too."""

SEARCHING = ("budget", "sampler", "pruning")
"""Parts that mean nothing to a method without parameters: it is not searched."""


def compared_studies(names: Sequence[str], options: Sequence[str]) -> list[StudyFile]:
    """The studies that take part, in the order in which they are named.

    Args:
        names: study files, or folders of them.
        options: of `hpo run`, which hold for every study: `--trials=12`.

    Raises:
        InputError: a file is wrong, there is only one, two have one name, or they differ in more than their method.
    """
    parser = run_parser()
    files = [study_file(parser.parse_args([f"--space={name}", *options])) for name in _files(names)]
    if len(files) < 2:
        raise InputError(f"a comparison needs two studies or more, but {' '.join(names)} has {len(files)}")
    for place, file in enumerate(files):
        namesake = next((other for other in files[:place] if other.settings.name == file.settings.name), None)
        if namesake is not None:
            problem = f"is {file.settings.name}, as in {namesake.document.file}; each has a folder of its own"
            raise file.document.error(("name",), problem)
        _check_confirmation(file)
        _check_space(file)
        if isinstance(file, ProgramStudy):
            _check_program(file, files[0])
    searched = next((file for file in files if file.space.parameters), files[0])
    for file in files:
        _check_same(file, searched)
        if isinstance(file, ProgramStudy) and isinstance(files[0], ProgramStudy):
            _check_baselines(file, files[0])
    return files


def _files(names: Sequence[str]) -> list[str]:
    found = [file for name in names for file in _in_folder(name) or [name]]
    return list(dict.fromkeys(found))


def _in_folder(name: str) -> list[str]:
    """The study files of a folder, here or shipped; none if it is no folder."""
    checked_path(Path(name), "")
    shipped = Path(str(resources.files("search_spaces"))) / name
    folder = Path(name) if Path(name).is_dir() else shipped
    if not folder.is_dir():
        return []
    files = sorted(str(path) for path in folder.glob("*.yaml") if not path.name.startswith("_"))
    if not files:
        raise InputError(f"{name}: has no study file: none ends in .yaml without beginning with an underscore")
    return files


def _check_confirmation(file: StudyFile) -> None:
    if file.settings.confirm.top == 0:
        raise file.document.error(("confirm", "top"), "is 0, so that there is nothing to compare; write 1 or more")


def _check_program(file: ProgramStudy, first: StudyFile) -> None:
    """Checks that a study with an external engine leaves frames to be ranked on, and is compared with its kind."""
    engine = file.settings.engine
    assert engine is not None
    if not isinstance(first, ProgramStudy):
        raise file.document.error(("engine",), f"is an external one, but {first.document.file} has none")
    if not engine.areas:
        raise file.document.error(
            ("engine", "areas"), "is false, but a comparison ranks on frames; let the program write areas.npz"
        )


def _check_baselines(file: ProgramStudy, first: ProgramStudy) -> None:
    """Checks that the baselines of two studies with external engines are the same runs."""
    for name in dict.fromkeys((*_baselines(file), *_baselines(first))):
        runs = [one.baseline(name, one.run_settings()) for one in (file, first) if name in _baselines(one)]
        if len(runs) < 2 or runs[0].settings_hash() != runs[1].settings_hash():
            problem = f"{name} is another run in {first.document.file}; a baseline must be the same run for all"
            raise file.document.error(("engine", "baselines"), problem)


def _baselines(file: ProgramStudy) -> Collection[str]:
    assert file.settings.engine is not None
    return file.settings.engine.baselines


def _check_space(file: StudyFile) -> None:
    for path in file.space.parameters:
        if not _is_own(f"run.{path}", file):
            raise file.document.error(
                ("space", path), "is the same for all that are compared; fix it under run, in every file"
            )


def _check_same(file: StudyFile, other: StudyFile) -> None:
    ours, theirs = file.resolved(), other.resolved()
    for parts, value, wanted in _differences(ours, theirs, ()):
        path = ".".join(parts)
        if _is_own(path, file) or (parts[0] in SEARCHING and not file.space.parameters):
            continue
        raise file.document.error(
            parts,
            f"is {value}, but {wanted} in {other.document.file}; what is compared differs in its method "
            f"alone: make them the same, as --set {path}=... does for all",
        )


def _differences(ours: Value, theirs: Value, parts: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Paths whose values differ, with both as text."""
    if not (isinstance(ours, dict) and isinstance(theirs, dict)):
        if ours != theirs:
            yield parts, shown(ours), shown(theirs)
        return
    for key in dict.fromkeys((*ours, *theirs)):
        inner = (*parts, key)
        if key in ours and key in theirs:
            yield from _differences(ours[key], theirs[key], inner)
        else:
            one, other = (shown(tree[key]) if key in tree else "absent" for tree in (ours, theirs))
            yield inner, one, other


def _is_own(path: str, file: StudyFile) -> bool:
    owned = OWN_OF_PROGRAMS if isinstance(file, ProgramStudy) else OWN
    return any(path == own or path.startswith(f"{own}.") for own in owned)

"""Bundle of files sent with a job: the study file, the files that it extends, files of code that these name or import,
and files that the user includes.
"""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hpo.config.document import files_of
from hpo.submission.code_files import code_files
from hpo.submission.engine_files import settings_of_engine
from segada.core.named_code import MARK, SUFFIX, is_file_of_code
from segada.errors import InputError
from segada.settings.inputs import read_text, resolved
from segada.settings.nested import Value
from segada.settings.yaml_text import parsed

LIMIT = 64 << 20
"""Maximum bytes of a bundle. Ray keeps it in the memory of the head node and copies it to every other node."""
LEFT_OUT = ("runs", "wandb", "build", "dist")
"""Folders of generated files, skipped in included folders, as are hidden and compiled files."""
MODULE = re.compile(rf"[A-Za-z_][\w.]*(?<!\{SUFFIX}){MARK}[A-Za-z_][\w.]*")
"""Name of code in a module."""
SHOWN = 12
"""Maximum number of files listed by name."""
STUDY = "study"
"""Folder of the study's files in a bundle. They are moved there because their local folder is not sent."""


@dataclass(frozen=True)
class JobBundle:
    """Files that are sent with a job.

    Attributes:
        study: Path of the study file in the bundle.
        files: Local path of each file, by its path in the bundle, relative to the job's working folder.
        links: Links in included folders that are not sent, because they lead out of the folder.
        modules: Names of code in modules that are not sent.
    """

    study: str
    files: dict[str, Path]
    links: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Total bytes of all files."""
        return sum(path.stat().st_size for path in self.files.values())

    def lines(self) -> Iterator[str]:
        """Yields a readable list: totals, then one line per file, largest first."""
        largest = self._largest()
        yield f"{len(largest)} file{'s' * (len(largest) > 1)}, {in_bytes(self.size)}:"
        for name in largest[:SHOWN]:
            yield f"  {name} ({in_bytes(self.files[name].stat().st_size)})"
        if len(largest) > SHOWN:
            yield f"  and {len(largest) - SHOWN} smaller ones"
        for link in self.links:
            yield f"  not {link}, a link out of its folder; include its target"
        for name in self.modules:
            yield f"  not {name}, code in a module; install it there, or include its folder"

    def lay(self, folder: Path) -> None:
        """Copies the files to a folder, under their paths in the bundle."""
        for name, path in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / name)

    def check(self) -> None:
        """Refuses a bundle that is too large.

        Raises:
            InputError: the bundle is too large; the message names the largest files.
        """
        if self.size <= LIMIT:
            return
        largest = ", ".join(f"{name} ({in_bytes(self.files[name].stat().st_size)})" for name in self._largest()[:3])
        raise InputError(
            f"the files to send have {in_bytes(self.size)}, more than {in_bytes(LIMIT)}: {largest}; include less, and "
            "put data and weights into a folder that every node sees"
        )

    def _largest(self) -> list[str]:
        return sorted(self.files, key=lambda name: (-self.files[name].stat().st_size, name))


def packed(file: str, includes: Sequence[Path] = ()) -> JobBundle:
    """Builds the bundle of a study.

    Args:
        file: the study file, or the name of a shipped one; a shipped one is sent too, so that the job uses the local
            version even if another version is installed on the cluster.
        includes: files and folders below the current folder; they keep their relative paths.

    Raises:
        InputError: a file is missing, outside the current folder, extended by an absolute path, or too large.
    """
    study, files, named = _study(file)
    links: dict[str, None] = {}
    for name, path in tuple(files.items()):
        files |= settings_of_engine(name, path)
    for include in includes:
        for name, path in _included(include):
            if _leads_out(path, include.resolve()):
                links[name] = None
            else:
                files[name] = path
    sent = {PurePosixPath(name).parts[0].removesuffix(SUFFIX) for name in files}
    modules = tuple(name for name in named if name.partition(".")[0].partition(MARK)[0] not in sent)
    bundle = JobBundle(study, files, tuple(links), modules)
    bundle.check()
    return bundle


def in_bytes(count: int) -> str:
    """Returns a number of bytes as readable text, such as 1.4 MB."""
    size = float(count)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


def _study(file: str) -> tuple[str, dict[str, Path], list[str]]:
    """Returns the study's files at bundle paths where each file finds those that it extends, and the code it names; and
    the names of code in modules.
    """
    chain = files_of(file)
    names = [PurePosixPath(chain[0].path.name)]
    for extended in chain[1:]:
        if PurePosixPath(extended.name).is_absolute():
            raise InputError(
                f"{extended.path}: extended by its absolute path, which does not exist on the cluster; extend it by a "
                "path seen from the file that extends it"
            )
        names.append(PurePosixPath(os.path.normpath(names[-1].parent / extended.name)))
    paths, modules = [found.path for found in chain], dict[str, None]()
    for name, path in zip(tuple(names), tuple(paths), strict=True):
        texts = list(_texts(parsed(read_text(path), str(path))[0]))
        modules.update(dict.fromkeys(filter(MODULE.fullmatch, texts)))
        for code in _files_named(path, texts):
            for part in code_files((path.parent / code).absolute()):
                names.append(PurePosixPath(os.path.normpath(name.parent / os.path.relpath(part, path.parent))))
                paths.append(part)
    # If a file is in a folder above the study's, the bundle starts the same number of folders higher.
    above = max(name.parts.count("..") for name in names)
    folder = PurePosixPath(STUDY, *chain[0].path.resolve().parts[-1 - above : -1])
    placed = [os.path.normpath(folder / name) for name in names]
    return placed[0], dict(zip(placed, paths, strict=True)), list(modules)


def _files_named(path: Path, texts: Sequence[str]) -> Iterator[str]:
    """Yields the paths of files of code that the texts of a settings file name, as seen from it.

    Raises:
        InputError: one of them is absolute, or is not there.
    """
    for name in filter(is_file_of_code, texts):
        code, _, _ = name.rpartition(MARK)
        if PurePosixPath(code).is_absolute():
            cure = "name it by a path seen from the file that names it"
            raise InputError(f"{path}: {name} has an absolute path, which does not exist on the cluster; {cure}")
        if not (path.parent / code).is_file():
            raise InputError(f"{path}: {name} names no file (seen from {path.parent.absolute()})")
        yield code


def _texts(value: Value) -> Iterator[str]:
    """Yields all texts in nested values, keys of mappings left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inside in value.values() if isinstance(value, dict) else value:
            yield from _texts(inside)


def _included(include: Path) -> Iterator[tuple[str, Path]]:
    here, path = Path.cwd(), resolved(include, "--include")
    if not path.exists():
        raise InputError(f"--include {include}: there is no such file or folder (seen from {here})")
    if here not in path.parents:
        raise InputError(f"--include {include}: must be below {here}: it keeps its relative path in the job")
    if path.relative_to(here).parts[0] == STUDY:
        raise InputError(f"--include {include}: {STUDY} is the folder of the study's files there; rename yours")
    if path.is_file():
        yield str(path.relative_to(here)), path
    for inner in sorted(path.rglob("*")):
        if (inner.is_file() or inner.is_symlink()) and not any(map(_is_left_out, inner.relative_to(path).parts)):
            yield str(inner.relative_to(here)), inner


def _leads_out(path: Path, include: Path) -> bool:
    """Returns True if a path is a link to anything but a file in the included folder."""
    return path.is_symlink() and not (path.is_file() and path.resolve().is_relative_to(include))


def _is_left_out(name: str) -> bool:
    return name in LEFT_OUT or name.startswith((".", "__pycache__")) or name.endswith(".egg-info")

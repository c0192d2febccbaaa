"""What of this machine travels with a study: its file, what that extends, and what a person names; nothing else."""

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hpo.config.document import files_of
from segada.errors import InputError
from segada.settings.inputs import resolved

LIMIT = 64 << 20
"""Bytes of a parcel. Ray keeps it in the memory of the head node and copies it to every other one."""
LEFT_OUT = ("runs", "wandb", "build", "dist")
"""Folders of what is made here, left out of folders that are included, like all that is hidden or compiled."""
SHOWN = 12
"""Files that are shown by name."""
STUDY = "study"
"""Folder of the study's files in a parcel. They are not where they are here: beside them nothing would be found."""


@dataclass(frozen=True)
class JobBundle:
    """Files that travel.

    Attributes:
        study: The study file, as it is called there.
        files: All files, by what they are called there, seen from the folder in which the job runs.
        links: Links in folders that are included, which do not travel: they lead elsewhere.
    """

    study: str
    files: dict[str, Path]
    links: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(path.stat().st_size for path in self.files.values())

    def lines(self) -> Iterator[str]:
        """What is sent, for a person: a line of sums and one per file, the largest first."""
        largest = self._largest()
        yield f"{len(largest)} file{'s' * (len(largest) > 1)}, {in_bytes(self.size)}:"
        for name in largest[:SHOWN]:
            yield f"  {name} ({in_bytes(self.files[name].stat().st_size)})"
        if len(largest) > SHOWN:
            yield f"  and {len(largest) - SHOWN} smaller ones"
        for link in self.links:
            yield f"  not {link}, a link out of its folder; include what it leads to"

    def lay(self, folder: Path) -> None:
        """Lays the files into a folder, where they are called as they will be there."""
        for name, path in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / name)

    def check(self) -> None:
        """Refuses what is too large to travel.

        Raises:
            InputError: with the largest files.
        """
        if self.size <= LIMIT:
            return
        largest = ", ".join(f"{name} ({in_bytes(self.files[name].stat().st_size)})" for name in self._largest()[:3])
        raise InputError(
            f"what would be sent has {in_bytes(self.size)}, more than {in_bytes(LIMIT)}: {largest}; include less, and "
            "put data and weights into a folder that every node sees"
        )

    def _largest(self) -> list[str]:
        return sorted(self.files, key=lambda name: (-self.files[name].stat().st_size, name))


def packed(file: str, includes: Sequence[Path] = ()) -> JobBundle:
    """The parcel of a study.

    Args:
        file: the study file, or the name of a shipped one; a shipped one travels too, so that what runs is what is
            here even where another version is installed.
        includes: files and folders below the folder in which the person stands; they are called the same there.

    Raises:
        InputError: something is not there, outside the current folder, extended by an absolute path, or too large.
    """
    study, files = _study(file)
    links: dict[str, None] = {}
    for include in includes:
        for name, path in _included(include):
            if _leads_out(path, include.resolve()):
                links[name] = None
            else:
                files[name] = path
    bundle = JobBundle(study, files, tuple(links))
    bundle.check()
    return bundle


def in_bytes(count: int) -> str:
    """A number of bytes for a person, as 1.4 MB."""
    size = float(count)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


def _study(file: str) -> tuple[str, dict[str, Path]]:
    """Each file where the one that extends it looks for it."""
    chain = files_of(file)
    names = [PurePosixPath(chain[0].path.name)]
    for extended in chain[1:]:
        if PurePosixPath(extended.name).is_absolute():
            raise InputError(
                f"{extended.path}: extended by its absolute path, under which it is not on the cluster; extend it by a "
                "path seen from the file that extends it"
            )
        names.append(PurePosixPath(os.path.normpath(names[-1].parent / extended.name)))
    # A file in the folder above the study's: the parcel begins as many folders higher.
    above = max(name.parts.count("..") for name in names)
    folder = PurePosixPath(STUDY, *chain[0].path.resolve().parts[-1 - above : -1])
    placed = [os.path.normpath(folder / name) for name in names]
    return placed[0], {name: found.path for name, found in zip(placed, chain, strict=True)}


def _included(include: Path) -> Iterator[tuple[str, Path]]:
    here, path = Path.cwd(), resolved(include, "--include")
    if not path.exists():
        raise InputError(f"--include {include}: there is no such file or folder (seen from {here})")
    if here not in path.parents:
        raise InputError(f"--include {include}: must be below {here}: it will be called the same where the job runs")
    if path.relative_to(here).parts[0] == STUDY:
        raise InputError(f"--include {include}: {STUDY} is the folder of the study's files there; rename yours")
    if path.is_file():
        yield str(path.relative_to(here)), path
    for inner in sorted(path.rglob("*")):
        if (inner.is_file() or inner.is_symlink()) and not any(map(_is_left_out, inner.relative_to(path).parts)):
            yield str(inner.relative_to(here)), inner


def _leads_out(path: Path, include: Path) -> bool:
    """Whether a path is a link to anything but a file in what is included."""
    return path.is_symlink() and not (path.is_file() and path.resolve().is_relative_to(include))


def _is_left_out(name: str) -> bool:
    return name in LEFT_OUT or name.startswith((".", "__pycache__")) or name.endswith(".egg-info")

"""Path of a checkpoint given in settings: the name of a shipped one, or the path of any other."""

from pathlib import Path

from segada.settings.inputs import checked_path

SHIPPED = Path(__file__).parents[1] / "models" / "checkpoints"
"""Folder of the checkpoints that come with the package."""


def find_checkpoint(checkpoint: str, setting: str = "model.checkpoint") -> Path:
    """Returns the file or folder that `model.checkpoint`, or a similar setting, names.

    Raises:
        ValueError: There is no such file, or no shipped checkpoint of this name; the message lists the shipped ones.
    """
    path = checked_path(Path(checkpoint), setting)
    shipped = SHIPPED / f"{checkpoint}.safetensors"
    bare = path.name == checkpoint and not path.suffix
    if bare and shipped.is_file():
        return shipped
    if path.is_file() or path.is_dir():
        return path
    if path.exists():
        raise ValueError(f"{setting}: {path} is a pipe, a device or a socket; give a file or a folder")
    problem = dangling(path)
    if problem:
        raise ValueError(f"{setting}: {path} is {problem}")
    if bare:
        names = sorted(file.stem for file in SHIPPED.glob("*.safetensors"))
        raise ValueError(
            f"{setting}: no shipped checkpoint is called {checkpoint!r}; there is "
            f"{', '.join(names) or 'none'}. Give one of these, the path of a file or folder, or null to do without"
        )
    raise ValueError(f"{setting}: there is no file {path}; give one, or the name of a shipped checkpoint")


def dangling(path: Path) -> str:
    """Returns words for a link to a file that is not there, with the cure; empty for any other path."""
    if not path.is_symlink() or path.exists():
        return ""
    target = path.readlink()
    cure = "run git annex get in its repository" if "annex" in target.parts else "copy what it leads to, as cp -L does"
    return f"a link to {target}, which is not there; {cure}"

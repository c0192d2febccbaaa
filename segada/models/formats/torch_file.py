"""Files of `torch.save`, read without running any code in them."""

import pickle
import re
import struct
import warnings
from pathlib import Path
from typing import Any, Final

import torch

from segada.models.formats.harmless import PLACEHOLDERS

DAMAGE: Final = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    OverflowError,
    MemoryError,
    OSError,
    struct.error,
)
"""Exceptions that torch raises for a file that it cannot read, depending on the place of the damage."""
WANTED: Final = re.compile(r"(?:GLOBAL |got <class '|function <\w+ |with (?=TorchScript))([\w.]+)")
"""Pattern of torch's messages about objects that a pickle refers to and that are not allowed."""


def read_torch_file(path: Path) -> Any:
    """Reads a file of `torch.save`, in the zip format or the older one, to the CPU.

    Raises:
        ValueError: The file refers to an object without a placeholder, which is named, or it is damaged.
    """
    try:
        # torch warns of the pickle version of a file, which does not matter.
        with torch.serialization.safe_globals(PLACEHOLDERS), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            # Opened here: given a path, torch would rely on the file's extension.
            with path.open("rb") as file:
                return torch.load(file, map_location="cpu", weights_only=True)
    except DAMAGE as error:
        wanted, message = WANTED.search(str(error)), _message(error)
        if wanted is None:
            raise ValueError(f"{path} is not a readable file of torch ({message}); save or copy it again") from error
        raise ValueError(
            f"{path} asks for {wanted[1]}, which is code and no part of any weights: it was not read. Take the file "
            "from where it was published, or have its owner save the state_dict alone"
        ) from error


def _message(error: BaseException) -> str:
    """Returns the error in one line, without torch's advice on how to read the file in spite of it."""
    text = str(error).rpartition("WeightsUnpickler error: ")[2]
    lines = [line for line in text.splitlines() if line.strip() and "weights_only" not in line]
    return lines[0].strip() if lines else type(error).__name__

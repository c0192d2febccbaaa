"""Files of `torch.save`, read without running anything that is in them."""

import pickle
import re
import struct
import warnings
from pathlib import Path
from typing import Any, Final

import torch

FORGOTTEN: Final = (
    # numpy's numbers and arrays, which training codes leave beside the weights; version 1 wrote `core`, 2 `_core`.
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.ndarray",
    "numpy.dtype",
    # mmengine's log of losses, and the function by which a pickle finds its methods.
    "mmengine.logging.history_buffer.HistoryBuffer",
    "builtins.getattr",
)
"""All that a file may ask for beside tensors and plain data. It gets a `Forgotten` in place of each."""
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
"""What torch raises over a file that it cannot read, depending on where in the file it gives up."""
WANTED: Final = re.compile(r"(?:GLOBAL |got <class '|function <\w+ |with (?=TorchScript))([\w.]+)")
"""How torch names what a pickle asks for and may not have."""


class Forgotten:
    """Stands for what no weights need: takes any arguments and any state, and keeps and does nothing."""

    def __init__(self, *ignored: object) -> None: ...

    def __setstate__(self, ignored: object) -> None: ...


def read_torch_file(path: Path) -> Any:
    """The content of a file of `torch.save`, in the zip format or the older one, on the CPU.

    Raises:
        ValueError: the file asks for more than `FORGOTTEN` lists, which is named, or it is damaged.
    """
    try:
        # Which version of pickle a file is in is warned of, and does not matter.
        with torch.serialization.safe_globals([(Forgotten, name) for name in FORGOTTEN]), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            # Opened here: of a path, torch would believe the ending.
            with path.open("rb") as file:
                return torch.load(file, map_location="cpu", weights_only=True)
    except DAMAGE as error:
        wanted, said = WANTED.search(str(error)), _said(error)
        if wanted is None:
            raise ValueError(f"{path} is not a readable file of torch ({said}); save or copy it again") from error
        raise ValueError(
            f"{path} asks for {wanted[1]}, which is code and no part of any weights: it was not read. Take the file "
            "from where it was published, or have its owner save the state_dict alone"
        ) from error


def _said(error: BaseException) -> str:
    """What was wrong, in one line; torch's advice on how to read the file all the same is not passed on."""
    text = str(error).rpartition("WeightsUnpickler error: ")[2]
    lines = [line for line in text.splitlines() if line.strip() and "weights_only" not in line]
    return lines[0].strip() if lines else type(error).__name__

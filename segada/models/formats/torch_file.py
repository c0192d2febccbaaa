"""Files of `torch.save`, read without running anything that is in them."""

import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

DAMAGE = (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, TypeError, LookupError, AttributeError, OSError)
"""What torch raises over a file that it cannot read, depending on where in the file it gives up."""
WANTED = re.compile(r"(?:GLOBAL|of type|instantiate|class) ([\w.]+)")
"""How torch names what a pickle asks for and may not have."""
NUMBERS = "?bhilqBHILQefdU"
"""numpy's letters of the types whose values old training codes leave beside the weights."""


def read_torch_file(path: Path) -> Any:
    """The content of a file of `torch.save`, in the zip format or the older one, on the CPU.

    Nothing is built from it but tensors and plain Python data, and then, if it asks for more, what `permitted` lists.

    Raises:
        ValueError: the file asks for anything else, which is named, or it is damaged.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if not _asks_for_more(error):
            raise _damaged(path, error) from error
    except DAMAGE as error:
        raise _damaged(path, error) from error
    try:
        with torch.serialization.safe_globals(permitted()):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if not _asks_for_more(error):
            raise _damaged(path, error) from error
        wanted = WANTED.search(str(error))
        raise ValueError(
            f"{path} asks for {wanted[1] if wanted else 'code'} to be run, which is no part of any weights: it was not "
            "read. Take the file from where it was published, or have its owner save the state_dict alone"
        ) from error
    except DAMAGE as error:
        raise _damaged(path, error) from error


def permitted() -> list[Callable[..., Any] | tuple[Callable[..., Any], str]]:
    """All that a file may ask for beside tensors and plain data: numpy's numbers, and mmengine's log of losses."""
    from mmengine.logging.history_buffer import HistoryBuffer  # only here: few files ask for it, and it takes seconds

    multiarray = np._core.multiarray  # type: ignore[attr-defined]
    made_by = [
        # numpy 1 wrote the first path, numpy 2 writes the second.
        (function, f"numpy.{core}.multiarray.{function.__name__}")
        for function in (multiarray.scalar, multiarray._reconstruct)
        for core in ("core", "_core")
    ]
    return [*made_by, np.ndarray, np.dtype, *{type(np.dtype(letter)) for letter in NUMBERS}, HistoryBuffer]


def _asks_for_more(error: pickle.UnpicklingError) -> bool:
    return "Unsupported" in str(error) or "allowed" in str(error)


def _damaged(path: Path, error: Exception) -> ValueError:
    said = str(error).strip().splitlines() or [type(error).__name__]
    return ValueError(f"{path} is not a readable file of torch ({said[0]}); save or copy it again")

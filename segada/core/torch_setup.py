"""Configures torch in this process: threads and determinism."""

import os
from typing import TYPE_CHECKING

import torch

from segada.errors import InputError

if TYPE_CHECKING:
    from segada.settings.evaluation import RuntimeSettings


def set_up_torch(runtime: "RuntimeSettings") -> None:
    """Applies process-wide settings of torch; the settings of a later run in the same process replace them."""
    torch.set_num_threads(runtime.threads)
    if runtime.deterministic:
        # cuBLAS reads this variable at the first use of a GPU; without it torch refuses matrix products.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(runtime.deterministic)
    torch.backends.cudnn.deterministic = runtime.deterministic


def refuse_absent(device: str) -> None:
    """Checks that torch finds the device on this machine.

    Raises:
        InputError: if torch does not find it.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("runtime.device is 'cuda', but torch finds no GPU here; set runtime.device to 'cpu'")

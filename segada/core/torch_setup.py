"""How torch computes in this process: threads, and whether the same input must give the same bits."""

import os

import torch

from segada.errors import InputError
from segada.settings.evaluation import RuntimeSettings


def set_up_torch(runtime: RuntimeSettings) -> None:
    """Sets what holds for the whole process; a later run in it sets its own."""
    torch.set_num_threads(runtime.threads)
    if runtime.deterministic:
        # cuBLAS reads it when a GPU is first used; without it torch refuses matrix products.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(runtime.deterministic)
    torch.backends.cudnn.deterministic = runtime.deterministic


def refuse_absent(device: str) -> None:
    """Whether torch finds the device here.

    Raises:
        InputError: it does not.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("runtime.device is 'cuda', but torch finds no GPU here; set runtime.device to 'cpu'")

"""Initialization by code that draws from global generators, from a generator that is passed in."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seeded_from(generator: torch.Generator) -> Iterator[None]:
    """Seeds the global generators of torch, numpy and Python inside the context, and restores them afterwards.

    Args:
        generator: Generator on the CPU; one number is drawn from it.
    """
    seed = int(torch.randint(2**32, (), generator=generator))
    of_python, of_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global state is what is kept
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - code of others may draw from it
        try:
            yield
        finally:
            random.setstate(of_python)
            np.random.set_state(of_numpy)  # noqa: NPY002 - as above

"""Random generators by purpose, so that a change in one place never shifts the draws of another."""

import zlib
from typing import Literal

import numpy as np
import torch

Purpose = Literal[
    "initialisation",
    "replay",
    "class_mix",
    "augmentation",
    "restoration",
    "modulation",
    "source_frames",
    "masking",
    "windows",
]


def torch_generator(seed: int, purpose: Purpose) -> torch.Generator:
    """Returns a CPU generator that depends on the seed and the purpose alone."""
    generator = torch.Generator()
    generator.manual_seed(int(_sequence(seed, purpose).generate_state(1, np.uint64)[0]))
    return generator


def numpy_generator(seed: int, purpose: Purpose) -> np.random.Generator:
    """Returns a numpy generator that depends on the seed and the purpose alone."""
    return np.random.default_rng(_sequence(seed, purpose))


def _sequence(seed: int, purpose: Purpose) -> np.random.SeedSequence:
    return np.random.SeedSequence([seed, zlib.crc32(purpose.encode())])

"""On which frames, how often and how fast a model is scored."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from segada.settings.base import Count, Sequence, Settings

LabelFreeName = Literal[
    "entropy",
    "confidence",
    "information_maximization",
    "soft_neighborhood_density",
    "batch_nuclear_norm",
    "agreement",
    "consistency",
    "static_divergence",
    "source_miou",
]
"""Scores that ask for no labels of the target; `segada/evaluation/label_free.py` says what each is."""

HIGHER_IS_BETTER: Mapping[LabelFreeName, bool] = {
    "entropy": False,
    "confidence": True,
    "information_maximization": True,
    "soft_neighborhood_density": True,
    "batch_nuclear_norm": True,
    "agreement": True,
    "consistency": True,
    "static_divergence": False,
    "source_miou": True,
}
"""Which way each is meant to be better."""


class EvaluationSettings(Settings):
    """Held-out evaluation after each visit."""

    split: Literal["val", "test"] = "test"
    """Frames that are scored: a search uses `val`, everything that is published `test`."""
    domains: Sequence[str] | None = None
    """Domains scored after every visit; null takes all domains of the stream and the source."""
    online: bool = True
    """Also score every frame of the stream before it is learned from (prequential); costs a forward pass each."""
    label_free: Sequence[LabelFreeName] = ("entropy", "confidence")
    """Scores that ask for no labels of the target. All but `source_miou` are those of the predictions that `online`
    asks for, and absent without. `agreement` needs a method with a teacher. What is not named costs nothing."""
    batch_size: Count = 8
    """Frames per forward pass; changes speed and memory, not results."""


class RuntimeSettings(Settings):
    """Where the arithmetic is done."""

    device: Literal["cpu", "cuda"] = "cpu"
    threads: Annotated[int, Field(ge=1, le=1024)] = 1
    """CPU threads of torch. Part of the settings because another number may round differently."""
    deterministic: bool = False
    """Take only algorithms of torch and cuDNN that give the same bits each time on one machine, slower ones among them,
    and stop at an operation that has none. For GPUs; on a CPU the bits are the same without it."""

"""Settings of evaluation (frames, frequency, scores) and of the device."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from segada.core.named_code import MARK
from segada.settings.base import Count, Sequence, Settings
from segada.settings.named_kinds import OrCode

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
"""Scores that need no labels of the target; `segada/evaluation/label_free.py` defines each."""

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
"""True for scores of which a higher value is meant to be better."""


def score_name(name: str) -> str:
    """Returns the name by which a score is reported: for code of the user, that of its attribute."""
    return name.rpartition(MARK)[2]


class EvaluationSettings(Settings):
    """Held-out evaluation after each visit."""

    split: Literal["val", "test"] = "test"
    """Split that is scored: `val` in a search, `test` for everything that is published."""
    domains: Sequence[str] | None = None
    """Domains scored after every visit; null takes the source and all domains of the stream. `[]` scores nothing on
    held-out frames, and reads none."""
    online: bool = True
    """If true, also score every frame of the stream before it is learned from (prequential evaluation); costs one
    forward pass per frame."""
    speed_frames: Count = 20
    """Number of frames at the beginning of each visit over which `adaptation_speed` is the area under the curve of the
    prequential mIoU; at most those of the visit."""
    label_free: Sequence[Annotated[LabelFreeName, OrCode("label_free")]] = ("entropy", "confidence")
    """Scores that need no labels of the target. All but `source_miou` are computed from the predictions that `online`
    makes, and are absent without it. `agreement` needs a method with a teacher. Scores that are not listed cost
    nothing. `module:function` is a score of yours, reported by the name of the function."""
    batch_size: Count = 8
    """Number of frames per forward pass; affects speed and memory, not results."""

    @property
    def holds_out(self) -> bool:
        """False if no held-out frame is scored, because `domains` is empty."""
        return self.domains is None or len(self.domains) > 0


class RuntimeSettings(Settings):
    """Device, threads and determinism."""

    device: Literal["cpu", "cuda"] = "cpu"
    threads: Annotated[int, Field(ge=1, le=1024)] = 1
    """Number of CPU threads of torch. It is a setting because another number may round differently."""
    deterministic: bool = False
    """If true, use only algorithms of torch and cuDNN that give the same bits each time on one machine, which can be
    slower, and stop at an operation that has none. For GPUs; on a CPU the bits are the same without it."""

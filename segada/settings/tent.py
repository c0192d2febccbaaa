"""TENT."""

from collections.abc import Mapping
from typing import Literal

from segada.settings.learning import LearningSettings, OptimizerSettings


class TentSettings(LearningSettings):
    """Descent on the entropy of target predictions (Wang et al. 2021, arXiv 2006.10726); source frames are read for
    `consolidation` alone."""

    name: Literal["tent"]
    optimizer: OptimizerSettings = OptimizerSettings(lr=1e-4)
    parameters: Literal["norms", "learning"] = "norms"
    """What descends. `norms`, the paper's: scales and shifts of all norms and nothing else, whatever `model.freeze`,
    `model.frozen_modules` and `model.trainable_modules` say. `learning`: what those three leave, adapters and
    prompts."""

    def term_weights(self) -> Mapping[str, float]:
        """The entropy alone."""
        return {"entropy": 1.0}

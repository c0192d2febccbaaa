"""Settings of TENT."""

from collections.abc import Mapping
from typing import Literal

from segada.settings.batch_norm import TargetStatistics
from segada.settings.learning import LearningSettings, OptimizerSettings


class TentSettings(LearningSettings):
    """Descent on the entropy of target predictions (Wang et al. 2021, arXiv 2006.10726); source frames are read for
    `consolidation` alone."""

    name: Literal["tent"]
    optimizer: OptimizerSettings = OptimizerSettings(lr=1e-4)
    batch_norm: TargetStatistics = TargetStatistics()
    """Statistics of the batch norms. The authors' code keeps no running statistics: `target`."""
    parameters: Literal["norms", "learning"] = "norms"
    """Parameters that are trained. `norms`, as in the paper: scales and shifts of all norms and nothing else,
    regardless of `model.freeze`, `model.frozen_modules` and `model.trainable_modules`. `learning`: the parameters that
    those three leave trainable, and adapters and image adapters."""

    def term_weights(self) -> Mapping[str, float]:
        """Returns the weight of the entropy, the only term."""
        return {"entropy": 1.0}

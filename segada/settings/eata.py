"""Settings of EATA."""

from collections.abc import Mapping
from typing import Literal

from segada.settings.base import Fraction
from segada.settings.batch_norm import TargetStatistics
from segada.settings.learning import ConsolidationSettings, LearningSettings, OptimizerSettings


class EataSettings(LearningSettings):
    """Descent on the entropy of reliable pixels of frames that are not redundant (Niu et al. 2022, arXiv 2204.02610);
    source frames are read for `consolidation` alone."""

    name: Literal["eata"]
    optimizer: OptimizerSettings = OptimizerSettings(lr=1e-4)
    batch_norm: TargetStatistics = TargetStatistics()
    """Statistics of the batch norms. The authors' code keeps no running statistics: `target`."""
    consolidation: ConsolidationSettings = ConsolidationSettings(weight=4000.0)
    """The paper's Fisher regularizer. Its weight of 2000 for ImageNet has no factor of 1/2, hence 4000 here."""
    entropy_threshold: Fraction = 0.4
    """Largest entropy of a reliable pixel, as a share of that of the uniform prediction, log K."""
    redundancy_threshold: Fraction = 0.05
    """Cosine similarity below which, in absolute value, a frame's mean prediction counts as new; that of the authors'
    code for ImageNet. 1 learns from every frame. Mean predictions of street frames are all alike: on
    the default world the default learns in 1 of 180 steps. Search it."""
    average_decay: Fraction = 0.9
    """Share of the old moving average of mean predictions in the new one."""

    def term_weights(self) -> Mapping[str, float]:
        """Returns the weight of the entropy, the only term beside the Fisher regularizer."""
        return {"entropy": 1.0}

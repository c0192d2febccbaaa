"""A method of one's own: information maximization (Liang et al. 2020, arXiv 2002.08546) on target frames alone.

Each pixel should be sure of one class, while the classes of a batch stay as many as they are.
"""

from collections.abc import Mapping
from typing import cast

import torch

from segada.controllers.base import StepPlan
from segada.data.batch import Batch
from segada.methods.base import MethodParts
from segada.methods.learner import Learner, Terms
from segada.settings.base import NonNegative
from segada.settings.learning import LearningSettings, OptimizerSettings


class InfoMax(Learner):
    """Minimizes the entropy of single pixels and maximizes that of their mean."""

    class Settings(LearningSettings):
        """Settings of information maximization; each is a path of a search, such as `method.diversity`."""

        optimizer: OptimizerSettings = OptimizerSettings(lr=1e-4)
        diversity: NonNegative = 1.0
        """Weight of the entropy of the mean prediction, which is maximized; 0 is plain entropy minimization."""

        def term_weights(self) -> Mapping[str, float]:
            """Returns the weights of the two terms."""
            return {"entropy": 1.0, "diversity": self.diversity}

    def __init__(self, parts: MethodParts) -> None:
        self.settings = cast(InfoMax.Settings, parts.settings.method)
        super().__init__(parts, self.settings.optimizer)

    def terms(self, target: Batch, plan: StepPlan) -> Terms:
        """Returns both terms for the student's predictions, in nats."""
        self.student.train()
        prefix = self.student.encode_frozen(target.images)
        probability = self.student.decode(self.student.encode_rest(prefix, plan.first_stage)).softmax(dim=1)
        single = torch.special.entr(probability).sum(dim=1).mean()
        overall = torch.special.entr(probability.mean(dim=(0, 2, 3))).sum()
        losses = {"entropy": single, "diversity": -self.settings.diversity * overall}
        return Terms({name: loss for name, loss in losses.items() if name in self.settings.loss_terms()})

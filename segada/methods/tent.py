"""TENT: minimizes the entropy of target predictions (Wang et al. 2021, arXiv 2006.10726).

Batch norms use the statistics of the batch, and no running ones, as in the authors' code
(`method.batch_norm.statistics: target`); a prediction uses those of its frame. Deviation from the paper: a SegFormer's
norms are mostly layer norms, whose scales and shifts learn as those of batch norms do.
"""

from torch import nn

from segada.controllers.base import StepPlan
from segada.data.batch import Batch
from segada.methods.base import MethodParts
from segada.methods.learner import Learner, Terms
from segada.selftraining.entropy import mean_entropy
from segada.settings.tent import TentSettings

NORMS = (nn.LayerNorm, nn.GroupNorm, nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm)


class Tent(Learner):
    """Learns from target frames alone.

    Source frames are read only once, at the start, for the Fisher information if consolidation is enabled.
    """

    def __init__(self, parts: MethodParts) -> None:
        settings = parts.settings.method
        assert isinstance(settings, TentSettings)
        if settings.parameters == "norms":
            let_norms_learn(parts.network)
        super().__init__(parts, settings.optimizer)

    def terms(self, target: Batch, plan: StepPlan) -> Terms:
        """Returns the mean entropy of the student's predictions, at the resolution of its logits."""
        self.student.train()
        with self.timer.part("frozen prefix of target frames"):
            prefix = self.student.encode_frozen(target.images)
        with self.timer.part("student"):
            logits = self.student.decode(self.student.encode_rest(prefix, plan.first_stage))
        return Terms({"entropy": mean_entropy(logits)})


def let_norms_learn(network: nn.Module) -> None:
    """Makes scales and shifts of all norms the only learning parameters."""
    network.requires_grad_(requires_grad=False)
    for module in network.modules():
        if isinstance(module, NORMS):
            module.requires_grad_(requires_grad=True)

"""Batch-norm re-estimation: statistics come from the target frames (Schneider et al. 2020, arXiv 2006.16971)."""

import torch

from segada.controllers.base import StepPlan
from segada.data.batch import Batch
from segada.methods.base import Method, MethodParts, State, StepLog
from segada.models.batch_norm import DomainReset, batch_norms, normalize_by
from segada.models.segmentor import Segmentor
from segada.settings.method import BatchNormSettings


class BatchNorm(Method):
    """Re-estimates means and variances of every batch norm in encoder, adapters and head; learns no parameter."""

    def __init__(self, parts: MethodParts) -> None:
        settings = parts.settings.method
        assert isinstance(settings, BatchNormSettings)
        self._timer = parts.timer
        self._network = parts.network.requires_grad_(requires_grad=False)
        if not batch_norms(self._network):
            raise ValueError("method.name is 'batch_norm', but this network has no batch norm; choose another method")
        self._gathers = settings.batch_norm.statistics in ("follow", "robust")
        normalize_by(self._network, settings.batch_norm)
        self._reset = DomainReset(self._network, settings.batch_norm)

    def enter_domain(self) -> None:
        """Returns running statistics to the source model's if the settings want it."""
        self._reset(self._network)

    def step(self, target: Batch, plan: StepPlan) -> StepLog:
        """Runs one forward pass in training mode if it gathers statistics, unless the plan says not to train."""
        if not (plan.trains and self._gathers):
            return {}
        self._network.train()
        with self._timer.part("statistics"), torch.no_grad():
            self._network(target.images)
        return {}

    @property
    def evaluated_network(self) -> Segmentor:
        """The source model with the target's statistics."""
        return self._network

    def state_dict(self) -> State:
        """Returns the batch-norm statistics."""
        return {"buffers": dict(self._network.named_buffers())}

    def load_state_dict(self, state: State) -> None:
        """Restores the batch-norm statistics."""
        for name, buffer in self._network.named_buffers():
            buffer.copy_(state["buffers"][name])

"""AdamW over what may learn, in groups: the head at its own rate, norms and biases without decay."""

from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW

from segada.modulation.base import StepPlan
from segada.settings.learning import OptimiserSettings


class Optimiser:
    """One backward pass and one AdamW step (Loshchilov and Hutter 2019) at the planned rate."""

    def __init__(self, parameters: Mapping[str, nn.Parameter], settings: OptimiserSettings) -> None:
        """Groups the parameters.

        Args:
            parameters: What learns, each once, by its name in the segmentor; the head's begin with `head.`.
            settings: Rates and decay.
        """
        self._settings = settings
        self._parameters = parameters
        self._factors: list[float] = []
        groups: list[dict[str, Any]] = []
        for of_head in (False, True):
            for decays in (False, True):
                members = [
                    parameter
                    for name, parameter in parameters.items()
                    if name.startswith("head.") == of_head and (parameter.ndim > 1) == decays
                ]
                if members:
                    groups.append({"params": members, "weight_decay": settings.weight_decay if decays else 0.0})
                    self._factors.append(settings.head_factor if of_head else 1.0)
        self._adamw = AdamW(groups, lr=settings.learning_rate, betas=(0.9, 0.999), fused=True)

    def step(self, loss: Tensor, plan: StepPlan, held_back: Collection[str] = ()) -> None:
        """Moves the parameters down the gradient of the loss.

        Args:
            loss: A scalar. Where the plan leaves nothing that learns it has no gradient, and nothing moves.
            plan: The rates.
            held_back: Names of parameters that stay as they are in this step, moments included.
        """
        if not loss.requires_grad:
            return
        for group, factor in zip(self._adamw.param_groups, self._factors, strict=True):
            group["lr"] = self._rate(factor, plan)
        self._adamw.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        for name in held_back:
            if name in self._parameters:
                self._parameters[name].grad = None
        self._adamw.step()

    def rates(self, plan: StepPlan) -> dict[str, float]:
        """The planned rates of encoder and head."""
        return {"encoder": self._rate(1.0, plan), "head": self._rate(self._settings.head_factor, plan)}

    def _rate(self, factor: float, plan: StepPlan) -> float:
        if plan.learning_rate is None:
            return self._settings.learning_rate * factor * plan.learning_rate_factor
        return plan.learning_rate * (factor if plan.keeps_head_factor else 1.0) * plan.learning_rate_factor

    def state_dict(self) -> dict[str, Any]:
        """AdamW's moments and step counts."""
        return self._adamw.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes the moments back."""
        self._adamw.load_state_dict(state)

"""AdamW over what may learn, in groups: the head at its own rate, norms and biases without decay."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW

from segada.modulation.base import StepPlan
from segada.settings.method import OptimiserSettings


class Optimiser:
    """One backward pass and one AdamW step (Loshchilov and Hutter 2019) at the planned rate."""

    def __init__(self, parameters: Mapping[str, nn.Parameter], settings: OptimiserSettings) -> None:
        """Groups the parameters.

        Args:
            parameters: What learns, each once, by its name in the segmentor; the head's begin with `head.`.
            settings: Rates and decay.
        """
        self._rates: list[float] = []
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
                    self._rates.append(settings.learning_rate * (settings.head_factor if of_head else 1.0))
        self._adamw = AdamW(groups, lr=settings.learning_rate, betas=(0.9, 0.999), fused=True)

    def step(self, loss: Tensor, plan: StepPlan) -> None:
        """Moves the parameters down the gradient of the loss."""
        for group, rate in zip(self._adamw.param_groups, self._rates, strict=True):
            group["lr"] = rate * plan.learning_rate_factor
        self._adamw.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self._adamw.step()

    def state_dict(self) -> dict[str, Any]:
        """AdamW's moments and step counts."""
        return self._adamw.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes the moments back."""
        self._adamw.load_state_dict(state)

"""Optimizer in parameter groups: head and named modules at their own rates, weight decay on weight matrices alone."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW

from segada.controllers.base import StepPlan
from segada.models.freezing import names_part
from segada.settings.learning import OptimizerSettings

POSITIONS = frozenset({"cpb_mlp", "rel_pos"})
"""Modules that output position biases, which weight decay must not pull to zero (Swin V2, arXiv 2111.09883)."""


ALGORITHMS: Final[Mapping[str, Callable[[list[dict[str, Any]], OptimizerSettings], AdamW | SGD]]] = {
    "adamw": lambda groups, settings: AdamW(groups, lr=settings.lr, betas=(0.9, 0.999), fused=True),
    "sgd": lambda groups, settings: SGD(groups, lr=settings.lr, momentum=settings.momentum, fused=True),
}
"""Constructors from parameter groups, by `optimizer.algorithm`."""


@dataclass(frozen=True, slots=True)
class Beside:
    """Parameters outside the network that the same optimizer step trains.

    Attributes:
        name: Name of their learning rate in reports.
        parameters: Parameters by name, each once, none of them the network's.
        learning_rate: Rate, multiplied by a plan's factor. A plan's own rate is meant for the network and does not
            apply.
    """

    name: str
    parameters: Mapping[str, nn.Parameter]
    learning_rate: float


class Optimizer:
    """Runs one backward pass and one step of the algorithm at the planned rate."""

    def __init__(
        self, parameters: Mapping[str, nn.Parameter], settings: OptimizerSettings, beside: Beside | None = None
    ) -> None:
        """Groups the parameters.

        Args:
            parameters: Learning parameters, each once, by their names in the segmentor; those of the head begin with
                `head.`, those of a network without encoder and head with `network.`.
            settings: Learning rates and weight decay.
            beside: Further parameters, trained with the same weight decay.
        """
        if not parameters and beside is None:
            raise ValueError(
                "nothing of this network learns: model.freeze and model.frozen_modules leave no parameter; freeze "
                "less, name "
                "exceptions in model.trainable_modules, or choose an adapter"
            )
        self._settings = settings
        self._parameters = parameters
        factors = _factors(parameters, settings)
        self._rates: dict[str, Callable[[StepPlan], float]] = {
            part: partial(self._rate, factor) for part, factor in factors.items()
        }
        members: dict[str, dict[str, nn.Parameter]] = {part: {} for part in factors}
        for name, value in parameters.items():
            members[_part(name, factors, settings)][name] = value
        if beside is not None:
            self._rates[beside.name] = lambda plan: beside.learning_rate * plan.learning_rate_factor
            members[beside.name] = dict(beside.parameters)
        groups: list[dict[str, Any]] = []
        self._group_names: list[str] = []
        for part in members:
            for decays in (False, True):
                group = [value for name, value in members[part].items() if _decays(name, value) == decays]
                if group:
                    groups.append({"params": group, "weight_decay": settings.weight_decay if decays else 0.0})
                    self._group_names.append(part)
        self._algorithm = ALGORITHMS[settings.algorithm](groups, settings)

    def forget(self) -> None:
        """Frees the gradients of the step before, which are kept for inspection until this call."""
        self._algorithm.zero_grad(set_to_none=True)

    def step(self, loss: Tensor, plan: StepPlan, held_back: Collection[str] = ()) -> None:
        """Moves the parameters down the gradient of the loss, added to gradients that `forget` has not freed.

        Args:
            loss: A scalar. Without gradient, because the plan lets no parameter learn, the call does nothing.
            plan: Learning rates of the step.
            held_back: Names of parameters that this step leaves unchanged, moments included.
        """
        if not loss.requires_grad:
            return
        for group, part in zip(self._algorithm.param_groups, self._group_names, strict=True):
            group["lr"] = self._rates[part](plan)
        torch.autograd.backward(loss)
        for name in held_back:
            if name in self._parameters:
                self._parameters[name].grad = None
        self._algorithm.step()

    def rates(self, plan: StepPlan) -> dict[str, float]:
        """Returns the planned rates of encoder, head and further parameters."""
        return {part: rate(plan) for part, rate in self._rates.items()}

    def _rate(self, factor: float, plan: StepPlan) -> float:
        if plan.learning_rate is None:
            return self._settings.lr * factor * plan.learning_rate_factor
        return plan.learning_rate * (factor if plan.keeps_head_factor else 1.0) * plan.learning_rate_factor

    def state_dict(self) -> dict[str, Any]:
        """Returns the algorithm's moments and step counts."""
        return self._algorithm.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores moments and step counts."""
        self._algorithm.load_state_dict(state)


def _factors(parameters: Iterable[str], settings: OptimizerSettings) -> dict[str, float]:
    """Returns the factor on the learning rate of each part of the network, and of each module that settings name."""
    whole = any(name.startswith("network.") for name in parameters)
    parts = {"network": 1.0} if whole else {"encoder": 1.0, "head": settings.head_factor}
    return parts | settings.module_factors


def _part(name: str, factors: Mapping[str, float], settings: OptimizerSettings) -> str:
    """Returns the module that settings name, or else the part of the network, that a parameter belongs to."""
    named = [module for module in settings.module_factors if names_part(name, module)]
    part = name.split(".")[0]
    return named[-1] if named else part if part in factors else "encoder"


def _decays(name: str, parameter: nn.Parameter) -> bool:
    """Returns True for a weight matrix; norms, biases, scales and position tables have other names or one axis."""
    *modules, own = name.split(".")
    return own.startswith("weight") and parameter.ndim > 1 and POSITIONS.isdisjoint(modules)

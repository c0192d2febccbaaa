"""Hamlet's controller (Colomer et al. 2023, arXiv 2307.15063): learning in proportion to the domain shift.

A detector measures the distance of the frames from the source domain. A jump grants learning steps, and sets their
learning rate and the share of pasted source classes. Once the steps are spent, frames are only segmented until the next
jump. In each learning step, modular training selects the first stage that learns.

Side effects of Hamlet's code are settings here: no learning before the first jump (`budget.before_first_jump`), no head
factor after it (`learning_rate.keeps_head_factor`), fusion and classifier frozen under modular training
(`modular.head`).
"""

from collections.abc import Mapping
from typing import Any

from segada.controllers.base import Controller, ControllerParts, StepPlan, StepView
from segada.controllers.budget import Budget
from segada.controllers.component import Part
from segada.controllers.dynamic_mix import DynamicMix
from segada.controllers.modular import MODULES
from segada.controllers.rate_policies import RATE_POLICIES
from segada.controllers.shift_monitor import ShiftMonitor
from segada.settings.hamlet import HamletSettings


class Hamlet(Controller):
    """Detector, budget, learning rate, class-mix and modular training, each of which settings can disable."""

    def __init__(self, parts: ControllerParts) -> None:
        settings = parts.settings.controller
        assert isinstance(settings, HamletSettings)
        watches = settings.detector.signal != "none"
        self._settings = settings
        self._monitor = ShiftMonitor(settings.detector, parts.static_model()) if watches else None
        self._budget = Budget(settings.budget)
        self._rate = RATE_POLICIES[settings.learning_rate.policy](settings.learning_rate, self._budget)
        self._mix = DynamicMix(settings.mix)
        self._modules = MODULES[settings.modular.policy](settings.modular, parts.generator)
        # The budget reacts first: the rate falls over the steps that it grants.
        self._parts: Mapping[str, Part[Any]] = {
            "budget": self._budget,
            "rate": self._rate,
            "mix": self._mix,
            "modules": self._modules,
        }
        self.watches_predictions = watches

    def plan(self, view: StepView) -> StepPlan:
        """Detects jumps, passes them to every part, then spends a step of the budget if one is left."""
        for jump in [] if self._monitor is None else self._monitor.jumps(view):
            for part in self._parts.values():
                part.jump(jump)
        if not self._budget.open:
            return StepPlan(trains=False)
        plan = StepPlan(
            learning_rate=self._rate.rate,
            keeps_head_factor=self._settings.learning_rate.keeps_head_factor,
            first_stage=self._modules.choose(),
            trains_fusion=self._settings.modular.head == "all",
            mix_ratio=self._mix.memory.ratio,
        )
        self._budget.spend()
        self._rate.spend()
        return plan

    def observe(self, log: Mapping[str, float]) -> None:
        """Scores the modules by the loss of a step that learned."""
        if log:
            self._modules.learn(log)

    def watched(self) -> dict[str, float]:
        """Returns the logged quantities of all parts, prefixed by section: `detector.signal`, `budget.left`, ..."""
        shown = {} if self._monitor is None else self._monitor.watched()
        for part in self._parts.values():
            shown |= part.watched()
        return shown

    def state_dict(self) -> dict[str, Any]:
        """Returns the state of every part."""
        memories = {name: part.state_dict() for name, part in self._parts.items()}
        return memories if self._monitor is None else {**memories, "lookout": self._monitor.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores the state that `state_dict` returned."""
        for name, part in self._parts.items():
            part.load_state_dict(state[name])
        if self._monitor is not None:
            self._monitor.load_state_dict(state["lookout"])

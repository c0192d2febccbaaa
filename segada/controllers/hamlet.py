"""Hamlet's control (Colomer et al. 2023, arXiv 2307.15063): learn when the domain has shifted, as far as it has.

A detector watches how far the frames are from the source domain. A jump buys steps that learn, and sets their rate and
how many source classes are pasted; between jumps, once the steps are spent, frames are only segmented. In each step
that learns, modular training says from which stage on.

What Hamlet's code does by accident is a setting here: nothing learned before the first jump
(`budget.before_first_jump`), the head's factor lost after it (`learning_rate.keeps_head_factor`), fusion and classifier
frozen under modular training (`modular.head`).
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
    """Detector, budget, learning rate, class-mix and modules; settings switch each of them off."""

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
        # The budget first: the rate falls over what it grants.
        self._parts: Mapping[str, Part[Any]] = {
            "budget": self._budget,
            "rate": self._rate,
            "mix": self._mix,
            "modules": self._modules,
        }
        self.watches_predictions = watches

    def plan(self, view: StepView) -> StepPlan:
        """Looks for a jump, lets every part react to it, then spends a step if there is one to spend."""
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
        """Scores the modules by the loss; a step that learned nothing has none."""
        if log:
            self._modules.learn(log)

    def watched(self) -> dict[str, float]:
        """What every part has to show, its section's name first: `detector.signal`, `budget.left`, ..."""
        shown = {} if self._monitor is None else self._monitor.watched()
        for part in self._parts.values():
            shown |= part.watched()
        return shown

    def state_dict(self) -> dict[str, Any]:
        """The memory of every part."""
        memories = {name: part.state_dict() for name, part in self._parts.items()}
        return memories if self._monitor is None else {**memories, "lookout": self._monitor.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        for name, part in self._parts.items():
            part.load_state_dict(state[name])
        if self._monitor is not None:
            self._monitor.load_state_dict(state["lookout"])

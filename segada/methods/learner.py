"""Common base of all learning methods: a student, its optimizer, one backward pass per step, and a checkpoint."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from segada.controllers.base import StepPlan
from segada.data.batch import Batch
from segada.evaluation.label_counts import Counts, LabelCounts
from segada.methods.base import Method, MethodParts, State, StepLog
from segada.methods.guards import Guards
from segada.methods.optimizer import Beside, Optimizer
from segada.models.batch_norm import DomainReset, normalize_by
from segada.models.freezing import check_part
from segada.models.learning import changing_state, learning_parameters
from segada.models.segmentor import Segmentor
from segada.selftraining.consolidation import Consolidation, fisher_information
from segada.settings.learning import LearningSettings, OptimizerSettings


@dataclass(frozen=True, slots=True)
class Terms:
    """Result of the forward passes of a step.

    Attributes:
        losses: Weighted loss terms, whose sum is minimized.
        watched: Scalars that are only reported.
        counts: Counts against ground truth by what is counted; None where there is no ground truth.
    """

    losses: Mapping[str, Tensor]
    watched: Mapping[str, Tensor] = field(default_factory=dict)
    counts: Mapping[str, LabelCounts | None] = field(default_factory=dict)


class Learner(Method):
    """A method that minimizes a sum of loss terms, which a subclass computes in `terms`.

    If the settings want it, guards pull the parameters towards the source model after each step, or return to the
    beginning after a number of steps or a collapse.

    If the settings enable consolidation, its penalty is one more term. The penalty's reference is the network passed to
    the constructor, that is the source model, also in a resumed run; a checkpoint therefore does not store it.

    Steps that are planned not to train change nothing and report nothing.
    """

    def __init__(self, parts: MethodParts, optimizer: OptimizerSettings, beside: Beside | None = None) -> None:
        """Takes the student and collects its learning parameters.

        Args:
            parts: Parts that the subclass was given.
            optimizer: Learning rates and weight decay.
            beside: Parameters outside the network that learn too.
        """
        self.student = parts.network
        self.timer = parts.timer
        settings = parts.settings.method
        assert isinstance(settings, LearningSettings)
        normalize_by(self.student, settings.batch_norm)
        self._reset = DomainReset(self.student, settings.batch_norm)
        learning, every = learning_parameters(self.student), dict(self.student.named_parameters())
        for module in optimizer.module_factors:
            check_part(module, every, "method.optimizer.module_factors")
        self._learning = tuple(learning)
        self._optimizer = Optimizer(learning, optimizer, beside)
        self._consolidation = _consolidation(parts, tuple(learning.values()))
        self._guards = Guards(settings.guards, learning)
        self._held_back: dict[tuple[int, bool], frozenset[str]] = {}
        self._counts: Counts = {}
        self.steps = 0

    @abstractmethod
    def terms(self, target: Batch, plan: StepPlan) -> Terms:
        """Computes the loss terms of a batch, with gradients; called only if `plan.trains` is True."""

    def step(self, target: Batch, plan: StepPlan) -> StepLog:
        """Runs one backward pass over the sum of the terms and one step of the optimizer."""
        self._counts = {}
        if not plan.trains:
            return {}
        self._guards.remember(self.state_dict)
        if self._guards.watches:
            self._guards.watch(self.predict(target.images))
        first = self._guards.due(self.steps)
        if first is not None:
            self.load_state_dict(first)
        if self.steps == 0:
            self.warm_up(target, plan)
        # Gradients are freed before the forward pass, which can then use their memory.
        self._optimizer.forget()
        terms = self.terms(target, plan)
        losses = dict(terms.losses)
        self._counts = {name: counts for name, counts in terms.counts.items() if counts is not None}
        if self._consolidation is not None:
            losses["consolidation"] = self._consolidation.penalty()
        # All weights may be 0, for example in a search; then there is nothing to learn.
        if losses:
            with self.timer.part("backward and optimizer"):
                held_back = self.held_back(plan)
                self._optimizer.step(torch.stack(list(losses.values())).sum(), plan, held_back)
                self._guards.pull(held_back)
        self.steps += 1
        reset = {"reset": torch.tensor(float(first is not None))} if self._guards.resets else {}
        return {name: loss.detach() for name, loss in losses.items()} | dict(terms.watched) | reset

    def warm_up(self, target: Batch, plan: StepPlan) -> None:
        """Prepares for the first step, and for the first one after a reset."""

    def enter_domain(self) -> None:
        """Returns running statistics to the source model's if the settings want it."""
        self._reset(self.evaluated_network, self.other_network)

    def held_back(self, plan: StepPlan) -> frozenset[str]:
        """Returns the names of parameters that the optimizer leaves unchanged in this step."""
        choice = (plan.first_stage, plan.trains_fusion)
        if choice not in self._held_back:
            self._held_back[choice] = self.student.held_back(*choice)
        return self._held_back[choice]

    def rates(self, plan: StepPlan) -> Mapping[str, float]:
        """Returns the planned rates of encoder and head; empty for a step that does not train."""
        return self._optimizer.rates(plan) if plan.trains else {}

    def label_counts(self) -> Counts:
        """Returns the counts that the terms of the latest step have."""
        return self._counts

    @property
    def evaluated_network(self) -> Segmentor:
        """The student."""
        return self.student

    def learning_of(self, network: Segmentor) -> list[Tensor]:
        """Returns the parameters of a copy of the student, in order, that correspond to the learning ones."""
        parameters = dict(network.named_parameters())
        return [parameters[name] for name in self._learning]

    def state_of(self, network: Segmentor) -> dict[str, Tensor]:
        """Returns the tensors that a run changes in the student or in a copy of it."""
        return changing_state(network, self._learning)

    def state_dict(self) -> State:
        """Returns the learning parameters, the optimizer's moments, and the step count."""
        guards = self._guards.state_dict()
        return {
            "student": self.state_of(self.student),
            "optimizer": self._optimizer.state_dict(),
            "steps": self.steps,
            **({"guards": guards} if guards else {}),
        }

    def load_state_dict(self, state: State) -> None:
        """Restores the state that `state_dict` returned."""
        self._guards.remember(self.state_dict)
        self.student.load_state_dict(state["student"], strict=False)
        self._optimizer.load_state_dict(state["optimizer"])
        self.steps = state["steps"]
        # The first state, to which a reset returns, has none: what was watched goes on.
        if "guards" in state:
            self._guards.load_state_dict(state["guards"])


def _consolidation(parts: MethodParts, learning: tuple[nn.Parameter, ...]) -> Consolidation | None:
    settings = parts.settings.method
    assert isinstance(settings, LearningSettings)
    if settings.consolidation.weight == 0.0:
        return None
    frames = (frame.to(learning[0].device) for frame in parts.replay.spread(settings.consolidation.frames))
    fisher = fisher_information(parts.network, learning, frames)
    return Consolidation(learning, fisher, settings.consolidation.weight)

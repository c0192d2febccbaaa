"""Guards that keep a learner near its source model: weight ensembling, and resets by time or after a collapse."""

import copy
from collections.abc import Callable, Collection, Mapping
from typing import Final

import torch
from torch import Tensor, nn

from segada.methods.base import State
from segada.settings.guards import GuardSettings

DECAY: Final = 0.9
"""Share of the former average of the diversity in the new one."""


class Guards:
    """Weight ensembling (ROID, arXiv 2306.00650), periodic resets (RDumb, arXiv 2306.05401) and resets of a learner
    whose predictions have lost their diversity.

    All return to the network that the constructor got, that is the source model, also in a resumed run; a checkpoint
    therefore does not store it.
    """

    def __init__(self, settings: GuardSettings, parameters: Mapping[str, nn.Parameter]) -> None:
        """Copies what the settings need.

        Args:
            settings: Settings; nothing is kept where all is off.
            parameters: Learning parameters of the source model by name, which are changed in place.
        """
        self._settings = settings
        self._parameters = dict(parameters) if settings.source_share else {}
        self._source = {name: value.detach().clone() for name, value in self._parameters.items()}
        self._first: State | None = None
        self._diversity: Tensor | None = None
        self._first_diversity: Tensor | None = None

    @property
    def resets(self) -> bool:
        """True if the settings reset."""
        return self._settings.reset_every is not None or self.watches

    @property
    def watches(self) -> bool:
        """True if the settings want the diversity of predictions to be watched."""
        return self._settings.collapse_share > 0.0

    @torch.no_grad()
    def pull(self, held_back: Collection[str]) -> None:
        """Moves the learning parameters towards the source model's: (1 - share) theta + share theta_0. Those that the
        step holds back stay, which is no part of the paper."""
        names = [name for name in self._parameters if name not in held_back]
        if names:
            moved: list[torch.Tensor] = [self._parameters[name] for name in names]
            torch._foreach_lerp_(moved, [self._source[name] for name in names], self._settings.source_share)

    def remember(self, state: Callable[[], State]) -> None:
        """Keeps the first state, if the settings reset and it is not kept yet."""
        if self.resets and self._first is None:
            self._first = copy.deepcopy(state())

    def due(self, steps: int) -> State | None:
        """Returns the first state if a step after so many others begins anew, or after a collapse; otherwise None."""
        if steps != self._settings.reset_every and not self._has_collapsed():
            return None
        self._diversity = None
        return copy.deepcopy(self._first)

    @torch.no_grad()
    def watch(self, logits: Tensor) -> None:
        """Adds predictions [B, K, h, w] of frames that were not learned from yet to the average of their diversity."""
        mean = logits.softmax(dim=1).mean(dim=(0, 2, 3))
        diversity = torch.special.entr(mean).sum()
        if self._first_diversity is None:
            self._first_diversity = diversity
        self._diversity = diversity if self._diversity is None else torch.lerp(diversity, self._diversity, DECAY)

    def _has_collapsed(self) -> bool:
        if self._diversity is None or self._first_diversity is None:
            return False
        return bool(self._diversity < self._settings.collapse_share * self._first_diversity)

    def state_dict(self) -> State:
        """Returns the diversities, if they are watched."""
        known = {"diversity": self._diversity, "first_diversity": self._first_diversity}
        return {name: value for name, value in known.items() if value is not None}

    def load_state_dict(self, state: State) -> None:
        """Restores the state that `state_dict` returned."""
        self._diversity, self._first_diversity = state.get("diversity"), state.get("first_diversity")

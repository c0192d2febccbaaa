"""Guards that keep a learner near its source model: weight ensembling and periodic resets."""

import copy
from collections.abc import Callable, Collection, Mapping

import torch
from torch import nn

from segada.methods.base import State
from segada.settings.guards import GuardSettings


class Guards:
    """Weight ensembling (ROID, arXiv 2306.00650) and periodic resets (RDumb, arXiv 2306.05401) of a learner.

    Both return to the network that the constructor got, that is the source model, also in a resumed run; a checkpoint
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
        if self._settings.reset_every is not None and self._first is None:
            self._first = copy.deepcopy(state())

    def due(self, steps: int) -> State | None:
        """Returns the first state if a step after so many others begins anew; otherwise None."""
        return copy.deepcopy(self._first) if steps == self._settings.reset_every else None

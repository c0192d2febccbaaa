"""Memory of frames balanced over categories, timely and certain (RoTTA, Yuan et al. 2023, arXiv 2303.13899).

With capacity C, an item's score is lambda_t / (1 + exp(-age / C)) + lambda_u * entropy / log K. A new item of a
category that holds C / K items or more replaces the worst item of this category; in a full memory, otherwise, the worst
item of the largest categories; in either case only if that item's score is higher. All ages then grow by one.

Deviation: an image of classification has one class, a street frame has most. The category of a frame is the class,
among those that fill at least `LEAST_SHARE` of its predicted pixels, of which the memory holds the fewest frames.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

LEAST_SHARE: Final = 0.01
"""Share of a frame's pixels from which it counts as showing a class."""


@dataclass(slots=True)
class Item:
    """A frame in the memory.

    Attributes:
        image: float32 [3, H, W] in [0, 1].
        entropy: Mean entropy of the prediction of its pixels, in nats.
        age: Number of frames since it came.
    """

    image: Tensor
    entropy: float
    age: int = 0


class FrameMemory:
    """Frames by category.

    Args:
        capacity: Greatest number of frames.
        classes: K.
        timeliness: lambda_t.
        uncertainty: lambda_u.
    """

    def __init__(self, capacity: int, classes: int, timeliness: float, uncertainty: float) -> None:
        self._capacity, self._classes = capacity, classes
        self._timeliness, self._uncertainty = timeliness, uncertainty
        self.items: list[list[Item]] = [[] for _ in range(classes)]

    def add(self, image: Tensor, shares: Sequence[float], entropy: float) -> None:
        """Adds a frame if it is better than the one that it would replace.

        Args:
            image: float32 [3, H, W] in [0, 1].
            shares: Share of the frame's pixels that is predicted as each class [K].
            entropy: Mean entropy of the prediction of its pixels, in nats.
        """
        category, new = self._category(shares), Item(image, entropy)
        if self._has_place(category, new):
            self.items[category].append(new)
        for items in self.items:
            for item in items:
                item.age += 1

    def frames(self) -> tuple[list[Tensor], list[float]]:
        """Returns the images of all frames, by category and then in the order in which they came, and their ages as
        shares of the capacity."""
        items = [item for of_category in self.items for item in of_category]
        return [item.image for item in items], [item.age / self._capacity for item in items]

    def state_dict(self) -> dict[str, Any]:
        """Returns the frames as plain data."""
        return {
            str(category): [{"image": item.image, "entropy": item.entropy, "age": item.age} for item in items]
            for category, items in enumerate(self.items)
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores the frames that `state_dict` returned."""
        self.items = [[Item(**item) for item in state[str(category)]] for category in range(self._classes)]

    def _category(self, shares: Sequence[float]) -> int:
        least = min(LEAST_SHARE, max(shares))
        shown = [category for category, share in enumerate(shares) if share >= least]
        return min(shown, key=lambda category: len(self.items[category]))

    def _has_place(self, category: int, new: Item) -> bool:
        sizes = [len(items) for items in self.items]
        if sizes[category] >= self._capacity / self._classes:
            return self._has_replaced([category], new)
        if sum(sizes) < self._capacity:
            return True
        return self._has_replaced([one for one, size in enumerate(sizes) if size == max(sizes)], new)

    def _has_replaced(self, categories: Sequence[int], new: Item) -> bool:
        """Removes the worst item of the categories, the last of equal ones, if the new item is better."""
        candidates = [(category, place) for category in categories for place in range(len(self.items[category]))]
        scores = [self._score(self.items[category][place]) for category, place in candidates]
        worst = max(range(len(scores)), key=lambda index: (scores[index], index))
        if scores[worst] <= self._score(new):
            return False
        category, place = candidates[worst]
        del self.items[category][place]
        return True

    def _score(self, item: Item) -> float:
        timely = self._timeliness / (1 + math.exp(-item.age / self._capacity))
        return timely + self._uncertainty * item.entropy / math.log(self._classes)


def timeliness_weights(ages: Sequence[float]) -> Tensor:
    """Returns exp(-a) / (1 + exp(-a)) of each age, as shares of the capacity: float [N], 1/2 for a new frame."""
    return torch.sigmoid(-torch.tensor(ages))

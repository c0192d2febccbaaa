"""Reads the state dict of a network under the network's own names, from any file of tensors."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from torch import Tensor

from segada.models.formats.contents import StoredWeights
from segada.models.formats.copies import state_dicts
from segada.models.formats.opening import open_checkpoint
from segada.models.formats.stated_preprocessing import stated_preprocessing
from segada.models.preprocessing import IMAGENET, Preprocessing

SHOWN = 3
"""Number of names that a message lists."""


@dataclass(frozen=True, slots=True)
class Place:
    """Tensors of a file that a network may be filled from.

    Attributes:
        label: Path of keys in the file, and the prefix of the names.
        tensors: Tensors by name, without the prefix.
        found: Number of names that the network has, too.
    """

    label: str
    tensors: Mapping[str, Tensor]
    found: int


def read_state(path: Path, own: Mapping[str, Tensor], usual: Preprocessing) -> StoredWeights:
    """Reads the state dict in a file; wrappers such as `state_dict` and prefixes such as `module.` are removed.

    Args:
        path: File or folder.
        own: Tensors of the network by its names.
        usual: Preprocessing if the file states none.

    Raises:
        ValueError: It is unreadable, no name in it is one of the network's, or it holds several networks.
    """
    opened = open_checkpoint(path)
    places = sorted(_places(opened.content, own), key=lambda place: -place.found)
    if not places:
        names = [name for _, tensors in state_dicts(opened.content) for name in tensors]
        theirs = f"its names are {', '.join(islice(names, SHOWN))} ..." if names else "it holds no tensors by name"
        wanted = ", ".join(islice(own, SHOWN))
        raise ValueError(
            f"{path} has no tensor of this network: {theirs}, and the network's are {wanted} ...; "
            "give the state dict of model.network, or null"
        )
    best = [place for place in places if place.found == places[0].found]
    if len(best) > 1:
        labels = ", ".join(place.label or "its top" for place in best)
        raise ValueError(f"{path} holds {len(best)} networks: {labels}; save the state dict of one of them alone")
    stated = stated_preprocessing(opened)
    ours = "network" in opened.metadata
    return StoredWeights(
        best[0].tensors,
        opened.facts,
        "segada" if ours else "state dict",
        class_names=opened.class_names,
        preprocessing=usual if stated is IMAGENET and not ours else stated,
    )


def _places(content: Mapping[str, object], own: Mapping[str, Tensor]) -> Iterator[Place]:
    """Yields each place in the content where names end as those of the network do."""
    for key, tensors in state_dicts(content):
        prefixes: dict[str, int] = {}
        for name in tensors:
            for start in _starts(name):
                if name[start:] in own:
                    prefixes[name[:start]] = prefixes.get(name[:start], 0) + 1
        if prefixes:
            prefix = max(prefixes, key=lambda one: prefixes[one])
            inside = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
            label = ".".join(word for word in (key, prefix.rstrip(".")) if word)
            yield Place(label, inside, prefixes[prefix])


def _starts(name: str) -> Iterator[int]:
    """Yields the positions in a dotted name at which a component begins."""
    yield 0
    yield from (place + 1 for place, character in enumerate(name) if character == ".")

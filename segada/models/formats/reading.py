"""Reads a file or folder of any known format to tensors under our names."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from segada.models.formats.contents import OpenedFile, StoredWeights
from segada.models.formats.copies import Copy, copies_by_names, find_copies, state_dicts
from segada.models.formats.opening import open_checkpoint
from segada.models.formats.registry import FORMATS
from segada.models.formats.sizes import shown_facts
from segada.models.formats.stated_preprocessing import buffers, stated_preprocessing
from segada.models.formats.timm_pyramid import TimmEncoderFacts
from segada.models.preprocessing import IMAGENET, Preprocessing
from segada.settings.architectures import MIX_TRANSFORMERS

SHOWN = 5
"""Number of names of a file that a message lists."""


def read_weights(
    path: Path,
    copy: str | None = None,
    preprocessing: Preprocessing | None = None,
    timm: TimmEncoderFacts | None = None,
) -> StoredWeights:
    """Reads the weights in a file or folder, whose format is recognized by the names of its tensors.

    Args:
        path: File or folder.
        copy: Label of one of several networks in it; None if there is only one.
        preprocessing: Preprocessing in the place of that which it states; None takes the latter.
        timm: Facts of the network's encoder, if it is one of timm's: its names are then known, too.

    Raises:
        ValueError: It cannot be read, is of no known format, or holds several networks; the message names the cure.
    """
    opened = open_checkpoint(path)
    return interpret(opened, copy, preprocessing, timm)


def interpret(
    opened: OpenedFile,
    copy: str | None = None,
    preprocessing: Preprocessing | None = None,
    timm: TimmEncoderFacts | None = None,
) -> StoredWeights:
    """Translates an opened file; arguments and errors as in `read_weights`."""
    if "network" in opened.facts:
        return _of_network(opened, preprocessing)
    copies = find_copies(opened.content) or copies_by_names(opened.content, () if timm is None else timm.names)
    chosen = _chosen(copies, copy, opened)
    if len(chosen.formats) > 1:
        titles = " and ".join(format_.title for format_ in chosen.formats)
        raise ValueError(
            f"{opened.path} has the names of several formats: {titles}; its names begin with {_names(chosen.tensors)}"
        )
    (found,) = chosen.formats
    of_pixels = {name for pair in buffers(chosen.tensors) for name in pair}
    reading = found.read({name: tensor for name, tensor in chosen.tensors.items() if name not in of_pixels})
    reading = reading if timm is None else timm.placed(reading)
    facts = {**shown_facts(reading.tensors), **opened.facts}
    encoder = facts.get("encoder", "")
    if found.check is not None and encoder in MIX_TRANSFORMERS:
        try:
            found.check(opened.config, encoder)
        except ValueError as error:
            raise ValueError(f"{opened.path}: {error}") from None
    left_out = {
        **reading.left_out,
        **dict.fromkeys(of_pixels, "preprocessing of pixels"),
        **dict.fromkeys(chosen.beside, "beside the network"),
    }
    usual = IMAGENET if timm is None else timm.preprocessing
    stated = stated_preprocessing(opened, usual) if preprocessing is None else preprocessing
    return StoredWeights(reading.tensors, facts, found.title, left_out, reading.no_head, opened.class_names, stated)


def _of_network(opened: OpenedFile, preprocessing: Preprocessing | None) -> StoredWeights:
    """Returns the weights of a whole network, which this program wrote under the network's own names."""
    stated = stated_preprocessing(opened) if preprocessing is None else preprocessing
    return StoredWeights(opened.content, opened.facts, "segada", class_names=opened.class_names, preprocessing=stated)


def _chosen(copies: list[Copy], wanted: str | None, opened: OpenedFile) -> Copy:
    labels = [copy.label for copy in copies]
    if not copies:
        names = [name for _, tensors in state_dicts(opened.content) for name in tensors]
        said = f"its names begin with {_names(names)}" if names else "it holds no tensors by name"
        known = "; ".join(format_.title for format_ in FORMATS)
        raise ValueError(f"{opened.path} is of no known format: {said}. Known are: {known}")
    if wanted is not None:
        if wanted not in labels:
            raise ValueError(f"{opened.path} holds no network {wanted!r}; it holds {', '.join(labels)}")
        return copies[labels.index(wanted)]
    if len(copies) > 1:
        raise ValueError(
            f"{opened.path} holds {len(copies)} networks: {', '.join(labels)}; choose one with "
            f"python -m segada.convert {opened.path} OUT.safetensors --copy {labels[0]}"
        )
    return copies[0]


def _names(names: Iterable[str]) -> str:
    return ", ".join(islice(names, SHOWN))

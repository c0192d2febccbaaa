"""Classifiers of another set of classes: rows of equal names are taken over, the others keep random weights."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from torch import Tensor

from segada.models.formats.contents import StoredWeights
from segada.models.formats.sizes import HEADS_SIGNS
from segada.models.staged_segmentor import StagedSegmentor
from segada.settings.class_sets import plain

CLASSIFIERS: Final = frozenset({signs[-1] for signs in HEADS_SIGNS.values()} | {HEADS_SIGNS["segformer"][1]})
"""Names of the tensors in which each row is a class; a bias goes with each."""


def matched_by_name(
    stored: StoredWeights, path: Path, segmentor: StagedSegmentor, own: Mapping[str, Tensor]
) -> StoredWeights:
    """Returns the weights with the rows of their classifiers in the order of the segmentor's classes.

    Args:
        stored: Weights of a file.
        path: Path of the file.
        segmentor: Network that is filled.
        own: Tensors of the network by name, which give the rows of classes that the file does not have.

    Raises:
        ValueError: The file gives no names of its classes, or none of them is a class of the network.
    """
    places = {plain(name): place for place, name in enumerate(stored.class_names)}
    rows = [places.get(plain(name)) for name in segmentor.class_names]
    if all(row is None for row in rows):
        theirs = f"its classes are {', '.join(stored.class_names[:5])} ..." if places else "it names none"
        raise ValueError(
            f"{path}: model.class_match is name, but no class of data.classes is in the file: {theirs}; let the head "
            "start from random weights with model.reinitialize: [head], or set model.class_match to position"
        )
    tensors = dict(stored.tensors)
    for weight in CLASSIFIERS & tensors.keys() & own.keys():
        for name in (weight, f"{weight.removesuffix('weight')}bias"):
            taken = own[name].clone()
            for place, row in enumerate(rows):
                if row is not None:
                    taken[place] = tensors[name][row]
            tensors[name] = taken
    facts = {**stored.facts, "classes": str(len(segmentor.class_names))}
    return replace(stored, tensors=tensors, facts=facts, class_names=segmentor.class_names)

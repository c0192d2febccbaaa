"""Fills a whole network with weights, and says in one sentence why they do not fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from segada.models.formats.contents import StoredWeights
from segada.models.freezing import check_part
from segada.models.load_report import LoadReport, compare
from segada.models.preprocessing import Preprocessing
from segada.models.whole_segmentor import PREFIX, WholeSegmentor
from segada.settings.class_sets import plain
from segada.settings.model import ClassMatch

LISTED = 2
"""Number of parts that a cure lists."""


@dataclass(frozen=True, slots=True)
class Source:
    """Weights for a network.

    Attributes:
        place: File or folder, for the messages.
        setting: Setting that names it.
        stored: The weights, under the network's own names.
    """

    place: str
    setting: str
    stored: StoredWeights


def load_network(
    segmentor: WholeSegmentor,
    source: Source,
    fresh: Sequence[str],
    class_match: ClassMatch,
    preprocessing: Preprocessing | None,
) -> LoadReport:
    """Loads weights into a network.

    Args:
        segmentor: Network that is filled; its `origin` is set to a description of the weights.
        source: Weights.
        fresh: Parts, as whole components of dotted names, that keep their present values.
        class_match: Assignment of the classes of the weights, as in `ModelSettings`.
        preprocessing: Preprocessing in the place of that which the weights state; None takes the latter.

    Raises:
        ValueError: They do not fit this network; the message names the place and the cure.
    """
    stored, own = source.stored, segmentor.storable()
    for part in fresh:
        check_part(part, (*own, *stored.tensors), "model.reinitialize")
    if class_match == "name":
        stored = _matched(source, segmentor, own)
    report = compare(stored.tensors, own).without(fresh)
    problem = _misfit(report, stored, source.setting) or _other_classes(report, stored, segmentor, class_match)
    problem = problem or _not_finite(report, stored)
    if problem:
        raise ValueError(f"{source.place} ({stored.format}) {problem}")
    state = {f"{PREFIX}{name}": stored.tensors[name] for name in report.matched}
    segmentor.load_state_dict(state, strict=False)
    segmentor.prepare(stored.preprocessing if preprocessing is None else preprocessing)
    left_out = f", {len(stored.left_out)} left out" if stored.left_out else ""
    origin = f"weights of {source.place} ({stored.format}): {report.counts}{left_out}"
    segmentor.origin = f"{origin}; pixels: {segmentor.preprocessing}"
    return report


def classifiers(tensors: Mapping[str, Tensor], own: Mapping[str, Tensor], classes: tuple[int, int]) -> list[str]:
    """Returns the names of the tensors in which each row is a class.

    Args:
        tensors: Tensors of a file.
        own: Tensors of the network.
        classes: Numbers of classes of the file and of the network. Where they differ, classifiers are the tensors that
            differ by as much; where they are equal, those of the last module with so many rows.
    """
    both = [name for name in own if name in tensors and own[name].shape[1:] == tensors[name].shape[1:]]
    of_classes = [
        name for name in both if (tensors[name].shape[:1], own[name].shape[:1]) == tuple((one,) for one in classes)
    ]
    if classes[0] != classes[1] or not of_classes:
        return of_classes
    last = of_classes[-1].rpartition(".")[0]
    return [name for name in of_classes if name.rpartition(".")[0] == last]


def _matched(source: Source, segmentor: WholeSegmentor, own: Mapping[str, Tensor]) -> StoredWeights:
    """Returns the weights with the rows of their classifiers in the order of the network's classes; those of other
    classes are the network's own.

    Raises:
        ValueError: The weights name no class of the network.
    """
    stored = source.stored
    places = {plain(name): place for place, name in enumerate(stored.class_names)}
    pairs = [(row, places[plain(name)]) for row, name in enumerate(segmentor.class_names) if plain(name) in places]
    if not pairs:
        theirs = f"its classes are {', '.join(stored.class_names[:5])} ..." if places else "it names none"
        raise ValueError(
            f"{source.place}: model.class_match is name, but no class of data.classes is in it: {theirs}; let the "
            "classifier start from random weights with model.reinitialize, or set model.class_match to position"
        )
    ours, theirs_rows = (torch.tensor(rows) for rows in zip(*pairs, strict=True))
    tensors = dict(stored.tensors)
    for name in classifiers(tensors, own, (len(places), segmentor.classes)):
        taken = own[name].clone()
        taken[ours] = tensors[name][theirs_rows].to(taken.dtype)
        tensors[name] = taken
    return replace(stored, tensors=tensors, class_names=segmentor.class_names)


def _misfit(report: LoadReport, stored: StoredWeights, setting: str) -> str:
    if not report.mismatches:
        return ""
    cures = []
    if report.reshaped and not report.missing and stored.class_names:
        cures.append("take the rows of equal names with model.class_match: name")
    parts = list(dict.fromkeys(name.rpartition(".")[0] for name in report.mismatches))
    if len(parts) <= LISTED:
        cures.append(f"let these start from random weights with model.reinitialize: [{', '.join(parts)}]")
    cures.append(f"choose another {setting}")
    classes = f" of {len(stored.class_names)} classes" if stored.class_names else ""
    return f"holds weights{classes} that do not fit this network: {report.counts}; {', or '.join(cures)}"


def _other_classes(
    report: LoadReport, stored: StoredWeights, segmentor: WholeSegmentor, class_match: ClassMatch
) -> str:
    """Finds classifier rows that belong to other classes than ours: such weights would load, and be wrong."""
    names, ours = stored.class_names, segmentor.class_names
    if class_match == "name" or len(names) != len(ours):
        return ""
    rows = classifiers(stored.tensors, segmentor.storable(), (len(names), len(ours)))
    moved = [index for index, pair in enumerate(zip(names, ours, strict=True)) if plain(pair[0]) != plain(pair[1])]
    known = {plain(name) for name in ours}
    # Some other spelling of the same list is accepted: only a known name in another place is wrong for certain.
    wrong = [index for index in moved if plain(names[index]) in known] or (moved if len(moved) == len(names) else [])
    if not wrong or set(rows).isdisjoint(report.matched):
        return ""
    return (
        f"predicts other classes: its class {wrong[0]} is {names[wrong[0]]!r}, and ours is {ours[wrong[0]]!r}; take "
        "the rows of equal names with model.class_match: name, or let the classifier start from random weights with "
        f"model.reinitialize: [{rows[0].rpartition('.')[0]}]"
    )


def _not_finite(report: LoadReport, stored: StoredWeights) -> str:
    names = [name for name in report.matched if not stored.tensors[name].isfinite().all()]
    if not names:
        return ""
    return f"holds numbers that are not finite in {len(names)} tensors (first: {names[0]}); take an earlier checkpoint"

"""Choice of a run's domains among those found: names, splits by the use of each, and one set of classes for all."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from segada.data.discovery.name_words import SOURCE
from segada.data.inspection.inspection import Inspection
from segada.data.inspection.recognition import Recognized
from segada.data.splits import Split
from segada.settings.class_sets import IGNORED, ClassSet
from segada.settings.domains import SharedOutDomain
from segada.settings.limits import NAME
from segada.settings.nested import Tree, Value

Shares: TypeAlias = tuple[float, float, float, float]

SMALL: Final = 80
"""Number of frames below which more of them are held out."""
TINY: Final = 12
RENDERED: Final[Mapping[str, str]] = {"rain": "100mm", "fog": "fog150m"}
"""Weather that is rendered onto the only domain of published street scenes, so that there is something to adapt to."""
STREETS: Final = ("cityscapes", "gta5", "synthia")


@dataclass(frozen=True)
class Candidate:
    """A domain that was found.

    Attributes:
        name: Name, the only one of this kind.
        data_set: Data set that it belongs to.
        tree: Its settings.
        counts: Number of frames by split, by the settings as they were found.
        is_shared_out: True if `shares` divides its frames.
    """

    name: str
    data_set: Recognized
    tree: Tree
    counts: Mapping[Split, int]
    is_shared_out: bool

    @property
    def total(self) -> int:
        """Number of frames."""
        return sum(self.counts.values())

    def serves(self, *splits: Split) -> bool:
        """Returns True if it has frames for these splits, or can be divided so that it has."""
        return self.total >= len(splits) if self.is_shared_out else all(self.counts[split] for split in splits)

    def used_as(self, *, source: bool, visited: bool) -> Tree:
        """Returns its settings with `shares` that give its frames to what a run does with it."""
        return {**self.tree, "shares": list(_shares(self.total, source, visited))} if self.is_shared_out else self.tree


def candidates(found: Sequence[tuple[Recognized, Inspection]]) -> list[Candidate]:
    """Returns all domains with frames, each with the folder of its data set as root."""
    several: list[Candidate] = []
    for data_set, inspection in found:
        for name, domain in data_set.domains.items():
            known = [one.name for one in several]
            tree: Tree = {"dataset": domain.dataset, **domain.model_dump(mode="json", exclude_defaults=True)}
            tree = {**tree, "root": str(data_set.root.resolve()), **({"labels": None} if _is_blank(tree) else {})}
            one = Candidate(
                _unique(name, data_set, known),
                data_set,
                tree,
                inspection.counts[name],
                isinstance(domain, SharedOutDomain),
            )
            several += [one] if one.total else []
    return several


def _is_blank(tree: Tree) -> bool:
    return tree["dataset"] == "folders" and "labels" not in tree


def _unique(name: str, data_set: Recognized, known: Sequence[str]) -> str:
    plain = re.sub(r"[^\w.+-]+", "_", name).strip("_.") or data_set.layout
    longer = (f"{plain}_{data_set.root.resolve().name}", *(f"{plain}_{number}" for number in range(2, 1000)))
    return next(one[:NAME] for one in (plain, *longer) if one[:NAME] not in known)


def _shares(count: int, source: bool, visited: bool) -> Shares:
    held_out = 0.1 if count >= SMALL else 0.2 if count >= TINY else 0.25
    rest = round(1.0 - 2 * held_out, 2)
    taught = (rest, 0.0) if not visited else (0.0, rest) if not source else _both(rest)
    return *taught, held_out, held_out


def _both(rest: float) -> tuple[float, float]:
    return round(0.75 * rest, 2), round(0.25 * rest, 2)


def chosen_source(several: Sequence[Candidate]) -> Candidate | None:
    """Returns the labelled domain that the model is trained on: of the first data set that has one, the domain whose
    name says so, or the first."""
    able = [one for one in several if one.data_set.has_labels and one.serves("source", "val", "test")]
    first = [one for one in able if one.data_set.root == able[0].data_set.root]
    return next((one for one in first if SOURCE.search(one.name)), first[0] if first else None)


def chosen_visits(several: Sequence[Candidate], source: Candidate | None) -> list[Candidate]:
    """Returns the other domains that can be visited, those without labels first."""
    able = [one for one in several if one is not source and one.serves("adapt", "val", "test")]
    return sorted(able, key=lambda one: one.data_set.has_labels)


def in_rendered_weather(source: Candidate) -> list[Candidate]:
    """Returns the domain in rendered weather, if it is of published street scenes."""
    if source.data_set.layout not in STREETS:
        return []
    return [
        Candidate(name, source.data_set, {**source.tree, "weather": weather}, source.counts, source.is_shared_out)
        for name, weather in RENDERED.items()
        if source.is_shared_out or source.counts["adapt"]
    ]


def chosen_classes(several: Sequence[Candidate], source: Candidate | None) -> ClassSet:
    """Returns the classes of the network: those of the source, or of the longest numbered set that continues it."""
    labelled = [one.data_set for one in several if one.data_set.has_labels]
    if source is None or source.data_set.is_named:
        return (source or several[0]).data_set.classes
    alike = [one.classes for one in labelled if _continues(one.classes, source.data_set.classes) and not one.is_named]
    return max(alike, key=len)


def _continues(one: ClassSet, other: ClassSet) -> bool:
    shorter = min(len(one), len(other))
    return one.names[:shorter] == other.names[:shorter] and one.first_id == other.first_id


def fitted(one: Candidate, classes: ClassSet) -> Candidate:
    """Returns a domain whose label files are read into a set of classes, by the names of its own."""
    own = one.data_set.classes
    if own == classes or not one.data_set.has_labels or (not one.data_set.is_named and _continues(own, classes)):
        return one
    if one.data_set.layout == "coco":
        return _changed(one, {"unlisted": "ignore"})
    if one.data_set.layout != "folders":
        return one
    given = one.tree.get("classes")
    if not isinstance(given, dict):
        return _changed(one, {"label_set": own.model_dump(mode="json")})
    known: Tree = {name: ids for name, ids in given.items() if name in classes.names}
    others: list[Value] = [
        number for name, ids in given.items() if name not in known and isinstance(ids, list) for number in ids
    ]
    return _changed(one, {"classes": {**known, IGNORED: others}})


def _changed(one: Candidate, changes: Tree) -> Candidate:
    return Candidate(one.name, one.data_set, {**one.tree, **changes}, one.counts, one.is_shared_out)

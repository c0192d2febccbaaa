"""Set of classes of label files: by a table beside them, by a published set, or numbered where nothing names them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from segada.data.datasets.label_maps import LABEL_IDS
from segada.data.discovery.class_tables import ClassTable
from segada.data.discovery.label_contents import Contents
from segada.data.labels import IGNORE
from segada.settings.class_sets import CITYSCAPES, CLASS_SETS, IGNORED, MOST_CLASSES, ClassSet, Color, plain

VOID: Final = frozenset(("ignore", "ignored", "void", "unlabeled", "unlabelled", "unknown", "nolabel"))
"""Names, in plain form, of what is no class."""
BACKGROUND: Final = "background"
FOREGROUND: Final = "foreground"
BLACK: Final[Color] = (0, 0, 0)
EXACT: Final = 0.97
"""Share of pixels that are 0 or 255 in a mask of two classes whose edges have other values."""
LEAST_SHARE: Final = 1e-4
"""Share of the pixels of a color that is a class; rarer ones come from smoothed edges."""


@dataclass(frozen=True)
class FoundClasses:
    """Classes of some label files.

    Attributes:
        classes: The set.
        settings: Settings of `FoldersDomain` by which the files are read.
        notes: What was assumed.
        is_named: True if the names are known; False if they are numbered.
    """

    classes: ClassSet
    settings: Mapping[str, object] = field(default_factory=dict)
    notes: Sequence[str] = ()
    is_named: bool = True


def found_classes(contents: Contents, table: ClassTable | None, file_words: str) -> FoundClasses | None:
    """Returns the classes of label files; None if they have too many ids or colors, or nothing could be read.

    Args:
        contents: Ids or colors of the files.
        table: Table of names beside them, if there is one.
        file_words: Words in the names of the files.
    """
    if contents.colors:
        return _unless_sampled(_by_colors(contents.colors, table), contents)
    if not contents.ids:
        return None
    found = _published_ids(contents.ids, file_words) or _binary(contents.ids, table) or _by_ids(contents, table)
    if found is None:
        return None
    channel = {} if contents.channel is None else {"channel": contents.channel}
    return _unless_sampled(replace(found, settings={**found.settings, **channel}), contents)


def _unless_sampled(found: FoundClasses | None, contents: Contents) -> FoundClasses | None:
    """Returns the classes; if not all files were read, others than the found ones are ignored."""
    if found is None or contents.is_complete:
        return found
    note = f"{contents.read} of {contents.count} label files were read; what only the others have is ignored"
    return replace(found, settings={**found.settings, "unlisted": "ignore"}, notes=(*found.notes, note))


def _published_ids(ids: Counter[int], file_words: str) -> FoundClasses | None:
    """Returns the classes of Cityscapes if the files are called as its label files are."""
    if "trainids" in file_words.lower() and set(ids) <= {*range(len(CITYSCAPES)), IGNORE}:
        return FoundClasses(CITYSCAPES, {}, ("labelTrainIds are ids of Cityscapes",))
    if "labelids" in file_words.lower() and set(ids) <= set(LABEL_IDS.names):
        given = {name: [number] for number, name in LABEL_IDS.names.items() if isinstance(name, str)}
        others = [number for number, name in LABEL_IDS.names.items() if name is None]
        return FoundClasses(CITYSCAPES, {"classes": {**given, IGNORED: others}}, ("labelIds are ids of Cityscapes",))
    return None


def _binary(ids: Counter[int], table: ClassTable | None) -> FoundClasses | None:
    """Returns two classes if the files are masks of 0 and 255."""
    exact = ids[0] + ids[IGNORE]
    if not (ids[0] and ids[IGNORE]) or exact < EXACT * ids.total() or (len(ids) > 2 and len(ids) < 8):
        return None
    is_named = table is not None and len(table.names) == 2
    names = tuple(table.names) if table is not None and is_named else (BACKGROUND, FOREGROUND)
    # By number, so that names can be changed in one place.
    settings: dict[str, object] = {"classes": {"0": [0], "1": [IGNORE]}}
    notes = [f"label files are masks: 0 is {names[0]}, 255 is {names[1]}"]
    if len(ids) > 2:
        settings["unlisted"] = "ignore"
        notes.append("pixels between 0 and 255, at smoothed edges, are ignored")
    return FoundClasses(ClassSet(names=names), settings, notes, is_named)


def _by_ids(contents: Contents, table: ClassTable | None) -> FoundClasses | None:
    numbers = sorted(set(contents.ids) - {IGNORE})
    if not numbers:
        return None
    named = None if table is None else _named_ids(table, numbers)
    if named is not None:
        return named
    unfit = () if table is None else (f"{table.path} names {len(table.names)} classes, which does not fit the ids",)
    first, last = min(numbers[0], 1), numbers[-1]
    dense = first >= 0 and last < MOST_CLASSES and 2 * len(numbers) > last - first
    if dense:
        every = range(first, last + 1)
        names = tuple(f"class_{number}" for number in every)
        colors = _palette(contents, every)
        return FoundClasses(ClassSet(names=names, colors=colors, first_id=first), {}, unfit, is_named=False)
    if len(numbers) > MOST_CLASSES:
        return None
    ignored = {IGNORED: [IGNORE]} if IGNORE in contents.ids else {}
    given = {str(place): [number] for place, number in enumerate(numbers)}
    names = tuple(f"class_{number}" for number in numbers)
    return FoundClasses(ClassSet(names=names), {"classes": given | ignored}, unfit, is_named=False)


def _palette(contents: Contents, numbers: range) -> tuple[Color, ...]:
    """Returns the colors of indexed label files; empty unless every class has one of its own."""
    colors = tuple(contents.palette[number] for number in numbers if number in contents.palette)
    plain_gray = all(red == green == blue for red, green, blue in colors)
    return colors if len(set(colors)) == len(numbers) and not plain_gray else ()


def _named_ids(table: ClassTable, numbers: Sequence[int]) -> FoundClasses | None:
    """Returns the classes of a table; None if it does not have all ids."""
    first = 1 if len(table.names) == numbers[-1] and numbers[0] >= 1 else 0
    ids = table.ids or {name: first + place for place, name in enumerate(table.names)}
    if not set(numbers) <= set(ids.values()):
        return None
    given = {name: number for name, number in ids.items() if plain(name) not in VOID and number != IGNORE}
    void = [number for name, number in ids.items() if name not in given]
    if not given:
        return None
    note = f"names of classes are from {table.path}"
    order = sorted(given, key=lambda name: given[name])
    colors = tuple(table.colors[name] for name in order) if table.colors else ()
    values = [given[name] for name in order]
    if values == list(range(values[0], values[0] + len(values))):
        ignored = tuple(dict.fromkeys((*void, *([] if values[-1] >= IGNORE else [IGNORE]))))
        known = ClassSet(names=tuple(order), colors=colors, first_id=values[0], ignored_ids=ignored)
        return FoundClasses(_published(known), {}, (note,))
    settings = {"classes": {**{name: [given[name]] for name in order}, IGNORED: sorted({*void, IGNORE})}}
    return FoundClasses(_published(ClassSet(names=tuple(order), colors=colors)), settings, (note,))


def _published(found: ClassSet) -> ClassSet:
    """Returns the published set with the same ids and names; otherwise the set itself."""
    key = (found.names, found.first_id, found.ignored_ids)
    same = (one for one in CLASS_SETS.values() if (one.names, one.first_id, one.ignored_ids) == key)
    return next(same, found)


def _by_colors(colors: Counter[Color], table: ClassTable | None) -> FoundClasses | None:
    kept = [color for color, count in colors.most_common() if count >= LEAST_SHARE * colors.total()]
    if table is not None and table.colors and set(table.colors.values()) & set(kept):
        given = {name: color for name, color in table.colors.items() if plain(name) not in VOID}
        note = f"names and colors of classes are from {table.path}"
        return _colored(ClassSet(names=tuple(given), colors=tuple(given.values())), colors, note)
    for name, known in CLASS_SETS.items():
        if len(kept) > 2 and set(kept) - {BLACK} <= set(known.colors):
            return _colored(known, colors, f"label files have the colors of {name}")
    if len(kept) > MOST_CLASSES:
        return None
    order = sorted(kept, key=lambda color: color != BLACK)
    numbered = {color: f"class_{place}" for place, color in enumerate(order)}
    names = tuple(BACKGROUND if color == BLACK else name for color, name in numbered.items())
    note = f"label files have {len(kept)} colors, each a class" + (f"; black is {BACKGROUND}" if BLACK in kept else "")
    return replace(_colored(ClassSet(names=names, colors=tuple(order)), colors, note), is_named=False)


def _colored(classes: ClassSet, colors: Counter[Color], note: str) -> FoundClasses:
    strange = sum(count for color, count in colors.items() if color not in set(classes.colors))
    settings: dict[str, object] = {"labels_are": "colors"}
    notes = [note]
    if strange:
        settings["unlisted"] = "ignore"
        notes.append(f"{100 * strange / colors.total():.2g} % of the labelled pixels have other colors and are ignored")
    return FoundClasses(classes, settings, notes)

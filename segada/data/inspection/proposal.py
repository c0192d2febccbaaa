"""Proposal of a run and a search on the data that were found."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from segada.data.discovery.frame_size import proposed_size
from segada.data.inspection.domain_choice import (
    Candidate,
    candidates,
    chosen_classes,
    chosen_source,
    chosen_visits,
    fitted,
    in_rendered_weather,
)
from segada.data.inspection.inspection import Inspection
from segada.data.inspection.recognition import Recognized
from segada.errors import InputError
from segada.settings.class_sets import CITYSCAPES, ClassSet
from segada.settings.nested import Tree

LONGEST: Final = 320
"""Longest side, in pixels, that is proposed: a first search then takes minutes on a processor."""
LARGEST: Final = (1024, 2048)
"""Height and width of images if none could be read."""
SHIPPED: Final = "streets_tiny"
"""Shipped checkpoint, with the classes of Cityscapes."""


@dataclass(frozen=True)
class Proposal:
    """Run and search on some data.

    Attributes:
        size: Height and width of the frames.
        images: Sizes of the images, height and width, with their number among those that were read.
        classes: Classes of the network.
        is_named: False if the classes are numbered, since nothing names them.
        domains: Settings by domain.
        frames: Number of frames by domain.
        source: Labelled domain of the source model; None if there is none.
        visits: Domains of the stream.
        unlabelled: Those of them that have no labels.
        checkpoint: Shipped checkpoint that has these classes; None if there is none.
        notes: Findings and assumptions.
    """

    size: tuple[int, int]
    images: Mapping[tuple[int, int], int]
    classes: ClassSet
    is_named: bool
    domains: Mapping[str, Tree]
    frames: Mapping[str, int]
    source: str | None
    visits: Sequence[str]
    unlabelled: Sequence[str]
    checkpoint: str | None
    notes: Sequence[str]


def propose(found: Sequence[tuple[Recognized, Inspection]]) -> Proposal:
    """Returns a run from a labelled domain through all others, and what was assumed.

    Raises:
        InputError: No domain has enough frames, or there are neither labels nor a checkpoint.
    """
    several = candidates(found)
    source = chosen_source(several)
    others = chosen_visits(several, source)
    if source is None and not others:
        names = ", ".join(str(data_set.root) for data_set, _ in found)
        reason = next((f" ({text})" for _, inspection in found for text in inspection.absences.values()), "")
        raise InputError(f"{names}: no domain has frames for source, val and test{reason}; add images with labels")
    rendered = in_rendered_weather(source) if source is not None and not others else []
    visits = others or rendered or ([source] if source is not None else [])
    used = [*([source] if source is not None else []), *(one for one in visits if one is not source)]
    classes = chosen_classes(used, source)
    sizes = [look.size for _, inspection in found for look in inspection.usable]
    both = source in visits or bool(rendered)
    return Proposal(
        size=proposed_size(sizes or [LARGEST], LONGEST),
        images=dict(Counter(sizes).most_common()),
        classes=classes,
        is_named=all(one.data_set.is_named for one in used),
        domains={
            one.name: fitted(one, classes).used_as(
                source=one is source or one in rendered, visited=one is not source or both
            )
            for one in used
        },
        frames={one.name: one.total for one in used},
        source=None if source is None else source.name,
        visits=[one.name for one in visits],
        unlabelled=[one.name for one in used if not one.data_set.has_labels],
        checkpoint=SHIPPED if classes == CITYSCAPES else None,
        notes=[*_notes(used), *_about_visits(source, others, rendered)],
    )


def _notes(used: Sequence[Candidate]) -> Iterator[str]:
    yield from dict.fromkeys(note for one in used for note in one.data_set.notes)


def _about_visits(
    source: Candidate | None, others: Sequence[Candidate], rendered: Sequence[Candidate]
) -> Iterator[str]:
    if source is None:
        yield (
            "no domain has labels, so that the shipped model of streets is adapted without source frames; if your "
            "classes are others, name a folder with labels, too"
        )
    elif rendered:
        yield f"there is one domain, so that rain and fog are rendered onto {source.name}"
    elif not others:
        yield f"there is one domain, so that the run adapts to {source.name} itself; name further folders as targets"

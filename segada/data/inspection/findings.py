"""Report of the check of a data folder."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from rich.console import Console
from rich.table import Table

from segada.data.datasets.left_out import WITHOUT_IMAGE
from segada.data.inspection.inspection import SPLITS, Inspection
from segada.data.inspection.near_duplicates import agreement_text
from segada.data.inspection.recognition import Recognized
from segada.data.inspection.run_check import RunCheck
from segada.data.splits import Split
from segada.settings.files import Document

MOST_NAMED: Final = 5
"""Number of files that are named of each kind."""


def print_findings(data_set: Recognized, inspection: Inspection, console: Console) -> None:
    """Prints the layout of a folder, its frames by domain and split, its images, its classes, and the problems
    found."""
    tell = partial(console.print, soft_wrap=True)
    tell("", f"{data_set.root} is {data_set.layout}", "images with labels, by domain and split:", sep="\n")
    console.print(_counts(inspection))
    for name, absence in inspection.absences.items():
        if not _can_be_used(inspection.counts[name]):
            tell(f"domain {name}: {absence}")
    for line in _about_pictures(inspection):
        tell(line)
    if inspection.pixels[:-1].any():
        tell("classes, in percent of the labelled pixels that were read:")
        console.print(_classes(inspection))
    for line in (*_wrong(inspection), *_notes(inspection)):
        tell(line)


def print_run_check(document: Document, check: RunCheck, console: Console) -> None:
    """Prints the frames of every domain of a run's settings, its images and classes, and the problems found, each with
    its line of the file."""
    tell = partial(console.print, soft_wrap=True)
    if check.run is None:
        tell(f"{document.file}: domains without a stream", "frames by domain and split:", sep="\n")
    else:
        source, visits = check.run.stream.source, ", ".join(dict.fromkeys(check.run.stream.visits))
        origin = "without source frames" if source is None else f"from {source}"
        tell(f"{document.file}: settings of a run {origin} through {visits}")
        tell("frames by domain and split; the run reads those marked with *:")
    console.print(_marked_counts(check))
    inspection = check.inspection()
    for line in _about_pictures(inspection) if inspection.counts else ():
        tell(line)
    if inspection.pixels[:-1].any():
        tell("classes, in percent of the labelled pixels that were read:")
        console.print(_classes(inspection))
    for line in (*_notes(inspection), *_about_splits(check)):
        tell(line)
    for kind, found in (("note", check.notes), ("problem", check.problems)):
        for one in found:
            tell(f"{kind}: {document.error(one.path, str(one))}")


def _marked_counts(check: RunCheck) -> Table:
    table = Table()
    for column in ("domain", "data set", *SPLITS):
        table.add_column(column, justify="right" if column in SPLITS else "left")
    for name, domain in check.data.domains.items():
        needed = check.needed(name)
        cells = (f"{check.counts.get((name, split), '-')}{'*' if split in needed else ''}" for split in SPLITS)
        table.add_row(name, domain.dataset, *cells)
    return table


def _can_be_used(counts: Mapping[Split, int]) -> bool:
    """Returns True if the domain can be a source, or be visited."""
    return bool(counts["val"] and counts["test"] and (counts["source"] or counts["adapt"]))


def summary(inspections: Sequence[Inspection]) -> str:
    """Returns the problems as a clause; empty if there are none."""
    unusable = sum(len(inspection.unusable) for inspection in inspections)
    missing = sum(len(inspection.missing) for inspection in inspections)
    empty = [
        name for inspection in inspections for name, counts in inspection.counts.items() if not any(counts.values())
    ]
    parts = (
        (unusable, f"frames that cannot be used: {unusable}"),
        (missing, f"images without labels: {missing}"),
        (len(empty), f"domains that lack frames which a run needs: {', '.join(empty)}"),
    )
    return ", ".join(text for count, text in parts if count)


def _counts(inspection: Inspection) -> Table:
    table = Table()
    table.add_column("domain")
    for split in SPLITS:
        table.add_column(split, justify="right")
    for name, counts in inspection.counts.items():
        table.add_row(name, *(str(counts[split]) for split in SPLITS))
    return table


def _about_pictures(inspection: Inspection) -> Iterable[str]:
    yield f"frames that were read: {len(inspection.looks)}"
    looks = inspection.usable
    for what, counted in (
        ("images are", Counter(look.size for look in looks)),
        ("labels are", Counter(look.labels_size for look in looks if any(look.labels_size))),
    ):
        sizes = (f"{width} x {height} ({count})" for (height, width), count in counted.most_common(MOST_NAMED))
        if any(counted):
            yield f"  {what} {', '.join(sizes)}"
    for kind, count in Counter(look.kind for look in looks if look.kind != "colors").most_common():
        one = next(look.files.image for look in looks if look.kind == kind)
        yield f"  images of {kind}, converted to colors: {count}, the first of them {one}"


def _classes(inspection: Inspection) -> Table:
    pixels = inspection.pixels
    labelled = max(int(pixels[:-1].sum()), 1)
    table = Table()
    table.add_column("class")
    table.add_column("share", justify="right")
    table.add_column("frames", justify="right")
    for index, name in enumerate(inspection.classes.names):
        frames = sum(bool(look.pixels[index]) for look in inspection.usable)
        table.add_row(name, f"{100 * pixels[index] / labelled:.2f}" if frames else "-", str(frames))
    table.add_section()
    table.add_row("ignored, of all pixels", f"{100 * pixels[-1] / max(int(pixels.sum()), 1):.2f}", "")
    return table


def _wrong(inspection: Inspection) -> Iterable[str]:
    yield from _named("images without labels; there should be", map(str, inspection.missing))
    yield from _named("frames that cannot be used", (str(look.problem) for look in inspection.unusable))


def _notes(inspection: Inspection) -> Iterable[str]:
    """Yields findings that do not prevent a run."""
    if inspection.odd:
        common = Counter(look.size for look in inspection.usable).most_common(1)[0][0]
        shown = (f"{look.files.image} ({look.size[1]} x {look.size[0]})" for look in inspection.odd)
        yield from _named(f"images that are not {common[1]} x {common[0]} as most are; a run resizes all", shown)
    turned = (str(look.files.image) for look in inspection.usable if look.turned)
    yield from _named("images with an orientation tag; it is ignored, as labels lie on the stored pixels", turned)
    yield from _named("labels without image; a run leaves them out", map(str, inspection.without_image))
    for reason, files in inspection.left_out.items():
        if reason != WITHOUT_IMAGE:
            yield from _named(f"{reason}; a run leaves them out", map(str, files))


def _about_splits(check: RunCheck) -> Iterable[str]:
    for name, agreements in check.agreements.items():
        for one in agreements:
            yield f"domain {name}, {one.splits[1]} beside {one.splits[0]}: {agreement_text(one)}"


def _named(what: str, files: Iterable[str]) -> Iterable[str]:
    named = list(files)
    if named:
        more = [f"  and {len(named) - MOST_NAMED} more"] if len(named) > MOST_NAMED else []
        yield from (f"{what} ({len(named)}):", *(f"  {file}" for file in named[:MOST_NAMED]), *more)

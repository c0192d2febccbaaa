"""Settings of a run and a study on the data in some folders: `segada init`."""

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from segada.cli.console import PlainConsole
from segada.cli.output_dir import check_folder, named_folder
from segada.core.atomic_io import write_text
from segada.data.datasets.registry import LAYOUTS
from segada.data.discovery.tree_sets import lossy_labels
from segada.data.discovery.unlabelled_sets import unlabelled_sets
from segada.data.inspection.inspection import SPLITS, Inspection, inspect
from segada.data.inspection.proposal import Proposal, propose
from segada.data.inspection.proposal_text import NAME_THESE, settings_text, study_text
from segada.data.inspection.recognition import Recognized, discovered, published
from segada.data.inspection.run_check import check_run
from segada.errors import InputError
from segada.settings import RunSettings
from segada.settings.files import Document
from segada.settings.inputs import checked_path
from segada.settings.limits import NAME
from segada.settings.yaml_text import parsed

SETTINGS: Final = "settings.yaml"
STUDY: Final = "study.yaml"


def init(names: Sequence[str], out: str | None) -> None:
    """Writes settings and a study on the data in some folders, and prints what was found and assumed.

    Args:
        names: Folders, or video files.
        out: Folder of both files; None for the working directory.

    Raises:
        InputError: A folder holds nothing that can be used, a file exists already, or a run would not start.
    """
    began = time.monotonic()
    paths = [named_folder(name, Path(), "FOLDER") for name in names]
    console = PlainConsole(soft_wrap=True)
    folder = named_folder(out, Path())
    check_folder(folder)
    _refuse_existing(folder)
    found = [(data_set, inspect(data_set, everything=False)) for path in paths for data_set in _data_sets(path)]
    for data_set, inspection in found:
        _refuse_partly_labelled(data_set, inspection)
        _print_found(data_set, inspection, console)
    proposal = propose(found)
    name = re.sub(r"\W+", "_", paths[0].resolve().stem)[:NAME].strip("_") or "study"
    settings, study = settings_text(proposal, STUDY), study_text(proposal, name)
    _check(settings, folder / SETTINGS)
    write_text(folder / SETTINGS, settings)
    write_text(folder / STUDY, study)
    _print_proposal(proposal, console)
    console.print(f"written in {time.monotonic() - began:.1f} s: {folder / SETTINGS} and {folder / STUDY}. Next:")
    for command in (f"segada data check {folder / SETTINGS}", f"hpo space check {folder / STUDY}"):
        console.print(f"  {command}")
    console.print(f"  hpo run --space {folder / STUDY}")


def _refuse_existing(folder: Path) -> None:
    there = next((folder / name for name in (SETTINGS, STUDY) if (folder / name).exists()), None)
    if there is not None:
        raise InputError(
            f"{there}: is there already and is not overwritten; name another folder with --out, or move it"
        )


def _refuse_partly_labelled(data_set: Recognized, inspection: Inspection) -> None:
    missing = inspection.missing
    if missing:
        raise InputError(
            f"{data_set.root}: {len(missing)} images have no label file, the first of which would be {missing[0]}; "
            "move these images to a folder of their own, or label them"
        )


def _data_sets(path: Path) -> list[Recognized]:
    """Returns the data sets in a folder: published ones, COCO annotations, pairs of images and labels, or images
    alone."""
    checked_path(path, "FOLDER")
    if not (path.is_dir() or path.is_file()):
        raise InputError(f"{path}: there is no such folder (seen from {Path.cwd()}); give the folder of the data")
    there = [] if path.is_file() else published(path, list(LAYOUTS)) or discovered(path)
    if there:
        return there
    lossy = "" if path.is_file() else lossy_labels(path)
    if lossy:
        raise InputError(
            f"{path}: the labels in {lossy} are JPEGs or the like, which do not keep ids; write them as PNG"
        )
    without = unlabelled_sets(path)
    if not without:
        raise InputError(
            f"{path}: holds nothing recognizable; looked for published layouts ({', '.join(LAYOUTS)}), COCO "
            "annotations (*.json) with images, four or more images with label files of equal names or alone, videos"
        )
    return without


def _check(text: str, file: Path) -> None:
    """Checks that a run with the settings starts.

    Raises:
        InputError: It does not; the message has the first problem of the data.
    """
    tree, lines = parsed(text, str(file))
    assert isinstance(tree, dict)
    run = Document(str(file), tree, lines).build(RunSettings, tree)
    problems = check_run(run.data, run, everything=False).problems
    if problems:
        raise InputError(f"{problems[0]}; nothing was written")


def _print_found(data_set: Recognized, inspection: Inspection, console: PlainConsole) -> None:
    labels = f"{len(data_set.classes)} classes" if data_set.has_labels else "no labels"
    console.print(f"{data_set.root}: {data_set.layout}, {labels}")
    for name, counts in inspection.counts.items():
        each = ", ".join(f"{counts[split]} {split}" for split in SPLITS if counts[split])
        console.print(f"  domain {name}: {sum(counts.values())} images{f' ({each})' if each else ''}")


def _print_proposal(proposal: Proposal, console: PlainConsole) -> None:
    console.print("assumed:")
    sizes = "one size" if len(proposal.images) == 1 else f"{len(proposal.images)} sizes"
    console.print(f"  frames of {proposal.size[0]} x {proposal.size[1]} (height x width), from images of {sizes}")
    console.print(f"  from {proposal.source or 'no source'} through {', '.join(proposal.visits)}")
    first = "random weights" if proposal.checkpoint is None else f"the shipped {proposal.checkpoint}"
    console.print(
        f"  the source model starts from {first}{'' if proposal.source is None else ' and is trained by the study'}"
    )
    for note in proposal.notes:
        console.print(f"  {note}")
    if not proposal.is_named:
        console.print(f"  nothing names the {len(proposal.classes)} classes: look for # {NAME_THESE} in both files")

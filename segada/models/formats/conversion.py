"""Describes the weights of a checkpoint, and writes them in another format."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from segada.cli.output_dir import check_file, check_folder
from segada.errors import InputError
from segada.models.encoders.base import has_adapter
from segada.models.formats.contents import OpenedFile, StoredWeights
from segada.models.formats.copies import find_copies
from segada.models.formats.reading import interpret
from segada.models.formats.sizes import shown_facts
from segada.models.formats.writing import WRITERS
from segada.models.freezing import check_part, names_part
from segada.models.load_report import LoadReport, compare
from segada.models.outline import outline
from segada.models.weights import check_replaceable
from segada.settings.inputs import resolved

LISTED_NAMES = 3
"""Names of what is left out that a line lists."""


def describe_all(opened: OpenedFile, leave_out: Sequence[str], console: Console) -> None:
    """Prints what every network in a file is.

    Raises:
        ValueError: there is none of a known format.
    """
    labels = [copy.label for copy in find_copies(opened.content)]
    if len(labels) < 2 or "network" in opened.facts:
        describe(without(interpret(opened), leave_out), opened.path, console)
        return
    console.print(f"{opened.path} holds {len(labels)} networks; --copy chooses one")
    for label in labels:
        console.print(f"--copy {label}")
        describe(without(interpret(opened, label), leave_out), opened.path, console)


def describe(stored: StoredWeights, path: Path, console: Console) -> LoadReport:
    """Prints what weights are, and how they meet the network that they say they are of.

    Raises:
        ValueError: no setting builds that network.
    """
    facts = stored.facts
    head = "no head"
    if "head" in facts:
        head = f"head {facts['head']} of width {facts['width']}, {facts['classes']} classes"
    console.print(f"{path}: {stored.format}")
    network = facts.get("network")
    staged = f"encoder {facts.get('encoder', 'unknown')}, {head}"
    console.print(f"  network: {staged if network is None else network}")
    if stored.no_head:
        console.print(f"  {stored.no_head}")
    adapters = [name for name in stored.tensors if has_adapter(name)]
    source = {name: tensor for name, tensor in stored.tensors.items() if not has_adapter(name)}
    try:
        # A whole network is not built: its name may be one of code.
        report = compare(source, outline(facts) if network is None else source)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    console.print(f"  tensors: {report.counts}{f', {len(adapters)} of adapters' if adapters else ''}")
    for reason in dict.fromkeys(stored.left_out.values()):
        names = [name for name, why in stored.left_out.items() if why == reason]
        more = ", ..." if len(names) > LISTED_NAMES else ""
        console.print(f"  left out: {len(names)}, {reason} ({', '.join(names[:LISTED_NAMES])}{more})")
    console.print(f"  pixels: {stored.preprocessing}")
    if stored.class_names:
        console.print(f"  classes: {', '.join(stored.class_names)}")
    return report


def convert(stored: StoredWeights, report: LoadReport, opened: OpenedFile, output: Path, to: str) -> None:
    """Writes weights in a format of ours or another.

    Args:
        stored: the weights.
        report: how they meet the network that they say they are of.
        opened: where they come from.
        output: file or folder.
        to: a name in `WRITERS`.

    Raises:
        ValueError: they are not all of a network, or the format does not take them.
    """
    if report.mismatches:
        raise ValueError(f"{opened.path} is not all of a network, and no more: {report.counts}; nothing was written")
    try:
        WRITERS[to](stored, output, {"source_format": stored.format, "source_sha256": digest(opened)})
    except ValueError as error:
        raise ValueError(f"{opened.path}: {error}; nothing was written") from error


def digest(opened: OpenedFile) -> str:
    """SHA-256 of the file that was read, or of several one after the other, in hexadecimal digits."""
    total = hashlib.sha256()
    for part in opened.parts:
        with part.open("rb") as file:
            while block := file.read(2**20):
                total.update(block)
    return total.hexdigest()


def without(stored: StoredWeights, parts: Sequence[str]) -> StoredWeights:
    """Returns the weights less those of some parts of the network.

    Raises:
        ValueError: no weight belongs to a part.
    """
    if not parts:
        return stored
    for part in parts:
        check_part(part, stored.tensors, "--leave-out")
    kept = {
        name: tensor for name, tensor in stored.tensors.items() if not any(names_part(name, part) for part in parts)
    }
    of_head = {"head", "width", "classes"}
    facts = {name: fact for name, fact in stored.facts.items() if name not in of_head}
    return replace(stored, tensors=kept, facts={**shown_facts(kept), **facts})


def check_output(output: Path, to: str, source: Path) -> None:
    """Checks that weights of `source` can be written to a place in the format `to`.

    Raises:
        InputError: they cannot; nothing was written.
    """
    if resolved(output, "OUTPUT") == resolved(source, "INPUT"):
        raise InputError(f"OUTPUT {output} is the input; choose another place")
    if to == "safetensors":
        if output.suffix != ".safetensors":
            raise InputError(f"OUTPUT {output}: must end with .safetensors; for a folder of transformers say --to hf")
        check_file(output, "OUTPUT")
        check_replaceable(output, "OUTPUT")
        return
    check_folder(output, "OUTPUT")
    if output.is_dir() and any(output.iterdir()):
        raise InputError(f"OUTPUT {output}: holds files already; choose a new folder")

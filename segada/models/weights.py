"""Weights of a segmentor on disk: written as safetensors with the network's shape, read in every known format."""

import json
from collections.abc import Sequence
from pathlib import Path

import safetensors.torch
import torch

from segada.core.atomic_io import write_bytes
from segada.errors import InputError
from segada.models.class_match import matched_by_name
from segada.models.formats.opening import CLASS_NAMES, FACTS
from segada.models.formats.reading import read_weights
from segada.models.formats.timm_pyramid import timm_facts
from segada.models.freezing import check_part
from segada.models.load_errors import Meeting
from segada.models.load_report import LoadReport, compare
from segada.models.preprocessing import Preprocessing
from segada.models.segmentor import Segmentor
from segada.models.staged_segmentor import StagedSegmentor
from segada.settings.checkpoint_path import find_checkpoint
from segada.settings.model import ClassMatch


def save_weights(segmentor: Segmentor, path: Path, settings_hash: str, dtype: torch.dtype = torch.float32) -> None:
    """Writes all parameters and buffers, replacing the file atomically.

    Args:
        segmentor: Network to save, including its adapters.
        path: File that ends with `.safetensors`; its folder is created if missing.
        settings_hash: Hash of the settings of the run that made the weights.
        dtype: float32, or float16 for half the size. Running statistics stay float32.
    """
    parameters = {name for name, _ in segmentor.named_parameters()}
    tensors = {
        # A copy, because safetensors refuses tensors that share memory, as tied weights of other networks do.
        name: tensor.to("cpu", dtype if name in parameters else tensor.dtype, copy=True).contiguous()
        for name, tensor in segmentor.storable().items()
    }
    # One entry, because safetensors writes several in an unspecified order: the same network must give the same bytes.
    origin = {CLASS_NAMES: segmentor.class_names, "settings_hash": settings_hash}
    facts_as_json = json.dumps({**segmentor.facts(), **origin, **segmentor.preprocessing.facts()})
    write_bytes(path, safetensors.torch.save(tensors, {FACTS: facts_as_json}))


def load_weights(
    segmentor: StagedSegmentor,
    checkpoint: str,
    fresh: Sequence[str] = (),
    setting: str = "model.checkpoint",
    preprocessing: Preprocessing | None = None,
    class_match: ClassMatch = "position",
) -> LoadReport:
    """Loads a shipped checkpoint (a bare name), or a file or folder of any known format (a path), into the segmentor.

    Args:
        segmentor: Network that is filled; its `origin` is set to a description of the file.
        checkpoint: Name or path.
        fresh: Parts, as whole components of dotted names (`head.light_exit`), that keep their present values.
        setting: Path of the setting that names the checkpoint, for the messages.
        preprocessing: Preprocessing in the place of that which the checkpoint states; None takes the latter.
        class_match: Assignment of the file's classes, as in `ModelSettings`.

    Raises:
        ValueError: There is no such checkpoint, or it does not fit this network; the message names the file and the
            cure.
    """
    path = find_checkpoint(checkpoint, setting)
    own = segmentor.storable()
    stored = read_weights(path, preprocessing=preprocessing, timm=timm_facts(segmentor.shape.encoder, own))
    if class_match == "name":
        stored = matched_by_name(stored, path, segmentor, own)
    for part in fresh:
        # A part that only the file has is skipped by the same name.
        check_part(part, (*own, *stored.tensors), "model.reinitialize")
    meeting = Meeting(
        path, setting, stored, segmentor.shape, segmentor.class_names, tuple(fresh), compare(stored.tensors, own)
    )
    meeting.check()
    report = meeting.report
    segmentor.load_state_dict({name: stored.tensors[name] for name in report.matched}, strict=False)
    segmentor.prepare(stored.preprocessing)
    left_out = f", {len(stored.left_out)} left out" if stored.left_out else ""
    segmentor.origin = f"weights of {path} ({stored.format}): {report.counts}{left_out}; pixels: {stored.preprocessing}"
    return report


def check_replaceable(path: Path, option: str) -> None:
    """Refuses to write weights over a file that this program has not written.

    Args:
        path: Destination of the weights.
        option: Name of the option on the command line.

    Raises:
        InputError: There is such a file.
    """
    if path.is_file() and not _is_ours(path):
        raise InputError(f"{option} {path}: is there already, and not written by this program; choose another name")


def _is_ours(path: Path) -> bool:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return FACTS in (file.metadata() or {})
    except safetensors.SafetensorError:
        return False

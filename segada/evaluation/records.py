"""The results of an evaluation as plain data: the stable contract of `evaluation.json`.

Fractions in [0, 1], never percent; seconds.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from pydantic import Field, JsonValue

from segada.data.splits import Split
from segada.evaluation.class_scores import PerClass, class_scores
from segada.metrics import Areas
from segada.records import Record


class ModelRecord(Record):
    """A network that is evaluated, alone or in an ensemble."""

    checkpoint: str
    """Name of the checkpoint as given on the command line."""
    sha256: str
    """SHA-256 of the weights."""
    model: dict[str, JsonValue]
    """Encoder, head and width of the head, and `preprocessing` unless it is ImageNet's."""
    adapter: dict[str, JsonValue]
    image_adapter: dict[str, JsonValue]


class Protocol(Record):
    """Protocol by which frames are predicted."""

    split: Split
    size: tuple[int, int]
    """Height and width of the frames that networks receive; predictions have the labels' size."""
    scales: tuple[float, ...]
    """Scales at which each frame is predicted."""
    mirrored: bool
    """True if each frame is predicted mirrored too."""
    crop: tuple[int, int] | None
    """Height and width of sliding windows; null without windows."""
    stride: tuple[int, int] | None


class DomainRecord(Record):
    """Scores of one domain. Scores are null, and classes absent, where no pixel is labelled."""

    key: str
    """Hash that is equal for two records exactly if networks, protocol and the domain's settings are equal."""
    frames: int
    unreadable: int
    """Number of frames left out because they cannot be read."""
    left_out: dict[str, int] = Field(default_factory=dict)
    """Number of files by reason that no pattern of the data set takes."""
    pixels: int
    """Number of labelled pixels of all frames."""
    miou: float | None
    """Mean over the classes present in the labels."""
    miou_mmseg: float | None
    """Mean as mmsegmentation computes it: classes that are predicted but absent from the labels count as 0."""
    macc: float | None
    aacc: float | None
    fwiou: float | None
    fwacc: float | None
    """By definition equal to `aacc`."""
    iou: dict[str, float]
    accuracy: dict[str, float]
    share: dict[str, float]
    """Share of each class among the labelled pixels."""
    saved: tuple[str, ...]
    """Kinds of files saved per frame."""
    seconds: float
    frames_per_second: float


class Evaluation(Record):
    """Content of `evaluation.json`."""

    models: tuple[ModelRecord, ...]
    protocol: Protocol
    classes: tuple[str, ...]
    """Names of all classes, in the order of the network's channels."""
    domains: dict[str, DomainRecord]
    """Records by domain, in the order in which they were finished."""

    def nameless(self) -> tuple[ModelRecord, ...]:
        """Returns the records of the networks without the names that were given for them."""
        return tuple(model.model_copy(update={"checkpoint": ""}) for model in self.models)


def domain_key(evaluation: Evaluation, frames: JsonValue) -> str:
    """Returns the key of a domain's record.

    Args:
        evaluation: Networks and protocol.
        frames: Settings that determine the domain's frames.
    """
    networks = [model.model_dump(mode="json") for model in evaluation.nameless()]
    canonical = json.dumps([networks, evaluation.protocol.model_dump(mode="json"), frames], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class FrameCounts:
    """Number of frames that were scored, of frames that could not be read, and of files by the reason why they are left
    out."""

    scored: int
    unreadable: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)


def domain_record(key: str, areas: Areas, names: Sequence[str], frames: FrameCounts, seconds: float) -> DomainRecord:
    """Returns the record of a domain without saved files.

    Args:
        key: Result of `domain_key`.
        areas: Summed areas [3, K] of its frames.
        names: Names of the K classes.
        frames: Number of its frames.
        seconds: Wall time of the evaluation.
    """
    scores = class_scores(areas)
    return DomainRecord(
        key=key,
        frames=frames.scored,
        unreadable=frames.unreadable,
        left_out=dict(frames.left_out),
        pixels=int(areas[2].sum()),
        miou=_number(scores.miou),
        miou_mmseg=_number(scores.miou_mmseg),
        macc=_number(scores.macc),
        aacc=_number(scores.aacc),
        fwiou=_number(scores.fwiou),
        fwacc=_number(scores.fwacc),
        iou=_by_name(names, scores.iou),
        accuracy=_by_name(names, scores.accuracy),
        share=_by_name(names, scores.share),
        saved=(),
        seconds=seconds,
        frames_per_second=frames.scored / seconds,
    )


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _by_name(names: Sequence[str], values: PerClass) -> dict[str, float]:
    return {name: value for name, value in zip(names, values.tolist(), strict=True) if not np.isnan(value)}

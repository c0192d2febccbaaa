"""The results of an evaluation as plain data: the stable contract of `evaluation.json`.

Fractions in [0, 1], never percent; seconds.
"""

import hashlib
import json
import math
from dataclasses import dataclass

import numpy as np
from pydantic import JsonValue

from segada.data.labels import NAMES
from segada.data.splits import Split
from segada.evaluation.class_scores import PerClass, class_scores
from segada.metrics import Areas
from segada.records import Record


class ModelRecord(Record):
    """A network that was scored, alone or with others."""

    checkpoint: str
    """As it was named."""
    sha256: str
    """Of the weights."""
    model: dict[str, JsonValue]
    """Encoder, head and width of the head."""
    adapter: dict[str, JsonValue]
    image_adapter: dict[str, JsonValue]


class Protocol(Record):
    """How frames were predicted."""

    split: Split
    size: tuple[int, int]
    """Height and width at which the networks saw a frame; predictions have the labels' own."""
    scales: tuple[float, ...]
    """At which each frame was seen."""
    mirrored: bool
    """Whether each was seen in the mirror too."""
    crop: tuple[int, int] | None
    """Height and width of the windows that slid over each; null if it was seen whole."""
    stride: tuple[int, int] | None


class DomainRecord(Record):
    """One domain. Scores are null, and classes absent, where the labels show nothing."""

    key: str
    """The same for two records exactly when networks, protocol and the domain's settings are."""
    frames: int
    unreadable: int
    """Frames that were left out because they cannot be read."""
    pixels: int
    """That are labelled, over all frames."""
    miou: float | None
    """Over the classes that the labels show."""
    miou_mmseg: float | None
    """As mmsegmentation has it: classes that are predicted, but that no label shows, count as 0."""
    macc: float | None
    aacc: float | None
    fwiou: float | None
    fwacc: float | None
    """By its definition the same as `aacc`."""
    iou: dict[str, float]
    accuracy: dict[str, float]
    share: dict[str, float]
    """Of each class among the labelled pixels."""
    saved: tuple[str, ...]
    """What was kept of each frame."""
    seconds: float
    frames_per_second: float


class Evaluation(Record):
    """`evaluation.json`."""

    models: tuple[ModelRecord, ...]
    protocol: Protocol
    domains: dict[str, DomainRecord]
    """In the order in which they were finished."""

    def nameless(self) -> tuple[ModelRecord, ...]:
        """The models however they were named."""
        return tuple(model.model_copy(update={"checkpoint": ""}) for model in self.models)


def domain_key(evaluation: Evaluation, frames: JsonValue) -> str:
    """The key of a domain's record.

    Args:
        evaluation: What is scored, and how.
        frames: What decides which frames the domain has.
    """
    networks = [model.model_dump(mode="json") for model in evaluation.nameless()]
    canonical = json.dumps([networks, evaluation.protocol.model_dump(mode="json"), frames], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class FrameCounts:
    """Frames that were scored, and that could not be read."""

    scored: int
    unreadable: int = 0


def domain_record(key: str, areas: Areas, frames: FrameCounts, saved: tuple[str, ...], seconds: float) -> DomainRecord:
    """The record of a domain, from the summed areas [3, 19] of its frames."""
    scores = class_scores(areas)
    return DomainRecord(
        key=key,
        frames=frames.scored,
        unreadable=frames.unreadable,
        pixels=int(areas[2].sum()),
        miou=_number(scores.miou),
        miou_mmseg=_number(scores.miou_mmseg),
        macc=_number(scores.macc),
        aacc=_number(scores.aacc),
        fwiou=_number(scores.fwiou),
        fwacc=_number(scores.fwacc),
        iou=_by_name(scores.iou),
        accuracy=_by_name(scores.accuracy),
        share=_by_name(scores.share),
        saved=saved,
        seconds=seconds,
        frames_per_second=frames.scored / seconds,
    )


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _by_name(values: PerClass) -> dict[str, float]:
    return {name: value for name, value in zip(NAMES, values.tolist(), strict=True) if not np.isnan(value)}

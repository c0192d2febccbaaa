"""The results of a run as plain data: the stable contract of `visits.jsonl` and `report.json`.

Fractions in [0, 1], never percent; seconds.
"""

import math
from collections.abc import Container, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, PlainSerializer

Score = Annotated[
    float,
    Field(allow_inf_nan=True),
    BeforeValidator(lambda value: math.nan if value is None else value),
    PlainSerializer(lambda value: None if math.isnan(value) else value, when_used="json"),
]
"""Figure that may be undefined: NaN in Python, null in JSON."""


class Record(BaseModel):
    """Base of every record: frozen, without unknown fields, with finite numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class VisitRecord(Record):
    """Result of one visit: a line of `visits.jsonl`.

    Example:
        >>> import segada
        >>> line = (
        ...     '{"visit": 0, "domain": "fog", "frames": 8, "miou": {"fog": 0.5}, "iou": {}, "online_miou": null,'
        ...     ' "label_free": {}, "losses": {}, "seconds": 1.0, "frames_per_second": 8.0}'
        ... )
        >>> segada.VisitRecord.model_validate_json(line).visited_miou
        0.5
    """

    visit: int
    """Number of the visit, counted from 0."""
    domain: str
    frames: int
    """Frames passed over in this visit."""
    miou: dict[str, float]
    """mIoU of every evaluated domain on its held-out frames, after the visit; domains whose held-out frames have no
    labelled pixel are absent. Empty if the visit was not evaluated, as all but the last of
    `segada pretrain --no-validate`."""
    iou: dict[str, dict[str, float]]
    """IoU per class of every evaluated domain; classes without a labelled pixel are absent."""
    online_miou: float | None
    """mIoU over the visit's own frames, each predicted before it is learned from (prequential).

    With several `stream.passes` the first counts: later ones predict what was learned from.
    Null if it was not enabled, or if no pixel is labelled."""
    adaptation_speed: float | None = None
    """Mean of the prequential mIoU of the first frame, of the first two, and so on to `speed_frames`: the area under
    this curve (`segada.metrics.adaptation_speed`). Null as `online_miou`."""
    speed_frames: int = 0
    """Number of frames of `adaptation_speed`: `evaluation.speed_frames`, or those of the visit if they are fewer."""
    label_free: dict[str, float]
    """Every score that `evaluation.label_free` names: means over these predictions; `source_miou` after the visit."""
    pseudo_labels: dict[str, float] = {}
    """Quality of the pseudo-labels of the visit's steps where its frames have labels: `coverage`, the share of labelled
    pixels that are sure, and `accuracy` and `miou` of these; empty without pseudo-labels or `evaluation.online`."""
    training_iou: dict[str, float] = {}
    """IoU per class of the frames that the visit's steps learned from with labels, predicted in the step itself, in
    training mode and augmented; empty but for the method `supervised`."""
    training_accuracy: dict[str, float] = {}
    """Share of a class's labelled pixels that are predicted correctly, as `training_iou`."""
    losses: dict[str, float]
    """Mean of every loss term and monitored quantity of the method over the visit's steps that learned."""
    learning_rates: dict[str, float] = {}
    """Mean learning rate by part of the network, over the same steps; empty if nothing is learned by gradients."""
    controller: dict[str, float] = {}
    """Logged state of the controller at the end of the visit."""
    peak_memory: float | None = None
    """Peak memory of adaptation in MiB (2^20 bytes) since the run began, evaluation excluded, as
    `segada.models.peak_memory` counts it: on a GPU the allocated memory, on a CPU the tensors alive at the same time.
    Null in records older than this measure.
    """
    metrics: dict[str, float] = {}
    """Further figures that the program of an external engine reports (`docs/external_engine.md`); empty otherwise."""
    seconds: float
    """Wall time of adaptation and evaluation."""
    frames_per_second: float
    """Frames adapted on per second, evaluation excluded."""

    @property
    def visited_miou(self) -> float:
        """mIoU on the domain being visited; NaN if it is not scored, because it has no labelled pixel."""
        return self.miou.get(self.domain, math.nan)

    @property
    def is_scored(self) -> bool:
        """True if the visited domain was evaluated and has labels."""
        return self.domain in self.miou

    def missing_score(self, labelled: Container[str]) -> str:
        """Returns the reason why there is no mIoU on the visited domain; empty if there is one.

        Args:
            labelled: Domains of the run that have labels.
        """
        if self.is_scored:
            return ""
        return "not evaluated" if self.domain in labelled else "not scored, without labels"

    def line(self, labelled: Container[str]) -> str:
        """Returns the visit and its mIoU, or why there is none, as a line of a log.

        Args:
            labelled: Domains of the run that have labels.
        """
        return f"visit {self.visit} ({self.domain}): {self.missing_score(labelled) or f'mIoU {self.visited_miou:.4f}'}"


class StepRecord(Record):
    """Record of one step: a line of `frames.jsonl`, written if `logging.frames` is true."""

    visit: int
    """Number of the visit, counted from 0, as in `VisitRecord`."""
    domain: str
    step: int
    """Number of the step, counted from 0 over the whole stream."""
    frames: tuple[int, ...]
    """Indices of the domain's frames in the step."""
    trains: bool
    """True if the controller let the step learn."""
    first_stage: int
    """Encoder stages before this one did not learn."""
    mix_ratio: float | None
    """The controller's share of pasted source classes; null where the method's own was used."""
    learning_rates: dict[str, float]
    """Learning rates by part of the network; empty if the step did not learn by gradients."""
    losses: dict[str, float]
    """Every loss term and monitored quantity of the method; empty if the step did not learn."""
    controller: dict[str, float]
    """Logged state of the controller."""
    miou: float | None
    """mIoU over the step's frames, predicted before they were learned from; null if they were not predicted, or no
    pixel is labelled.
    """
    label_free: dict[str, float]
    """Scores as in `VisitRecord`, over the step's own frames; empty if `evaluation.online` is false."""
    pseudo_labels: dict[str, float] = {}
    """As in `VisitRecord`, of the step."""


class Disagreement(Record):
    """Difference of two predictions of a frame of the stream after a visit: a row of `tables/disagreement_<visit>.csv`,
    written if `logging.disagreement_panels` is above 0.
    """

    visit: int
    """Number of the visit, counted from 0."""
    domain: str
    frame: int
    """Number of the frame in its domain, as in the name of its picture `panels/disagreement_<visit>_<frame>.png`."""
    changed: float
    """Share of pixels to which the adapted network gives another class than the source model, in [0, 1]."""
    source_miou: float | None
    """mIoU of the source model on the frame; null if it has no labelled pixel."""
    adapted_miou: float | None
    """mIoU of the adapted network on the frame; null if it has no labelled pixel."""


class BestRecord(Record):
    """The visit of `best.safetensors`: content of `best.json`, written if `logging.best_weights` is set."""

    visit: int
    """Number of the visit, counted from 0; the first of several with equal scores."""
    domain: str
    miou: float
    """Mean over the evaluated domains of their mIoU on the held-out frames `val`, after the visit."""
    settings_hash: str


class RunReport(Record):
    """Result of a whole run: content of `report.json`.

    Example:
        >>> import segada
        >>> figures = {"mean_miou": 0.5, "source_only_mean_miou": 0.4, "gain": 0.1, "forgetting": 0.0, "seconds": 1.0}
        >>> facts = {"source_only": {"fog": 0.4}, "trainable_parameters": 10, "settings_hash": "0123", "seed": 0}
        >>> report = segada.RunReport(visits=[], **figures, **facts)
        >>> segada.RunReport.model_validate_json(report.model_dump_json()) == report
        True
    """

    visits: list[VisitRecord]
    mean_miou: Score
    """Mean over evaluated visits of the mIoU on the domain being visited; null if no visited domain has labels."""
    source_only: dict[str, float]
    """mIoU per domain of the source model before adaptation, on the same frames; domains whose held-out frames have no
    labelled pixel are absent."""
    source_only_mean_miou: Score
    """`source_only` averaged over the same visits as `mean_miou`."""
    gain: Score
    """`mean_miou` minus `source_only_mean_miou`."""
    forgetting: Score
    """Drop of mIoU on the first visited domain with labels from the source model to the end of the run; below zero is a
    gain."""
    trainable_parameters: int
    """Number of scalars of the network that learn by gradients. Modules that a method builds beside the network and
    discards, such as a discriminator, are not counted.
    """
    seconds: float
    settings_hash: str
    seed: int
    unreadable_frames: dict[str, int] = {}
    """Number of frames by domain that were left out because their files are damaged, over all splits; domains without
    any are absent. `log.txt` names the files.
    """
    files_left_out: dict[str, dict[str, int]] = {}
    """Number of files by domain and reason that no pattern of its data set takes, hidden ones and labels without image
    included; domains without any are absent. `log.txt` names the first of them.
    """

    @property
    def unscored(self) -> tuple[str, ...]:
        """Visited domains that were adapted to and not scored, because their held-out frames have no labelled pixel."""
        unknown = (visit for visit in self.visits if not visit.is_scored and visit.domain not in self.source_only)
        return tuple(dict.fromkeys(visit.domain for visit in unknown))


class Preflight(Record):
    """Runs whose data and networks `python -m segada.engine.preflight` checks before one of them begins."""

    data: dict[str, dict[str, JsonValue]]
    """Settings of runs, by name, whose frames are counted."""
    networks: dict[str, dict[str, JsonValue]]
    """Settings of runs, by name, whose networks are built."""


class SettingProblem(Record):
    """A problem of data, and the setting of a run that it belongs to."""

    path: tuple[str, ...]
    """Path in the settings, for example `data`, `domains`, `fog`, `classes`; empty for a folder."""
    text: str
    """The problem and its cure."""


class SplitAgreement(Record):
    """Agreement of frames of a scored split with those of an earlier split, which tells near-duplicates."""

    splits: tuple[str, str]
    """The earlier split, and the scored one."""
    by: Literal["labels", "images"]
    """`labels`: share of the pixels that have the same class. `images`: correlation of the brightness of pixels."""
    neighbors: float
    """Mean agreement of frames of the scored split with the nearest of the earlier one, in the same recording."""
    any_pairs: float
    """Mean agreement of pairs of frames that are evenly spaced in all splits."""


class DomainCheck(Record):
    """Frames of a domain that `python -m segada.data check` has found."""

    dataset: str
    needed: list[str]
    """Splits that the run reads; empty for a folder, and for a domain that the run does not use."""
    frames: dict[str, int]
    """Number of frames by split."""
    read: int
    """Number of frames that were read."""
    unreadable: int
    """Number of those that cannot be read."""
    is_labelled: bool = True
    """False if a run does not score the domain, because its held-out frames have no labelled pixel."""
    agreements: list[SplitAgreement] = Field(default_factory=list)
    """Agreement of frames of its splits."""


class DataCheck(Record):
    """Result of `python -m segada.data check --json` for one file of settings or one folder."""

    domains: dict[str, DomainCheck]
    problems: list[SettingProblem]
    """Problems that prevent a run; empty if it would start."""
    notes: list[SettingProblem]
    """Findings that a run starts with all the same."""
    left_out: dict[str, int] = Field(default_factory=dict)
    """Number of files and folders that are left out of the folders of all domains, by reason."""


def visit_labels(domains: Sequence[str]) -> list[str]:
    """Returns names of visits that are unique in a stream: a domain's second visit is `<domain>#2`."""
    counts: dict[str, int] = {}
    labels = []
    for domain in domains:
        counts[domain] = counts.get(domain, 0) + 1
        labels.append(domain if counts[domain] == 1 else f"{domain}#{counts[domain]}")
    return labels

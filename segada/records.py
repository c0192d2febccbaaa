"""The results of a run as plain data: the stable contract of `visits.jsonl` and `report.json`.

Fractions in [0, 1], never percent; seconds.
"""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, JsonValue


class Record(BaseModel):
    """Base of every record: frozen, nothing unknown, numbers finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class VisitRecord(Record):
    """One stay in one domain: a line of `visits.jsonl`."""

    visit: int
    """Counted from 0."""
    domain: str
    frames: int
    """Frames passed over in this visit."""
    miou: dict[str, float]
    """mIoU of every evaluated domain on its held-out frames, after the visit."""
    iou: dict[str, dict[str, float]]
    """The same per class; classes without a pixel are absent."""
    online_miou: float | None
    """mIoU over the visit's own frames, each predicted before it is learned from (prequential).

    With several `stream.passes` the first counts: later ones predict what was learned from.
    Null if it was not asked for, or if none of their pixels is labelled."""
    label_free: dict[str, float]
    """Every score that `evaluation.label_free` names: means over those predictions, `source_miou` after the visit."""
    losses: dict[str, float]
    """Mean of every loss term and of every quantity the method watches over the visit's steps that learned."""
    learning_rates: dict[str, float] = {}
    """Mean learning rate by part of the network, over the same steps; empty if nothing is learned by gradients."""
    controller: dict[str, float] = {}
    """What the controller watches, as it stood at the end of the visit."""
    peak_memory: float | None = None
    """MiB (2^20 bytes) that adapting took at most since the run began, evaluation excluded, as
    `segada.models.peak_memory` counts: on a GPU what was allocated, on a CPU the tensors alive at one time. Null in
    records of before this measure."""
    seconds: float
    """Wall time of adaptation and evaluation."""
    frames_per_second: float
    """Frames adapted on per second, evaluation excluded."""

    @property
    def visited_miou(self) -> float:
        """mIoU on the domain being visited."""
        return self.miou[self.domain]


class StepRecord(Record):
    """One step: a line of `frames.jsonl`, which is written where `logging.frames` asks for it."""

    visit: int
    """Counted from 0, as in `VisitRecord`."""
    domain: str
    step: int
    """Counted from 0 over the whole stream."""
    frames: tuple[int, ...]
    """Numbers of the domain's frames that the step saw."""
    trains: bool
    """Whether the controller let the step learn."""
    first_stage: int
    """Encoder stages before this one did not learn."""
    mix_ratio: float | None
    """The controller's share of pasted source classes; null where the method's own was used."""
    learning_rates: dict[str, float]
    """By part of the network; empty if the step did not learn by gradients."""
    losses: dict[str, float]
    """Every loss term and every quantity that the method watches; empty if the step did not learn."""
    controller: dict[str, float]
    """What the controller watches."""
    miou: float | None
    """mIoU over the step's frames, predicted before they were learned from; null if they were not predicted, or show no
    labelled pixel."""
    label_free: dict[str, float]
    """As in `VisitRecord`, of the step's own frames; empty where `evaluation.online` is false."""


class BestRecord(Record):
    """Which visit `best.safetensors` is of: `best.json`, where `logging.best_weights` asks for them."""

    visit: int
    """Counted from 0; of several that scored alike the first."""
    domain: str
    miou: float
    """Mean over the scored domains of their mIoU on the held-out frames `val`, after the visit."""
    settings_hash: str


class RunReport(Record):
    """A whole run: `report.json`."""

    visits: list[VisitRecord]
    mean_miou: float
    """Mean over visits of the mIoU on the domain being visited."""
    source_only: dict[str, float]
    """mIoU per domain of the source model before anything was adapted, on the same frames."""
    source_only_mean_miou: float
    """`source_only` averaged over visits as `mean_miou` is."""
    gain: float
    """`mean_miou` minus `source_only_mean_miou`."""
    forgetting: float
    """Drop of mIoU on the first visited domain from the source model to the end of the run; below zero is a gain."""
    trainable_parameters: int
    """How many numbers of the network learn by gradients. What a method builds beside it and throws away, as a
    discriminator, is not counted."""
    seconds: float
    settings_hash: str
    seed: int
    unreadable_frames: dict[str, int] = {}
    """Frames by domain that were left out because their files are damaged, over all purposes; domains without any are
    absent. `log.txt` names the files."""


class Preflight(Record):
    """Runs whose data and networks `python -m segada.engine.preflight` checks before one of them begins."""

    data: dict[str, dict[str, JsonValue]]
    """Settings of runs, by name, whose frames are counted."""
    networks: dict[str, dict[str, JsonValue]]
    """Settings of runs, by name, whose networks are built."""


def visit_labels(domains: Sequence[str]) -> list[str]:
    """Names of visits, unique in a stream: a domain's second visit is `<domain>#2`."""
    counts: dict[str, int] = {}
    labels = []
    for domain in domains:
        counts[domain] = counts.get(domain, 0) + 1
        labels.append(domain if counts[domain] == 1 else f"{domain}#{counts[domain]}")
    return labels

"""Prometheus metrics of a study: names, labels and descriptions.

Ray exports each metric with the prefix `ray_` and adds labels of its own. Each driver of a study reports its own runs,
with a label `WorkerId` assigned by Ray.
"""

from dataclasses import dataclass

PREFIX = "ray_"
"""Ray's prefix of every name."""


@dataclass(frozen=True)
class Exported:
    """Exported metric.

    Attributes:
        labels: Names of its labels, `study` first.
        meaning: Description with the unit.
        counts: True if it is a counter, which never decreases.
    """

    labels: tuple[str, ...]
    meaning: str
    counts: bool = False


VISITS = "segada_visits_total"
EXPORTED = {
    "segada_miou": Exported(("study", "trial", "domain"), "mIoU of a domain after its latest visit, in [0, 1]."),
    "segada_gain": Exported(("study", "trial"), "Mean gain in mIoU over the source model, over the visits so far."),
    "segada_frames_per_second": Exported(("study", "trial"), "Frames adapted on per second, in the latest visit."),
    "segada_peak_memory_bytes": Exported(
        ("study", "trial"), "Peak memory of adaptation: allocated on the GPU, or in tensors on a CPU."
    ),
    VISITS: Exported(("study",), "Completed visits of trials, baselines and confirmation runs.", counts=True),
    "segada_trials": Exported(("study", "state"), "Trials by state: running, complete, pruned or fail."),
}
STATES = ("running", "complete", "pruned", "fail")
KEPT = 64
"""Number of finished trials whose gauges are kept; gauges of older trials are removed."""

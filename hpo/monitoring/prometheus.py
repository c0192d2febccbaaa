"""What Prometheus is told of a study: the names, in one place for whoever draws them.

Ray exports each under its name with `ray_` in front, and adds labels of its own. Several drivers of one study report
what they do themselves, each under a label `WorkerId` that Ray gives it.
"""

from dataclasses import dataclass

PREFIX = "ray_"
"""What Ray puts before every name."""


@dataclass(frozen=True)
class Exported:
    """A metric.

    Attributes:
        labels: Its labels, `study` first.
        meaning: In a sentence, with the unit.
        counts: Whether it only ever grows.
    """

    labels: tuple[str, ...]
    meaning: str
    counts: bool = False


VISITS = "segada_visits_total"
EXPORTED = {
    "segada_miou": Exported(("study", "trial", "domain"), "mIoU of a domain after its latest visit, in [0, 1]."),
    "segada_gain": Exported(("study", "trial"), "Mean mIoU over the source model's, over the visits so far."),
    "segada_frames_per_second": Exported(("study", "trial"), "Frames adapted on per second, in the latest visit."),
    "segada_peak_memory_bytes": Exported(
        ("study", "trial"), "Most memory that adapting took: allocated on the GPU, or in tensors on a CPU."
    ),
    VISITS: Exported(("study",), "Visits done, of trials, baselines and confirmation runs.", counts=True),
    "segada_trials": Exported(("study", "state"), "Trials by state: running, complete, pruned or fail."),
}
STATES = ("running", "complete", "pruned", "fail")
KEPT = 64
"""Trials of which the gauges stay when they are over; those of older ones are taken back."""

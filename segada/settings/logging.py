"""What people look at while a run adapts and after it. Nothing here changes a number of the run."""

from segada.settings.base import Count, Settings


class LoggingSettings(Settings):
    """What is written beside the results, into the folder of the run; nothing, and at no cost, by default.

    The time that it takes counts in `frames_per_second`. It is no part of the settings' hash, and a folder holds a run
    logged in one way.
    """

    frames: bool = False
    """Write `frames.jsonl`: a line per step with its frames, rates, losses, plan, scores and controller's state."""
    mix_panels: Count | None = None
    """Every so many frames, counted from the first of each visit, a picture `panels/mix_<visit>_<frame>.png` of how
    source and target were mixed; null for none. Only methods that mix have one."""
    prediction_panels: Count | None = None
    """Every so many frames a picture `panels/prediction_<visit>_<frame>.png` of what the scored network says of the
    frame before it learns from it; null for none."""
    class_tables: Count | None = None
    """After every so many frames a table `tables/iou_<visit>_<frames>.csv` of the IoU per class over the frames of the
    visit so far, each predicted before it was learned from; null for none."""
    best_weights: bool = False
    """After each visit that scored best so far, the mean over the scored domains, write `best.safetensors` and
    `best.json`. Only where `evaluation.split` is `val`: nothing is chosen by `test`."""

"""Optional logs and images of a run. They change no number of the run."""

from segada.settings.base import Count, Number, Settings


class LoggingSettings(Settings):
    """Files that are written into the run folder beside the results; none, and at no cost, by default.

    The time spent on them counts in `frames_per_second`. They are not part of the settings' hash, and one run folder
    holds a run with one choice of these settings.
    """

    frames: bool = False
    """If true, write `frames.jsonl`: one line per step with its frames, learning rates, losses, plan, scores and
    controller state."""
    mix_panels: Count | None = None
    """Interval, in frames from the start of each visit, at which an image `panels/mix_<visit>_<frame>.png` of the
    class-mix is written; null writes none. Only for methods with class-mix."""
    prediction_panels: Count | None = None
    """Interval, in frames, at which an image `panels/prediction_<visit>_<frame>.png` is written: the evaluated
    network's prediction of the frame before it learns from it; null writes none."""
    disagreement_panels: Number = 0
    """Number of frames, evenly spaced over each visit, of which an image `panels/disagreement_<visit>_<frame>.png` is
    written when the visit is over: image, the source model's prediction, the evaluated network's, and the pixels in
    which they differ; and a row of `tables/disagreement_<visit>.csv` with the share of these pixels. 0 writes none."""
    class_tables: Count | None = None
    """Interval, in frames, at which a table `tables/iou_<visit>_<frames>.csv` is written: IoU per class over the frames
    of the visit so far, each predicted before it was learned from; null writes none."""
    best_weights: bool = False
    """If true, write `best.safetensors` and `best.json` after each visit whose score (mean over the scored domains) is
    the best so far. Needs `evaluation.split` to be `val`, since nothing may be selected on `test`."""

    def during_visits(self) -> "LoggingSettings":
        """Returns the same settings without those of pictures that are drawn once a visit is over."""
        return self.model_copy(update={"disagreement_panels": 0})

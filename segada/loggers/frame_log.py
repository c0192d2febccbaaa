"""Log of steps, frame by frame, as data."""

import math

from segada.artifacts.run_dir import RunDir
from segada.evaluation.evaluator import Scores, score
from segada.evaluation.label_counts import PSEUDO_LABELS
from segada.loggers.base import SeenStep, Watcher
from segada.records import StepRecord


class FrameLog(Watcher):
    """Appends a line to `frames.jsonl` after each step, so that it can be followed during the run."""

    def __init__(self, folder: RunDir) -> None:
        self._folder = folder

    def see(self, seen: SeenStep) -> None:
        """Appends one line, whether the step learned or not."""
        self._folder.add_step(
            StepRecord(
                visit=seen.visit,
                domain=seen.domain,
                step=seen.step.number,
                frames=tuple(seen.step.frames.tolist()),
                trains=seen.plan.trains,
                first_stage=seen.plan.first_stage,
                mix_ratio=seen.plan.mix_ratio,
                learning_rates=dict(seen.rates),
                losses=dict(seen.log),
                controller=dict(seen.controller),
                miou=_miou(seen),
                label_free=dict(seen.label_free),
                pseudo_labels=seen.counts[PSEUDO_LABELS].quality() if PSEUDO_LABELS in seen.counts else {},
            )
        )


def _miou(seen: SeenStep) -> float | None:
    if seen.logits is None:
        return None
    miou = Scores(score(seen.logits, seen.batch.labels)).miou
    return None if math.isnan(miou) else miou

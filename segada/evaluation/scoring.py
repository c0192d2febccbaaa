"""Evaluates domains one after the other."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import JsonValue

from segada.cli.signals import Asked
from segada.data.datasets.domain_frames import LabelledFrame, ListedFrames
from segada.data.datasets.left_out import omissions
from segada.data.datasets.registry import labelled_frames
from segada.data.splits import Split
from segada.evaluation.batch_size import BatchSize
from segada.evaluation.export import Saved, keep
from segada.evaluation.predictor import FramePrediction, Predictor
from segada.evaluation.progress import FrameProgress
from segada.evaluation.records import DomainRecord, Evaluation, FrameCounts, domain_key, domain_record
from segada.settings.class_sets import ClassSet
from segada.settings.data import DataSettings

WRITERS: Final = 4
"""Number of frames whose files are written at the same time."""


@dataclass(frozen=True, slots=True)
class Scorer:
    """Predicts the frames of a domain, counts areas, and saves the requested files.

    Attributes:
        predictor: Predictor of frames.
        batch_size: Batch size, adapted at run time.
        folder: Folder of the saved files.
        kept: Kinds of saved files.
        progress: Receives the number of finished frames.
        asked_to_stop: Returns True if the evaluation should stop; called after each batch.
    """

    predictor: Predictor
    batch_size: BatchSize
    folder: Path
    kept: tuple[str, ...]
    progress: FrameProgress
    asked_to_stop: Asked

    def score(self, domain: str, data: DataSettings, split: Split, key: str, listed: ListedFrames) -> DomainRecord:
        """Returns the record of a domain, whose frames are listed already.

        Raises:
            KeyboardInterrupt: if a stop was requested; only this domain's work is lost.
            ValueError: if files are missing or not as expected.
        """
        begun = time.perf_counter()
        areas, count = np.zeros((3, len(data.classes)), np.int64), 0
        self.progress.begin(domain, listed.count)
        for frames, predicted in self.batch_size.batches(labelled_frames(domain, data, split), self.predictor):
            areas += np.sum([prediction.areas for prediction in predicted], axis=0)
            self._keep(domain, data.classes, frames, predicted)
            count += len(frames)
            self.progress.add(len(frames))
            if self.asked_to_stop():
                raise KeyboardInterrupt
        left_out = {one.reason: one.count for one in omissions(listed.left_out)}
        counts = FrameCounts(scored=count, unreadable=listed.count - count, left_out=left_out)
        record = domain_record(key, areas, data.classes.names, counts, time.perf_counter() - begun)
        return record.model_copy(update={"saved": self.kept})

    def _keep(
        self, domain: str, classes: ClassSet, frames: Sequence[LabelledFrame], predicted: Sequence[FramePrediction]
    ) -> None:
        """Saves several frames in parallel, because compression and disk take longer than prediction."""

        def keep_one(frame: LabelledFrame, found: FramePrediction) -> None:
            keep(self.kept, self.folder, domain, Saved(frame, found.prediction, classes))

        if self.kept:
            with ThreadPoolExecutor(WRITERS) as writers:
                list(writers.map(keep_one, frames, predicted))


def frame_key(domain: str, data: DataSettings, evaluation: Evaluation) -> str:
    """Returns the key of a domain's record: a hash of networks, protocol and the settings that determine its frames.

    The content of the files does not enter it.
    """
    frames: dict[str, JsonValue] = {
        "domain": data.domains[domain].model_dump(mode="json"),
        "classes": data.classes.model_dump(mode="json"),
        "root": data.root,
        "limit": data.splits.model_dump()[evaluation.protocol.split],
    }
    return domain_key(evaluation, frames)

"""Scores one domain after the other."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import JsonValue

from segada.cli.signals import Asked
from segada.data.datasets.domain_frames import LabelledFrame
from segada.data.datasets.registry import count_frames, labelled_frames
from segada.data.labels import NUM_CLASSES
from segada.data.splits import Split
from segada.evaluation.batch_size import BatchSize
from segada.evaluation.export import keep
from segada.evaluation.predictor import FramePrediction, Predictor
from segada.evaluation.progress import FrameProgress
from segada.evaluation.records import DomainRecord, Evaluation, FrameCounts, domain_key, domain_record
from segada.settings.data import DataSettings

WRITERS: Final = 4
"""Frames of which something is kept at a time."""


@dataclass(frozen=True, slots=True)
class Scorer:
    """Predicts the frames of a domain, counts, and keeps what was asked for.

    Attributes:
        predictor: Predicts and scores a batch of frames.
        batch_size: Frames at once, found out as it goes.
        folder: Where what is kept goes.
        kept: Kinds of it.
        progress: Is told of frames.
        asked_to_stop: Is asked after each batch.
    """

    predictor: Predictor
    batch_size: BatchSize
    folder: Path
    kept: tuple[str, ...]
    progress: FrameProgress
    asked_to_stop: Asked

    def score(self, domain: str, data: DataSettings, split: Split, key: str) -> DomainRecord:
        """The record of a domain.

        Raises:
            KeyboardInterrupt: if it was asked to stop; nothing is lost but this domain.
            ValueError: files are missing or not as expected.
        """
        begun = time.perf_counter()
        areas, count = np.zeros((3, NUM_CLASSES), np.int64), 0
        listed = count_frames(domain, data, split)
        self.progress.begin(domain, listed)
        for frames, predicted in self.batch_size.batches(labelled_frames(domain, data, split), self.predictor):
            areas += np.sum([prediction.areas for prediction in predicted], axis=0)
            self._keep(domain, frames, predicted)
            count += len(frames)
            self.progress.add(len(frames))
            if self.asked_to_stop():
                raise KeyboardInterrupt
        counts = FrameCounts(scored=count, unreadable=listed - count)
        return domain_record(key, areas, counts, self.kept, time.perf_counter() - begun)

    def _keep(self, domain: str, frames: Sequence[LabelledFrame], predicted: Sequence[FramePrediction]) -> None:
        """Several frames at a time: compressing pictures and waiting for the disk takes longer than predicting them."""

        def keep_one(frame: LabelledFrame, found: FramePrediction) -> None:
            keep(self.kept, self.folder, domain, frame, found.prediction)

        if self.kept:
            with ThreadPoolExecutor(WRITERS) as writers:
                list(writers.map(keep_one, frames, predicted))


def frame_key(domain: str, data: DataSettings, evaluation: Evaluation) -> str:
    """The key of a domain's record: of the networks, the protocol, and what decides which frames it has.

    What is in the files is not looked at.
    """
    frames: dict[str, JsonValue] = {
        "domain": data.domains[domain].model_dump(mode="json"),
        "root": data.root,
        "limit": data.splits.model_dump()[evaluation.protocol.split],
    }
    return domain_key(evaluation, frames)

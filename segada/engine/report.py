"""Computes a run's report from the records of its visits."""

import math
from collections.abc import Container, Mapping, Sequence

import numpy as np

from segada.engine.run_data import RunData
from segada.records import RunReport, VisitRecord
from segada.settings import RunSettings


def evaluable(settings: RunSettings, data: RunData) -> Container[str]:
    """Returns the domains of which a visit without mIoU was not evaluated; others have no labels."""
    return data.held_out if settings.evaluation.holds_out else settings.stream.visits


def run_result(
    settings: RunSettings,
    records: Sequence[VisitRecord],
    data: RunData,
    trainable: int,
    unreadable: Mapping[str, int],
) -> RunReport:
    """Returns the report of a run or of its visits so far.

    Args:
        settings: Settings of the run.
        records: Records of the visits so far; the last of them was evaluated.
        data: Data of the run.
        trainable: Number of trainable scalars.
        unreadable: Numbers of frames of the stream that could not be read, by domain.
    """
    source_only = data.source_only
    scored = [record for record in records if record.is_scored]
    mean = float(np.mean([record.visited_miou for record in scored])) if scored else math.nan
    source_mean = float(np.mean([source_only[record.domain] for record in scored])) if scored else math.nan
    first = next((name for name in settings.stream.all_visits() if name in source_only), None)
    return RunReport(
        visits=list(records),
        mean_miou=mean,
        source_only=dict(source_only),
        source_only_mean_miou=source_mean,
        gain=mean - source_mean,
        forgetting=math.nan if first is None else source_only[first] - records[-1].miou[first],
        trainable_parameters=trainable,
        seconds=sum(record.seconds for record in records),
        settings_hash=settings.settings_hash(),
        seed=settings.seed,
        unreadable_frames={**data.count_unreadable(), **unreadable},
        files_left_out=data.count_left_out(),
    )

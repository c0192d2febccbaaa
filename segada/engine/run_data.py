"""Read-only data that all trials of a study share: decoded frames, and the source model's mIoU on them."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from segada.core.rng import torch_generator
from segada.core.torch_setup import refuse_absent, set_up_torch
from segada.data.batch import Batch
from segada.data.cache.frame_cache import Unreadable
from segada.data.datasets.domain_frames import DomainFrames, Integers
from segada.data.datasets.left_out import Omission, merged, omission_line, omissions
from segada.data.datasets.registry import check_readable, open_domain
from segada.data.feed import fed
from segada.data.frame_schedule import FrameSchedule, Step
from segada.data.frames import NO_FRAMES, Frames
from segada.data.labels import IGNORE
from segada.data.run_frames import check_counts, check_scored, planned_visits, read_places
from segada.data.splits import Split
from segada.evaluation.evaluator import evaluate
from segada.models.build import build_segmentor
from segada.settings import RunSettings
from segada.settings.adapter import NoAdapter
from segada.settings.checkpoint_path import find_checkpoint
from segada.settings.loading import LoadingSettings
from segada.settings.stream import ReplaySettings

Opened: TypeAlias = dict[tuple[str, Split], DomainFrames]
"""Frames by domain and split."""


@dataclass(frozen=True, slots=True)
class RunData:
    """Read-only input of a run, as numpy arrays, which pass through shared memory without a copy.

    Attributes:
        key: Hash of the settings that the data were prepared from, see `run_data_key`.
        source: Labelled frames of the source domain; none if the run has no source.
        lengths: Number of frames of each visited domain.
        visited: Frames that the stream passes over, in ascending order, by domain; all frames if a cache file holds
            them.
        held_out: Frames that are evaluated after each visit, by domain; domains without a labelled pixel are absent.
        source_only: mIoU of the unadapted source model on `held_out`, by domain.
        unreadable: Frames left out because their files are damaged, by domain; domains without such frames are absent.
        left_out: What the patterns of a domain leave out of its folders; domains without such files are absent.
        unscored: A line for each domain that is not scored.
        recordings: Number of the recording of each frame of `held_out` [frames], by domain.
        stream_recordings: Number of the recording of each frame of the visited domains, by domain: [frames], of which
            `visited` need not have all.
    """

    key: str
    source: Frames
    lengths: dict[str, int]
    visited: dict[str, Frames]
    held_out: dict[str, Frames]
    source_only: dict[str, float]
    unreadable: dict[str, tuple[Unreadable, ...]] = field(default_factory=dict)
    left_out: dict[str, tuple[Omission, ...]] = field(default_factory=dict)
    unscored: tuple[str, ...] = ()
    recordings: dict[str, Integers] = field(default_factory=dict)
    stream_recordings: dict[str, Integers] = field(default_factory=dict)

    def batches(
        self, domain: str, schedule: FrameSchedule, steps: Sequence[Step], device: torch.device
    ) -> Iterator[Batch]:
        """Yields one batch on the device for each of the given steps through a domain."""
        frames, passed = self.visited[domain], schedule.needed(domain)
        whole = len(frames) == self.lengths[domain]
        return fed(frames, [step.frames if whole else np.searchsorted(passed, step.frames) for step in steps], device)

    def count_unreadable(self) -> dict[str, int]:
        """Returns the number of unreadable frames by domain; domains without any are absent."""
        return {name: len(left_out) for name, left_out in self.unreadable.items()}

    def count_left_out(self) -> dict[str, dict[str, int]]:
        """Returns the number of files that are left out of the folders of a domain, by domain and reason."""
        return {name: {one.reason: one.count for one in omitted} for name, omitted in self.left_out.items()}

    def shortfalls(self) -> list[str]:
        """Returns a line for each domain that is not scored, for each with unreadable frames, and for each whose
        folders hold files that are left out: their number and the reasons."""
        unreadable = [
            f"frames of domain {name} that cannot be read and are left out: {len(left_out)}, "
            + ", ".join(f"{one.path} {one.reason}" for one in left_out)
            for name, left_out in self.unreadable.items()
        ]
        return [*self.unscored, *unreadable] + [omission_line(name, omitted) for name, omitted in self.left_out.items()]


def run_data_key(settings: RunSettings) -> str:
    """Returns a hash that is equal for two runs exactly if they can share their data."""
    relevant = {
        "data": settings.data.model_copy(update={"loading": LoadingSettings()}),
        "stream": settings.stream.model_copy(update={"batch_size": 1, "passes": 1, "replay": ReplaySettings()}),
        "scored": settings.scored_domains(),
        "split": settings.evaluation.split,
        "model": settings.model.model_copy(
            update={"freeze": "nothing", "frozen_modules": (), "trainable_modules": (), "drop_path": 0.0}
        ),
        "seed": settings.seed if settings.model.checkpoint is None or settings.model.reinitialize else 0,
    }
    canonical = json.dumps(relevant, default=lambda part: part.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def prepare_data(settings: RunSettings) -> RunData:
    """Loads or renders every frame of the run and evaluates the source model on the held-out frames.

    Raises:
        ValueError: if a data set, a checkpoint or the device is missing or does not match the settings, if the frames
            exceed this machine's memory, or if domains have label files, but no held-out frame has a labelled pixel.
    """
    set_up_torch(settings.runtime)
    refuse_absent(settings.runtime.device)
    stream, data = settings.stream, settings.data
    check_counts(settings)
    if settings.model.checkpoint is not None:
        # The checkpoint is looked up before frames are read or rendered, which may take minutes.
        find_checkpoint(settings.model.checkpoint)
    opened = _opened(settings)
    lengths = {name: len(opened[name, stream.split]) for name in planned_visits(stream)}
    schedule = FrameSchedule(stream, lengths)
    held_out = {name: opened[name, settings.evaluation.split].load() for name in settings.scored_domains()}
    unreadable = {name: _unreadable(name, opened) for name in data.domains}
    unlabelled = [name for name, frames in held_out.items() if not _has_labels(frames)]
    held_out = {name: frames for name, frames in held_out.items() if name not in unlabelled}
    unscored = check_scored(settings, list(held_out))
    return RunData(
        key=run_data_key(settings),
        source=NO_FRAMES if stream.source is None else opened[stream.source, "source"].load(),
        lengths=lengths,
        visited={name: _passed(opened[name, stream.split], schedule.needed(name)) for name in lengths},
        held_out=held_out,
        source_only=_source_only(settings, held_out),
        unreadable={name: left_out for name, left_out in unreadable.items() if left_out},
        left_out={name: omitted for name in data.domains if (omitted := _left_out(name, opened))},
        unscored=tuple(map(str, unscored)),
        recordings={name: _recordings(opened[name, settings.evaluation.split]) for name in held_out},
        stream_recordings={name: _recordings(opened[name, stream.split]) for name in lengths},
    )


def rescored(shared: RunData, prepared_from: RunSettings, settings: RunSettings) -> RunData | None:
    """Returns the data of a run that differs in its source model alone, of which the held-out frames are scored; None
    if it differs in its frames.

    Args:
        shared: Data of another run.
        prepared_from: Settings of that run.
        settings: Settings of the run.
    """
    alike = settings.model_copy(update={"model": prepared_from.model, "seed": prepared_from.seed})
    if run_data_key(alike) != shared.key or settings.data.classes != prepared_from.data.classes:
        return None
    set_up_torch(settings.runtime)
    refuse_absent(settings.runtime.device)
    source_only = _source_only(settings, shared.held_out)
    return replace(shared, key=run_data_key(settings), source_only=source_only)


def _opened(settings: RunSettings) -> Opened:
    """Opens the frames of every domain and split that the run needs, each once."""
    data = settings.data
    opened = {(name, split): open_domain(name, data, split) for name, split in read_places(settings)}
    for domain in dict.fromkeys(name for name, _ in opened):
        check_readable(domain, [frames for (name, _), frames in opened.items() if name == domain], data)
    return opened


def _has_labels(frames: Frames) -> bool:
    return any(bool((labels != IGNORE).any()) for labels in frames.labels)


def _recordings(frames: DomainFrames) -> Integers:
    """Returns the numbers of the frames' recordings; one recording if the data set of a user does not tell."""
    known: Integers = getattr(frames, "recordings", np.zeros(len(frames), np.int64))
    return known


def _passed(frames: DomainFrames, numbers: npt.NDArray[np.int64]) -> Frames:
    """Returns the frames with these indices; all frames if they are mapped from a file and take no memory."""
    return frames.load() if frames.mapped else frames.load(numbers.tolist())


def _unreadable(domain: str, opened: Opened) -> tuple[Unreadable, ...]:
    return tuple(one for (name, _), frames in opened.items() if name == domain for one in frames.unreadable)


def _left_out(domain: str, opened: Opened) -> tuple[Omission, ...]:
    return omissions(merged(frames.left_out for (name, _), frames in opened.items() if name == domain))


def _source_only(settings: RunSettings, held_out: dict[str, Frames]) -> dict[str, float]:
    initialization = torch_generator(settings.seed, "initialisation")
    network = build_segmentor(settings.model, NoAdapter(), initialization, classes=settings.data.classes)
    network = network.to(settings.runtime.device).eval()
    network.check_output(settings.data.size)
    batch_size, device = settings.evaluation.batch_size, torch.device(settings.runtime.device)
    return {name: evaluate(network, frames, batch_size, device).miou for name, frames in held_out.items()}

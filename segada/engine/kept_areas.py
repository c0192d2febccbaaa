"""Areas of frames that a run keeps for bootstraps: of held-out frames, and of its own before they are learned from."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from segada.artifacts.run_dir import RunDir
from segada.engine.run_data import RunData
from segada.engine.visit_metrics import VisitMetrics
from segada.evaluation.evaluator import Scores
from segada.metrics import Areas

Numbers = npt.NDArray[np.int64]


class KeptAreas:
    """Areas by visit, with the recordings of their frames: content of `areas.npz`.

    `visit<k>` is int64 [frames, 3, classes]: intersection, predicted and labelled pixels per class on the visited
    domain's held-out frames after visit k, in the order of the recording; it is empty if the visit is not scored.
    `online<k>` are those of the frames of visit k, each predicted before it is learned from, in the order of the
    stream; it is empty if none was predicted or none is labelled. `recording<k>` and `online_recording<k>` are int64
    [frames]: frames with the same number are of one recording, and correlated.
    """

    def __init__(self, run_data: RunData, classes: int) -> None:
        """Takes the data of the run, and the number of classes."""
        self._run_data, self._classes = run_data, classes
        self._domains: list[str] = []
        self._held_out: list[Areas] = []
        self._online: list[Areas] = []
        self._online_recordings: list[Numbers] = []

    def add(self, domain: str, scores: Mapping[str, Scores], metrics: VisitMetrics) -> None:
        """Adds a visit: the scores of the held-out frames by domain, and the frames that it passed over."""
        self._domains.append(domain)
        self._held_out.append(scores[domain].areas if domain in scores else self._none())
        is_labelled = bool(metrics.online_areas[:, 2].any())
        numbers = metrics.online_frames
        self._online.append(metrics.online_areas if is_labelled else self._none())
        self._online_recordings.append(
            self._run_data.stream_recordings[domain][numbers] if is_labelled else numbers[:0]
        )

    def write(self, folder: RunDir) -> None:
        """Writes `areas.npz`."""
        pairs = zip(self._domains, self._held_out, strict=True)
        recordings = [self._run_data.recordings[name] if len(some) else np.zeros(0, np.int64) for name, some in pairs]
        parts = {"visit": self._held_out, "recording": recordings, "online": self._online}
        parts["online_recording"] = self._online_recordings
        folder.write_areas(
            {f"{name}{visit}": part for name, every in parts.items() for visit, part in enumerate(every)}
        )

    def state_dict(self) -> dict[str, Any]:
        """Returns the areas of all visits as tensors."""
        return {
            "areas": _tensors(self._held_out),
            "online_areas": _tensors(self._online),
            "online_recordings": _tensors(self._online_recordings),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores the state that `state_dict` returned, from the state of a run, which also has its records."""
        self._domains = [record["domain"] for record in state["records"]]
        self._held_out = [areas.numpy() for areas in state["areas"]]
        visits = len(self._held_out)
        # Older checkpoints have only those of held-out frames.
        online, recordings = state.get("online_areas", []), state.get("online_recordings", [])
        self._online = [areas.numpy() for areas in online] or [self._none()] * visits
        self._online_recordings = [numbers.numpy() for numbers in recordings] or [np.zeros(0, np.int64)] * visits

    def _none(self) -> Areas:
        return np.zeros((0, 3, self._classes), np.int64)


def _tensors(arrays: list[Numbers]) -> list[torch.Tensor]:
    return [torch.from_numpy(array) for array in arrays]

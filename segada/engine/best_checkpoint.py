"""The network of the visit with the highest mIoU, by which a source model is chosen in pre-training."""

import copy
from collections.abc import Collection
from typing import Any

import numpy as np
from torch import Tensor

from segada.artifacts.run_dir import RunDir
from segada.models.learning import changing_state, generators
from segada.models.segmentor import Segmentor
from segada.models.weights import save_weights
from segada.records import BestRecord, VisitRecord
from segada.settings import RunSettings


class BestCheckpoint:
    """Keeps the weights of the best visit if `logging.best_weights` is set; otherwise stays empty.

    The kept weights are part of a run's checkpoint, so that `best.safetensors` can be written again after an
    interruption or if the file is lost.
    """

    def __init__(self, settings: RunSettings, learning: Collection[str]) -> None:
        """Starts without weights.

        Args:
            settings: Settings of the run.
            learning: Names of the network's learning parameters.
        """
        self._asked = settings.logging.best_weights
        self._hash = settings.settings_hash()
        self._learning = frozenset(learning)
        self._record: BestRecord | None = None
        self._tensors: dict[str, Tensor] = {}
        self._written: BestRecord | None = None

    def see(self, record: VisitRecord, network: Segmentor) -> None:
        """Keeps the weights if the mean mIoU over the evaluated domains exceeds that of all earlier visits."""
        miou = float(np.mean(list(record.miou.values())))
        if not self._asked or (self._record is not None and miou <= self._record.miou):
            return
        self._record = BestRecord(visit=record.visit, domain=record.domain, miou=miou, settings_hash=self._hash)
        changing = changing_state(network, self._learning)
        self._tensors = {
            name: value.detach().to("cpu", copy=True)
            for name, value in changing.items()
            if not name.endswith("_extra_state")
        }

    def publish(self, folder: RunDir, network: Segmentor) -> None:
        """Writes `best.safetensors` and `best.json`, unless this object has already written this record.

        Args:
            folder: Folder of the run.
            network: Network of the run; its tensors that never change complete the kept ones.
        """
        if self._record == self._written or self._record is None:
            return
        # Generators cannot be copied; the copy shares them, and saving draws from none.
        best = copy.deepcopy(network, generators(network))
        best.load_state_dict(self._tensors, strict=False)
        save_weights(best, folder.best, self._hash)
        folder.write_best(self._record)
        self._written = self._record

    def state_dict(self) -> dict[str, Any]:
        """Returns the kept record and tensors; empty if there are none."""
        if self._record is None:
            return {}
        return {"record": self._record.model_dump(mode="json"), "tensors": self._tensors}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores the state that `state_dict` returned."""
        if state:
            self._record = BestRecord.model_validate(state["record"])
            self._tensors = dict(state["tensors"])

"""The network as it was after the visit that scored best: what a source training is chosen by."""

import copy
from collections.abc import Collection
from typing import Any

import numpy as np
from torch import Tensor

from segada.artifacts.run_dir import RunDir
from segada.models.learning import changing_state
from segada.models.segmentor import Segmentor
from segada.models.weights import save_weights
from segada.records import BestRecord, VisitRecord
from segada.settings import RunSettings


class BestCheckpoint:
    """Keeps what `logging.best_weights` asks for, and is empty without it.

    What is kept is part of a run's checkpoint, so that `best.safetensors` is the same whatever happens to the run or to
    that file.
    """

    def __init__(self, settings: RunSettings, learning: Collection[str]) -> None:
        """Begins with nothing.

        Args:
            settings: Of the run.
            learning: Names of the network's parameters that learn.
        """
        self._asked = settings.logging.best_weights
        self._hash = settings.settings_hash()
        self._learning = frozenset(learning)
        self._record: BestRecord | None = None
        self._tensors: dict[str, Tensor] = {}
        self._written: BestRecord | None = None

    def see(self, record: VisitRecord, network: Segmentor) -> None:
        """Keeps the network's weights if no visit before has scored as well: the mean over the scored domains."""
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
        """Writes `best.safetensors` and `best.json`, unless this object has.

        Args:
            folder: Of the run.
            network: What never changes in it is as it was in the best visit.
        """
        if self._record == self._written or self._record is None:
            return
        generator = network.encoder.generator
        # Generators cannot be copied; this one is not drawn from.
        best = copy.deepcopy(network, {id(generator): generator})
        best.load_state_dict(self._tensors, strict=False)
        save_weights(best, folder.best, self._hash)
        folder.write_best(self._record)
        self._written = self._record

    def state_dict(self) -> dict[str, Any]:
        """What is kept; empty if nothing is."""
        if self._record is None:
            return {}
        return {"record": self._record.model_dump(mode="json"), "tensors": self._tensors}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        if state:
            self._record = BestRecord.model_validate(state["record"])
            self._tensors = dict(state["tensors"])

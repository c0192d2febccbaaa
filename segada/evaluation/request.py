"""Everything that an evaluation is asked to do: networks, frames and protocol."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from segada.core.torch_setup import refuse_absent
from segada.evaluation.batch_size import BatchSize
from segada.evaluation.checkpoints import WEIGHT_FILES, EvaluatedModel
from segada.evaluation.export import KINDS
from segada.evaluation.predictor import Predictor
from segada.evaluation.records import Evaluation, ModelRecord, Protocol
from segada.evaluation.sliding import Network, Slid, Slide
from segada.evaluation.tta import views
from segada.models.segmentor import Segmentor
from segada.settings import RunSettings

MOST: Final[Mapping[str, int]] = {"cpu": 8, "cuda": 64}
"""Largest batch by device, unless the command line sets it."""


@dataclass(frozen=True, slots=True)
class Request:
    """Request for an evaluation.

    Attributes:
        models: Networks; several form an ensemble.
        settings: Settings of the frames and of the machine.
        protocol: Protocol by which frames are predicted.
        domains: Domains to evaluate, in order.
        kept: Kinds of files saved per frame, see `segada.evaluation.export.KINDS`.
        most: Largest batch; None takes the device's default.
    """

    models: Sequence[EvaluatedModel]
    settings: RunSettings
    protocol: Protocol
    domains: Sequence[str]
    kept: tuple[str, ...] = ()
    most: int | None = None

    def nothing_yet(self) -> Evaluation:
        """Returns the evaluation before any domain is scored."""
        models = tuple(
            ModelRecord(
                checkpoint=model.given,
                sha256=model.checksum(),
                model=model.network(),
                adapter=model.settings.adapter.model_dump(mode="json"),
                image_adapter=model.settings.image_adapter.model_dump(mode="json"),
            )
            for model in self.models
        )
        return Evaluation(models=models, protocol=self.protocol, classes=self.settings.data.classes.names, domains={})

    def networks(self) -> list[Segmentor]:
        """Builds the networks.

        Raises:
            InputError: if weights do not fit, or the device is missing.
        """
        refuse_absent(self.settings.runtime.device)
        return [model.built(torch.device(self.settings.runtime.device)) for model in self.models]

    def predictor(self, networks: Sequence[Network]) -> Predictor:
        """Returns a predictor with these networks, windows and views."""
        device, protocol = torch.device(self.settings.runtime.device), self.protocol
        if protocol.crop is not None and protocol.stride is not None:
            slide = Slide(protocol.crop, protocol.stride)
            networks = [Slid(network, slide) for network in networks]
        soft = any(KINDS[name].soft for name in self.kept)
        return Predictor(
            networks, views(protocol.scales, protocol.mirrored), device, len(self.settings.data.classes), soft
        )

    def batch_size(self) -> BatchSize:
        """Returns a batch size that adapts to the available memory."""
        device = self.settings.runtime.device
        return BatchSize(torch.device(device), self.most or MOST[device])


def default_folder(evaluation: Evaluation) -> Path:
    """Returns a folder name unique to these networks and this protocol."""
    first, *others = (Path(model.checkpoint) for model in evaluation.models)
    # Weight files have the same name in all runs, so the folder's name is used.
    name = first.absolute().parent.name if first.name in WEIGHT_FILES else first.stem
    content = evaluation.model_copy(update={"models": evaluation.nameless()}).model_dump_json(exclude={"domains"})
    several = f"+{len(others)}" if others else ""
    return Path("runs") / f"evaluate-{name}{several}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"

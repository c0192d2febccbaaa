"""Resolves checkpoints named on the command line to settings of networks, and builds the networks."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from pydantic import JsonValue

from segada.core.named_code import is_code
from segada.core.rng import torch_generator
from segada.core.run_names import BEST_WEIGHTS, SETTINGS, WEIGHTS
from segada.errors import InputError
from segada.models.batch_norm import normalize_by
from segada.models.build import build_segmentor
from segada.models.formats.reading import read_weights
from segada.models.preprocessing import IMAGENET, from_settings
from segada.models.segmentor import Segmentor
from segada.settings import RunSettings
from segada.settings.batch_norm import BatchNormStatistics
from segada.settings.checkpoint_path import find_checkpoint
from segada.settings.files import Document, read_yaml
from segada.settings.inputs import checked_path
from segada.settings.nested import Tree, Value, at_path, merged

WEIGHT_FILES: Final = (WEIGHTS, BEST_WEIGHTS)
"""Weight files in a run's folder; a folder given as checkpoint stands for the first."""
FACTS: Final = {"encoder": "model.encoder", "head": "model.head", "network": "model.network"}
"""Metadata of a checkpoint file, and the settings that they determine."""
READ: Final = ("data", "model", "adapter", "image_adapter", "runtime", "preset")
"""Sections of the settings that an evaluation reads."""
ELSEWHERE: Final = {
    "model.checkpoint": "name the checkpoint before the options",
    "model.reinitialize": "the checkpoint contains all evaluated weights",
}
NOTHING_LEARNS: Final[Mapping[str, Value]] = {
    "model.reinitialize": [],
    "model.freeze": "nothing",
    "model.frozen_modules": [],
    "model.trainable_modules": [],
}
"""Settings of a run's network that matter for learning only, with neutral values."""
DEFAULTS: Final = Document("the defaults", {})


@dataclass(frozen=True, slots=True)
class EvaluatedModel:
    """A network that is evaluated, alone or in an ensemble.

    Attributes:
        given: Name of the checkpoint as given.
        settings: Settings of the network, and of its run's frames.
        is_run: True if the name refers to a run's folder.
        statistics: Statistics of its batch norms in its run; None for running statistics.
    """

    given: str
    settings: RunSettings
    is_run: bool
    statistics: BatchNormStatistics | None = None

    def built(self, device: torch.device) -> Segmentor:
        """Builds the network in evaluation mode on a device.

        Raises:
            InputError: if the weights do not fit.
        """
        settings = self.settings
        initialization = torch_generator(settings.seed, "initialisation")
        try:
            network = build_segmentor(
                settings.model, settings.adapter, initialization, settings.image_adapter, settings.data.classes
            )
            if self.statistics is not None:
                normalize_by(network, self.statistics)
        except ValueError as error:
            raise InputError(str(error)) from error
        return network.to(device).eval()

    def network(self) -> dict[str, JsonValue]:
        """Returns encoder, head and width of the head, or the whole network, and the preprocessing unless it is
        ImageNet's."""
        settings = self.settings.model
        assert settings.checkpoint is not None
        if settings.network is not None:
            preprocessing = self.built(torch.device("cpu")).preprocessing
            return {"network": settings.network, **json.loads(json.dumps(preprocessing.facts()))}
        given = None if settings.preprocessing is None else from_settings(settings.preprocessing)
        try:
            preprocessing = read_weights(find_checkpoint(settings.checkpoint), preprocessing=given).preprocessing
        except ValueError as error:
            raise InputError(str(error)) from error
        return {
            **settings.model_dump(mode="json", include={"encoder", "head", "head_width"}),
            **json.loads(json.dumps(preprocessing.facts())),
        }

    def checksum(self) -> str:
        """Returns the SHA-256 of the weights' file, or of all files of its folder."""
        assert self.settings.model.checkpoint is not None
        path = find_checkpoint(self.settings.model.checkpoint)
        digest = hashlib.sha256()
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                with file.open("rb") as content:
                    digest.update(hashlib.file_digest(content, "sha256").digest())
        return digest.hexdigest()


def find_models(given: Sequence[str], file: str | None, overrides: Mapping[str, Value]) -> list[EvaluatedModel]:
    """Resolves names of checkpoints to networks.

    A run's folder, or weights in one, brings the run's settings. Another checkpoint file provides encoder, head and
    width if its metadata contain them; `file` provides the rest, and `overrides` take precedence over all.

    Args:
        given: Checkpoints: names of shipped ones, files, or folders of runs.
        file: Settings (YAML) of checkpoints that are not runs; the defaults if None.
        overrides: Values at dotted paths.

    Raises:
        InputError: if a checkpoint, a file or a setting is wrong, or a setting is not read by an evaluation.
    """
    for path in overrides:
        if path in ELSEWHERE:
            raise InputError(f"--set {path}: {ELSEWHERE[path]}")
        if path.split(".")[0] not in READ:
            raise InputError(f"--set {path}: an evaluation reads only {', '.join(READ)}; leave it out")
    document = DEFAULTS if file is None else read_yaml(file)
    return [_model(name, document, overrides) for name in given]


def frame_settings(models: Sequence[EvaluatedModel], file: str | None, overrides: Mapping[str, Value]) -> RunSettings:
    """Returns the settings of the evaluated frames: those of `file`, else of the runs, else the defaults.

    Raises:
        InputError: if the runs use different frames, or the settings are wrong.
    """
    runs = [model for model in models if model.is_run]
    if file is None and runs:
        others = [model for model in runs if model.settings.data != runs[0].settings.data]
        if others:
            raise InputError(
                f"{runs[0].given} and {others[0].given} are runs on different frames (data); name the frames to be "
                "evaluated with --settings FILE"
            )
        return runs[0].settings
    document = DEFAULTS if file is None else read_yaml(file)
    return _settings(document.with_overrides(overrides))


def _model(given: str, document: Document, overrides: Mapping[str, Value]) -> EvaluatedModel:
    weights, statistics = _weights_of_a_run(checked_path(Path(given), "")), None
    if weights is not None:
        own: dict[str, Value] = {"model.checkpoint": str(weights), **NOTHING_LEARNS}
        document = read_yaml(weights.parent / SETTINGS).with_overrides(own, given)
        if isinstance(section := at_path(document.tree, ("method", "batch_norm")), dict):
            statistics = document.build(BatchNormStatistics, section)
    else:
        named = overrides.get("model.network") or at_path(document.tree, ("model", "network"))
        facts = _facts(given) if named is None else {}
        document = document.with_overrides({"model.checkpoint": given, **NOTHING_LEARNS, **facts}, given)
    return EvaluatedModel(given, _settings(document.with_overrides(overrides)), weights is not None, statistics)


def _weights_of_a_run(path: Path) -> Path | None:
    """Returns the weights file if the path is a run's folder or its weights; else None."""
    weights = path if path.name in WEIGHT_FILES else path / WEIGHTS
    if not (weights.parent / SETTINGS).is_file():
        return None
    if not weights.is_file():
        raise InputError(
            f"{path}: the run has no {weights.name} yet; finish it with python -m segada.adapt "
            f"{weights.parent / SETTINGS} --out {weights.parent}"
        )
    return weights


def _facts(given: str) -> dict[str, Value]:
    try:
        # The preprocessing is not needed here, and settings may give another one than an unreadable statement.
        facts = read_weights(find_checkpoint(given, "CHECKPOINT"), preprocessing=IMAGENET).facts
    except ValueError as error:
        raise InputError(str(error)) from error
    if is_code(facts.get("network", "")):
        raise InputError(
            f"{given} is of the network {facts['network']}, which is code and is run only if you name it: add --set "
            f"model.network={facts['network']}"
        )
    known: dict[str, Value] = {setting: facts[name] for name, setting in FACTS.items() if name in facts}
    return known | ({"model.head_width": int(facts["width"])} if "width" in facts else {})


def _settings(document: Document) -> RunSettings:
    """Builds settings without the sections that concern learning, whose cross-checks do not apply here."""
    unread = set(RunSettings.model_fields) - {*READ, "stream"}
    tree: Tree = {section: inside for section, inside in document.tree.items() if section not in unread}
    domains = at_path(document.tree, ("evaluation", "domains"))
    scored: Tree = {} if domains is None else {"evaluation": {"domains": domains}}
    return document.build(RunSettings, merged(_all_domains(tree), {**tree, **scored}))


def _all_domains(tree: Tree) -> Tree:
    """Returns a stream through all domains if the settings have none, so that they need not state it."""
    domains = at_path(tree, ("data", "domains"))
    if not isinstance(domains, dict) or not domains or "stream" in tree:
        return {}
    return {"stream": {"source": next(iter(domains)), "visits": list(domains)}}

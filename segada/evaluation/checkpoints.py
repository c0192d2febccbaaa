"""From what a person names on the command line to the settings of a network, and to the network."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from segada.core.rng import torch_generator
from segada.errors import InputError
from segada.models.build import build_segmentor
from segada.models.formats.reading import read_weights
from segada.models.segmentor import Segmentor
from segada.settings import RunSettings
from segada.settings.checkpoint_path import find_checkpoint
from segada.settings.files import Document, read_yaml
from segada.settings.inputs import checked_path
from segada.settings.nested import Tree, Value, at_path, merged

SETTINGS: Final = "settings.yaml"
WEIGHTS: Final = ("weights.safetensors", "best.safetensors")
"""What a run leaves in its folder; a folder that is named means the first."""
FACTS: Final = {"encoder": "model.encoder", "head": "model.head"}
"""What a checkpoint file may say about itself, and the setting that it decides."""
READ: Final = ("data", "model", "adapter", "image_adapter", "runtime", "preset")
"""Rooms of the settings that scoring a network reads."""
ELSEWHERE: Final = {
    "model.checkpoint": "name the checkpoint before the options",
    "model.reinitialize": "what is scored is all in the checkpoint",
}
NOTHING_LEARNS: Final[Mapping[str, Value]] = {
    "model.reinitialize": [],
    "model.freeze": "nothing",
    "model.frozen_modules": [],
    "model.trainable_modules": [],
}
"""What of a run's network is about learning alone."""
DEFAULTS: Final = Document("the defaults", {})


@dataclass(frozen=True, slots=True)
class EvaluatedModel:
    """A network that is scored, alone or with others.

    Attributes:
        given: As it was named.
        settings: Of the network, and of the frames that its run was about.
        is_run: Whether a run's folder was named.
    """

    given: str
    settings: RunSettings
    is_run: bool

    def built(self, device: torch.device) -> Segmentor:
        """The network in evaluation mode, on a device.

        Raises:
            InputError: the weights do not fit.
        """
        settings = self.settings
        initialization = torch_generator(settings.seed, "initialisation")
        try:
            network = build_segmentor(settings.model, settings.adapter, initialization, settings.image_adapter)
        except ValueError as error:
            raise InputError(str(error)) from error
        return network.to(device).eval()

    def checksum(self) -> str:
        """SHA-256 of the weights' file, or of all files of its folder."""
        assert self.settings.model.checkpoint is not None
        path = find_checkpoint(self.settings.model.checkpoint)
        digest = hashlib.sha256()
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                with file.open("rb") as content:
                    digest.update(hashlib.file_digest(content, "sha256").digest())
        return digest.hexdigest()


def find_voters(given: Sequence[str], file: str | None, overrides: Mapping[str, Value]) -> list[EvaluatedModel]:
    """The networks that are named.

    A run's folder, or weights in one, brings the run's settings. Of another checkpoint the file itself says encoder,
    head and width where it can; `file` says what it does not, and `overrides` win over all.

    Args:
        given: Checkpoints: names of shipped ones, files, or folders of runs.
        file: Settings (YAML) of checkpoints that are no runs; the defaults if None.
        overrides: Values at dotted paths.

    Raises:
        InputError: a checkpoint, a file or a setting is wrong, or is not read here.
    """
    for path in overrides:
        if path in ELSEWHERE:
            raise InputError(f"--set {path}: {ELSEWHERE[path]}")
        if path.split(".")[0] not in READ:
            raise InputError(f"--set {path}: scoring reads only {', '.join(READ)}; leave it out")
    document = DEFAULTS if file is None else read_yaml(file)
    return [_voter(name, document, overrides) for name in given]


def frame_settings(voters: Sequence[EvaluatedModel], file: str | None, overrides: Mapping[str, Value]) -> RunSettings:
    """The settings that say which frames are scored: those of `file`, else of the runs, else the defaults.

    Raises:
        InputError: the runs are about different frames, or the settings are wrong.
    """
    runs = [voter for voter in voters if voter.is_run]
    if file is None and runs:
        others = [voter for voter in runs if voter.settings.data != runs[0].settings.data]
        if others:
            raise InputError(
                f"{runs[0].given} and {others[0].given} are runs on different frames (data); say with --settings FILE "
                "on which they are to be scored"
            )
        return runs[0].settings
    document = DEFAULTS if file is None else read_yaml(file)
    return _settings(document.with_overrides(overrides))


def _voter(given: str, document: Document, overrides: Mapping[str, Value]) -> EvaluatedModel:
    weights = _weights_of_a_run(checked_path(Path(given), ""))
    if weights is not None:
        own: dict[str, Value] = {"model.checkpoint": str(weights), **NOTHING_LEARNS}
        document = read_yaml(weights.parent / SETTINGS).with_overrides(own, given)
    else:
        document = document.with_overrides({"model.checkpoint": given, **NOTHING_LEARNS, **_facts(given)}, given)
    return EvaluatedModel(given, _settings(document.with_overrides(overrides)), weights is not None)


def _weights_of_a_run(path: Path) -> Path | None:
    """The file of a run's weights that a path means, if it means one."""
    weights = path if path.name in WEIGHTS else path / WEIGHTS[0]
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
        facts = read_weights(find_checkpoint(given, "CHECKPOINT")).facts
    except ValueError as error:
        raise InputError(str(error)) from error
    known: dict[str, Value] = {setting: facts[name] for name, setting in FACTS.items() if name in facts}
    return known | ({"model.head_width": int(facts["width"])} if "width" in facts else {})


def _settings(document: Document) -> RunSettings:
    """The settings without the rooms that say how something is learned: what they ask of others means nothing here."""
    unread = set(RunSettings.model_fields) - {*READ, "stream"}
    tree: Tree = {room: inside for room, inside in document.tree.items() if room not in unread}
    domains = at_path(document.tree, ("evaluation", "domains"))
    scored: Tree = {} if domains is None else {"evaluation": {"domains": domains}}
    return document.build(RunSettings, merged(_all_domains(tree), {**tree, **scored}))


def _all_domains(tree: Tree) -> Tree:
    """A stream through all domains of settings that say nothing of a stream, so that they need not."""
    domains = at_path(tree, ("data", "domains"))
    if not isinstance(domains, dict) or not domains or "stream" in tree:
        return {}
    return {"stream": {"source": next(iter(domains)), "visits": list(domains)}}

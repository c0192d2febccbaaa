"""Settings of the training of the source model, from the runs' shared settings and the `pretrain` section of a study or
a comparison."""

from collections.abc import Mapping
from typing import Final

from segada.settings.files import Document
from segada.settings.method import SupervisedSettings
from segada.settings.nested import Tree, Value, merged
from segada.settings.presets import spelled_out
from segada.settings.run import RunSettings

OF_THE_DRIVE: Final = ("route", "rounds")
"""Settings of the order of `stream.visits`."""


def checked_source_training(document: Document, run: Mapping[str, Value], changes: Mapping[str, Value]) -> RunSettings:
    """Returns the settings of the source training of a study or a comparison.

    Args:
        document: File with the sections `run` and `pretrain`.
        run: Settings that the runs share.
        changes: The `pretrain` section.

    Raises:
        InputError: They contradict each other, or do not train with labels.
    """
    settings = document.build(RunSettings, source_training(run, changes), ("pretrain", "run"))
    if not isinstance(settings.method, SupervisedSettings):
        raise document.error(
            ("pretrain", "method", "name"), f"must be supervised, not {settings.method.name}: it trains on labels"
        )
    return settings


def source_training(run: Mapping[str, Value], changes: Mapping[str, Value]) -> Tree:
    """Returns the values of `run` with the changes that make it a source training.

    If the changes give visits of their own, these are passed once, in their order, unless the changes also give a route
    or rounds: the route and rounds of the runs do not multiply the training.

    Args:
        run: Settings that the runs share.
        changes: The `pretrain` section.
    """
    tree, own = merged(run, spelled_out(changes)), changes.get("stream")
    stream = tree.get("stream")
    if not (isinstance(own, dict) and isinstance(stream, dict) and "visits" in own):
        return tree
    inherited = [key for key in OF_THE_DRIVE if key not in own]
    return {**tree, "stream": {key: value for key, value in stream.items() if key not in inherited}}

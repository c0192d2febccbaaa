"""What a checkpoint holds: under its own names as it is opened, under ours when it has been read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """The content of a file or folder under its own names.

    Attributes:
        path: the file or folder.
        parts: the files that were read, for a digest of them.
        content: tensors by name, perhaps wrapped: in `state_dict`, beside an optimizer.
        facts: what our own files say about themselves; empty in others.
        config: the content of a `config.json` in the same folder; empty where there is none.
        class_names: of the classes that it predicts, in their order; empty where it does not say.
    """

    path: Path
    parts: tuple[Path, ...]
    content: Mapping[str, Any]
    facts: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    class_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What a format makes of the tensors of one network.

    Attributes:
        tensors: under our names; what the format does not know keeps its own name, and will be unexpected.
        left_out: names in the file of what no network of ours needs, each with the reason.
        no_head: why the file fills no head; empty where it does, or where nothing more is to be said.
    """

    tensors: Mapping[str, Tensor]
    left_out: Mapping[str, str] = field(default_factory=dict)
    no_head: str = ""


@dataclass(frozen=True, slots=True)
class StoredWeights:
    """The content of a checkpoint under our names.

    Attributes:
        tensors: by name, in the file's precision.
        facts: encoder, head, width and classes, as far as the file says or its shapes show; settings hash.
        format: title of the format that it was recognized as.
        left_out: names in the file of what no network of ours needs, each with the reason.
        no_head: why it fills no head; empty where it does, or where nothing more is to be said.
        class_names: of the classes that it predicts, in their order; empty where it does not say.
    """

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, str]
    format: str
    left_out: Mapping[str, str] = field(default_factory=dict)
    no_head: str = ""
    class_names: tuple[str, ...] = ()

    @property
    def has_head(self) -> bool:
        """Whether any of its tensors is of a head."""
        return any(name.startswith("head.") for name in self.tensors)

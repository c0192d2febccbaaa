"""Content of a checkpoint: under its own names when opened, under ours when read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from segada.models.preprocessing import IMAGENET, Preprocessing


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """Content of a file or folder under its own names.

    Attributes:
        path: File or folder.
        parts: Files that were read, for a digest of them.
        content: Tensors by name, possibly wrapped: in `state_dict`, beside an optimizer.
        metadata: Metadata of our own files; empty in others.
        config: Content of a `config.json` in the same folder; empty where there is none.
        processor: Content of a `preprocessor_config.json` in the same folder; empty where there is none.
        class_names: Names of the predicted classes, in their order; empty if not given.
    """

    path: Path
    parts: tuple[Path, ...]
    content: Mapping[str, Any]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    processor: Mapping[str, Any] = field(default_factory=dict)
    class_names: tuple[str, ...] = ()

    @property
    def facts(self) -> dict[str, str]:
        """Entries of the metadata that are words: encoder, head, width, classes and settings hash."""
        return {name: fact for name, fact in self.metadata.items() if isinstance(fact, str)}


@dataclass(frozen=True, slots=True)
class Reading:
    """Result of a format's translation of the tensors of one network.

    Attributes:
        tensors: Tensors under our names; unknown ones keep their name, and are later reported as unexpected.
        left_out: Names in the file that no network of ours needs, each with the reason.
        no_head: Reason why the file fills no head; empty if it does, or if there is nothing to add.
    """

    tensors: Mapping[str, Tensor]
    left_out: Mapping[str, str] = field(default_factory=dict)
    no_head: str = ""


@dataclass(frozen=True, slots=True)
class StoredWeights:
    """Content of a checkpoint under our names.

    Attributes:
        tensors: Tensors by name, in the file's precision.
        facts: Encoder, head, width and classes, as far as the file or its shapes determine them; settings hash.
        format: Title of the recognized format.
        left_out: Names in the file that no network of ours needs, each with the reason.
        no_head: Reason why it fills no head; empty if it does, or if there is nothing to add.
        class_names: Names of the predicted classes, in their order; empty if not given.
        preprocessing: Preprocessing of pixels that the weights expect.
    """

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, str]
    format: str
    left_out: Mapping[str, str] = field(default_factory=dict)
    no_head: str = ""
    class_names: tuple[str, ...] = ()
    preprocessing: Preprocessing = IMAGENET

    @property
    def has_head(self) -> bool:
        """True if any of its tensors belongs to a head."""
        return any(name.startswith("head.") for name in self.tensors)

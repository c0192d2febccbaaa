"""How the tensors of a file met those of a segmentor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from segada.models.encoders.base import has_adapter
from segada.models.freezing import names_part


@dataclass(frozen=True, slots=True)
class LoadReport:
    """Names by how they met."""

    matched: tuple[str, ...]
    missing: tuple[str, ...]
    """In the segmentor, not in the file."""
    unexpected: tuple[str, ...]
    """In the file, not in the segmentor."""
    reshaped: tuple[str, ...]
    """In both, with different shapes."""

    @property
    def complete(self) -> bool:
        """Whether the file says everything but adapters, which start as the identity, and nothing else."""
        return not self.unexpected and not self.reshaped and all(has_adapter(name) for name in self.missing)

    @property
    def misfits(self) -> tuple[str, ...]:
        """All that did not match."""
        return (*self.missing, *self.unexpected, *self.reshaped)

    @property
    def counts(self) -> str:
        """How many of each kind, with the first name of what did not match."""
        kinds = {
            "matched": self.matched,
            "missing": self.missing,
            "unexpected": self.unexpected,
            "reshaped": self.reshaped,
        }
        parts = []
        for kind, names in kinds.items():
            example = f" (first: {names[0]})" if names and kind != "matched" else ""
            parts.append(f"{len(names)} {kind}{example}")
        return ", ".join(parts)

    def without(self, parts: Sequence[str]) -> "LoadReport":
        """The report on all tensors but those of these parts."""

        def kept(names: Sequence[str]) -> tuple[str, ...]:
            return tuple(name for name in names if not any(names_part(name, part) for part in parts))

        return LoadReport(kept(self.matched), kept(self.missing), kept(self.unexpected), kept(self.reshaped))


def compare(tensors: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> LoadReport:
    """What of a file would go where.

    Args:
        tensors: of the file, under our names.
        own: of the segmentor, as `storable` gives them.
    """
    both = [name for name in own if name in tensors]
    return LoadReport(
        matched=tuple(name for name in both if own[name].shape == tensors[name].shape),
        missing=tuple(name for name in own if name not in tensors),
        unexpected=tuple(name for name in tensors if name not in own),
        reshaped=tuple(name for name in both if own[name].shape != tensors[name].shape),
    )

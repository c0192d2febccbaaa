"""Comparison of a file's tensors with those of a segmentor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from segada.models.encoders.base import has_adapter
from segada.models.freezing import names_part


@dataclass(frozen=True, slots=True)
class LoadReport:
    """Names of tensors, by the result of the comparison."""

    matched: tuple[str, ...]
    missing: tuple[str, ...]
    """Names in the segmentor, but not in the file."""
    unexpected: tuple[str, ...]
    """Names in the file, but not in the segmentor."""
    reshaped: tuple[str, ...]
    """Names in both, with different shapes."""

    @property
    def complete(self) -> bool:
        """True if the file has exactly the segmentor's tensors, except adapters, which start as the identity."""
        return not self.unexpected and not self.reshaped and all(has_adapter(name) for name in self.missing)

    @property
    def mismatches(self) -> tuple[str, ...]:
        """All names that did not match."""
        return (*self.missing, *self.unexpected, *self.reshaped)

    @property
    def counts(self) -> str:
        """Number of names of each kind, with the first name of those that did not match."""
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
        """Returns the report without the tensors of these parts."""

        def kept(names: Sequence[str]) -> tuple[str, ...]:
            return tuple(name for name in names if not any(names_part(name, part) for part in parts))

        return LoadReport(kept(self.matched), kept(self.missing), kept(self.unexpected), kept(self.reshaped))


def compare(tensors: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> LoadReport:
    """Compares the tensors of a file with those of a segmentor.

    Args:
        tensors: Tensors of the file, under our names.
        own: Tensors of the segmentor, as returned by `storable`.
    """
    both = [name for name in own if name in tensors]
    return LoadReport(
        matched=tuple(name for name in both if own[name].shape == tensors[name].shape),
        missing=tuple(name for name in own if name not in tensors),
        unexpected=tuple(name for name in tensors if name not in own),
        reshaped=tuple(name for name in both if own[name].shape != tensors[name].shape),
    )

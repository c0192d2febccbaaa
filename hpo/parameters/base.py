"""What every kind of parameter has in common."""

from abc import abstractmethod
from collections.abc import Mapping

from optuna.distributions import BaseDistribution
from optuna.trial import Trial
from pydantic import Field

from segada.settings.base import Sequence, Settings
from segada.settings.trees import Value

Scalar = str | int | float | bool | None
Raw = str | int | float | bool | None
"""A value as Optuna stores it; differs from the setting's value for subsets alone."""

Probe = tuple[tuple[str | int, ...], Value]
"""A value, and where below the parameter in the file it comes from."""


class ParameterSettings(Settings):
    """Base of every kind: one dimension of the space, standing for one path in `RunSettings`."""

    when: dict[str, Scalar | Sequence[Scalar]] = Field(default_factory=dict)
    """Other parameters of the space and the value, or values, that they must have for this one to matter."""

    @property
    def conditions(self) -> Mapping[str, tuple[Scalar, ...]]:
        """`when` with every condition as a tuple of admitted values."""
        return {path: values if isinstance(values, tuple) else (values,) for path, values in self.when.items()}

    @property
    @abstractmethod
    def first(self) -> Value:
        """The default, tried before anything is sampled; None without one, see `has_default`."""

    @property
    def has_default(self) -> bool:
        """Whether the file gives a default: null is one only where it is a choice."""
        return "default" in self.model_fields_set and (self.first is not None or None in self.options())

    @abstractmethod
    def distribution(self) -> BaseDistribution:
        """What Optuna stores with every trial."""

    @abstractmethod
    def suggest(self, trial: Trial, path: str) -> Raw:
        """Asks the study's sampler for a value."""

    @abstractmethod
    def probes(self) -> list[Probe]:
        """Values that suffice to know whether every value fits a setting."""

    def decode(self, raw: Raw) -> Value:
        """The setting's value that a stored one stands for."""
        return raw

    def encode(self, value: Value) -> Raw:
        """The stored value that stands for a setting's."""
        assert not isinstance(value, list | dict)
        return value

    def has(self, value: Value) -> bool:
        """Whether the parameter can take this value."""
        return self.encode(value) in self.options()

    def options(self) -> tuple[Raw, ...]:
        """Every value in storage form, of a parameter that has few; none of one that is a range."""
        return ()


def check_distinct(key: str, values: tuple[Scalar, ...]) -> None:
    """Raises a ValueError that names the key in whose list a value stands twice."""
    # 1, 1.0 and True are the same key to Python and to Optuna.
    if len(set(values)) != len(values):
        raise ValueError(f"{key} must differ from each other, but are {list(values)}")

"""One of several values without an order."""

from typing import Literal, Self

from optuna.distributions import CategoricalDistribution
from optuna.trial import Trial
from pydantic import Field, model_validator

from hpo.parameters.base import ParameterSettings, Probe, Raw, Scalar, check_distinct
from segada.settings.base import Sequence
from segada.settings.trees import Value


class ChoiceParameter(ParameterSettings):
    """One of several values without an order."""

    type: Literal["choice"]
    choices: Sequence[Scalar] = Field(min_length=1)
    default: Scalar = None

    @model_validator(mode="after")
    def _choices_differ(self) -> Self:
        check_distinct("choices", self.choices)
        if self.default is not None and self.default not in self.choices:
            raise ValueError(f"default must be one of choices, but is {self.default!r}")
        return self

    @property
    def first(self) -> Value:
        return self.default

    def distribution(self) -> CategoricalDistribution:
        return CategoricalDistribution(self.choices)

    def suggest(self, trial: Trial, path: str) -> Raw:
        return trial.suggest_categorical(path, self.choices)

    def probes(self) -> list[Probe]:
        return [(("choices", index), choice) for index, choice in enumerate(self.choices)]

    def options(self) -> tuple[Raw, ...]:
        return self.choices


class BoolParameter(ParameterSettings):
    """On or off."""

    type: Literal["bool"]
    default: bool | None = None

    @property
    def first(self) -> Value:
        return self.default

    def distribution(self) -> CategoricalDistribution:
        return CategoricalDistribution((False, True))

    def suggest(self, trial: Trial, path: str) -> Raw:
        return trial.suggest_categorical(path, (False, True))

    def probes(self) -> list[Probe]:
        return [(("type",), False), (("type",), True)]

    def options(self) -> tuple[Raw, ...]:
        return (False, True)

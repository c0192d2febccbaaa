"""Translation of W&B sweep distributions into parameters of a search space."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, JsonValue

from segada.settings.base import Positive, Sequence, Settings
from segada.settings.limits import WHOLE
from segada.settings.nested import Tree

Even = Literal["constant", "categorical", "categorical_w_probabilities", "int_uniform", "uniform", "q_uniform"]
Logarithmic = Literal[
    "log_uniform",
    "log_uniform_values",
    "inv_log_uniform",
    "inv_log_uniform_values",
    "q_log_uniform",
    "q_log_uniform_values",
]
Unbounded = Literal["normal", "q_normal", "log_normal", "q_log_normal", "beta", "q_beta"]


class SweepParameter(Settings):
    """Entry of `parameters` in a sweep, as in https://docs.wandb.ai, "Sweep configuration"."""

    distribution: Even | Logarithmic | Unbounded | None = None
    """Name of the distribution; null derives it from the other keys."""
    value: JsonValue = None
    values: Sequence[JsonValue] | None = Field(default=None, min_length=1)
    probabilities: Sequence[float] | None = None
    min: int | float | None = None
    max: int | float | None = None
    q: Positive = 1.0
    mu: float | None = None
    sigma: float | None = None
    a: float | None = None
    b: float | None = None
    parameters: dict[str, "SweepParameter"] | None = None
    """Nested parameters; their names are appended to this one's name after a dot."""

    @property
    def kind(self) -> str:
        """Name of the distribution, derived as W&B does where it is omitted; empty if the keys do not determine it."""
        if self.distribution is not None:
            return self.distribution
        given = self.model_fields_set
        ends = isinstance(self.min, int) and isinstance(self.max, int)
        told = {
            "value": "constant",
            "probabilities": "categorical_w_probabilities",
            "values": "categorical",
            "min": "int_uniform" if ends else "uniform",
        }
        return next((name for key, name in told.items() if key in given), "")


@dataclass(frozen=True)
class Translated:
    """Parameter of a study file, translated from a sweep.

    Attributes:
        parameter: Parameter as written in a study file.
        keys: Key of the sweep's parameter by key of `parameter`.
        count: Number of its values; infinite if it is continuous.
    """

    parameter: Tree
    keys: dict[str, str]
    count: float


def translated(parameter: SweepParameter) -> Translated:
    """Returns the parameter of a search space with the same distribution.

    Raises:
        ValueError: no sampler here draws from it, or keys are missing.
    """
    kind = parameter.kind
    if not kind:
        raise ValueError("needs value, values, min and max, or parameters")
    if kind not in _TRANSLATIONS:
        raise ValueError(f"no sampler here draws from {kind}; write min and max, as for uniform or log_uniform_values")
    return _TRANSLATIONS[kind](parameter)


def _categories(parameter: SweepParameter) -> Translated:
    if parameter.values is None:
        raise ValueError(f"{parameter.kind} needs values")
    if len(set(parameter.probabilities or (1.0,))) > 1:
        raise ValueError("samplers here draw values with equal probabilities; leave probabilities out")
    choices = list(parameter.values)
    return Translated({"type": "choice", "choices": choices}, {"choices": "values"}, len(choices))


def _whole(parameter: SweepParameter) -> Translated:
    low, high = _ends(parameter)
    return _range("int", low, high)


def _uniform(parameter: SweepParameter) -> Translated:
    low, high = _ends(parameter)
    return _range("float", low, high)


def _grid(parameter: SweepParameter) -> Translated:
    """Translates a quantized range: multiples of q between the rounded ends. W&B gives the two ends half the
    probability of the others; a study gives them the same.
    """
    low, high = (_rounded(end / parameter.q) for end in _ends(parameter))
    if float(parameter.q).is_integer():
        step = int(parameter.q)
        return _range("int", low * step, high * step, step=step)
    return _range("float", low * parameter.q, high * parameter.q, step=parameter.q)


def _log_of(exponents: Callable[[float, float], tuple[float, float]]) -> Callable[[SweepParameter], Translated]:
    def even_in_the_logarithm(parameter: SweepParameter) -> Translated:
        low, high = exponents(*_ends(parameter))
        return _range("float", low, high, log=True)

    return even_in_the_logarithm


def _log_grid_of(exponents: Callable[[float, float], tuple[float, float]]) -> Callable[[SweepParameter], Translated]:
    def whole_numbers(parameter: SweepParameter) -> Translated:
        if parameter.q != 1.0:
            raise ValueError(f"no sampler here draws multiples of q: {parameter.q:g} on a logarithm; write q: 1")
        low, high = exponents(*_ends(parameter))
        return _range("int", _rounded(low), _rounded(high), log=True)

    return whole_numbers


def _ends(parameter: SweepParameter) -> tuple[float, float]:
    if parameter.min is None or parameter.max is None:
        raise ValueError(f"{parameter.kind} needs min and max")
    return parameter.min, parameter.max


def _exponential(exponent: float) -> float:
    try:
        return math.exp(exponent)
    except OverflowError:
        raise ValueError(f"e^{exponent:g} exceeds the largest number; min and max are exponents here") from None


def _rounded(number: float) -> int:
    if abs(number) > WHOLE:
        raise ValueError(
            f"min and max make the whole number {number:g}, but the largest is {WHOLE:g}; narrow the range"
        )
    return round(number)


def _range(kind: str, low: float, high: float, *, log: bool = False, step: float | None = None) -> Translated:
    given: Tree = {"type": kind, "low": low, "high": high}
    extra: Tree = ({"log": True} if log else {}) | ({} if step is None else {"step": step})
    steps = (high - low) / (step or 1)
    count = round(steps) + 1 if math.isfinite(steps) and (kind == "int" or step is not None) else math.inf
    return Translated(given | extra, {"low": "min", "high": "max", "log": "distribution", "step": "q"}, count)


def _exponents(low: float, high: float) -> tuple[float, float]:
    return _exponential(low), _exponential(high)


def _values(low: float, high: float) -> tuple[float, float]:
    return low, high


def _inverse_exponents(low: float, high: float) -> tuple[float, float]:
    """Returns the ends of X for log(1 / X) uniform between `low` and `high`, hence log(X) between their negatives."""
    return _exponential(-high), _exponential(-low)


_TRANSLATIONS: dict[str, Callable[[SweepParameter], Translated]] = {
    "categorical": _categories,
    "categorical_w_probabilities": _categories,
    "int_uniform": _whole,
    "uniform": _uniform,
    "q_uniform": _grid,
    "log_uniform": _log_of(_exponents),
    "log_uniform_values": _log_of(_values),
    "inv_log_uniform": _log_of(_inverse_exponents),
    "inv_log_uniform_values": _log_of(_values),
    "q_log_uniform": _log_grid_of(_exponents),
    "q_log_uniform_values": _log_grid_of(_values),
}

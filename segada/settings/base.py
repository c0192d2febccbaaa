"""Common base of all settings classes: strict types, frozen, finite numbers only, unknown keys refused."""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from segada.settings.inputs import misnamed
from segada.settings.limits import COUNT, SEED

T = TypeVar("T")

Sequence = Annotated[tuple[T, ...], Field(strict=False)]
"""Tuple that a YAML list may fill; its items are checked strictly."""

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Count = Annotated[int, Field(ge=1, le=COUNT)]
Number = Annotated[int, Field(ge=0, le=COUNT)]
"""Count that may be 0."""
Seed = Annotated[int, Field(ge=0, le=SEED)]


def _possible(path: str) -> str:
    problem = misnamed(path)
    if problem is not None:
        raise PydanticCustomError("path", "should be a path: {problem}", {"problem": problem})
    return path


PathText = Annotated[str, AfterValidator(_possible)]
"""Path that a file or folder can have."""


class Settings(BaseModel):
    """Base of every settings class: a wrong type, an unknown key or a non-finite number is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

"""What all settings have in common: strict, frozen, finite, and nothing unknown is accepted."""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from segada.settings.inputs import misnamed
from segada.settings.limits import COUNT, SEED

T = TypeVar("T")

Sequence = Annotated[tuple[T, ...], Field(strict=False)]
"""A tuple that a YAML list may fill; its items stay strict."""

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Count = Annotated[int, Field(ge=1, le=COUNT)]
Number = Annotated[int, Field(ge=0, le=COUNT)]
"""A count that may be 0."""
Seed = Annotated[int, Field(ge=0, le=SEED)]


def _possible(path: str) -> str:
    problem = misnamed(path)
    if problem is not None:
        raise PydanticCustomError("path", "should be a path: {problem}", {"problem": problem})
    return path


PathText = Annotated[str, AfterValidator(_possible)]
"""A path that a file or folder can have."""


class Settings(BaseModel):
    """Base of every settings class: a wrong type, an unknown key or a non-finite number is an error, never a guess."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

"""Every kind of parameter that a study file can name."""

from typing import Annotated

from pydantic import Field

from hpo.parameters.choices import BoolParameter, ChoiceParameter
from hpo.parameters.each import EachParameter
from hpo.parameters.numeric import FloatParameter, IntParameter
from hpo.parameters.subsets import SubsetParameter

Parameter = Annotated[
    FloatParameter | IntParameter | ChoiceParameter | BoolParameter | SubsetParameter | EachParameter,
    Field(discriminator="type"),
]

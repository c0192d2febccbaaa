"""Union of all types of parameters in study files."""

from typing import Annotated

from pydantic import Field

from hpo.search_space.categorical import BoolParameter, ChoiceParameter
from hpo.search_space.each import EachParameter
from hpo.search_space.numeric import FloatParameter, IntParameter
from hpo.search_space.subset import SubsetParameter

Parameter = Annotated[
    FloatParameter | IntParameter | ChoiceParameter | BoolParameter | SubsetParameter | EachParameter,
    Field(discriminator="type"),
]

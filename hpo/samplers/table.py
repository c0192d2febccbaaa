"""The samplers by name: a new one is its import and its place in the union."""

from typing import Annotated, get_args

from pydantic import Field

from hpo.samplers.base import SamplerSettings
from hpo.samplers.genetic import GeneticSettings
from hpo.samplers.random import RandomSettings
from hpo.samplers.tpe import TpeSettings

AnySamplerSettings = Annotated[GeneticSettings | TpeSettings | RandomSettings, Field(discriminator="name")]

SAMPLERS: dict[str, type[SamplerSettings]] = {
    name: kind
    for kind in get_args(get_args(AnySamplerSettings)[0])
    for name in get_args(kind.model_fields["name"].annotation)
}

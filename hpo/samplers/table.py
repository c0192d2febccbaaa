"""The samplers by name."""

from typing import Annotated

from pydantic import Field

from hpo.samplers.base import SamplerSettings
from hpo.samplers.genetic import GeneticSettings
from hpo.samplers.random import RandomSettings
from hpo.samplers.tpe import TpeSettings

AnySamplerSettings = Annotated[GeneticSettings | TpeSettings | RandomSettings, Field(discriminator="name")]

SAMPLERS: dict[str, type[SamplerSettings]] = {
    "genetic": GeneticSettings,
    "tpe": TpeSettings,
    "random": RandomSettings,
}

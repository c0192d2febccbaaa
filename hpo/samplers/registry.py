"""Registry of the samplers; a new sampler needs its import and its place in the union."""

from typing import Annotated, get_args

from hpo.samplers.auto import AutoSettings
from hpo.samplers.base import SamplerSettings
from hpo.samplers.cmaes import CmaesSettings
from hpo.samplers.code_sampler import CodeSampler
from hpo.samplers.genetic import GeneticSettings
from hpo.samplers.gp import GpSettings
from hpo.samplers.grid import GridSettings
from hpo.samplers.nsga2 import Nsga2Settings
from hpo.samplers.nsga3 import Nsga3Settings
from hpo.samplers.qmc import QmcSettings
from hpo.samplers.random import RandomSettings
from hpo.samplers.tpe import TpeSettings
from segada.settings.named_kinds import Kinds

AnySamplerSettings = Annotated[
    AutoSettings
    | GeneticSettings
    | TpeSettings
    | CmaesSettings
    | GpSettings
    | Nsga2Settings
    | Nsga3Settings
    | QmcSettings
    | RandomSettings
    | GridSettings
    | CodeSampler,
    Kinds(),
]

SAMPLERS: dict[str, type[SamplerSettings]] = {
    name: kind
    for kind in get_args(get_args(AnySamplerSettings)[0])
    if kind is not CodeSampler
    for name in get_args(kind.model_fields["name"].annotation)
}

"""The YAML of a study as settings."""

from typing import Literal, Self

from pydantic import Field, JsonValue, model_validator

from hpo.config.objectives import ConstraintSettings, ObjectiveSettings
from hpo.config.start_from import DEFAULTS, StartFrom
from hpo.config.storage_url import StorageUrl
from hpo.config.tracking import TrackingSettings
from hpo.pruners.settings import PruningSettings
from hpo.samplers.registry import AnySamplerSettings
from hpo.search_space.conditions import Clauses
from hpo.search_space.kinds import Parameter
from segada.settings.base import Count, NonNegative, Number, Positive, Sequence, Settings
from segada.settings.limits import NAME, OBJECTIVES, PARAMETERS, RUNS, TRIALS


class BudgetSettings(Settings):
    """When a search ends: at the first limit that is reached."""

    trials: int = Field(default=24, ge=1, le=TRIALS)
    """Trials that finish, pruned and failed ones included."""
    hours: Positive | None = None
    """Wall time after which no further trial starts."""


class ConfirmSettings(Settings):
    """The re-run of the best configurations with fresh seeds."""

    top: int = Field(default=2, ge=0, le=RUNS)
    """Configurations that are confirmed; 0 confirms nothing."""
    seeds: int = Field(default=2, ge=1, le=RUNS)
    """Seeds per configuration."""


class ResourceSettings(Settings):
    """What one trial occupies."""

    cpus_per_trial: Positive = 1
    gpus_per_trial: NonNegative | Literal["auto"] = 0.0
    """A fraction shares a GPU between trials; `auto` finds it, by the memory that the default configuration takes."""
    accelerator: str | None = Field(default=None, min_length=1, max_length=NAME)
    """Kind of GPU that trials run on, as Ray calls it (`A100`, `H100`, `T4`); null takes any."""
    workers: Count | None = None
    """Trials at a time; null runs as many as fit when the study starts, so that a cluster that grows needs a number."""
    retries: Number = 2
    """Times that a trial goes on, from its last visit, after its worker died; then it counts as failed."""

    @model_validator(mode="after")
    def _check_accelerator(self) -> Self:
        if self.accelerator is not None and self.gpus_per_trial == 0:
            raise ValueError(
                f"resources.accelerator is {self.accelerator}, but resources.gpus_per_trial is 0; give each trial a "
                "GPU or a part of one, as in gpus_per_trial: 0.25"
            )
        return self


class StudySettings(Settings):
    """A study file: what is searched, how, how long, and with what."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=NAME)
    run: dict[str, JsonValue] = Field(default_factory=dict)
    """Settings that every trial shares, nested as `RunSettings` is."""
    pretrain: dict[str, JsonValue] | None = None
    """Changes to `run` that make it the supervised training of the source model; null takes `run.model.checkpoint`."""
    space: dict[str, Parameter] = Field(max_length=PARAMETERS)
    """Parameters by their path into `RunSettings`; `{}` has one configuration, tried once and confirmed."""
    forbidden: Sequence[Clauses] = Field(default=(), max_length=PARAMETERS)
    """Combinations that no trial has: mappings of parameters to tests, forbidden where all of them hold."""
    start_from: StartFrom = (DEFAULTS,)
    """What is tried first: `defaults`, configurations by path, and the best of former studies, by their folder."""
    sampler: AnySamplerSettings
    objectives: Sequence[ObjectiveSettings] = Field(
        default=(ObjectiveSettings(metric="mean_miou", goal="maximize"),), min_length=1, max_length=OBJECTIVES
    )
    constraints: Sequence[ConstraintSettings] = Field(default=(), max_length=OBJECTIVES)
    """Limits that a trial must keep to be called best; samplers are told of them."""
    budget: BudgetSettings = BudgetSettings()
    pruning: PruningSettings | None = None
    confirm: ConfirmSettings = ConfirmSettings()
    resources: ResourceSettings = ResourceSettings()
    storage: StorageUrl | None = None
    """Database of the study, `sqlite:///FILE` or `postgresql://USER@HOST/NAME`; null is a journal in its folder."""
    tracking: TrackingSettings = TrackingSettings()

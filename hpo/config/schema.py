"""Settings of a study file."""

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator

from hpo.config.engine import EngineSettings
from hpo.config.objectives import ConstraintSettings, ObjectiveSettings
from hpo.config.start_from import DEFAULTS, StartFrom
from hpo.config.storage_url import StorageUrl
from hpo.config.tracking import TrackingSettings
from hpo.pruners.settings import PruningSettings
from hpo.samplers.registry import AnySamplerSettings
from hpo.search_space.conditions import Clauses
from hpo.search_space.kinds import Parameter
from segada.settings.base import Count, Fraction, NonNegative, Number, Positive, Sequence, Settings
from segada.settings.limits import NAME, OBJECTIVES, PARAMETERS, PICTURES, RUNS, TRIALS


class BudgetSettings(Settings):
    """Limits of a search, which ends at the first limit that is reached."""

    trials: int = Field(default=24, ge=1, le=TRIALS)
    """Number of trials that finish, including pruned and failed ones, but no retries and no results from outside."""
    hours: Positive | None = None
    """Wall time after which no further trial starts."""


class ConfirmSettings(Settings):
    """Settings of the confirmation, which runs the best configurations again with fresh seeds."""

    top: int = Field(default=2, ge=0, le=RUNS)
    """Number of configurations that are confirmed; 0 confirms none. With several objectives they are the ends and the
    knee of the Pareto front, then those farthest from the others.
    """
    apart: Fraction = 0.05
    """Least distance of two confirmed configurations, as a share of a parameter's range on its scale; the distance of
    two choices is 1. Of two that are closer, which are practically the same, the worse is passed over. 0 confirms
    both. With several objectives the Pareto front decides."""
    seeds: int = Field(default=2, ge=1, le=RUNS)
    """Number of seeds per configuration."""
    pictures: int = Field(default=2, ge=0, le=PICTURES)
    """Number of frames of each visit of which the report shows the predictions before and after, and where they differ;
    0 shows none. They are drawn by the runs with the first seed."""
    source_at_least: Fraction = 0.25
    """Least mIoU of the source model on its own domain, before adaptation, as a fraction. If it is lower, the
    conclusion is that the source model does not work, whatever a configuration gains; 0 accepts every source model.
    """


class ResourceSettings(Settings):
    """Resources of one trial."""

    cpus_per_trial: Positive = 1
    gpus_per_trial: NonNegative | Literal["auto"] = 0.0
    """Number of GPUs; a fraction shares a GPU between trials. `auto` measures the memory that the default configuration
    takes and derives the fraction.
    """
    accelerator: str | None = Field(default=None, min_length=1, max_length=NAME)
    """Type of GPU that trials run on, by Ray's name (`A100`, `H100`, `T4`); null accepts any."""
    workers: Count | None = None
    """Number of trials that run at the same time; null runs as many as fit when the study starts. An autoscaling
    cluster needs a number.
    """
    retries: Number = 2
    """Number of times that a trial resumes from its last visit after its worker died; then it counts as failed."""

    @model_validator(mode="after")
    def _check_accelerator(self) -> Self:
        if self.accelerator is not None and self.gpus_per_trial == 0:
            raise ValueError(
                f"resources.accelerator is {self.accelerator}, but resources.gpus_per_trial is 0; give each trial a "
                "GPU or a part of one, as in gpus_per_trial: 0.25"
            )
        return self


SourceModels = Annotated[int, Field(ge=1, le=RUNS)] | Annotated[Sequence[str], Field(min_length=1, max_length=RUNS)]
"""Number of source models, or their checkpoints."""


class StudySettings(Settings):
    """Settings of a study file: search space, sampler, objectives, budget and resources."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=NAME)
    run: dict[str, JsonValue] = Field(default_factory=dict)
    """Settings that all trials share, nested as in `RunSettings`, or as the program of `engine` has them."""
    engine: EngineSettings | None = None
    """External engine that runs the trials; null runs `segada`."""
    pretrain: dict[str, JsonValue] | None = None
    """Changes to `run` for the supervised training of the source model; null uses `run.model.checkpoint`."""
    source_models: SourceModels = 1
    """Number of source models that `pretrain` trains, with seeds from its own on, or checkpoints in place of
    `run.model.checkpoint`. The search adapts the first; the confirmation runs every configuration and baseline on each.
    """
    space: dict[str, Parameter] = Field(max_length=PARAMETERS)
    """Parameters by their path in `RunSettings`; `{}` has one configuration, tried once and confirmed."""
    forbidden: Sequence[Clauses] = Field(default=(), max_length=PARAMETERS)
    """Forbidden combinations: mappings of parameters to tests. A configuration is forbidden if all tests of a mapping
    hold.
    """
    start_from: StartFrom = (DEFAULTS,)
    """First configurations to try: `defaults`, configurations by path, and folders of former studies, whose best are
    tried.
    """
    sampler: AnySamplerSettings
    objectives: Sequence[ObjectiveSettings] = Field(
        default=(ObjectiveSettings(metric="mean_miou", goal="maximize"),), min_length=1, max_length=OBJECTIVES
    )
    constraints: Sequence[ConstraintSettings] = Field(default=(), max_length=OBJECTIVES)
    """Limits that a trial must satisfy to be eligible as the best; samplers take them into account."""
    budget: BudgetSettings = BudgetSettings()
    pruning: PruningSettings | None = None
    confirm: ConfirmSettings = ConfirmSettings()
    resources: ResourceSettings = ResourceSettings()
    storage: StorageUrl | None = None
    """Database of the study, `sqlite:///FILE` or `postgresql://USER@HOST/NAME`; null uses a journal in the run folder.
    """
    tracking: TrackingSettings = TrackingSettings()

    def metrics(self) -> tuple[str, ...]:
        """Returns the metrics, formulas and code by which trials are judged: of objectives, then of constraints."""
        return (*(one.metric for one in self.objectives), *(one.metric for one in self.constraints))

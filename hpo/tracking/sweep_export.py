"""A study file as a W&B sweep: `wandb sweep` takes it, and `wandb agent` runs it."""

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from hpo.config.study_file import StudyFile
from hpo.config.sweep_import import OURS
from hpo.pruners.settings import HalvingSettings, PairedSettings
from hpo.search_space.numeric import is_whole
from segada.settings.nested import Tree, Value

METHODS = {"random": "random", "qmc": "random", "grid": "grid"}
"""The `method` of a sweep that searches as a sampler does; all others learn from results, as `bayes`."""
PROGRAM = "segada.adapt"
PRUNED_BY = "mean_miou"
"""The metric that a run reports after each visit, so that early_terminate can compare by it."""


def sweep_of(study: StudyFile, file: str) -> Tree:
    """The sweep that searches a study's space.

    Its parameters are the dimensions of the space (`hpo.search_space.parameter.Dimension`), so that what W&B proposes
    is a point of it: conditions, values that are off and subsets mean the same. Each run is one of `segada.adapt`,
    which the command starts with the settings that the study makes of the point, and W&B is told of every visit.

    Args:
        study: the study.
        file: its name, as the agents will find it.

    Raises:
        InputError: the study trains a source model, which a sweep's runs do not share.
    """
    if study.settings.pretrain is not None:
        raise study.document.error(
            ("pretrain",),
            "the runs of a sweep share no source training; train it with python -m segada.pretrain, write pretrain: "
            "null and name the weights in run.model.checkpoint",
        )
    settings = study.settings
    objective = settings.objectives[0]
    sampler = settings.sampler.model_dump()["name"]
    sweep: Tree = {
        "name": settings.name,
        "project": settings.tracking.project,
        "program": PROGRAM,
        "command": ["${env}", "${interpreter}", "-m", OURS, file, "${args_json}"],
        "method": METHODS.get(sampler, "bayes"),
        "metric": {"name": objective.metric, "goal": objective.goal},
        "parameters": {name: _distribution(one) for name, one in study.space.distributions().items()},
        "run_cap": settings.budget.trials,
    }
    halving = settings.pruning
    if isinstance(halving, HalvingSettings) and objective.metric == PRUNED_BY:
        sweep["early_terminate"] = {
            "type": "hyperband",
            "min_iter": halving.min_visits,
            "eta": halving.reduction_factor,
        }
    return sweep


def lost(study: StudyFile) -> list[str]:
    """What a sweep cannot say of the study, a sentence each."""
    settings, losses = study.settings, []
    if len(settings.objectives) > 1:
        losses.append(f"a sweep has one metric: only {settings.objectives[0].metric} is optimized")
    if settings.constraints:
        losses.append("a sweep has no constraints: they are logged, and nobody keeps to them")
    if settings.forbidden:
        losses.append("a sweep forbids nothing: a run with a forbidden combination fails at once")
    if isinstance(settings.pruning, PairedSettings):
        losses.append("a sweep knows no paired test: nothing is stopped before its end")
    elif settings.pruning is not None and settings.objectives[0].metric != PRUNED_BY:
        losses.append(f"runs are compared early by {PRUNED_BY} alone: nothing is stopped before its end")
    losses.append("nothing is tried first, and the best is not confirmed with fresh seeds")
    return losses


def _distribution(one: BaseDistribution) -> Tree:
    if isinstance(one, CategoricalDistribution):
        return {"values": list(one.choices)}
    assert isinstance(one, FloatDistribution | IntDistribution)
    ends: Tree = {"min": one.low, "max": one.high}
    whole = isinstance(one, IntDistribution)
    if one.log:
        quantized: Tree = (
            {"distribution": "q_log_uniform_values", "q": 1} if whole else {"distribution": "log_uniform_values"}
        )
        return {**quantized, **ends}
    if one.step is None or one.step == 1 == whole:
        return {"distribution": "int_uniform" if whole else "uniform", **ends}
    if is_whole(one.low / one.step):
        return {"distribution": "q_uniform", **ends, "q": one.step}
    count = round((one.high - one.low) / one.step) + 1
    values: list[Value] = [one.low + index * one.step for index in range(count)]
    return {"values": values}

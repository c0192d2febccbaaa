"""Export of a study file as a W&B sweep, for `wandb sweep` and `wandb agent`."""

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from hpo.config.study_file import StudyFile
from hpo.config.sweep_import import OURS
from hpo.pruners.settings import HalvingSettings, PairedSettings
from hpo.search_space.numeric import is_whole
from segada.settings.nested import Tree, Value

METHODS = {"random": "random", "qmc": "random", "grid": "grid"}
"""Sweep `method` by sampler; all other samplers learn from results and become `bayes`."""
PROGRAM = "segada.adapt"
PRUNED_BY = "mean_miou"
"""Metric that a run reports after each visit for `early_terminate`."""


def sweep_of(study: StudyFile, file: str) -> Tree:
    """Returns the sweep that searches a study's space.

    Its parameters are the dimensions of the space (`hpo.search_space.parameter.Dimension`), so that every proposal of
    W&B is a point of the space, with the same conditions, off values and subsets. Each run is a run of `segada.adapt`
    with the settings of the point; every visit is logged to W&B.

    Args:
        study: the study.
        file: name of the study file, as the agents find it.

    Raises:
        InputError: the study trains a source model, which a sweep's runs do not share, or has an external engine.
    """
    if study.settings.engine is not None:
        raise study.document.error(
            ("engine",), "is an external one, which the agents of a sweep do not run; use hpo run"
        )
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
    """Returns a sentence for each part of the study that a sweep cannot express."""
    settings, losses = study.settings, []
    if len(settings.objectives) > 1:
        losses.append(f"a sweep has one metric: only {settings.objectives[0].metric} is optimized")
    if settings.constraints:
        losses.append("a sweep has no constraints: they are logged, but not enforced")
    if settings.forbidden:
        losses.append("a sweep forbids nothing: a run with a forbidden combination fails at once")
    if isinstance(settings.pruning, PairedSettings):
        losses.append("a sweep has no paired test: no run is stopped early")
    elif settings.pruning is not None and settings.objectives[0].metric != PRUNED_BY:
        losses.append(f"runs report only {PRUNED_BY} early: no run is stopped early")
    losses.append("start_from is ignored, and the best is not confirmed with fresh seeds")
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

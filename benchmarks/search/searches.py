"""One search of one sampler on one problem."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import optuna
from optuna.samplers import BaseSampler, CmaEsSampler, NSGAIISampler, TPESampler

from benchmarks.search.branches import FUNCTIONS as BRANCHES_FUNCTIONS
from benchmarks.search.branches import BranchesProblem
from benchmarks.search.coco import FUNCTIONS as COCO_FUNCTIONS
from benchmarks.search.coco import CocoProblem
from benchmarks.search.problems import Problem, ProblemKey, Tried
from hpo.samplers.registry import SAMPLERS
from hpo.search_space import Space

FUNCTIONS: Mapping[str, int] = {**COCO_FUNCTIONS, "branches": BRANCHES_FUNCTIONS}
"""How many functions each suite has."""
SUITES: Mapping[str, Callable[[ProblemKey], Problem]] = {
    **dict.fromkeys(COCO_FUNCTIONS, CocoProblem),
    "branches": BranchesProblem,
}
"""How a problem of each suite is made."""

STOCK: Mapping[str, Callable[[int], BaseSampler]] = {
    "optuna-tpe": lambda seed: TPESampler(seed=seed),
    "optuna-cmaes": lambda seed: CmaEsSampler(seed=seed, warn_independent_sampling=False),
    "optuna-nsga2": lambda seed: NSGAIISampler(seed=seed),
}
"""Samplers as Optuna ships them, by seed; those of the house have their names without a prefix."""
ONE_OBJECTIVE = ("optuna-cmaes",)
"""Samplers that refuse several objectives."""


@dataclass(frozen=True, order=True)
class SearchKey:
    """A search: who searches what."""

    problem: ProblemKey
    seed: int
    sampler: str


def losses(key: SearchKey, budgets: Sequence[int]) -> list[float]:
    """The loss of a search after each of some numbers of trials, which ascend."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    problem = SUITES[key.problem.suite](key.problem)
    with warnings.catch_warnings():
        # What Optuna has to say of its own samplers is not what is measured.
        warnings.simplefilter("ignore")
        sampler = build(key.sampler, problem.space, budgets[-1], key.seed)
        study = optuna.create_study(sampler=sampler, directions=["minimize"] * problem.objectives)
        tried = [_next(study, problem) for _ in range(budgets[-1])]
    return [problem.loss(tried[:budget]) for budget in budgets]


def build(name: str, space: Space, trials: int, seed: int) -> BaseSampler:
    """A sampler by its name, with the settings that it has if a study file says nothing."""
    if name in STOCK:
        return STOCK[name](seed)
    return SAMPLERS[name].model_validate({"name": name, "seed": seed}).build(space, trials)


def _next(study: optuna.Study, problem: Problem) -> Tried:
    trial = study.ask()
    configuration = problem.space.suggest(trial)
    values = problem.values(configuration)
    study.tell(trial, list(values))
    return Tried(configuration, values)

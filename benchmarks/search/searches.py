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
"""Number of functions of each suite."""
SUITES: Mapping[str, Callable[[ProblemKey], Problem]] = {
    **dict.fromkeys(COCO_FUNCTIONS, CocoProblem),
    "branches": BranchesProblem,
}
"""Constructors of the problems of each suite."""

STOCK: Mapping[str, Callable[[int], BaseSampler]] = {
    "optuna-tpe": lambda seed: TPESampler(seed=seed),
    "optuna-cmaes": lambda seed: CmaEsSampler(seed=seed, warn_independent_sampling=False),
    "optuna-nsga2": lambda seed: NSGAIISampler(seed=seed),
}
"""Optuna's own samplers, by seed; hpo's samplers have names without prefix."""
ONE_OBJECTIVE = ("optuna-cmaes",)
"""Samplers that support only one objective."""


@dataclass(frozen=True, order=True)
class SearchKey:
    """A search: sampler and problem."""

    problem: ProblemKey
    seed: int
    sampler: str


def losses(key: SearchKey, budgets: Sequence[int]) -> list[float]:
    """Returns the loss of a search after each of the given numbers of trials, which are ascending."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    problem = SUITES[key.problem.suite](key.problem)
    with warnings.catch_warnings():
        # Warnings of Optuna about its own samplers are irrelevant here.
        warnings.simplefilter("ignore")
        sampler = build(key.sampler, problem.space, budgets[-1], key.seed)
        study = optuna.create_study(sampler=sampler, directions=["minimize"] * problem.objectives)
        tried = [_next(study, problem) for _ in range(budgets[-1])]
    return [problem.loss(tried[:budget]) for budget in budgets]


def build(name: str, space: Space, trials: int, seed: int) -> BaseSampler:
    """Builds a sampler by its name, with the default settings of a study file."""
    if name in STOCK:
        return STOCK[name](seed)
    return SAMPLERS[name].model_validate({"name": name, "seed": seed}).build(space, trials)


def _next(study: optuna.Study, problem: Problem) -> Tried:
    trial = study.ask()
    configuration = problem.space.suggest(trial)
    values = problem.values(configuration)
    study.tell(trial, list(values))
    return Tried(configuration, values)

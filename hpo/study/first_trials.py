"""First trials of a study: points that are tried first, and results of a former study that are taken over."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from optuna.trial import FrozenTrial, TrialState, create_trial

from hpo.config.document import STUDY
from hpo.config.runs import searched_tree
from hpo.config.start_from import DEFAULTS, START_FROM, FormerStudy, first_points, former_study
from hpo.config.study_file import StudyFile, load_written
from hpo.samplers.admitted import AdmittedStudy, excluded_trials
from hpo.samplers.ranking import best_first
from hpo.search_space import Space, SpaceError
from hpo.search_space.configuration import Configuration
from hpo.study.attributes import HASH, TAKEN_OVER
from hpo.study.beginning import Beginning
from hpo.study.opening import first_difference, read_optuna_study
from hpo.study.provenance import engine, engines
from segada.settings.folders import expand
from segada.settings.nested import Value, at_path, has_path

COMPARED = ("objectives", "constraints", "pretrain")
"""Sections, besides the settings of the runs, that two studies must share for one to take over results of the other."""
NUMBERLESS = ("logging", "data.loading")
"""Settings that change no number of a run."""
MOST_NOTES = 10
"""Number of trials that are left out whose reason is told; the others are counted."""


@dataclass(frozen=True)
class _Former:
    file: StudyFile
    out: Path
    trials: Sequence[FrozenTrial]
    """Complete trials that count in the former study; the best ones, best first, if the entry names a number."""


def beginning_of(file: StudyFile) -> Beginning:
    """Returns the first trials that `start_from` names.

    Raises:
        InputError: a former study cannot be read, has no configuration for this space, or has results that are not
            comparable with those of this study.
    """
    notes: list[str] = []

    def best_of(index: int, former: FormerStudy) -> list[tuple[str, Mapping[str, Value]]]:
        found = _read(file, index, former)
        return [
            (f"trial {trial.number} of {former.study}", found.file.space.configuration(trial.params).values)
            for trial in found.trials
        ]

    results = _results(file, notes)
    try:
        points = first_points(file.space, file.settings.start_from, best_of, notes)
    except SpaceError as problem:
        raise file.document.error(problem.parts, problem.problem) from None
    # A point with a result would be the same run again.
    known = [trial.params for trial in results.values()]
    points = [point for point in points if point not in known]
    budget = file.settings.budget.trials
    if len(points) > budget:
        notes.append(f"{len(points) - budget} of the {len(points)} first points wait: budget.trials is {budget}")
    return Beginning(points, list(results.values()), notes)


def _read(file: StudyFile, index: int, former: FormerStudy) -> _Former:
    out = Path(expand(former.study)).absolute()
    if not (out / STUDY).is_file():
        text = f"there is no study in the folder {expand(former.study)}; write {DEFAULTS}, or the folder of a study's"
        raise file.document.error((START_FROM, index, "study"), f"{text} results")
    there = load_written(out)
    optuna_study, _ = read_optuna_study(there, out)
    limits = [constraint.text for constraint in there.settings.constraints]
    admitted = AdmittedStudy(optuna_study, there.space, limits, excluded_trials(optuna_study.user_attrs))
    trials = admitted.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if former.count is not None:
        several = len(optuna_study.directions) > 1
        trials = best_first(admitted.best_trials if several else trials, optuna_study.directions)
        distinct = {there.space.configuration(trial.params).hash: trial for trial in reversed(trials)}
        trials = [trial for trial in trials if trial in distinct.values()][: former.count]
    return _Former(there, out, trials)


def _results(file: StudyFile, notes: list[str]) -> dict[str, FrozenTrial]:
    """Returns the results that are taken over, by the hash of their configuration."""
    results: dict[str, FrozenTrial] = {}
    for index, start in enumerate(file.settings.start_from):
        former = former_study(start)
        if former is None or not former.results:
            continue
        found = _read(file, index, former)
        problem = _incomparable(file, found)
        if problem is not None:
            text = (
                f"results of {former.study} cannot be taken over: {problem}; leave results out to start from its best"
            )
            raise file.document.error((START_FROM, index, "results"), text)
        outside: list[str] = []
        taken = {one.system_attrs[HASH]: one for trial in found.trials for one in _taken(file, found, trial, outside)}
        notes.append(f"{len(taken)} results of {former.study} are taken over; they do not count in the budget")
        notes += [f"left out: {line}" for line in outside[:MOST_NOTES]]
        if len(outside) > MOST_NOTES:
            notes.append(f"left out: {len(outside) - MOST_NOTES} more trials of {former.study} outside this space")
        results = {**taken, **results}
    return results


def _incomparable(file: StudyFile, former: _Former) -> str | None:
    """Returns why no result of a former study can stand beside those of this one; None if they can."""
    for part in COMPARED:
        difference = first_difference(former.file.identity[part], file.identity[part], part)
        if difference:
            return difference
    there, here = engines(former.out / STUDY), engine()
    other = next((one for one in there if one != here), None)
    if other is not None:
        return f"its engine was {other}, and this one is {here}"
    if not there:
        return f"its {STUDY} does not say which engine it ran with"
    ours, theirs = searched_tree(file.run_settings()), searched_tree(former.file.run_settings())
    searched = {*file.space.parameters, *former.file.space.parameters}
    path = next((path for path in _different(theirs, ours, ()) if not _is_below(path, searched)), None)
    if path is None:
        return None
    values = [at_path(tree, path.split(".")) for tree in (theirs, ours)]
    return f"run.{path} is {values[0]!r} there and {values[1]!r} here"


def _taken(file: StudyFile, former: _Former, trial: FrozenTrial, outside: list[str]) -> Iterator[FrozenTrial]:
    """Yields the trial of this study that is the same run as one of a former study; notes it if there is none."""
    configuration = former.file.space.configuration(trial.params)
    settings = former.file.run_settings(configuration)
    tree = searched_tree(settings)
    known = {
        path: configuration.values.get(path, at_path(tree, path.split(".")))
        for path in file.space.parameters
        if path in configuration.values or has_path(tree, path.split("."))
    }
    name = f"trial {trial.number}"
    refused = _refusal(file.space, known)
    if refused is not None:
        outside.append(f"{name}: {refused}")
        return
    values = file.space.completed(known)
    here = Configuration(values)
    raw = file.space.encode(values)
    ours = file.run_settings(here)
    if ours.settings_hash() != settings.settings_hash() or not file.space.is_complete(raw):
        path = next(_different(tree, searched_tree(ours), ()), "")
        outside.append(f"{name}: its {path or 'settings'} cannot be had in this space")
        return
    distributions = file.space.distributions()
    taken = create_trial(
        state=TrialState.COMPLETE,
        values=list(trial.values),
        params=raw,
        distributions={one: distributions[one] for one in raw},
        user_attrs={TAKEN_OVER: trial.user_attrs.get(TAKEN_OVER, {"study": str(former.out), "trial": trial.number})},
        system_attrs={HASH: here.hash},
    )
    for limit, violation in trial.constraints.items():
        taken.set_constraint(limit, violation)
    yield taken


def _refusal(space: Space, known: Mapping[str, Value]) -> str | None:
    """Returns why values by path are no configuration of a space; values of inactive parameters do not matter."""
    valid = {path: value for path, value in known.items() if space.parameters[path].refusal(value) is None}
    try:
        values = space.completed(valid)
    except ValueError as problem:
        return str(problem)
    active = [path for path in known if path not in valid and space.parameters[path].is_active(values)]
    if active:
        return f"{active[0]} {space.parameters[active[0]].refusal(known[active[0]])}"
    index = space.forbidding(values)
    return None if index is None else f"is forbidden, by forbidden.{index}"


def _different(theirs: Value, ours: Value, parts: tuple[str, ...]) -> Iterator[str]:
    """Yields the paths at which two settings of runs differ, less those that change no number."""
    path = ".".join(parts)
    if path in NUMBERLESS or theirs == ours:
        return
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in dict.fromkeys([*ours, *theirs]):
            yield from _different(theirs.get(key), ours.get(key), (*parts, key))
    else:
        yield path


def _is_below(path: str, searched: set[str]) -> bool:
    """Returns True if a setting is searched, or belongs to a section whose kind is searched."""
    parts = path.split(".")
    return path in searched or any(".".join([*parts[:end], "name"]) in searched for end in range(1, len(parts)))

"""Contract of every sampler."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

import numpy as np
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from pydantic import TypeAdapter

from hpo.samplers.base import SamplerSettings, StudySampler
from hpo.samplers.code_sampler import CodeSampler
from hpo.samplers.registry import AnySamplerSettings
from hpo.search_space import Space
from hpo.search_space.conditions import Clauses
from hpo.search_space.configuration import Configuration
from hpo.search_space.kinds import Parameter
from hpo.search_space.size import cardinality
from segada.settings.nested import Tree
from segada.testing.findings import Checks, require

TRIALS: Final = 30
"""Budget of the studies."""
DIRECTIONS: Final[tuple[Literal["maximize"], Literal["minimize"]]] = ("maximize", "minimize")
SPACE: Final = Space(
    TypeAdapter(dict[str, Parameter]).validate_python(
        {
            "rate": {"type": "float", "low": 1e-4, "high": 1e-1, "log": True},
            "share": {"type": "float", "low": 0.0, "high": 1.0, "step": 0.25},
            "width": {"type": "int", "low": 4, "high": 64, "log": True, "when": {"kind": ["a", "b"]}},
            "kind": {"type": "choice", "choices": ["none", "a", "b"]},
            "places": {"type": "subset", "of": [0, 1, 2, 3], "min_size": 1, "max_size": 3, "when": {"kind": "a"}},
            "deep": {"type": "bool", "when": {"kind": "a"}},
            "weight": {"type": "float", "low": 0.01, "high": 1.0, "log": True, "off": 0.0},
            "patterns": {"type": "each", "of": "places", "choices": ["all", "last"]},
            "reach": {"type": "int", "low": 1, "high": 9, "when": [{"weight": {"above": 0.0}}, {"kind": "b"}]},
        }
    )
)
"""Space with every kind of parameter and with conditions."""
DISCRETE: Final = Space(
    TypeAdapter(dict[str, Parameter]).validate_python(
        {
            "kind": {"type": "choice", "choices": ["none", "a", "b"]},
            "share": {"type": "float", "low": 0.0, "high": 0.3, "step": 0.1, "when": {"kind": ["a", "b"]}},
            "places": {"type": "subset", "of": [0, 1], "when": {"kind": "a"}},
            "patterns": {"type": "each", "of": "places", "choices": ["all", "last"]},
            "deep": {"type": "bool"},
        }
    ),
    TypeAdapter(list[Clauses]).validate_python([{"kind": "b", "deep": True}, {"share": {"above": 0.25}}]),
)
"""Space of 2 + 3 x (2 + 2 + 4) x 2 + 3 configurations."""


@dataclass(frozen=True)
class SamplerCase:
    """A sampler by its settings.

    Attributes:
        settings: Settings with the name of the sampler.
    """

    settings: Tree

    @classmethod
    def of(cls, name: str, values: Tree) -> "SamplerCase":
        """Returns the case of a sampler.

        Raises:
            pydantic.ValidationError: The settings are not those of the sampler.
            InputError: It is code that makes none.
        """
        case = cls({**values, "name": name})
        settings = case.built(0)
        if isinstance(settings, CodeSampler):
            settings.made(0)
        return case

    def built(self, seed: int) -> SamplerSettings:
        """Returns the settings of the sampler with a seed."""
        settings: SamplerSettings = TypeAdapter(AnySamplerSettings).validate_python({**self.settings, "seed": seed})
        return settings

    def study(
        self, seed: int = 0, journal: Path | None = None, objectives: int = 1, space: Space = SPACE
    ) -> optuna.Study:
        """Returns a study of the sampler, in memory or continued from a journal."""
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        return optuna.create_study(
            storage=None if journal is None else JournalStorage(JournalFileBackend(str(journal))),
            study_name="contract",
            load_if_exists=True,
            sampler=self.built(seed).build(space, TRIALS),
            directions=DIRECTIONS[:objectives],
        )


def score(configuration: Configuration) -> float:
    """Returns a value to maximize over `SPACE`."""
    values = configuration.values
    rate, share = values["rate"], values["share"]
    assert isinstance(rate, float)
    assert isinstance(share, float)
    return float(-((np.log10(rate) + 2.5) ** 2) - share + (values["kind"] == "a"))


def searched(study: optuna.Study, trials: int) -> list[Configuration]:
    """Runs a search in which now and then a trial fails or is pruned."""
    configurations = []
    for _ in range(trials):
        trial = study.ask()
        configuration = SPACE.suggest(trial)
        configurations.append(configuration)
        if trial.number % 5 == 3:
            study.tell(trial, state=TrialState.FAIL)
        elif trial.number % 5 == 4:
            trial.report(score(configuration), 1)
            study.tell(trial, state=TrialState.PRUNED)
        else:
            study.tell(trial, [score(configuration), 0.5][: len(study.directions)])
    return configurations


def assert_valid(configuration: Configuration) -> None:
    """Requires that a configuration is a point of `SPACE`."""
    raw = SPACE.encode(configuration.values)
    whole = SPACE.is_complete(raw) and SPACE.configuration(raw) == configuration
    inside = all(SPACE.parameters[path].has(value) for path, value in configuration.values.items())
    require(whole and inside, f"{dict(configuration.values)} is no point of the space")


def _bounds(case: SamplerCase) -> None:
    for configuration in searched(case.study(), 30):
        assert_valid(configuration)


def _forbidden(case: SamplerCase) -> None:
    clauses = TypeAdapter(list[Clauses]).validate_python(
        [{"kind": ["a", "b"], "weight": {"above": 0.0}}, {"kind": "none", "rate": {"below": 0.01}}]
    )
    space = Space(SPACE.parameters, clauses)
    study = case.study(space=space)
    # Which kinds a sampler proposes by itself depends on rounding; that none is out of reach is asked for.
    wanted = ["none", "a", "b"]
    for kind in wanted:
        study.enqueue_trial({"kind": kind})
    kinds = []
    for _ in range(25):
        trial = study.ask()
        configuration = space.suggest(trial)
        assert_valid(configuration)
        require(space.forbidding(configuration.values) is None, f"{dict(configuration.values)} is forbidden")
        kinds.append(configuration.values["kind"])
        study.tell(trial, score(configuration))
    require(kinds[:3] == wanted, f"enqueued kinds {wanted} became {kinds[:3]}")
    require(len(study.trials) == 25, f"25 proposals took {len(study.trials)} trials")


def _seed(case: SamplerCase) -> None:
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 - the global state that a sampler must not use
    first = searched(case.study(seed=3), 20)
    random.seed(2)
    np.random.seed(2)  # noqa: NPY002
    require(
        searched(case.study(seed=3), 20) == first, "the same seed gave another search: something else is drawn from"
    )
    require(searched(case.study(seed=4), 20) != first, "another seed gave the same search")


def _global_state(case: SamplerCase) -> None:
    before = _drawn_from()
    searched(case.study(), 12)
    require(_drawn_from() == before, "the global generator of random or numpy was drawn from")


def _drawn_from() -> tuple[object, object]:
    return random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002


def _continued(case: SamplerCase) -> None:
    with TemporaryDirectory(prefix="hpo-testing-") as folder:
        whole = searched(case.study(journal=Path(folder) / "whole"), 20)
        parts: list[Configuration] = []
        for trials in (3, 7, 10):
            parts += searched(case.study(journal=Path(folder) / "parts"), trials)
    require(parts == whole, "a new process goes on with other points: the sampler keeps state outside the study")


def _any_order(case: SamplerCase) -> None:
    with TemporaryDirectory(prefix="hpo-testing-") as folder:
        one, several = (_batches(case, Path(folder) / name, anew=name == "several") for name in ("one", "several"))
    require(one == several, "trials that end in another order are read differently by a new process")


def _batches(case: SamplerCase, journal: Path, *, anew: bool) -> list[Configuration]:
    study, configurations = case.study(journal=journal), []
    for _ in range(4):
        study = case.study(journal=journal) if anew else study
        pending = [study.ask() for _ in range(4)]
        proposed = [SPACE.suggest(trial) for trial in pending]
        for trial, configuration in reversed(list(zip(pending, proposed, strict=True))):
            study.tell(trial, score(configuration))
        configurations += proposed
    return configurations


def _at_once(case: SamplerCase) -> None:
    study = case.study()
    searched(study, 8)
    pending = [study.ask() for _ in range(6)]
    configurations = [SPACE.suggest(trial) for trial in pending]
    different = len({configuration.hash for configuration in configurations})
    require(different == 6, f"of 6 trials asked for at once, {different} differ")
    for trial, configuration in reversed(list(zip(pending, configurations, strict=True))):
        study.tell(trial, score(configuration))
    assert_valid(searched(study, 1)[0])


def _failures(case: SamplerCase) -> None:
    study = case.study()
    for _ in range(12):
        trial = study.ask()
        assert_valid(SPACE.suggest(trial))
        study.tell(trial, state=TrialState.FAIL)


def _enqueued(case: SamplerCase) -> None:
    study = case.study()
    wanted: Tree = {"rate": 0.01, "share": 0.5, "kind": "none", "weight": 0.0}
    study.enqueue_trial(SPACE.encode(wanted))
    found = searched(study, 1)[0].values
    require(found == wanted, f"the enqueued trial {wanted} ran as {dict(found)}")
    for configuration in searched(study, 14):
        assert_valid(configuration)


def _two_objectives(case: SamplerCase) -> None:
    study = case.study(objectives=2)
    for _ in range(20):
        trial = study.ask()
        configuration = SPACE.suggest(trial)
        assert_valid(configuration)
        share = configuration.values["share"]
        assert isinstance(share, float)
        study.tell(trial, [score(configuration), share])


def _two_drivers(case: SamplerCase) -> None:
    with TemporaryDirectory(prefix="hpo-testing-") as folder:
        drivers: Sequence[optuna.Study] = [case.study(journal=Path(folder) / "journal") for _ in range(2)]
        hashes = []
        for _ in range(7):
            pending = [(driver, driver.ask()) for driver in drivers]
            for driver, trial in pending:
                configuration = SPACE.suggest(trial)
                assert_valid(configuration)
                hashes.append(configuration.hash)
                driver.tell(trial, score(configuration))
    require(len({*hashes}) == 14, f"two drivers ran {14 - len({*hashes})} of 14 configurations twice")


def _used_up(case: SamplerCase) -> None:
    study = case.study(space=DISCRETE)
    sampler = study.sampler
    assert isinstance(sampler, StudySampler)
    seen: list[str] = []
    while sampler.used_up(study) is None and len(seen) <= cardinality(DISCRETE)[0]:
        trial = study.ask()
        seen.append(DISCRETE.suggest(trial).hash)
        study.tell(trial, float(trial.number))
    require(len({*seen}) == len(seen), f"{len(seen) - len({*seen})} configurations of a small space came twice")
    end = sampler.used_up(study)
    require(end is not None and end.configurations == len(seen), "the sampler does not say that a space is used up")


SAMPLER_CHECKS: Final[Checks[SamplerCase]] = {
    "every proposal respects bounds and conditions": _bounds,
    "no proposal is forbidden": _forbidden,
    "the seed determines the search, and nothing else does": _seed,
    "global random states stay as they were": _global_state,
    "a new process continues the same search": _continued,
    "the order in which trials end is read the same by a new process": _any_order,
    "trials that are asked for at once differ": _at_once,
    "a study of failures alone goes on": _failures,
    "enqueued trials run as they are": _enqueued,
    "two objectives are searched": _two_objectives,
    "two drivers share a study without repeating each other": _two_drivers,
    "every configuration of a small space comes once, and then the sampler says so": _used_up,
}

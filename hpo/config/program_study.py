"""Study file whose trials are run by an external engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from hpo.config.free_settings import with_values
from hpo.config.objective_checks import check_metric, check_predicted
from hpo.config.objectives import DOMAIN_PREFIX, GAIN_PREFIX, REPORTED_PREFIX, metrics_of
from hpo.config.program import Program, ProgramRun
from hpo.config.program_space import check_free_space, unknown_setting
from hpo.config.schema import StudySettings
from hpo.config.start_from import check_start
from hpo.config.study_file import IDENTITY, StudyFile, budgeted
from hpo.pruners.settings import PairedSettings
from hpo.search_space import Space, SpaceError
from hpo.search_space.configuration import Configuration
from segada.core.named_code import is_file_of_code
from segada.settings.files import Document, read_yaml
from segada.settings.nested import Tree, at_path

MEASURED: Final = ("frames_per_second", "peak_memory", "trainable_parameters")
"""Metrics that a program need not report, unless trials are judged by them."""
FROM_MIOU: Final = ("mean_miou", "worst_domain_miou")
"""Metrics that follow from the mIoU of the visits."""
FROM_SOURCE: Final = ("gain", "worst_gain", "forgetting")
"""Metrics that are counted from the source model."""
LEAST_SEEDS: Final = 2
NO_AREAS: Final = (
    "Intervals rest on the fresh seeds alone (Student's t), not on frames: the engine writes no areas.npz. They say "
    "nothing about other frames."
)
ONE_SPLIT: Final = (
    "The confirmation is on the frames of the search, because engine.command has no {split}: what is chosen on these "
    "frames looks better on them than on others."
)


@dataclass(frozen=True)
class ProgramStudy(StudyFile):
    """Study file whose trials are run by an external engine."""

    defaults: Tree = field(default_factory=dict)
    """The program's own defaults; empty if they are unknown."""

    @cached_property
    def program(self) -> Program:
        """Program from which runs are made."""
        settings = self.settings
        assert settings.engine is not None
        required = tuple(name.removeprefix(REPORTED_PREFIX) for name in _judged(settings) if _is_reported(name))
        return Program(settings.engine, settings.run, self.defaults, required, settings.resources.retries)

    def run_settings(self, configuration: Configuration | None = None, overrides: Tree | None = None) -> ProgramRun:
        """Builds the settings of one run; of `overrides` it takes the seed and the split."""
        changes = {} if configuration is None else configuration.values
        seed, split = (overrides or {}).get("seed"), at_path(overrides or {}, ("evaluation", "split"))
        assert seed is None or isinstance(seed, int)
        return self.program.run_with(changes, "val" if split is None else str(split), seed)

    def baseline(self, name: str, like: ProgramRun) -> ProgramRun:
        """Returns the settings of a baseline with the seed and the split of another run."""
        assert self.settings.engine is not None
        return self.program.run_with(self.settings.engine.baselines[name], like.split, like.seed)

    def caveats(self) -> tuple[str, ...]:
        """Returns sentences on what the results do not rest on."""
        engine = self.settings.engine
        assert engine is not None
        return tuple(
            text for text, holds in ((NO_AREAS, not engine.areas), (ONE_SPLIT, not engine.uses("split"))) if holds
        )

    def check_folders(self) -> None:
        """Checks nothing: the program knows its own folders."""

    @cached_property
    def identity(self) -> Tree:
        """Sections that must be equal in two files of the same study; limits of time are not among them."""
        shown = self.resolved()
        engine = shown["engine"]
        assert isinstance(engine, dict)
        deciding = {key: value for key, value in engine.items() if key not in ("hours", "silent_hours", "grace")}
        return {**{part: shown[part] for part in IDENTITY}, "engine": deciding}

    def resolved(self) -> Tree:
        """Returns the study file with every default filled in, those of the program's file among them."""
        tree: Tree = self.settings.model_dump(mode="json")
        engine = tree["engine"]
        assert isinstance(engine, dict)
        return {**tree, "engine": {**engine, "defaults": None, "json_schema": None}}


def program_study(document: Document) -> ProgramStudy:
    """Checks a study file with an external engine.

    Args:
        document: the file.

    Raises:
        InputError: One line with the file, the line, the path, what is wrong and what would be right.
    """
    settings = budgeted(document.build(StudySettings, document.tree))
    engine = settings.engine
    assert engine is not None
    if engine.function is not None and is_file_of_code(engine.function):
        placed = str((_folder(document, "function") / engine.function).resolve())
        settings = settings.model_copy(update={"engine": engine.model_copy(update={"function": placed})})
    defaults = {} if engine.defaults is None else _read(document, "defaults", engine.defaults)
    schema = None if engine.json_schema is None else _schema(document, engine.json_schema)
    run = with_values(defaults, settings.run)
    settings = settings.model_copy(update={"run": run})
    if engine.defaults is not None:
        _check_known(document, defaults, engine.baselines)
    try:
        space = Space(settings.space, settings.forbidden)
        check_free_space(space, run, is_whole=engine.defaults is not None, schema=schema)
        check_start(space, settings.start_from)
    except SpaceError as problem:
        raise document.error(problem.parts, problem.problem) from None
    _check_sections(document, settings)
    _check_confirmation(document, settings)
    _check_objectives(document, settings)
    return ProgramStudy(document, settings, space, defaults)


def _folder(document: Document, key: str) -> Path:
    """Returns the folder of the file in which a key of `engine` is given, which another file may extend."""
    place = ("engine", key)
    if any(place[:end] in document.given for end in range(3)):
        return Path()
    return Path(document.origins[place].file if place in document.origins else document.file).parent


def _read(document: Document, key: str, name: str) -> Tree:
    path = _folder(document, key) / name
    if not path.is_file():
        problem = f"there is no file {path}; the name is seen from the file that has this line"
        raise document.error(("engine", key), problem)
    return read_yaml(path).tree


def _schema(document: Document, name: str) -> Tree:
    from jsonschema import Draft202012Validator, SchemaError  # slow to import

    schema = _read(document, "json_schema", name)
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        problem = f"{name} is no JSON schema: {error.json_path}: {error.message}"
        raise document.error(("engine", "json_schema"), problem) from None
    return schema


def _check_known(document: Document, defaults: Tree, baselines: Mapping[str, Tree]) -> None:
    given = document.tree.get("run")
    parts: dict[tuple[str, ...], Tree] = {("run",): given if isinstance(given, dict) else {}}
    parts |= {("engine", "baselines", name): changes for name, changes in baselines.items()}
    for place, changes in parts.items():
        problem = unknown_setting(defaults, changes)
        if problem is not None:
            raise document.error(place, problem)


def _judged(settings: StudySettings) -> list[str]:
    texts = [*(one.metric for one in settings.objectives), *(one.metric for one in settings.constraints)]
    return list(dict.fromkeys(name for text in texts for name in metrics_of(text)))


def _is_reported(metric: str) -> bool:
    return metric.startswith(REPORTED_PREFIX) or metric in MEASURED


def _check_sections(document: Document, settings: StudySettings) -> None:
    """Refuses sections that only `segada` has a meaning for."""
    if settings.pretrain is not None:
        raise document.error(
            ("pretrain",), "trains a source model of segada, which an external engine has none of; remove it"
        )
    if settings.source_models != 1:
        raise document.error(
            ("source_models",), "names source models of segada, which an external engine has none of; remove it"
        )
    if settings.resources.gpus_per_trial == "auto":
        raise document.error(
            ("resources", "gpus_per_trial"), "auto measures segada alone; write a number, as in gpus_per_trial: 0.5"
        )
    if settings.tracking.images:
        raise document.error(("tracking", "images"), "needs pictures, which an external engine does not draw")


def _check_confirmation(document: Document, settings: StudySettings) -> None:
    engine, confirm = settings.engine, settings.confirm
    assert engine is not None
    if confirm.top and not engine.areas and confirm.seeds < LEAST_SEEDS:
        raise document.error(
            ("confirm", "seeds"),
            f"is {confirm.seeds}, but without areas.npz intervals come from the seeds alone; write {LEAST_SEEDS} or "
            "more",
        )
    if confirm.top > 1 and not engine.uses("split"):
        raise document.error(
            ("confirm", "top"),
            f"is {confirm.top}, but engine.command has no {{split}}, so that the best would be chosen on the frames "
            "that are reported; add {split}, which is val in the search and test in the confirmation, or write 1",
        )


def _check_objectives(document: Document, settings: StudySettings) -> None:
    engine = settings.engine
    assert engine is not None
    domains = [f"{DOMAIN_PREFIX}{domain}" for domain in dict.fromkeys((*engine.visits, *engine.domains))]
    valid = [*FROM_MIOU, *domains, *MEASURED, f"{REPORTED_PREFIX}NAME"]
    texts = [(("objectives", index, "metric"), one.metric) for index, one in enumerate(settings.objectives)]
    texts += [(("constraints", index, "metric"), one.metric) for index, one in enumerate(settings.constraints)]
    for place, text in texts:
        if any(name in FROM_SOURCE or name.startswith(GAIN_PREFIX) for name in _names(text)):
            raise document.error(
                place, "is counted from the source model, which an external engine does not report; write mean_miou"
            )
        check_metric(document, place, text, [*valid, *_names(text, REPORTED_PREFIX)])
    if settings.pruning is None:
        return
    if isinstance(settings.pruning, PairedSettings):
        raise document.error(
            ("pruning", "name"),
            "paired compares frames after each visit, which an external engine does not report; write halving",
        )
    check_predicted(document, settings.objectives, settings.pruning.min_visits, len(engine.visits))


def _names(text: str, prefix: str = "") -> list[str]:
    try:
        return [name for name in metrics_of(text) if name.startswith(prefix)]
    except ValueError:
        # The reason is said by `check_metric`.
        return []

"""The YAML that a person writes, read and checked whole before anything starts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from hpo.config.document import STUDY, read_document
from hpo.config.formula import FormulaError
from hpo.config.objectives import DOMAIN_PREFIX, LABEL_FREE_PREFIX, METRICS, is_foretold, metrics_of
from hpo.config.schema import StudySettings
from hpo.config.start_from import check_start
from hpo.pruners.settings import PairedSettings
from hpo.search_space import Space, SpaceError
from hpo.search_space.configuration import Configuration
from hpo.search_space.validation import check_space
from segada.errors import InputError
from segada.settings import RunSettings
from segada.settings.domains import StreetsDomain
from segada.settings.evaluation import HIGHER_IS_BETTER, EvaluationSettings
from segada.settings.files import Document
from segada.settings.folders import expand
from segada.settings.label_free import computed
from segada.settings.method import SupervisedSettings
from segada.settings.nested import Tree, Value
from segada.settings.run import with_names
from segada.settings.schema import nearest
from segada.settings.source_training import source_training
from segada.settings.validation_errors import shown

IDENTITY = ("run", "pretrain", "space", "forbidden", "objectives", "constraints")
"""Parts of a study file that make trials comparable; a study whose file has other ones is another study."""


@dataclass(frozen=True)
class StudyFile:
    """A study file that has passed every check."""

    document: Document
    settings: StudySettings
    """Settings of the study; those of its runs without preset, every section with its name."""
    space: Space

    def run_settings(self, configuration: Configuration | None = None, overrides: Tree | None = None) -> RunSettings:
        """The settings of one run.

        Args:
            configuration: what the trial changes; None changes nothing.
            overrides: win over everything (the weights of the source training, a fresh seed).
        """
        return (configuration or Configuration({})).settings(self.settings.run, overrides)

    def pretrain_settings(self) -> RunSettings | None:
        """The source training, or None where the study takes weights that exist."""
        if self.settings.pretrain is None:
            return None
        return RunSettings.model_validate(source_training(self.settings.run, self.settings.pretrain))

    @cached_property
    def identity(self) -> Tree:
        """What another study must share to be the same one, defaults filled in."""
        shown = self.resolved()
        return {part: shown[part] for part in IDENTITY}

    def kept_in(self, place: str | None) -> "StudyFile":
        """The same with this database, `hpo.study.storage.place_of`, as its storage."""
        return replace(self, settings=self.settings.model_copy(update={"storage": place}))

    def resolved(self) -> Tree:
        """The study file with every default filled in, those of the run and of the source training too."""
        tree: Tree = self.settings.model_dump(mode="json")
        pretraining = self.pretrain_settings()
        return {
            **tree,
            "run": self.run_settings().model_dump(mode="json"),
            "pretrain": None if pretraining is None else pretraining.model_dump(mode="json"),
        }


def load_study(
    file: str,
    overrides: Mapping[str, Value] | None = None,
    options: Mapping[str, str] | None = None,
    *,
    runs: bool = True,
) -> StudyFile:
    """Reads and checks a study file.

    Args:
        file: a path, or the bare name of a study that is shipped (`ga_dacs` or `ga_dacs.yaml`).
        overrides: values at dotted paths that win over the file's (`budget.trials`, `run.stream.passes`).
        options: what an error calls the option that an override came by, by path; `--set` where it is absent.
        runs: whether the study will be run, so that its data must be there; a report is written without them.

    Raises:
        InputError: one line with the file, the line, the path, what is wrong and what would be right.
    """
    document = read_document(file)
    # Presets first, so that what is given beside one wins whatever the order.
    for path, value in sorted((overrides or {}).items(), key=lambda item: not item[0].endswith(".preset")):
        document = document.with_overrides({path: value}, (options or {}).get(path, "--set"))
    settings = _budgeted(document.build(StudySettings, document.tree))
    run = with_names(settings.run)
    settings = settings.model_copy(update={"run": run})
    base = document.build(RunSettings, run, ("run",))
    try:
        space = Space(settings.space, settings.forbidden)
        check_space(space, run)
        check_start(space, settings.start_from)
    except SpaceError as problem:
        raise document.error(problem.parts, problem.problem) from None
    _check_objectives(document, settings, base)
    if settings.tracking.images and base.logging.prediction_panels is None:
        raise document.error(
            ("tracking", "images"), "there are none: runs draw them where run.logging.prediction_panels asks for it"
        )
    _check_scores(document, settings, base.evaluation)
    pretraining = _checked_pretraining(document, settings, run)
    if runs:
        _check_folders(document, base, "run")
        if pretraining is not None:
            _check_folders(document, pretraining, "pretrain")
    return StudyFile(document, settings, space)


def load_written(out: Path) -> StudyFile:
    """The study file that a study has left in the folder of its results; its data need not be there.

    Raises:
        InputError: it is missing or damaged; with the command that writes it again.
    """
    path = out / STUDY
    again = f"python -m hpo.run --space FILE --out {out}"
    if not path.exists():
        raise InputError(f"{out}: has no {STUDY}; name the folder of a study, or let its command write it: {again}")
    if path.is_dir():
        raise InputError(f"{path}: is a folder; remove it, and the study's own command writes the file again: {again}")
    try:
        return load_study(str(path), runs=False)
    except InputError as error:
        raise InputError(f"{error}; the study's own command writes this file again: {again}") from None


def _budgeted(settings: StudySettings) -> StudySettings:
    """A space without parameters is one configuration: there is nothing that a second trial could try."""
    if settings.space:
        return settings
    return settings.model_copy(update={"budget": settings.budget.model_copy(update={"trials": 1})})


def _checked_pretraining(document: Document, settings: StudySettings, run: Tree) -> RunSettings | None:
    if settings.pretrain is None:
        return None
    source = document.build(RunSettings, source_training(run, settings.pretrain), ("pretrain", "run"))
    if not isinstance(source.method, SupervisedSettings):
        raise document.error(
            ("pretrain", "method", "name"), f"must be supervised, not {source.method.name}: it trains on labels"
        )
    return source


def _check_folders(document: Document, run: RunSettings, part: str) -> None:
    """Of the domains that the run needs; what is in the folders, the data sets check as they read it."""
    for name in dict.fromkeys((run.stream.source, *run.stream.all_visits(), *run.scored_domains())):
        domain = run.data.domains[name]
        if isinstance(domain, StreetsDomain):
            continue
        inside = ("data", "root") if domain.root is None else ("data", "domains", name, "root")
        # A source training that says nothing of its own has its data from the runs.
        parts = (part if (part, *inside) in document.lines else "run", *inside)
        text = domain.root or run.data.root
        if text is None:
            raise document.error(parts, f"this key is missing: the domain {name} is read from a folder")
        try:
            folder = expand(text)
        except ValueError as unset:
            raise document.error(parts, str(unset)) from None
        if not folder.is_dir():
            raise document.error(
                parts, f"there is no folder {folder} (seen from {Path.cwd()}); write where the data are"
            )


def _check_metric(document: Document, place: tuple[str | int, ...], text: str, valid: Sequence[str]) -> None:
    try:
        names = metrics_of(text)
    except FormulaError as problem:
        raise document.error(place, f"{shown(text)} {problem}") from None
    for name in names:
        score = name.removeprefix(LABEL_FREE_PREFIX)
        if name not in valid and name != score and score in HIGHER_IS_BETTER:
            raise document.error(
                place,
                f"asks for {score!r}, which no run computes: name it in run.evaluation.label_free, and leave "
                "run.evaluation.online true",
            )
        if name not in valid:
            raise document.error(place, f"there is no metric {shown(name)}; {nearest(name, valid)}")


def _check_objectives(document: Document, settings: StudySettings, run: RunSettings) -> None:
    domains = [f"{DOMAIN_PREFIX}{domain}" for domain in run.scored_domains()]
    scores = [f"{LABEL_FREE_PREFIX}{score}" for score in computed(run.evaluation)]
    valid = [*METRICS, *domains, *scores]
    for index, objective in enumerate(settings.objectives):
        _check_metric(document, ("objectives", index, "metric"), objective.metric, valid)
    for index, constraint in enumerate(settings.constraints):
        _check_metric(document, ("constraints", index, "metric"), constraint.metric, valid)
    if settings.pruning is None:
        return
    if isinstance(settings.pruning, PairedSettings) and len(settings.objectives) > 1:
        raise document.error(
            ("pruning", "name"), "paired compares with the best trial, and several objectives have none; write halving"
        )
    if not any(map(is_foretold, settings.objectives)):
        metrics = " or ".join(objective.metric for objective in settings.objectives)
        raise document.error(
            ("pruning",), f"goes by the gain in mIoU, which says nothing of {metrics}; write pruning: null"
        )
    visits = len(run.stream.all_visits())
    if settings.pruning.min_visits >= visits:
        raise document.error(
            ("pruning", "min_visits"),
            f"must be below the {visits} visits of the stream, but is {settings.pruning.min_visits}",
        )


def _check_scores(document: Document, settings: StudySettings, evaluation: EvaluationSettings) -> None:
    """A search that also says what is computed must leave every trial the scores that it is judged by."""
    judged = [*(one.metric for one in settings.objectives), *(one.metric for one in settings.constraints)]
    metrics = dict.fromkeys(name for text in judged for name in metrics_of(text))
    asked = [name.removeprefix(LABEL_FREE_PREFIX) for name in metrics if name.startswith(LABEL_FREE_PREFIX)]
    for key in ("online", "label_free"):
        path = f"evaluation.{key}"
        for value in settings.space[path].options() if path in settings.space else ():
            found = computed(evaluation.model_copy(update={key: value}))
            missing = next((score for score in asked if score not in found), None)
            if missing is not None:
                raise document.error(
                    ("space", path),
                    f"can be {json.dumps(value)}, and then no run computes {missing!r}, which trials are judged by; "
                    f"fix run.{path}",
                )

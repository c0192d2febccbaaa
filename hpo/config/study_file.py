"""The study file, read and checked completely before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self, cast

from hpo.config.code_parts import check_parts
from hpo.config.document import STUDY, document_of, read_document
from hpo.config.endless import check_end
from hpo.config.objective_checks import check_objectives, check_scores
from hpo.config.runs import AnyRun
from hpo.config.schema import StudySettings
from hpo.config.source_models import checkpoints, count, with_first
from hpo.config.start_from import check_start
from hpo.search_space import Space, SpaceError
from hpo.search_space.configuration import Configuration
from hpo.search_space.validation import check_space
from segada.cli.interruption import program
from segada.errors import InputError
from segada.settings import RunSettings
from segada.settings.checkpoint_path import find_checkpoint
from segada.settings.domains import CodeDomain, StreetsDomain
from segada.settings.files import Document, with_options
from segada.settings.folders import expand
from segada.settings.named_kinds import portable_names, without_code
from segada.settings.nested import Tree, Value
from segada.settings.networks import find_folder
from segada.settings.run import with_names
from segada.settings.source_training import checked_source_training, source_training

IDENTITY = ("run", "pretrain", "space", "forbidden", "objectives", "constraints")
"""Sections of a study file that make trials comparable; files that differ in one of them are different studies."""


@dataclass(frozen=True)
class StudyFile:
    """Study file that has passed every check."""

    document: Document
    settings: StudySettings
    """Settings of the study; those of its runs without preset, every section with its name."""
    space: Space

    @classmethod
    def from_dict(
        cls, tree: Mapping[str, object], overrides: Mapping[str, Value] | None = None, *, runs: bool = True
    ) -> Self:
        """Checks a study that is given as nested dictionaries with the keys of a study file.

        Args:
            tree: Study; values are text, numbers, truth values, None, and lists and dictionaries of these.
            overrides: As of `load_study`.
            runs: As of `load_study`.

        Raises:
            InputError: One line with the path, what is wrong and what would be right.

        Example:
            >>> study = hpo.StudyFile.from_dict({"extends": "ga_dacs.yaml", "name": "short", "budget": {"trials": 12}})
            >>> study.settings.name
            'short'
        """
        return cast(Self, _checked(document_of(tree), overrides or {}, {}, runs=runs))

    def run_settings(self, configuration: Configuration | None = None, overrides: Tree | None = None) -> AnyRun:
        """Builds the settings of one run, of `segada` or of an external engine, as `segada_run` does."""
        return self.segada_run(configuration, overrides)

    def segada_run(self, configuration: Configuration | None = None, overrides: Tree | None = None) -> RunSettings:
        """Builds the settings of one run of `segada`.

        Args:
            configuration: parameter values of the trial; None uses the fixed settings.
            overrides: values with the highest priority (weights of the source training, a fresh seed).
        """
        return (configuration or Configuration({})).settings(self.settings.run, overrides)

    def pretrain_settings(self, number: int = 0) -> RunSettings | None:
        """Builds the settings of the source training; None where the study uses existing weights.

        Args:
            number: Number of the source model; each has the next seed.
        """
        if self.settings.pretrain is None:
            return None
        first = RunSettings.model_validate(source_training(self.settings.run, self.settings.pretrain))
        return first if number == 0 else first.model_copy(update={"seed": first.seed + number})

    @property
    def source_models(self) -> int:
        """Number of source models."""
        return count(self.settings)

    @property
    def checkpoints(self) -> tuple[str, ...]:
        """Checkpoints of the source models, if the study lists several; else empty."""
        return checkpoints(self.settings)

    @cached_property
    def identity(self) -> Tree:
        """Sections that must be equal in two files of the same study, defaults filled in."""
        shown = portable_names(self.resolved())
        assert isinstance(shown, dict)
        return {part: shown[part] for part in IDENTITY}

    def check_folders(self) -> None:
        """Checks that the folders of all recorded domains are on this machine.

        Raises:
            InputError: One is not, or is not given.
        """
        _check_folders(self.document, self.segada_run(), "run")
        pretraining = self.pretrain_settings()
        if pretraining is not None:
            _check_folders(self.document, pretraining, "pretrain")

    def caveats(self) -> tuple[str, ...]:
        """Returns sentences on what the results do not rest on; none with `segada`."""
        return ()

    def kept_in(self, place: str | None) -> "StudyFile":
        """Returns a copy with this database, as given by `hpo.config.storage_url.place_of`, as its storage."""
        return replace(self, settings=self.settings.model_copy(update={"storage": place}))

    def with_trials(self, trials: int) -> "StudyFile":
        """Returns a copy with this number of trials as its budget."""
        budget = self.settings.budget.model_copy(update={"trials": trials})
        return replace(self, settings=self.settings.model_copy(update={"budget": budget}))

    def resolved(self) -> Tree:
        """Returns the study file with every default filled in, also those of the run and of the source training."""
        tree: Tree = self.settings.model_dump(mode="json")
        pretraining = self.pretrain_settings()
        return {
            **tree,
            "run": self.segada_run().model_dump(mode="json"),
            "pretrain": None if pretraining is None else pretraining.model_dump(mode="json"),
        }


def load_study(
    file: str | Path,
    overrides: Mapping[str, Value] | None = None,
    options: Mapping[str, str] | None = None,
    *,
    runs: bool = True,
) -> StudyFile:
    """Reads and checks a study file.

    Args:
        file: path, or the bare name of a shipped study (`ga_dacs` or `ga_dacs.yaml`).
        overrides: values at dotted paths that replace the file's (`budget.trials`, `run.stream.passes`).
        options: command line option of each override, for error messages, by path; `--set` where it is absent.
        runs: True if the study will be run, so that its data must exist; a report needs no data.

    Raises:
        InputError: One line with the file, the line, the path, what is wrong and what would be right.

    Example:
        >>> study = hpo.load_study("ga_dacs.yaml", {"budget.trials": 12, "run.stream.passes": 2})
        >>> study.settings.budget.trials
        12
    """
    return _checked(read_document(str(file)), overrides or {}, options or {}, runs=runs)


def _checked(
    document: Document, overrides: Mapping[str, Value], options: Mapping[str, str], *, runs: bool
) -> StudyFile:
    document = with_options(document, overrides, options)
    if document.tree.get("engine") is not None:
        from hpo.config.program_study import program_study  # it is a study file itself

        return program_study(document)
    settings = budgeted(document.build(StudySettings, document.tree))
    run = with_first(document, settings, with_names(settings.run))
    settings = settings.model_copy(update={"run": run})
    base = document.build(RunSettings, run, ("run",))
    check_end(document, base)
    try:
        space = Space(settings.space, settings.forbidden)
        check_space(space, run)
        check_start(space, settings.start_from)
    except SpaceError as problem:
        raise document.error(problem.parts, problem.problem) from None
    check_objectives(document, settings, base)
    check_parts(document, settings)
    if settings.tracking.images and base.logging.prediction_panels is None:
        raise document.error(
            ("tracking", "images"), "needs pictures, which runs draw only with run.logging.prediction_panels"
        )
    check_scores(document, settings, base.evaluation)
    pretraining = None if settings.pretrain is None else checked_source_training(document, run, settings.pretrain)
    if runs:
        _check_folders(document, base, "run")
        if pretraining is not None:
            _check_folders(document, pretraining, "pretrain")
        _check_checkpoint(document, pretraining or base, "run" if pretraining is None else "pretrain")
        _check_checkpoints(document, settings)
        _check_network(document, base)
    return StudyFile(document, settings, space)


def load_written(out: Path) -> StudyFile:
    """Reads the study file in a run folder. Its data need not exist, and code that it names is not imported.

    Raises:
        InputError: the file is missing or damaged; the message has the command that writes it again.
    """
    path = out / STUDY
    again = f"{program('hpo.run')} --space FILE --out {out}"
    if not path.exists():
        raise InputError(f"{out}: has no {STUDY}; name the folder of a study, or let its command write it: {again}")
    if path.is_dir():
        raise InputError(f"{path}: is a folder; remove it, and the study's own command writes the file again: {again}")
    try:
        with without_code():
            return load_study(str(path), runs=False)
    except InputError as error:
        raise InputError(f"{error}; the study's own command writes this file again: {again}") from None


def budgeted(settings: StudySettings) -> StudySettings:
    """Limits the budget of a space without parameters, which has one configuration, to one trial."""
    if settings.space:
        return settings
    return settings.model_copy(update={"budget": settings.budget.model_copy(update={"trials": 1})})


def _check_checkpoint(document: Document, run: RunSettings, part: str) -> None:
    """Refuses a checkpoint that is not there; the engine checks its content."""
    if run.model.checkpoint is None:
        return
    # Settings of a source training that are not given are those of the runs.
    parts = (part if (part, "model", "checkpoint") in document.lines else "run", "model", "checkpoint")
    try:
        find_checkpoint(run.model.checkpoint, "")
    except ValueError as problem:
        raise document.error(parts, str(problem).removeprefix(": ")) from None


def _check_checkpoints(document: Document, settings: StudySettings) -> None:
    """Refuses a listed source model that is not there."""
    for place, checkpoint in enumerate(checkpoints(settings)):
        try:
            find_checkpoint(checkpoint, "")
        except ValueError as problem:
            raise document.error(("source_models", place), str(problem).removeprefix(": ")) from None


def _check_network(document: Document, run: RunSettings) -> None:
    """Refuses a network whose folder is not there; the engine checks its content."""
    try:
        find_folder(run.model.network or "", "")
    except ValueError as problem:
        raise document.error(("run", "model", "network"), str(problem).removeprefix(": ")) from None


def _check_folders(document: Document, run: RunSettings, part: str) -> None:
    """Checks that the folders of the run's domains exist; the data sets check their contents when reading."""
    for name in run.used_domains():
        domain = run.data.domains[name]
        if isinstance(domain, StreetsDomain | CodeDomain):
            continue
        inside = ("data", "root") if domain.root is None else ("data", "domains", name, "root")
        # A source training without data settings of its own uses those of the runs.
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

"""Plan of a study's runs: their names, folders and settings."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from optuna.trial import TrialState

from hpo.config.program import PLACE, ProgramRun
from hpo.config.program_study import ProgramStudy
from hpo.config.runs import AnyRun
from hpo.config.study_file import StudyFile
from hpo.search_space.configuration import Configuration
from hpo.study.baselines import BASELINES, baseline
from hpo.study.budget import ConfirmationBudget
from hpo.study.jobs import Job
from hpo.study.names import (
    DEFAULT,
    SPLITS,
    Repeat,
    Split,
    confirmation_folder_name,
    confirmation_name,
    confirmation_runs_each,
)
from hpo.study.origin import ended_outside
from hpo.study.proposals import Proposal
from hpo.study.source_models import SourceModels
from hpo.study.study import Study
from segada.artifacts.run_files import (
    Damage,
    check_weights,
    damages,
    read_areas,
    read_report,
    visits_damage,
)
from segada.core.run_names import AREAS, REPORT, SETTINGS, WEIGHTS
from segada.settings import RunSettings
from segada.settings.nested import Tree

NEEDS: dict[Split, tuple[str, ...]] = {"test": (AREAS, SETTINGS, WEIGHTS), "val": ()}
"""Files needed from a confirmation run: its areas, and under the first seed those that are copied to `best/`."""


@dataclass(frozen=True)
class Plan:
    """Runs of a study file as jobs.

    Attributes:
        file: Study file.
        out: Run folder of the study.
    """

    file: StudyFile
    out: Path

    @property
    def sources(self) -> SourceModels:
        """Source models."""
        return SourceModels(self.file, self.out)

    @property
    def seeds(self) -> list[int]:
        """Seeds of the confirmation; the seed of the search is not among them."""
        first = self.search_settings().seed + 1
        return list(range(first, first + self.file.settings.confirm.seeds))

    @property
    def repeats(self) -> list[Repeat]:
        """Repetitions of the confirmation: every seed on every source model, source models in order."""
        return [Repeat(source, seed) for source in range(self.file.source_models) for seed in self.seeds]

    @property
    def baseline_names(self) -> tuple[str, ...]:
        """Names of the baselines; the first is the one over which gains are reported."""
        engine = self.file.settings.engine
        return tuple(BASELINES if engine is None else engine.baselines)

    @property
    def needs(self) -> dict[Split, tuple[str, ...]]:
        """Files needed from a confirmation run by its split; all but the first under the first seed alone."""
        engine = self.file.settings.engine
        if engine is None:
            return NEEDS
        return {"test": (AREAS,) if engine.areas else (), "val": ()}

    @property
    def has_areas(self) -> bool:
        """True if the runs leave areas of frames."""
        engine = self.file.settings.engine
        return engine is None or engine.areas

    def kept_files(self, folder: Path) -> list[Path]:
        """Lists the files of the best configuration's run that are copied to `best/`; settings of `segada`, which are
        written without the pictures of the report, are not among them."""
        settings = self.search_settings()
        if isinstance(settings, ProgramRun):
            return [folder / PLACE / settings.settings_file]
        return [folder / WEIGHTS]

    def search_settings(self, configuration: Configuration | None = None) -> AnyRun:
        """Returns the settings of a trial, evaluated on the split `val`."""
        return self.file.run_settings(configuration, self._overrides("val"))

    def confirmation_settings(
        self, repeat: Repeat, configuration: Configuration | None = None, split: Split = "test"
    ) -> AnyRun:
        """Returns the settings of a confirmation run, with its source model, its seed and the split `test`, or `val`
        for choosing the best.
        """
        return self.file.run_settings(configuration, {**self._overrides(split, repeat.source), "seed": repeat.seed})

    def segada_settings(
        self, split: Split = "val", seed: int | None = None, configuration: Configuration | None = None
    ) -> RunSettings:
        """Returns the settings of a run of `segada` on a split; the seed is by default that of the search."""
        seeded: Tree = {} if seed is None else {"seed": seed}
        return self.file.segada_run(configuration, {**self._overrides(split), **seeded})

    def baselines(self) -> Iterator[Job]:
        """Yields the baselines on the split `val`."""
        for name in self.baseline_names:
            settings = self._baseline(self.search_settings(), name)
            yield Job("baseline", name, self.out / "baselines" / name, settings, None, {})

    def trial(self, proposal: Proposal) -> Job:
        """Returns the job of a trial."""
        number, configuration = proposal.number, proposal.configuration
        settings = self.search_settings(configuration)
        values = dict(configuration.values)
        folder = self.trial_folder(number)
        return Job("trial", f"trial {number}", folder, settings, number, values, is_retry=proposal.is_retry)

    def refused(self, number: int) -> Job:
        """Returns the job, which never runs, of a trial whose point is not of the space."""
        return Job("trial", f"trial {number}", self.trial_folder(number), self.search_settings(), number, {})

    def trial_folder(self, number: int) -> Path:
        """Returns the folder of a trial."""
        return self.out / "trials" / str(number)

    def confirmed_baselines(self) -> Iterator[Job]:
        """Yields the baselines on the split `test`, with the source models and seeds of the confirmation."""
        if self.file.settings.confirm.top == 0:
            return
        for name in self.baseline_names:
            for repeat in self.repeats:
                settings = self._baseline(self.confirmation_settings(repeat), name)
                folder, run = self.confirmation_folder(name, repeat), confirmation_name(name, repeat)
                yield Job("confirmation", run, folder, settings, None, {}, self.needs["test"][:1])

    def confirmations(self, study: Study) -> Iterator[Job]:
        """Yields confirmation runs of the best trials, and of the default configuration unless a best trial has it.

        The best of several trials is chosen by its result with the same seeds on the split `val`; choosing on `test`
        would bias the reported result. So several trials run on both splits.
        """
        best = study.best(self.file.settings.confirm.top)
        for split in SPLITS if len(best) > 1 else SPLITS[:1]:
            for trial in best:
                yield from self._confirmation(f"trial {trial.number}", trial.number, study.configuration(trial), split)
        if best and self.trial_of_default(study) is None:
            yield from self._confirmation(DEFAULT, None, self.default())

    def default(self) -> Configuration:
        """Returns the configuration of all defaults; the unchanged `run` if a parameter of the space has none."""
        raw = self.file.space.defaults()
        return Configuration({}) if raw is None else self.file.space.configuration(raw)

    def trial_of_default(self, study: Study) -> int | None:
        """Returns the number of the confirmed trial with the default configuration; None if there is none."""
        default, best = self.default().hash, study.best(self.file.settings.confirm.top)
        return next((trial.number for trial in best if study.configuration(trial).hash == default), None)

    def confirmation_folder(self, name: str, repeat: Repeat, split: Split = "test") -> Path:
        """Returns the folder of a confirmation run; `name` is a baseline's, `default` or `trial <number>`."""
        return self.out / "confirmation" / confirmation_folder_name(confirmation_name(name, repeat, split))

    def repairs(self, study: Study) -> Iterator[Job]:
        """Yields complete trials with damaged files; the engine rewrites them from the checkpoint.

        The objective values are in the study, so a trial without a folder is still complete.
        """
        for trial in study.optuna_study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            if not ended_outside(trial) and trial_damages(self.trial_folder(trial.number), is_complete=True):
                job = self.trial(Proposal(trial.number, study.configuration(trial), resumed=True))
                yield replace(job, kind="repair", name=f"{job.name} files")

    def lost(self, study: Study, failures: Collection[str]) -> list[Job]:
        """Lists runs that were over, but whose files are damaged or missing now.

        Args:
            study: the study, whose search is over.
            failures: names of runs that failed.
        """
        # If the whole folder of the source training was removed, it is not trained again for a finished study.
        source = [job for job in self.sources.trainings() if job.folder.exists()]
        known = [*source, *self.baselines(), *self.confirmed_baselines(), *self.confirmations(study)]
        jobs = [*undone(known), *self.repairs(study)]
        return [job for job in jobs if job.name not in failures and not _is_of_others(job)]

    def jobs_left(self, study: Study) -> int:
        """Counts the runs that are not over yet, including those of the confirmation."""
        other = [*self.baselines(), *self.repairs(study)]
        return study.remaining() + len(undone(other)) + self.confirmation_budget(study, ()).left

    def confirmation_budget(self, study: Study, failures: Collection[str]) -> ConfirmationBudget:
        """Counts the confirmation runs of this study; runs of trials that no longer belong to the best do not count.

        Args:
            study: the study.
            failures: names of runs that failed.
        """
        known, later = list(self.confirmed_baselines()), 0
        if is_final := study.is_search_over():
            known += self.confirmations(study)
        elif top := self.file.settings.confirm.top:
            # The default configuration runs beside them.
            later = (confirmation_runs_each(top) + 1) * len(self.repeats)
        left = {job.name for job in undone(known)}
        failed = left & set(failures)
        return ConfirmationBudget(len(known) + later, len(known) - len(left), len(failed), is_final)

    def _confirmation(
        self, name: str, trial: int | None, configuration: Configuration, split: Split = "test"
    ) -> Iterator[Job]:
        first = self.repeats[0]
        for repeat in self.repeats:
            settings = self.confirmation_settings(repeat, configuration, split)
            if split == "test" and repeat == first:
                settings = self._pictured(settings)
            folder, run = self.confirmation_folder(name, repeat, split), confirmation_name(name, repeat, split)
            needs = self.needs[split] if repeat == first else self.needs[split][:1]
            yield Job("confirmation", run, folder, settings, trial, dict(configuration.values), needs)

    def _baseline(self, settings: AnyRun, name: str) -> AnyRun:
        if isinstance(settings, ProgramRun):
            assert isinstance(self.file, ProgramStudy)
            return self.file.baseline(name, settings)
        assert isinstance(settings, RunSettings)
        return baseline(settings, name)

    def _pictured(self, settings: AnyRun) -> AnyRun:
        """Returns the settings with the pictures of the report, which change no number of the run."""
        if not isinstance(settings, RunSettings):
            return settings
        count = max(settings.logging.disagreement_panels, self.file.settings.confirm.pictures)
        return settings.model_copy(
            update={"logging": settings.logging.model_copy(update={"disagreement_panels": count})}
        )

    def _overrides(self, split: str, source: int = 0) -> Tree:
        return {"evaluation": {"split": split}, **self.sources.overrides(source)}


def undone(jobs: Iterable[Job]) -> list[Job]:
    """Lists the jobs, other than trials, without their own report or with damaged or missing files."""
    return [job for job in jobs if not _is_done(job)]


def trial_damages(folder: Path, *, is_complete: bool) -> list[Damage]:
    """Lists damages of a trial's files that a study reads or a user wants; empty for a trial without a folder.

    Areas and weights that are missing are no damage: they are large, and no result needs them.
    """
    report = read_report(folder)
    is_gone = is_complete and folder.is_dir() and not (folder / REPORT).exists()
    missing = Damage(folder / REPORT, "is missing") if is_gone else None
    found = [report.damage, missing, visits_damage(folder, report.value)]
    if is_complete:
        found += [read_areas(folder).damage, check_weights(folder / WEIGHTS)]
    return [damage for damage in found if damage is not None]


def _is_of_others(job: Job) -> bool:
    """Returns True if the folder has an intact report of other settings, for example of another version."""
    report = read_report(job.folder).value
    return report is not None and report.settings_hash != job.settings.settings_hash()


def _is_done(job: Job) -> bool:
    report = read_report(job.folder).value
    # A report of other settings does not count; the engine refuses the folder and names its content.
    is_there = report is not None and report.settings_hash == job.settings.settings_hash()
    return is_there and not damages(job.folder, job.needs)

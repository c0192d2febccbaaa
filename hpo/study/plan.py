"""The runs that a study consists of: their names, folders and settings."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from optuna.trial import TrialState

from hpo.config.study_file import StudyFile
from hpo.search_space.configuration import Configuration
from hpo.study.jobs import Job
from hpo.study.names import (
    BASELINES,
    DEFAULT,
    SPLITS,
    Split,
    confirmation_folder_name,
    confirmation_name,
    confirmation_runs_each,
)
from hpo.study.study import Proposal, Study
from segada.artifacts.run_files import AREAS, REPORT, SETTINGS, WEIGHTS, Damage, damages, read_report, visits_damage
from segada.settings import RunSettings
from segada.settings.adapter import NoAdapter
from segada.settings.controller import ConstantSettings
from segada.settings.image_adapter import NoImageAdapter
from segada.settings.nested import Tree

NEEDS: dict[Split, tuple[str, ...]] = {"test": (AREAS, SETTINGS, WEIGHTS), "val": ()}
"""Of a confirmation run: its areas, and under the first seed what `best/` has from it."""


@dataclass(frozen=True)
class Plan:
    """Turns a study file into jobs.

    Attributes:
        file: The study.
        out: The folder of the results.
    """

    file: StudyFile
    out: Path

    @property
    def source(self) -> Path:
        """The folder of the source training, if the study has one."""
        return self.out / "source"

    @property
    def weights(self) -> Path:
        """What the source training leaves."""
        return self.source / WEIGHTS

    @property
    def seeds(self) -> list[int]:
        """Of the confirmation; none of them is the seed of the search."""
        first = self.search_settings().seed + 1
        return list(range(first, first + self.file.settings.confirm.seeds))

    def search_settings(self, configuration: Configuration | None = None) -> RunSettings:
        """Settings of a trial: scored on the frames that the search may look at."""
        return self.file.run_settings(configuration, self._overrides("val"))

    def confirmation_settings(
        self, seed: int, configuration: Configuration | None = None, split: Split = "test"
    ) -> RunSettings:
        """Settings of a confirmation run: another seed and, but where the best is picked, frames of the report."""
        return self.file.run_settings(configuration, {**self._overrides(split), "seed": seed})

    def baselines(self) -> Iterator[Job]:
        """The baselines on the frames of the search."""
        for name in BASELINES:
            settings = _baseline(self.search_settings(), name)
            yield Job("baseline", name, self.out / "baselines" / name, settings, None, {})

    def trial(self, proposal: Proposal) -> Job:
        """A trial of the search."""
        number, configuration = proposal.number, proposal.configuration
        settings = self.search_settings(configuration)
        return Job("trial", f"trial {number}", self.trial_folder(number), settings, number, dict(configuration.values))

    def trial_folder(self, number: int) -> Path:
        """The folder of a trial."""
        return self.out / "trials" / str(number)

    def confirmed_baselines(self) -> Iterator[Job]:
        """The baselines on the frames of the confirmation, with its seeds."""
        if self.file.settings.confirm.top == 0:
            return
        for name in BASELINES:
            for seed in self.seeds:
                settings, folder = (
                    _baseline(self.confirmation_settings(seed), name),
                    self.confirmation_folder(name, seed),
                )
                yield Job("confirmation", f"{name} seed {seed}", folder, settings, None, {}, (AREAS,))

    def confirmations(self, study: Study) -> Iterator[Job]:
        """The best trials of the search again, and the default configuration unless one of them has it.

        Of several trials the best is picked by what they are worth with the same seeds on the frames of the search: to
        pick by the reported frames would be to report on frames that were chosen by. So they run on both.
        """
        best = study.best(self.file.settings.confirm.top)
        for split in SPLITS if len(best) > 1 else SPLITS[:1]:
            for trial in best:
                yield from self._confirmation(f"trial {trial.number}", trial.number, study.configuration(trial), split)
        if best and self.trial_of_default(study) is None:
            yield from self._confirmation(DEFAULT, None, self.default())

    def default(self) -> Configuration:
        """The configuration of all defaults; nothing changed in `run` if a parameter of the space has none."""
        raw = self.file.space.defaults()
        return Configuration({}) if raw is None else self.file.space.configuration(raw)

    def trial_of_default(self, study: Study) -> int | None:
        """The number of that trial, among those that are confirmed, which has the default configuration."""
        default, best = self.default().hash, study.best(self.file.settings.confirm.top)
        return next((trial.number for trial in best if study.configuration(trial).hash == default), None)

    def confirmation_folder(self, name: str, seed: int, split: Split = "test") -> Path:
        """The folder of a confirmation run; `name` is a baseline's, `default` or `trial <number>`."""
        return self.out / "confirmation" / confirmation_folder_name(confirmation_name(name, seed, split))

    def source_training(self) -> Iterator[Job]:
        """The source training, if the study has one."""
        settings = self.file.pretrain_settings()
        if settings is not None:
            yield Job("source", self.source.name, self.source, settings, None, {}, (WEIGHTS,))

    def repairs(self, study: Study) -> Iterator[Job]:
        """Complete trials with a damaged report or damaged visits: the engine writes them again from the checkpoint.

        Their values stand in the study, so that a trial whose folder is gone is as complete as before.
        """
        for trial in study.optuna_study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            if trial_damages(self.trial_folder(trial.number), is_complete=True):
                job = self.trial(Proposal(trial.number, study.configuration(trial), resumed=True))
                yield replace(job, kind="repair", name=f"{job.name} files")

    def lost(self, study: Study, failures: Collection[str]) -> list[Job]:
        """Runs that were over, but whose files are damaged or missing now.

        Args:
            study: the study, whose search is over.
            failures: names of runs that failed.
        """
        # Who removed the whole source training does not want it again for a study that is over.
        source = [job for job in self.source_training() if job.folder.exists()]
        known = [*source, *self.baselines(), *self.confirmed_baselines(), *self.confirmations(study)]
        jobs = [*undone(known), *self.repairs(study)]
        return [job for job in jobs if job.name not in failures and not _is_of_others(job)]

    def jobs_left(self, study: Study) -> int:
        """Runs that are not over yet, those of the confirmation included."""
        known = [*self.baselines(), *self.confirmed_baselines(), *self.repairs(study)]
        if study.is_search_over():
            return len(undone([*known, *self.confirmations(study)]))
        top = self.file.settings.confirm.top
        # Beside them stands the default.
        expected = confirmation_runs_each(top) + 1 if top else 0
        return study.remaining() + expected * len(self.seeds) + len(undone(known))

    def _confirmation(
        self, name: str, trial: int | None, configuration: Configuration, split: Split = "test"
    ) -> Iterator[Job]:
        for seed in self.seeds:
            settings = self.confirmation_settings(seed, configuration, split)
            folder, run = self.confirmation_folder(name, seed, split), confirmation_name(name, seed, split)
            needs = NEEDS[split] if seed == self.seeds[0] else NEEDS[split][:1]
            yield Job("confirmation", run, folder, settings, trial, dict(configuration.values), needs)

    def _overrides(self, split: str) -> Tree:
        overrides: Tree = {"evaluation": {"split": split}}
        return {**overrides, "model": {"checkpoint": str(self.weights)}} if self.file.settings.pretrain else overrides


def undone(jobs: Iterable[Job]) -> list[Job]:
    """Jobs, other than trials, that have no report of theirs yet, or files that are damaged or missing."""
    return [job for job in jobs if not _is_done(job)]


def trial_damages(folder: Path, *, is_complete: bool) -> list[Damage]:
    """What is damaged of the files of a trial that a study reads; of one without a folder nothing."""
    report = read_report(folder)
    is_gone = is_complete and folder.is_dir() and not (folder / REPORT).exists()
    missing = Damage(folder / REPORT, "is missing") if is_gone else None
    found = (report.damage, missing, visits_damage(folder, report.value))
    return [damage for damage in found if damage is not None]


def _is_of_others(job: Job) -> bool:
    """Whether its folder has a whole report of other settings, as another version may have left it."""
    report = read_report(job.folder).value
    return report is not None and report.settings_hash != job.settings.settings_hash()


def _is_done(job: Job) -> bool:
    report = read_report(job.folder).value
    # One of other settings is not taken for the job's; the engine refuses the folder and says what is in it.
    is_there = report is not None and report.settings_hash == job.settings.settings_hash()
    return is_there and not damages(job.folder, job.needs)


def _baseline(settings: RunSettings, name: str) -> RunSettings:
    # No baseline has a teacher that could agree, or mixes what could be shown.
    asked = tuple(score for score in settings.evaluation.label_free if score != "agreement")
    evaluation = settings.evaluation.model_copy(update={"label_free": asked})
    watch = settings.logging.model_copy(update={"mix_panels": None})
    sections = {
        "method": BASELINES[name],
        "adapter": NoAdapter(),
        "image_adapter": NoImageAdapter(),
        "controller": ConstantSettings(),
        "evaluation": evaluation,
        "logging": watch,
    }
    return settings.model_copy(update=sections)

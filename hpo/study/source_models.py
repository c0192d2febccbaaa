"""Source models of a study: where they are, and how they are trained."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hpo.config.study_file import StudyFile
from hpo.study.jobs import Job
from segada.core.run_names import WEIGHTS
from segada.settings.nested import Tree


@dataclass(frozen=True)
class SourceModels:
    """Source models of a study, numbered from 0 on; the search adapts the first.

    Attributes:
        file: Study file.
        out: Run folder of the study.
    """

    file: StudyFile
    out: Path

    def folder(self, number: int) -> Path:
        """Returns the folder of a source training, if the study has one."""
        return self.out / "source" if number == 0 else self.out / "sources" / str(number + 1)

    def weights(self, number: int) -> Path:
        """Returns the weights file of a source training."""
        return self.folder(number) / WEIGHTS

    def overrides(self, number: int) -> Tree:
        """Returns the settings of a run that adapts this source model; empty where all runs have them already."""
        if self.file.settings.pretrain is not None:
            return {"model": {"checkpoint": str(self.weights(number))}}
        return {"model": {"checkpoint": self.file.checkpoints[number]}} if number else {}

    def titles(self) -> list[str]:
        """Returns the readable names of the source models: their checkpoints, or the seeds of their trainings."""
        first = self.file.pretrain_settings()
        if first is None:
            return list(self.file.checkpoints)
        return [f"seed {first.seed + number}" for number in range(self.file.source_models)]

    def trainings(self) -> Iterator[Job]:
        """Yields the source trainings, if the study has them."""
        for number in range(self.file.source_models):
            settings = self.file.pretrain_settings(number)
            if settings is not None:
                folder = self.folder(number)
                name = folder.name if number == 0 else f"source {number + 1}"
                yield Job("source", name, folder, settings, None, {}, (WEIGHTS,))

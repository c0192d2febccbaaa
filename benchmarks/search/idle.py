"""Runs that compute nothing, whose duration is the overhead of the search."""

from ray import tune
from ray.tune.result import DONE
from typing_extensions import override

from hpo.execution.trainable import PROGRESS, Config
from hpo.study.jobs import RunUpdate
from segada.records import RunReport, VisitRecord
from segada.settings import RunSettings

MIOU = 0.5


class IdleTrainable(tune.Trainable):
    """Replaces `VisitTrainable`: takes the same jobs and reports the same results, without delay and files."""

    @override
    def setup(self, config: Config, shared_data: object) -> None:  # type: ignore[override]  # as of VisitTrainable
        """Takes the first job; there are no frames."""
        self.reset_config(config)

    @override
    def reset_config(self, new_config: Config) -> bool:
        """Takes the next job."""
        self._settings = RunSettings.model_validate_json(new_config["settings"])
        self._visits: list[VisitRecord] = []
        return True

    @override
    def step(self) -> dict[str, object]:
        """Reports the next visit."""
        domains = self._settings.stream.all_visits()
        self._visits.append(_visit(len(self._visits), domains[len(self._visits)]))
        over = len(self._visits) == len(domains)
        progress = RunUpdate(report=_report(self._visits, self._settings), finished=over)
        return {PROGRESS: progress.model_dump_json(), DONE: over}


def _visit(number: int, domain: str) -> VisitRecord:
    return VisitRecord(
        visit=number,
        domain=domain,
        frames=1,
        miou={domain: MIOU},
        iou={},
        online_miou=None,
        label_free={},
        losses={},
        seconds=0.0,
        frames_per_second=0.0,
    )


def _report(visits: list[VisitRecord], settings: RunSettings) -> RunReport:
    return RunReport(
        visits=list(visits),
        mean_miou=MIOU,
        source_only={visit.domain: MIOU for visit in visits},
        source_only_mean_miou=MIOU,
        gain=0.0,
        forgetting=0.0,
        trainable_parameters=0,
        seconds=0.0,
        settings_hash=settings.settings_hash(),
        seed=settings.seed,
    )

"""Reports and results of a study that never ran, for tests of what is made of them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml
from safetensors.numpy import save_file

from hpo.results.confirmation import Bootstrap, Candidate, Confirmation, SeedRun, confirm
from hpo.results.digest import Report, Visits
from hpo.results.results import StudyResults, TrialResult
from hpo.study.jobs import Job
from hpo.study.names import DEFAULT
from segada.metrics import Areas
from segada.records import RunReport, VisitRecord

DOMAINS = ("clear", "50mm", "200mm")
SOURCE_ONLY = {"clear": 0.59, "50mm": 0.55, "200mm": 0.23}


def visit(number: int, gain: float, domains: Sequence[str] = DOMAINS) -> VisitRecord:
    """A visit after which every domain is better than the source model by `gain`."""
    return VisitRecord(
        visit=number,
        domain=domains[number],
        frames=8,
        miou={name: value + gain for name, value in SOURCE_ONLY.items()},
        iou={},
        online_miou=0.5,
        label_free={},
        losses={"mix": 0.1},
        seconds=1.0,
        frames_per_second=8.0,
    )


def report(gain: float, visits: int = 3, seed: int = 0) -> RunReport:
    """A run that gains the same in every domain, over its first visits."""
    records = [visit(number, gain) for number in range(visits)]
    mean = float(np.mean([SOURCE_ONLY[record.domain] for record in records]))
    return RunReport(
        visits=records,
        mean_miou=mean + gain,
        source_only=SOURCE_ONLY,
        source_only_mean_miou=mean,
        gain=gain,
        forgetting=-gain,
        trainable_parameters=10,
        seconds=3.0,
        settings_hash="0123456789",
        seed=seed,
    )


def leave_run(job: Job, whole: RunReport, areas: Areas) -> None:
    """Leaves what the engine leaves of a finished run of a job, with the same areas after every visit."""
    left = whole.model_copy(update={"settings_hash": job.settings.settings_hash()})
    job.folder.mkdir(parents=True, exist_ok=True)
    (job.folder / "report.json").write_text(left.model_dump_json(), encoding="utf-8")
    (job.folder / "settings.yaml").write_text(yaml.safe_dump(job.settings.model_dump(mode="json")), encoding="utf-8")
    np.savez(job.folder / "areas.npz", **{f"visit{record.visit}": areas for record in whole.visits})
    save_file({"weight": areas}, job.folder / "weights.safetensors")


def candidate(name: str, trial: int | None, areas: Areas, seeds: Sequence[int] = (1, 2)) -> Candidate:
    """Runs whose every visit has these areas, with reports that agree."""
    total = areas.sum(axis=0)
    shown = total[2] > 0
    miou = float(np.mean((total[0] / np.maximum(total[1] + total[2] - total[0], 1))[shown]))
    runs = []
    for seed in seeds:
        records = [
            record.model_copy(update={"miou": dict.fromkeys(SOURCE_ONLY, miou)}) for record in report(0.0).visits
        ]
        summary = report(0.0, seed=seed).model_copy(update={"visits": records, "mean_miou": miou})
        runs.append(SeedRun(summary, (areas,) * len(records)))
    return Candidate(name, trial, tuple(runs))


def random_areas(generator: np.random.Generator, accuracy: float, frames: int = 40) -> Areas:
    """Frames that show all classes, of whose pixels about this share is right."""
    labelled = np.full((frames, 19), 100)
    right = generator.binomial(labelled, accuracy)
    return np.stack([right, labelled, labelled], axis=1).astype(np.int64)


def confirmation(gain: float) -> Confirmation:
    """One configuration beside baselines and default; it is better than all by about `gain` pixels in a hundred."""
    base = random_areas(np.random.default_rng(0), 0.6)
    better = base.copy()
    better[:, 0] += round(100 * gain)
    baselines = [candidate(name, None, base) for name in ("source_only", "batch_norm", DEFAULT)]
    return confirm([candidate("trial 1", 1, better)], baselines, {}, Bootstrap(replicates=400))


def results(confirmed: Confirmation | None, failures: dict[str, str] | None = None) -> StudyResults:
    """A study with two complete, a pruned and a failed trial."""
    low, high = report(0.0), report(0.04)
    trials = (
        TrialResult(
            0, "complete", (0.46,), {"method.pseudo_threshold": 0.9}, Visits.of(low.visits), Report.of(low), 3.0, ""
        ),
        TrialResult(
            1, "complete", (0.5,), {"method.pseudo_threshold": 0.8}, Visits.of(high.visits), Report.of(high), 3.0, ""
        ),
        TrialResult(
            2,
            "pruned",
            (),
            {"method.pseudo_threshold": 0.7},
            Visits.of([visit(0, -0.2)]),
            None,
            1.0,
            "stopped after visit 1",
        ),
        TrialResult(3, "fail", (), {"adapter.stages": [0, 1]}, Visits.of([]), None, 0.0, "the loss <mix> is nan"),
    )
    baselines = {"source_only": report(0.0), "batch_norm": report(0.01)}
    return StudyResults(
        name="a<rain",
        objectives=("mean_miou",),
        maximized=(True,),
        trials=trials,
        baselines=baselines,
        folder=Path("runs", "a<rain"),
        best=trials[1],
        confirmed=confirmed,
        visits=DOMAINS,
        study_yaml="name: a<rain\n",
        failures=failures or {},
        search_seconds=247.0,
        budget_trials=4,
    )

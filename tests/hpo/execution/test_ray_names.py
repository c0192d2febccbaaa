"""Tests of the names under which Ray shows what a study does."""

from pathlib import Path

import ray
from typing_extensions import override

from benchmarks.search.idle import IdleTrainable
from benchmarks.search.overhead import STUDY
from hpo.config.study_file import load_study
from hpo.execution.cluster import Resources, cluster
from hpo.execution.trainable import config_of
from hpo.execution.tune import execute
from hpo.orchestration.coordinator import RunCoordinator
from hpo.study.drivers import joined
from hpo.study.jobs import Job, Kind
from hpo.study.plan import Plan
from hpo.study.study import open_study


def test_actors_have_the_name_of_the_study_and_tasks_that_of_the_job(tmp_path: Path) -> None:
    class Named(IdleTrainable):
        """Keeps the names that Ray has for it."""

        @override
        def step(self) -> dict[str, object]:
            context = ray.get_runtime_context()
            title = Path("/proc/self/cmdline").read_text().partition("\0")[0].strip()
            with (tmp_path / "names").open("a") as names:
                names.write(f"{context.get_actor_name()}, {context.get_task_name()}, {title}\n")
            return super().step()

    (tmp_path / "idle.yaml").write_text(STUDY.format(trials=2, workers=1))
    file, out = load_study(str(tmp_path / "idle.yaml")), tmp_path / "out"
    with joined(out) as driver, cluster(Resources(1, 1, 0, 1), None) as found:
        study = open_study(file, out, driver)
        execute(RunCoordinator(study, Plan(file, out), []), {}, found, driver.scratch, 1, Named)

    jobs = ("baseline source_only", "baseline batch_norm", "trial 0", "trial 1")
    expected = [f"{file.settings.name} worker 1, {job}, ray::{job}" for job in jobs]
    assert list(dict.fromkeys((tmp_path / "names").read_text().splitlines())) == expected


def test_the_kind_is_in_a_name_that_does_not_say_it(tmp_path: Path) -> None:
    settings = load_study("smoke.yaml").run_settings()
    named: dict[str, Kind] = {
        "trial 7": "trial",
        "baseline batch_norm": "baseline",
        "confirmation trial 7 seed 2": "confirmation",
        "trial 7 files": "repair",
    }
    for title, kind in named.items():
        job = Job(kind, title.removeprefix(f"{kind} ") if kind != "trial" else title, tmp_path, settings, None, {})
        assert config_of(job)["title"] == title

"""Tests of a worker that dies while taking its next job: Tune retries nothing that it had not started."""

import os
import signal
from pathlib import Path

from optuna.trial import TrialState
from typing_extensions import override

from benchmarks.search.idle import IdleTrainable
from benchmarks.search.overhead import STUDY
from hpo.config.study_file import load_study
from hpo.execution.cluster import Resources, cluster
from hpo.execution.trainable import Config
from hpo.execution.tune import execute
from hpo.orchestration.coordinator import RunCoordinator
from hpo.study.attributes import INCIDENTS
from hpo.study.drivers import joined
from hpo.study.plan import Plan
from hpo.study.study import open_study


def test_a_job_whose_worker_dies_while_taking_it_is_done_by_another(tmp_path: Path) -> None:
    class Dying(IdleTrainable):
        """Is killed when it is given trial 3, the first time that it is."""

        @override
        def reset_config(self, new_config: Config) -> bool:
            grave = Path(new_config["folder"]).parent.parent / "died"
            if new_config["name"] == "trial 3" and not grave.exists():
                grave.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return super().reset_config(new_config)

    (tmp_path / "idle.yaml").write_text(STUDY.format(trials=5, workers=1))
    file, out = load_study(str(tmp_path / "idle.yaml")), tmp_path / "out"
    with joined(out) as driver, cluster(Resources(1, 1, 0, 1), None) as ray:
        study = open_study(file, out, driver)
        execute(RunCoordinator(study, Plan(file, out), []), {}, ray, driver.scratch, 1, Dying)

    assert (out / "died").exists()
    trials = study.optuna_study.trials
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 5
    died = ["its worker died: The actor died unexpectedly before finishing this task."]
    assert [trial.user_attrs.get(INCIDENTS) for trial in trials] == [None, None, None, died, None]

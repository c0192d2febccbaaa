"""A worker that dies while it takes its next job: Tune tries nothing again of what it had not begun."""

import os
import signal
from pathlib import Path

from optuna.trial import TrialState
from typing_extensions import override

from hpo.agenda import Agenda
from hpo.attributes import MISHAPS
from hpo.bench.overhead import STUDY
from hpo.drivers import joined
from hpo.plan import Plan
from hpo.study import open_study
from hpo.study_file import load_study
from hpo.tuning.cluster import Resources, cluster
from hpo.tuning.execution import execute
from hpo.tuning.idle import IdleTrainable
from hpo.tuning.trainable import Config


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
        execute(Agenda(study, Plan(file, out), []), {}, ray, driver.scratch, 1, Dying)

    assert (out / "died").exists()
    trials = study.ledger.trials
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 5
    died = ["its worker died: The actor died unexpectedly before finishing this task."]
    assert [trial.user_attrs.get(MISHAPS) for trial in trials] == [None, None, None, died, None]

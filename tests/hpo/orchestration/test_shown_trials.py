"""Tests of the trials that people see in optuna-dashboard: its own answers, on the objective's scale and in words."""

import io
import json
from pathlib import Path
from typing import Any

import optuna_dashboard
import pytest
from study_samples import DOMAINS, SOURCE_ONLY, report
from study_texts import study_text

from hpo.config.study_file import load_study
from hpo.orchestration.coordinator import RunCoordinator
from hpo.study.jobs import RunUpdate
from hpo.study.plan import Plan
from hpo.study.study import Study, open_study

HALVING = "pruning: {name: halving, min_visits: 1, reduction_factor: 2}"
MEAN = sum(SOURCE_ONLY.values()) / len(SOURCE_ONLY)


def searched(folder: Path, *parts: str, gains: tuple[float, ...] = (0.02, -0.1)) -> Study:
    """A study whose trials gain so much in every domain, visit by visit; the last one fails in its second visit."""
    path = folder / "study-file.yaml"
    path.write_text(study_text(f"budget: {{trials: {len(gains) + 1}}}", "confirm: {top: 0}", *parts))
    file = load_study(str(path))
    study = open_study(file, folder / "out")
    coordinator = RunCoordinator(study, Plan(file, folder / "out"), [])
    while (job := coordinator.next_job()) is not None:
        gain = dict(enumerate(gains)).get(-1 if job.trial is None else job.trial, 0.1)
        for visits in (1, 2, 3):
            failure = "the loss is not finite" if job.trial == len(gains) and visits == 2 else None
            update = RunUpdate(report=report(gain, visits), finished=visits == 3, failure=failure)
            if not coordinator.visited(job, update):
                break
        else:
            coordinator.stop()
    return study


def answer(study: Study, path: str) -> dict[str, Any]:
    """What optuna-dashboard answers to its page."""
    ends: list[str] = []
    request = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "SERVER_NAME": "localhost", "SERVER_PORT": "80"}
    request |= {"wsgi.input": io.BytesIO(), "wsgi.errors": io.StringIO(), "wsgi.url_scheme": "http"}  # type: ignore[dict-item]
    body = b"".join(optuna_dashboard.wsgi(study.optuna_study._storage)(request, lambda end, *_: ends.append(end)))
    assert ends == ["200 OK"], body
    found: dict[str, Any] = json.loads(body)
    return found


def attributes(shown: list[dict[str, Any]]) -> dict[str, Any]:
    """The user attributes of a trial; the dashboard has numbers as text."""
    return {
        one["key"]: one["value"] if one["key"] in ("reason", "origin") else json.loads(one["value"]) for one in shown
    }


def test_values_are_the_objectives_and_attributes_are_readable(tmp_path: Path) -> None:
    study = searched(tmp_path, HALVING)
    found = answer(study, "/api/studies/0")
    assert found["objective_names"] == ["mean_miou"]
    assert found["user_attrs"] == []
    complete, pruned, failed = found["trials"]
    assert [one["state"] for one in found["trials"]] == ["Complete", "Pruned", "Fail"]
    visits = [(one["step"], pytest.approx(one["value"])) for one in complete["intermediate_values"]]
    assert visits == [(1, MEAN + 0.02), (2, MEAN + 0.02), (3, MEAN + 0.02)]
    assert complete["values"] == [pytest.approx(MEAN + 0.02)]
    assert attributes(complete["user_attrs"]) == {"origin": "sampler"} | {
        f"mIoU {name}": pytest.approx(SOURCE_ONLY[name] + 0.02) for name in DOMAINS
    }
    assert [one["value"] for one in pruned["intermediate_values"]] == [pytest.approx(MEAN - 0.1)]
    assert pruned["values"] == [pytest.approx(MEAN - 0.1)]
    assert attributes(pruned["user_attrs"]) == {
        "reason": "stopped after visit 1: not among the best 1/2 of the trials that came so far "
        "(projected_gain -0.1000)",
        "origin": "sampler",
        **{f"mIoU {name}": pytest.approx(SOURCE_ONLY[name] - 0.1) for name in DOMAINS},
    }
    assert attributes(failed["user_attrs"])["reason"] == "the loss is not finite"
    assert attributes(failed["user_attrs"])["mIoU clear"] == pytest.approx(SOURCE_ONLY["clear"] + 0.1)


def test_several_objectives_are_attributes_after_each_visit(tmp_path: Path) -> None:
    several = "objectives: [{metric: gain, goal: maximize}, {metric: trainable_parameters, goal: minimize}]"
    study = searched(tmp_path, HALVING, several)
    found = answer(study, "/api/studies/0")
    assert found["objective_names"] == ["gain", "trainable_parameters"]
    complete, pruned = found["trials"][:2]
    assert complete["intermediate_values"] == []
    after = {f"after visit {visits}": {"gain": pytest.approx(0.02), "trainable_parameters": 10} for visits in (1, 2, 3)}
    shown = attributes(complete["user_attrs"])
    assert {name: value for name, value in shown.items() if name.startswith("after")} == after
    assert pruned["state"] == "Pruned"
    assert "after visit 1" in attributes(pruned["user_attrs"])


def test_a_minimized_objective_is_not_negated(tmp_path: Path) -> None:
    study = searched(tmp_path, "objectives: [{metric: trainable_parameters, goal: minimize}]", "pruning: null")
    assert [trial.intermediate_values for trial in study.optuna_study.trials[:2]] == [{1: 10, 2: 10, 3: 10}] * 2

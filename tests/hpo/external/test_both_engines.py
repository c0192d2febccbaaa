"""A study of one question with our own engine, and with it as the program of an external one: equal numbers."""

import sys
from pathlib import Path
from typing import Any

import pytest

import hpo
from hpo.reporting.conclusion import conclusion

PROGRAM = Path(__file__).parents[2] / "helpers" / "wrapped_engine.py"
VISITS = ["50mm", "200mm"]
QUESTION: dict[str, Any] = {
    "name": "both",
    "run": {
        "data": {"size": [32, 64], "splits": {"source": 8, "adapt": 8, "val": 4, "test": 6}},
        "stream": {"visits": VISITS, "frames": 8, "batch_size": 2, "replay": {"size": 8}},
    },
    "space": {
        "method.name": {"type": "choice", "choices": ["dacs", "tent"], "default": "dacs"},
        "method.pseudo_threshold": {"type": "float", "low": 0.1, "high": 0.9, "when": {"method.name": "dacs"}},
        "method.optimizer.lr": {"type": "float", "low": 1e-4, "high": 1e-2, "log": True},
    },
    "sampler": {"name": "random", "seed": 3},
    "objectives": [{"metric": "mean_miou", "goal": "maximize"}],
    "budget": {"trials": 2},
    "confirm": {"top": 1, "seeds": 1, "source_at_least": 0.0},
}
ENGINE = {
    "command": [sys.executable, str(PROGRAM), "{settings}", "{folder}", "{seed}", "{split}"],
    "visits": VISITS,
    "domains": ["clear"],
    "baselines": {name: {"method.name": name} for name in ("source_only", "batch_norm")},
    "areas": True,
}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_both_engines_find_the_same(tmp_path: Path) -> None:
    inside = {**QUESTION, "run": {**QUESTION["run"], "evaluation": {"split": "val"}}}
    ours = hpo.search(hpo.StudyFile.from_dict(inside), tmp_path / "ours")
    theirs = hpo.search(hpo.StudyFile.from_dict({**QUESTION, "engine": ENGINE}), tmp_path / "theirs")
    for one, other in zip(ours.trials, theirs.trials, strict=True):
        assert (one.state, one.parameters, one.values) == (other.state, other.parameters, other.values)
        assert one.visits.miou == other.visits.miou
        assert one.report is not None
        assert other.report is not None
        assert one.report.gain == pytest.approx(other.report.gain)
    assert {name: found.mean_miou for name, found in ours.baselines.items()} == {
        name: found.mean_miou for name, found in theirs.baselines.items()
    }
    assert confirmed(ours) == confirmed(theirs)
    assert conclusion(ours).headline == conclusion(theirs).headline


def confirmed(results: hpo.StudyResults) -> list[dict[str, Any]]:
    """Returns all numbers of the confirmation."""
    assert results.confirmed is not None
    return [run.model_dump(exclude={"objectives"}) for run in results.confirmed.runs]

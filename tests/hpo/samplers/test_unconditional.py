"""Tests of Optuna's samplers on a space with branches: the trials that they see, and the genes that they inherit."""

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial
from pydantic import TypeAdapter

from hpo.samplers.cmaes import CmaesSampler, CmaesSettings
from hpo.samplers.history import GENOME, whole
from hpo.samplers.nsga2 import Nsga2Settings
from hpo.samplers.registry import SAMPLERS
from hpo.samplers.unconditional import FlatStudy, UnconditionalSampler
from hpo.search_space import Space
from hpo.search_space.kinds import Parameter

pytestmark = pytest.mark.rounding

SPACE = Space(
    TypeAdapter(dict[str, Parameter]).validate_python(
        {
            "kind": {"type": "choice", "choices": ["none", "a"]},
            "width": {"type": "float", "low": 0.0, "high": 1.0, "when": {"kind": "a"}},
            "rate": {"type": "float", "low": 0.0, "high": 1.0},
        }
    )
)


def trial(raw: dict[str, object], values: list[float], **more: object) -> FrozenTrial:
    params = SPACE.active_values(raw)  # type: ignore[arg-type]
    distributions = {name: SPACE.distributions()[name] for name in params}
    made: FrozenTrial = create_trial(
        values=values, params=dict(params), distributions=distributions, system_attrs={GENOME: raw}, **more
    )
    return made


def test_every_trial_has_every_gene_the_inactive_ones_as_it_carried_them() -> None:
    carried = trial({"kind": "none", "width": 0.7, "rate": 0.1}, [1.0])
    assert whole(SPACE, carried, 0) == {"kind": "none", "width": 0.7, "rate": 0.1}
    foreign = create_trial(value=1.0, params={"kind": "none"}, distributions={"kind": SPACE.distributions()["kind"]})
    foreign.number = 5
    filled = whole(SPACE, foreign, 0)
    assert filled["kind"] == "none"
    assert set(filled) == {"kind", "width", "rate"}
    assert whole(SPACE, foreign, 0) == filled
    assert whole(SPACE, foreign, 1) != filled


def test_a_sampler_sees_choices_as_whole_numbers_and_places_as_the_objective() -> None:
    sampler = CmaesSettings(name="cmaes").build(SPACE, 10)
    study = optuna.create_study(directions=["maximize", "minimize"])
    study.add_trials(
        [
            trial({"kind": "none", "width": 0.7, "rate": 0.1}, [0.5, 0.5]),
            trial({"kind": "a", "width": 0.2, "rate": 0.3}, [0.9, 0.1]),
            trial({"kind": "a", "width": 0.2, "rate": 0.4}, [0.95, 0.05], constraints={"limit": 1.0}),
        ]
    )
    study.ask()
    shown = FlatStudy(study, sampler._shown, ranked=True)
    assert shown.directions == [optuna.study.StudyDirection.MINIMIZE]
    trials = shown.get_trials(deepcopy=False)
    assert [each.params for each in trials] == [
        {"kind": 0, "width": 0.7, "rate": 0.1},
        {"kind": 1, "width": 0.2, "rate": 0.3},
        {"kind": 1, "width": 0.2, "rate": 0.4},
    ]
    assert [each.value for each in trials] == [1.0, 0.0, 2.0]
    assert isinstance(sampler, CmaesSampler)


def test_what_a_branch_has_learnt_is_inherited() -> None:
    """NSGA-II on its own draws the parameters of branches at random for ever: only some of its trials have them."""
    settings = Nsga2Settings(name="nsga2", population_size=4)
    study = optuna.create_study(sampler=settings.build(SPACE, 20))
    for _ in range(8):
        asked = study.ask()
        study.tell(asked, float(str(SPACE.suggest(asked).values.get("width", 1.0))))
    widths = [whole(SPACE, each, 0)["width"] for each in study.trials]
    assert set(widths[4:]) & set(widths[:4])


@pytest.mark.parametrize(("name", "found"), [("cmaes", 0.35), ("nsga2", 0.35), ("gp", 0.6)])
def test_the_flat_ones_find_the_branch_and_its_number(name: str, found: float) -> None:
    """Outside the branch nothing is below 1.7.

    Which points are tried depends on rounding as on the seed. The worst of 40 seeds was 0.12 for cmaes and 0.19 for
    nsga2, the worst of 5 was 0.32 for gp.
    """
    settings = SAMPLERS[name].model_validate({"name": name})
    sampler = settings.build(SPACE, 40)
    assert isinstance(sampler, UnconditionalSampler)
    study = optuna.create_study(sampler=sampler)
    for number in range(30 if name == "gp" else 90):
        asked = study.ask()
        values = SPACE.suggest(asked).values
        if number % 6 == 5:
            study.tell(asked, state=TrialState.FAIL)
        else:
            study.tell(asked, abs(float(str(values.get("width", 2.0))) - 0.3) + float(str(values["rate"])))
    assert study.best_value < found


def test_the_model_of_gp_has_the_best_and_the_latest_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpo.samplers.gp.MEMORY", 4)
    sampler = SAMPLERS["gp"].model_validate({"name": "gp"}).build(SPACE, 40)
    study = optuna.create_study(sampler=sampler)
    seen: list[list[int]] = []

    class Looking(optuna.samplers.RandomSampler):
        def sample_relative(self, study: optuna.Study, *_: object) -> dict[str, object]:
            seen.append([one.number for one in study.get_trials() if one.state == TrialState.COMPLETE])
            return {}

    monkeypatch.setattr(sampler, "_make", Looking)
    for value in (7.0, 1.0, 6.0, 0.0, 5.0, 4.0, 3.0):
        asked = study.ask()
        SPACE.suggest(asked)
        study.tell(asked, value)
    assert seen == [[], [0], [0, 1], [0, 1, 2], [0, 1, 2, 3], [1, 2, 3, 4], [1, 3, 4, 5]]

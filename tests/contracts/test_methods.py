"""Contract of every adaptation method. A new method adds one line to `METHOD_SETTINGS`."""

from pathlib import Path

import pytest
import torch
from kind_names import names_of
from pydantic import ValidationError

from segada.controllers.base import StepPlan
from segada.engine.run_data import RunData, prepare_data
from segada.methods.registry import METHODS
from segada.models.heads.registry import HEADS
from segada.settings import RunSettings
from segada.settings.label_free import WITH_TEACHER
from segada.settings.method import MethodSettings
from segada.testing import methods
from segada.testing.checks import changed, snapshot
from segada.testing.findings import assert_holds
from segada.testing.methods import METHOD_CHECKS, MethodCase

METHOD_SETTINGS: dict[str, dict[str, object]] = {
    "source_only": {"name": "source_only"},
    "batch_norm": {"name": "batch_norm"},
    "tent": {"name": "tent"},
    "tent of all that learns": {"name": "tent", "parameters": "learning"},
    "eata": {"name": "eata", "redundancy_threshold": 1.0, "consolidation": {"weight": 4000.0, "frames": 4}},
    "sar": {"name": "sar"},
    "cotta": {"name": "cotta", "scales": [1.5], "restore": 0.1},
    "cotta as in the authors' code": {
        "name": "cotta",
        "scales": [1.5],
        "pseudo_labels": "hard",
        "prediction": "averaged",
    },
    "cotta without views": {"name": "cotta", "confidence_threshold": 0.0, "scales": [], "evaluated_network": "student"},
    "adversarial": {"name": "adversarial"},
    "adversarial on the encoder's image": {"name": "adversarial", "features": "encoder", "granularity": "image"},
    "adversarial, the discriminator alone": {"name": "adversarial", "discriminator_training": "only"},
    "adversarial, the network alone": {"name": "adversarial", "discriminator_training": "never"},
    "dacs": {"name": "dacs", "pseudo_threshold": 0.1},
    "dacs with everything on": {
        "name": "dacs",
        "pseudo_threshold": 0.1,
        "pseudo_ignore_top": 0.1,
        "pseudo_ignore_bottom": 0.2,
        "source_fdist_lambda": 0.1,
        "target_fdist_lambda": 0.1,
        "fdist_classes": "all",
        "entropy_weight": 0.1,
        "reference_checkpoint": "streets_tiny",
        "evaluated_network": "student",
    },
    "dacs by sgd": {"name": "dacs", "pseudo_threshold": 0.1, "optimizer": {"algorithm": "sgd"}},
    "dacs of windows": {
        "name": "dacs",
        "pseudo_threshold": 0.1,
        "window": {"size": [32, 32], "resize": [1.0, 1.5]},
        "flip_probability": 0.5,
        "class_draw": "per_frame",
    },
    "dacs of target frames alone": {"name": "dacs", "pseudo_threshold": 0.1, "mixing": "target_only"},
    "dacs with the target's labels": {"name": "dacs", "target_labels": "ground_truth"},
    "dacs without mixing": {"name": "dacs", "mix_weight": 0.0},
    "dacs with consolidation": {"name": "dacs", "pseudo_threshold": 0.1, "consolidation": {"weight": 1e3, "frames": 4}},
    "dacs with masked frames": {
        "name": "dacs",
        "pseudo_threshold": 0.1,
        "masked_consistency": {"weight": 1.0, "pseudo_threshold": 0.1},
    },
    "cotta with masked frames": {
        "name": "cotta",
        "scales": [1.5],
        "masked_consistency": {"weight": 1.0, "pseudo_threshold": 0.1},
    },
    "adversarial with masked frames": {
        "name": "adversarial",
        "masked_consistency": {"weight": 1.0, "pseudo_threshold": 0.1},
        "batch_norm": {"reset_per_domain": True},
    },
    "rmt": {"name": "rmt", "warm_up_steps": 2},
    "rmt without contrast": {
        "name": "rmt",
        "contrast_weight": 0.0,
        "warm_up_steps": 0,
        "evaluated_network": "student",
        "masked_consistency": {"weight": 1.0, "pseudo_threshold": 0.1},
    },
    "svdp": {"name": "svdp", "scales": [1.5], "passes": 3, "prompt_lr": 1e-2, "uncertainty_scale": 1.0},
    "svdp, averaged": {
        "name": "svdp",
        "scales": [1.5],
        "passes": 2,
        "pseudo_labels": "soft",
        "prediction": "averaged",
        "masked_consistency": {"weight": 1.0, "pseudo_threshold": 0.1},
        "guards": {"source_share": 0.1, "reset_every": 2},
    },
    "svdp, student": {"name": "svdp", "scales": [], "passes": 2, "evaluated_network": "student"},
    "rotta": {"name": "rotta", "memory": 8, "update_every": 4},
    "rotta with masked frames": {
        "name": "rotta",
        "memory": 2,
        "update_every": 4,
        "evaluated_network": "student",
        "masked_consistency": {"weight": 1.0, "pseudo_threshold": 0.1},
        "guards": {"source_share": 0.1, "reset_every": 2},
    },
    "batch_norm, robust": {"name": "batch_norm", "batch_norm": {"statistics": "robust"}},
    "dacs with guards": {"name": "dacs", "pseudo_threshold": 0.1, "guards": {"source_share": 0.1, "reset_every": 2}},
    "cotta with guards": {
        "name": "cotta",
        "scales": [1.5],
        "guards": {"source_share": 0.1, "reset_every": 2, "collapse_share": 0.99},
    },
    "supervised": {"name": "supervised"},
    "batch_norm of the target's frames": {"name": "batch_norm", "batch_norm": {"statistics": "mixed"}},
    "tent, reset": {"name": "tent", "batch_norm": {"statistics": "follow", "reset_per_domain": True}},
    "cotta that follows": {
        "name": "cotta",
        "scales": [1.5],
        "batch_norm": {"statistics": "follow", "momentum": 0.3, "reset_per_domain": True},
    },
    **{
        f"dacs, {statistics}": {
            "name": "dacs",
            "pseudo_threshold": 0.1,
            "batch_norm": {"statistics": statistics, "source_prior": 2.0},
        }
        for statistics in ("frozen", "target", "mixed", "robust")
    },
}
NO_PARAMETER = {
    *("source_only", "batch_norm", "batch_norm of the target's frames", "batch_norm, robust"),
    "adversarial, the discriminator alone",
}
LEARNS = set(METHOD_SETTINGS) - NO_PARAMETER
OWN_CHOICE = {*NO_PARAMETER, "tent", "tent, reset", "eata", "sar", "rotta", "rotta with masked frames"}
"""Those that say themselves what learns: an adapter never would."""
STOPPED = next(promise for promise in METHOD_CHECKS if promise.startswith("a run stopped"))
"""Promise that is tested with every head."""
EVERY_HEAD = [(name, head) for name in METHODS for head in HEADS]
EVERY_VARIANT = [(name, "segformer") for name in METHOD_SETTINGS if name not in METHODS]


@pytest.fixture(scope="module")
def run_data(tiny_run: dict[str, object]) -> RunData:
    return prepare_data(RunSettings.model_validate(tiny_run))


@pytest.fixture(params=METHOD_SETTINGS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def case(name: str, run_data: RunData, tiny_run: dict[str, object]) -> MethodCase:
    return _case(name, run_data, tiny_run)


def _case(name: str, run_data: RunData, tiny_run: dict[str, object]) -> MethodCase:
    adapter = {"name": "none" if name in OWN_CHOICE else "adaptformer"}
    sections = {"method": METHOD_SETTINGS[name], "adapter": adapter, "model": {"freeze": "encoder"}}
    return MethodCase(RunSettings.model_validate({**tiny_run, **sections}), run_data)


@pytest.mark.parametrize("promise", [promise for promise in METHOD_CHECKS if promise != STOPPED])
def test_it_keeps_the_promise(case: MethodCase, promise: str) -> None:
    assert_holds(METHOD_CHECKS, promise, case)


def test_whoever_learns_moves_the_network(name: str, case: MethodCase) -> None:
    method, parts = case.build()
    before = snapshot(parts.network)
    for start in (0, 4):
        method.step(case.batch(start), StepPlan())
    assert bool(changed(parts.network, before)) == (name in LEARNS)


@pytest.mark.parametrize("name", sorted(LEARNS))
def test_whoever_learns_moves_what_a_plan_does_not_hold_back(case: MethodCase) -> None:
    method, parts = case.build()
    before = snapshot(parts.network)
    for start in (0, 4):
        method.step(case.batch(start), StepPlan(first_stage=1, trains_fusion=False))
    assert changed(parts.network, before)


@pytest.fixture(scope="module")
def run_data_by_head(tiny_run: dict[str, object]) -> dict[str, RunData]:
    """Prepares run data by head, because they include the source model's scores."""
    return {head: prepare_data(_three_visits(tiny_run, "source_only", head)) for head in HEADS}


def _three_visits(tiny_run: dict[str, object], name: str, head: str) -> RunSettings:
    model = {"head": head} if head == "segformer" else {"head": head, "checkpoint": None}
    stream = {"visits": ["clear", "200mm", "clear"], "frames": 4, "batch_size": 2, "replay": {"size": 12}}
    changes = {"method": METHOD_SETTINGS[name], "model": model, "stream": stream}
    return RunSettings.model_validate({**tiny_run, **changes})


@pytest.mark.parametrize(("name", "head"), EVERY_HEAD + EVERY_VARIANT)
def test_a_stream_of_three_visits_stopped_after_the_first_ends_with_the_same_numbers(
    name: str, head: str, run_data_by_head: dict[str, RunData], tiny_run: dict[str, object], tmp_path: Path
) -> None:
    methods.assert_resumed_equals_whole(_three_visits(tiny_run, name, head), tmp_path, run_data_by_head[head])


FROZEN: dict[str, object] = {"freeze": "everything"}
ADAPTER: dict[str, object] = {"name": "adaptformer"}
PROMPT: dict[str, object] = {"name": "visual_prompt"}
REFUSALS: dict[str, tuple[dict[str, object], str]] = {
    "an adapter beside norms": (
        {"method": {"name": "tent"}, "adapter": ADAPTER},
        (
            "adapter.name is 'adaptformer', but with method.parameters 'norms' nothing but norms learns; set "
            "method.parameters to learning, or adapter.name to none"
        ),
    ),
    "a prompt beside norms": (
        {"method": {"name": "tent"}, "image_adapter": PROMPT},
        "image_adapter.name is 'visual_prompt', but with method.parameters 'norms' nothing but norms learns",
    ),
    "an adapter beside a discriminator alone": (
        {"method": {"name": "adversarial", "discriminator_training": "only"}, "adapter": ADAPTER},
        (
            "adapter.name is 'adaptformer', but with method.discriminator_training 'only' nothing but the "
            "discriminator learns; set method.discriminator_training to both, or adapter.name to none"
        ),
    ),
    "consolidation of nothing": (
        {"method": {"name": "adversarial", "discriminator_training": "only", "consolidation": {"weight": 2.0}}},
        "consolidation.weight is 2.0, but discriminator_training 'only' lets nothing of the network learn",
    ),
    "masked frames for nothing": (
        {"method": {"name": "adversarial", "discriminator_training": "only", "masked_consistency": {"weight": 2.0}}},
        "masked_consistency.weight is 2.0, but discriminator_training 'only' lets nothing of the network learn",
    ),
    **{
        f"nothing learns under {name}": (
            {"method": {"name": name, **changes}, "model": FROZEN},
            f"nothing learns: method.name is '{name}', but model.freeze is 'everything'",
        )
        for name, changes in {
            "tent": {"parameters": "learning"},
            "cotta": {},
            "rmt": {},
            "dacs": {},
            "adversarial": {},
            "supervised": {},
        }.items()
    },
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_honored_is_refused_in_one_sentence(case: str, tiny_run: dict[str, object]) -> None:
    changes, expected = REFUSALS[case]
    with pytest.raises(ValidationError) as refusal:
        RunSettings.model_validate({**tiny_run, **changes})
    (error,) = refusal.value.errors()
    assert expected in error["msg"]
    assert "\n" not in error["msg"]


@pytest.mark.parametrize(
    "method", [{"name": "tent"}, {"name": "adversarial", "discriminator_training": "only"}, {"name": "batch_norm"}]
)
def test_who_decides_by_itself_may_find_everything_frozen(
    method: dict[str, object], tiny_run: dict[str, object]
) -> None:
    settings = RunSettings.model_validate({**tiny_run, "method": method, "model": FROZEN})
    assert settings.model.freeze == "everything"


def test_the_table_holds_exactly_what_the_settings_name_and_all_of_it_is_tested() -> None:
    assert set(METHODS) == names_of(MethodSettings)
    assert {settings["name"] for settings in METHOD_SETTINGS.values()} == set(METHODS)


def test_whoever_has_a_teacher_says_which_network_is_not_scored(case: MethodCase) -> None:
    method, parts = case.build()
    assert (method.other_network is not None) == isinstance(parts.settings.method, WITH_TEACHER)


def test_statistics_stay_where_a_step_is_planned_not_to_train(run_data: RunData, tiny_run: dict[str, object]) -> None:
    case = _case("batch_norm", run_data, tiny_run)
    method, parts = case.build()
    before = {key: value.clone() for key, value in parts.network.named_buffers()}
    method.step(case.batch(0), StepPlan(trains=False))
    assert all(torch.equal(value, before[key]) for key, value in parts.network.named_buffers())
    method.step(case.batch(0), StepPlan())
    assert not all(torch.equal(value, before[key]) for key, value in parts.network.named_buffers())

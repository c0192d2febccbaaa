"""Contract of every adaptation method. A new method adds one line to `METHOD_SETTINGS`."""

import io
from pathlib import Path
from typing import get_args

import pytest
import torch
from pydantic import ValidationError

from segada.controllers.base import StepPlan
from segada.core.rng import numpy_generator, torch_generator
from segada.data.batch import Batch, to_batch
from segada.data.replay import ReplayBuffer
from segada.engine.run_data import RunData, prepare_data
from segada.engine.runner import Run
from segada.methods.base import Method, MethodParts, State
from segada.methods.registry import METHODS
from segada.models.build import build_segmentor
from segada.models.heads.registry import HEADS
from segada.settings import RunSettings
from segada.settings.label_free import WITH_TEACHER
from segada.settings.learning import LearningSettings
from segada.settings.method import MethodSettings

METHOD_SETTINGS: dict[str, dict[str, object]] = {
    "source_only": {"name": "source_only"},
    "batch_norm": {"name": "batch_norm"},
    "tent": {"name": "tent"},
    "tent of all that learns": {"name": "tent", "parameters": "learning"},
    "cotta": {"name": "cotta", "scales": [1.5], "restore": 0.1},
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
    "dacs of target frames alone": {"name": "dacs", "pseudo_threshold": 0.1, "mixing": "target_only"},
    "dacs with the target's labels": {"name": "dacs", "target_labels": "ground_truth"},
    "dacs without mixing": {"name": "dacs", "mix_weight": 0.0},
    "dacs with consolidation": {"name": "dacs", "pseudo_threshold": 0.1, "consolidation": {"weight": 1e3, "frames": 4}},
    "supervised": {"name": "supervised"},
}
LEARNS = set(METHOD_SETTINGS) - {"source_only", "batch_norm", "adversarial, the discriminator alone"}
OWN_CHOICE = {"source_only", "batch_norm", "tent", "adversarial, the discriminator alone"}
"""Those that say themselves what learns: an adapter never would."""
WATCHED = {"sure_share", "domain_accuracy"}
"""What steps report and do not descend."""
EVERY_HEAD = [(name, head) for name in METHODS for head in HEADS]
EVERY_VARIANT = [(name, "segformer") for name in METHOD_SETTINGS if name not in METHODS]


@pytest.fixture(scope="module")
def run_data(tiny_run: dict[str, object]) -> RunData:
    return prepare_data(RunSettings.model_validate(tiny_run))


@pytest.fixture(params=METHOD_SETTINGS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _built(name: str, run_data: RunData, tiny_run: dict[str, object]) -> tuple[Method, MethodParts]:
    adapter = {"name": "none" if name in OWN_CHOICE else "adaptformer"}
    settings = RunSettings.model_validate(
        {**tiny_run, "method": METHOD_SETTINGS[name], "adapter": adapter, "model": {"freeze": "encoder"}}
    )
    parts = MethodParts(
        settings,
        build_segmentor(settings.model, settings.adapter, torch_generator(0, "initialisation")),
        ReplayBuffer(run_data.source, settings.stream.replay, 19, numpy_generator(0, "replay")),
        torch_generator(0, "class_mix"),
        torch_generator(0, "augmentation"),
        torch_generator(0, "restoration"),
        torch_generator(0, "initialisation"),
        torch_generator(0, "source_frames"),
    )
    return METHODS[settings.method.name](parts), parts


def _batch(run_data: RunData, start: int) -> Batch:
    return to_batch(run_data.visited["200mm"], torch.arange(start, start + 4).numpy())


def _drawn(parts: MethodParts) -> State:
    return {
        "replay": parts.replay.state_dict(),
        "class_mix": parts.class_mix.get_state(),
        "augmentation": parts.augmentation.get_state(),
        "restoration": parts.restoration.get_state(),
    }


def _restore(parts: MethodParts, drawn: State) -> None:
    parts.replay.load_state_dict(drawn["replay"])
    parts.class_mix.set_state(drawn["class_mix"])
    parts.augmentation.set_state(drawn["augmentation"])
    parts.restoration.set_state(drawn["restoration"])


def test_logits_have_a_quarter_of_the_resolution_and_losses_are_finite(
    name: str, run_data: RunData, tiny_run: dict[str, object]
) -> None:
    method, _ = _built(name, run_data, tiny_run)
    log = method.step(_batch(run_data, 0), StepPlan())
    assert all(value.isfinite().all() and not value.requires_grad for value in log.values())
    logits = method.predict(_batch(run_data, 4).images)
    assert logits.shape == (4, 19, 8, 16)
    assert logits.isfinite().all()


def test_a_step_reports_the_terms_that_its_settings_say(
    name: str, run_data: RunData, tiny_run: dict[str, object]
) -> None:
    method, parts = _built(name, run_data, tiny_run)
    settings = parts.settings.method
    terms = settings.loss_terms() if isinstance(settings, LearningSettings) else ()
    log = method.step(_batch(run_data, 0), StepPlan())
    assert [reported for reported in log if reported not in WATCHED] == list(terms)


def test_predicting_changes_nothing(name: str, run_data: RunData, tiny_run: dict[str, object]) -> None:
    method, _ = _built(name, run_data, tiny_run)
    first = method.predict(_batch(run_data, 0).images)
    assert torch.equal(first, method.predict(_batch(run_data, 0).images))


def test_state_goes_on_to_the_same_numbers(name: str, run_data: RunData, tiny_run: dict[str, object]) -> None:
    method, parts = _built(name, run_data, tiny_run)
    method.step(_batch(run_data, 0), StepPlan())
    saved = _through_file({"method": method.state_dict(), **_drawn(parts)})
    method.step(_batch(run_data, 4), StepPlan(0.5))

    resumed, resumed_parts = _built(name, run_data, tiny_run)
    resumed.load_state_dict(saved["method"])
    _restore(resumed_parts, saved)
    resumed.step(_batch(run_data, 4), StepPlan(0.5))
    assert torch.equal(method.predict(_batch(run_data, 0).images), resumed.predict(_batch(run_data, 0).images))


def test_frozen_parameters_keep_their_bytes_and_learning_ones_move(
    name: str, run_data: RunData, tiny_run: dict[str, object]
) -> None:
    method, parts = _built(name, run_data, tiny_run)
    before = {key: value.detach().clone() for key, value in parts.network.named_parameters()}
    for start in (0, 4):
        method.step(_batch(run_data, start), StepPlan())
    moved = {key for key, value in parts.network.named_parameters() if not torch.equal(value, before[key])}
    learning = {key for key, value in parts.network.named_parameters() if value.requires_grad}
    assert moved <= learning
    assert bool(moved) == (name in LEARNS)


def test_a_plan_of_rate_zero_moves_nothing(name: str, run_data: RunData, tiny_run: dict[str, object]) -> None:
    method, parts = _built(name, run_data, tiny_run)
    before = {key: value.detach().clone() for key, value in parts.network.named_parameters()}
    method.step(_batch(run_data, 0), StepPlan(0.0))
    assert all(torch.equal(value, before[key]) for key, value in parts.network.named_parameters())


def test_a_step_that_is_planned_not_to_train_touches_nothing_that_learns(
    name: str, run_data: RunData, tiny_run: dict[str, object]
) -> None:
    method, parts = _built(name, run_data, tiny_run)
    before = {key: value.detach().clone() for key, value in parts.network.named_parameters()}
    method.step(_batch(run_data, 0), StepPlan())
    middle = {key: value.detach().clone() for key, value in method.evaluated_network.named_parameters()}
    drawn = _drawn(parts)
    assert method.step(_batch(run_data, 4), StepPlan(trains=False)) == {}
    assert method.rates(StepPlan(trains=False)) == {}
    assert before.keys() == middle.keys()
    assert all(torch.equal(value, middle[key]) for key, value in method.evaluated_network.named_parameters())
    assert drawn["replay"] == parts.replay.state_dict()


@pytest.mark.parametrize("name", sorted(LEARNS))
def test_what_a_plan_holds_back_stays(name: str, run_data: RunData, tiny_run: dict[str, object]) -> None:
    method, parts = _built(name, run_data, tiny_run)
    before = {key: value.detach().clone() for key, value in parts.network.named_parameters()}
    for start in (0, 4):
        method.step(_batch(run_data, start), StepPlan(first_stage=1, trains_fusion=False))
    moved = {key for key, value in parts.network.named_parameters() if not torch.equal(value, before[key])}
    assert moved
    held = ("encoder.stages.0.", "head.linear_c1.", "head.linear_fuse.", "head.linear_pred.")
    assert not [key for key in moved if key.startswith(held)]


@pytest.fixture(scope="module")
def run_data_by_head(tiny_run: dict[str, object]) -> dict[str, RunData]:
    """Prepares run data by head, because they include the source model's scores."""
    return {head: prepare_data(_three_visits(tiny_run, "source_only", head)) for head in HEADS}


def _three_visits(tiny_run: dict[str, object], name: str, head: str) -> RunSettings:
    model = {"head": head} if head == "segformer" else {"head": head, "checkpoint": None}
    stream = {"visits": ["clear", "200mm", "clear"], "frames": 4, "batch_size": 2, "replay": {"size": 12}}
    changes = {"method": METHOD_SETTINGS[name], "model": model, "stream": stream}
    return RunSettings.model_validate({**tiny_run, **changes})


def _finished(run: Run) -> dict[str, object]:
    """Returns the report without times."""
    while not run.finished:
        run.next_visit()
    content = run.report().model_dump()
    for part in (content, *content["visits"]):
        for timing in {"seconds", "frames_per_second"} & set(part):
            del part[timing]
    return content


@pytest.mark.parametrize(("name", "head"), EVERY_HEAD + EVERY_VARIANT)
def test_a_stream_of_three_visits_stopped_after_the_first_ends_with_the_same_numbers(
    name: str, head: str, run_data_by_head: dict[str, RunData], tiny_run: dict[str, object], tmp_path: Path
) -> None:
    settings, run_data = _three_visits(tiny_run, name, head), run_data_by_head[head]
    whole = _finished(Run(settings, run_data, tmp_path / "whole"))
    Run(settings, run_data, tmp_path / "stopped").next_visit()
    resumed = Run(settings, run_data, tmp_path / "stopped")
    assert resumed.visits_done == 1
    assert _finished(resumed) == whole
    for file in ("weights.safetensors", "areas.npz"):
        assert (tmp_path / "stopped" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes(), file


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
    **{
        f"nothing learns under {name}": (
            {"method": {"name": name, **changes}, "model": FROZEN},
            f"nothing learns: method.name is '{name}', but model.freeze is 'everything'",
        )
        for name, changes in {
            "tent": {"parameters": "learning"},
            "cotta": {},
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
    union = get_args(MethodSettings)[0]
    named = {get_args(kind.model_fields["name"].annotation)[0] for kind in get_args(union)}
    assert set(METHODS) == named
    assert {settings["name"] for settings in METHOD_SETTINGS.values()} == named


def _through_file(state: State) -> State:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    loaded: State = torch.load(buffer, weights_only=True)
    return loaded


def test_whoever_has_a_teacher_says_which_network_is_not_scored(
    name: str, run_data: RunData, tiny_run: dict[str, object]
) -> None:
    method, parts = _built(name, run_data, tiny_run)
    assert (method.other_network is not None) == isinstance(parts.settings.method, WITH_TEACHER)
    assert method.other_network is not method.evaluated_network


def test_statistics_stay_where_a_step_is_planned_not_to_train(run_data: RunData, tiny_run: dict[str, object]) -> None:
    method, parts = _built("batch_norm", run_data, tiny_run)
    before = {key: value.clone() for key, value in parts.network.named_buffers()}
    method.step(_batch(run_data, 0), StepPlan(trains=False))
    assert all(torch.equal(value, before[key]) for key, value in parts.network.named_buffers())
    method.step(_batch(run_data, 0), StepPlan())
    assert not all(torch.equal(value, before[key]) for key, value in parts.network.named_buffers())

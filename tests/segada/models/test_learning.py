"""Copies of the student: shared and own parameters."""

import pytest
import torch
from torch import Tensor

from segada.models.build import build_segmentor
from segada.models.learning import changing_state, frozen_copy, learning_parameters, source_copy
from segada.models.segmentor import Segmentor
from segada.settings.adapter import AdaptFormerSettings
from segada.settings.model import ModelSettings

pytestmark = pytest.mark.rounding


@pytest.fixture
def student() -> Segmentor:
    model = ModelSettings(checkpoint=None, freeze="everything", drop_path=0.3)
    adapter = AdaptFormerSettings(name="adaptformer", stages=(1, 2), bottleneck=4)
    return build_segmentor(model, adapter, torch.Generator().manual_seed(0))


def pictures() -> Tensor:
    return torch.rand((2, 3, 32, 64), generator=torch.Generator().manual_seed(1))


def learn(student: Segmentor) -> None:
    with torch.no_grad():
        for parameter in learning_parameters(student).values():
            parameter.add_(0.1)


def test_copy_shares_what_is_frozen_and_copies_what_learns(student: Segmentor) -> None:
    teacher = frozen_copy(student)
    learning = learning_parameters(student)
    own = dict(teacher.named_parameters())
    assert list(own) == [name for name, _ in student.named_parameters()]
    for name, parameter in student.named_parameters():
        assert (own[name] is parameter) == (name not in learning)
        assert torch.equal(own[name], parameter)
    assert not learning_parameters(teacher)
    assert set(learning_parameters(student)) == set(learning)


def test_copy_stays_when_the_student_learns_and_changes_modes(student: Segmentor) -> None:
    teacher = frozen_copy(student).eval()
    before = teacher(pictures())
    learn(student)
    student.train()(pictures())
    assert not teacher.training
    assert not any(module.training for module in teacher.modules())
    assert torch.equal(teacher(pictures()), before)
    assert not torch.equal(student.eval()(pictures()), before)


def test_copy_keeps_batch_norm_statistics_of_its_own(student: Segmentor) -> None:
    teacher = frozen_copy(student).train()
    own, other = teacher.head.linear_fuse.bn.running_mean, student.head.linear_fuse.bn.running_mean
    assert own is not None
    assert other is not None
    teacher(pictures())
    assert not torch.equal(own, other)


def test_copy_goes_on_from_the_students_prefix(student: Segmentor) -> None:
    teacher = frozen_copy(student).eval()
    prefix = student.encode_frozen(pictures())
    assert len(prefix.features) == 1
    assert torch.equal(teacher.decode(teacher.encode_rest(prefix)), teacher(pictures()))


def test_static_model_carries_no_adapter_and_remains_the_source_model(student: Segmentor) -> None:
    static = source_copy(student)
    assert not any(".parallel." in name for name, _ in static.named_parameters())
    assert any(".parallel." in name for name, _ in student.named_parameters())
    before = student.eval()(pictures())
    learn(student)
    assert torch.equal(static(pictures()), before)


def test_changing_state_is_small_and_brings_a_network_back(student: Segmentor) -> None:
    names = tuple(learning_parameters(student))
    learn(student)
    student.train()(pictures())
    state = {name: tensor.clone() for name, tensor in changing_state(student, names).items()}
    assert sum(tensor.nbytes for tensor in state.values()) < 15_000
    expected = student.eval()(pictures())
    learn(student)
    student.train()(pictures())
    student.load_state_dict(state, strict=False)
    assert torch.equal(student.eval()(pictures()), expected)


def test_stochastic_depth_goes_on_where_the_saved_run_was(student: Segmentor) -> None:
    student.train()(pictures())
    state = {name: tensor.clone() for name, tensor in changing_state(student, ()).items()}
    expected = [student(pictures()) for _ in range(4)]
    student.load_state_dict(state, strict=False)
    assert all(torch.equal(student(pictures()), logits) for logits in expected)
    assert not all(torch.equal(logits, expected[0]) for logits in expected)

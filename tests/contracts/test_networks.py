"""Contract of every whole network that `model.network` names."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn
from whole_networks import CODE, KINDS, network_name, tiny_segformer

from segada import convert
from segada.core.rng import torch_generator
from segada.engine.gpu_memory import Footprint, footprint
from segada.engine.preflight import problems
from segada.engine.run_data import RunData, prepare_data
from segada.engine.runner import Run
from segada.errors import InputError
from segada.evaluation.checkpoints import find_models
from segada.models.build import build_segmentor
from segada.models.learning import learning_parameters
from segada.models.networks.registry import NETWORKS
from segada.models.segmentor import Segmentor
from segada.models.weights import save_weights
from segada.records import Preflight
from segada.settings import RunSettings
from segada.settings.adapter import NoAdapter
from segada.settings.class_sets import CITYSCAPES
from segada.settings.model import ModelSettings
from segada.settings.networks import FORMS
from segada.testing.findings import assert_holds
from segada.testing.networks import NETWORK_CHECKS, NetworkCase

METHODS: dict[str, dict[str, object]] = {
    "source_only": {},
    "batch_norm": {},
    "tent": {},
    "eata": {"redundancy_threshold": 1.0, "consolidation": {"weight": 4000.0, "frames": 4}},
    "sar": {},
    "cotta": {"scales": [1.5], "restore": 0.1},
    "svdp": {"scales": [1.5], "passes": 2},
    "rmt": {
        "contrast_weight": 0.0,
        "warm_up_steps": 1,
        "masked_consistency": {"weight": 1.0, "pseudo_threshold": 0.1},
    },
    "rotta": {"memory": 4, "update_every": 2},
    "adversarial": {"batch_norm": {"statistics": "mixed", "source_prior": 2.0}},
    "dacs": {"pseudo_threshold": 0.1, "entropy_weight": 0.1},
    "supervised": {},
}
CLASSIFIERS = {"hf": "decode_head.classifier", "smp": "segmentation_head.0", "torchvision": "classifier", "own": "4"}


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def name(kind: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    return network_name(kind, tmp_path_factory.mktemp("hf"), CITYSCAPES.names)


@pytest.fixture(scope="module")
def case(name: str) -> NetworkCase:
    return NetworkCase(name)


def build(name: str, seed: int = 0, **model: object) -> Segmentor:
    settings = ModelSettings.model_validate({"network": name, **model})
    return build_segmentor(settings, NoAdapter(), torch.Generator().manual_seed(seed))


def pictures(height: int = 64, width: int = 96) -> Tensor:
    return torch.rand((2, 3, height, width), generator=torch.Generator().manual_seed(1))


def test_every_library_of_the_settings_has_a_builder() -> None:
    assert set(NETWORKS) == set(FORMS)


@pytest.mark.parametrize("promise", NETWORK_CHECKS)
def test_it_keeps_the_promise(case: NetworkCase, promise: str) -> None:
    assert_holds(NETWORK_CHECKS, promise, case)


def test_some_layer_of_each_behaves_otherwise_in_train_mode(case: NetworkCase) -> None:
    assert any(isinstance(part, nn.BatchNorm2d) for part in case.network.modules())


def test_another_process_draws_the_same_bytes() -> None:
    code = (
        "import hashlib, torch; from segada.models.build import build_segmentor as build; "
        "from segada.settings.model import ModelSettings; from segada.settings.adapter import NoAdapter; "
        f"model = ModelSettings(network='{CODE}:plain'); "
        "network = build(model, NoAdapter(), torch.Generator().manual_seed(3)); "
        "values = torch.cat([value.flatten() for value in network.parameters()]); "
        "print(hashlib.sha256(values.detach().numpy().tobytes()).hexdigest())"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
    network = build(f"{CODE}:plain", seed=3)
    values = torch.cat([value.flatten() for value in network.parameters()])
    assert printed.strip() == hashlib.sha256(values.detach().numpy().tobytes()).hexdigest()


def test_modules_are_frozen_and_initialized_by_name(kind: str, name: str, tmp_path: Path) -> None:
    part = CLASSIFIERS[kind]
    network = build(name, freeze="everything", trainable_modules=[part])
    learning = learning_parameters(network)
    assert learning
    assert all(f".{part}." in key for key in learning)
    save_weights(build(name, seed=1), tmp_path / "w.safetensors", "")
    fresh = build(name, checkpoint=str(tmp_path / "w.safetensors"), reinitialize=[part]).storable()
    stored = build(name, checkpoint=str(tmp_path / "w.safetensors")).storable()
    differing = {key for key, value in stored.items() if not torch.equal(value, fresh[key])}
    assert differing
    assert all(key.startswith(part) for key in differing)
    for setting in ("frozen_modules", "trainable_modules", "reinitialize"):
        with pytest.raises(ValueError, match=rf"model\.{setting}: no parameter of this network has 'absent' in its"):
            build(name, **{setting: ["absent"]})


@pytest.fixture(scope="module")
def run_data(name: str) -> RunData:
    return prepare_data(stream(name, "source_only"))


def stream(name: str, method: str, **model: object) -> RunSettings:
    tiny = {"size": [32, 64], "splits": {"source": 8, "adapt": 8, "val": 2, "test": 2}}
    visits = {"visits": ["clear", "200mm"], "frames": 4, "batch_size": 2, "replay": {"size": 8}}
    chosen = {"name": method, **METHODS[method]}
    return RunSettings.model_validate(
        {"data": tiny, "stream": visits, "method": chosen, "model": {"network": name, **model}}
    )


def finished(run: Run) -> list[dict[str, float]]:
    for _ in run:
        pass
    return [dict(record.miou) for record in run.report().visits]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_runs_stops_and_goes_on_to_the_same_bytes(
    name: str, method: str, run_data: RunData, tmp_path: Path
) -> None:
    settings = stream(name, method)
    whole = finished(Run(settings, run_data, tmp_path / "whole"))
    Run(settings, run_data, tmp_path / "stopped").next_visit()
    assert finished(Run(settings, run_data, tmp_path / "stopped")) == whole
    for file in ("weights.safetensors", "areas.npz"):
        assert (tmp_path / "stopped" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes(), file
    moved = (tmp_path / "whole" / "weights.safetensors").read_bytes() != _source(name, tmp_path)
    assert moved == (method != "source_only")


def _source(name: str, tmp_path: Path) -> bytes:
    settings = stream(name, "source_only")
    network = build_segmentor(settings.model, NoAdapter(), torch_generator(0, "initialisation"))
    save_weights(network, tmp_path / "source.safetensors", settings.settings_hash())
    return (tmp_path / "source.safetensors").read_bytes()


def test_the_whole_run_is_written_out_and_read_again(name: str) -> None:
    settings = stream(name, "dacs")
    assert (settings.model.encoder, settings.model.head, settings.model.checkpoint) == (None, None, None)
    assert RunSettings.model_validate(settings.model_dump(mode="json")) == settings


def preflight(**model: object) -> str:
    """Returns the problem of a run's network, found before any run."""
    settings = stream(str(model.pop("network")), "tent", **model).model_dump(mode="json")
    return problems(Preflight(networks={"run": settings}, data={})).get("run", "")


OUTPUTS = {
    "in_a_mapping": "",
    "nineteen": "",
    "with_a_default": "",
    "by_class_and_pixel": "of shape (1, 3, 32, 64) give logits of shape (1, 19, 128), but (1, 19, h, w) is needed for",
    "in_a_list": "of shape (1, 3, 32, 64) give list, but logits [B, K, h, w] are needed: a tensor, or a mapping with",
    "not_a_number": "give logits (1, 19, 8, 16) that are not finite; initialize it, or give its weights",
    "Deep": "of shape (2, 3, 32, 64) give list, but logits [B, K, h, w] are needed: a tensor, or a mapping with",
    "Tied": "",
    "refusing": "which fails in evaluation on images of shape (1, 3, 32, 64): RuntimeError: Given groups=1, weight of",
    "failing": "fails when it is called: KeyError: 'no such backbone",
    "no_module": "returns an object of type int; return a torch.nn.Module",
    "tiny_segformer": "takes folder, classes, but is called with the number of classes alone; give",
    "KINDS": ":KINDS, a tuple; name a function that returns a module",
}


@pytest.mark.parametrize("function", OUTPUTS)
def test_outputs_that_are_no_logits_are_found_before_the_first_step(function: str) -> None:
    problem = preflight(network=f"{CODE}:{function}")
    assert OUTPUTS[function] in problem
    assert bool(problem) == bool(OUTPUTS[function])
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("name", "problem"), [(f"{CODE}:absent", "has no 'absent'; it defines"), ("./nowhere.py:made", "there is no file")]
)
def test_code_that_is_not_there_is_found_when_settings_are_read(name: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        ModelSettings(network=name)


def test_another_number_of_classes_is_said_with_both_shapes() -> None:
    wanted = {"data": {"size": [32, 64], "classes": ["a", "b"], "domains": {"x": FOLDER}}, "method": {"name": "tent"}}
    stream = {"source": "x", "visits": ["x"]}
    settings = RunSettings.model_validate({**wanted, "stream": stream, "model": {"network": f"{CODE}:nineteen"}})
    problem = problems(Preflight(networks={"run": settings.model_dump(mode="json")}, data={}))["run"]
    assert (
        "images of shape (1, 3, 32, 64) give logits of shape (1, 19, 8, 16), but (1, 2, h, w) is needed for the 2"
        in problem
    )


FOLDER = {"dataset": "folders", "root": ".", "images": "*.png", "labels": "*_l.png", "classes": {"a": [0], "b": [1]}}


def test_a_batch_norm_of_a_single_value_is_refused_before_the_run() -> None:
    settings = stream(f"{CODE}:pooled", "dacs")
    single = settings.model_copy(update={"stream": settings.stream.model_copy(update={"batch_size": 1})})
    found = problems(Preflight(networks={"run": single.model_dump(mode="json")}, data={}))
    assert "pooled, whose batch norm network.0.2 gets one value per channel from a batch of 1 frame" in found["run"]
    for method, refused in (("dacs", False), ("cotta", False), ("tent", True)):
        pairs = stream(f"{CODE}:pooled", method).model_dump(mode="json")
        assert bool(problems(Preflight(networks={"run": pairs}, data={}))) is refused


NAMES = {
    "smp/Unet": "'smp/Unet' names no network; write smp/ARCHITECTURE/ENCODER",
    "hf/": "'hf/' names no network; write hf/FOLDER",
    "unet": "there is no network 'unet'; write hf/FOLDER; smp/",
}
ABSENT = {
    "smp/Unett/resnet18": "smp has no architecture 'Unett'; did you mean Unet?",
    "smp/Unet/resnet19": "smp has no encoder 'resnet19'; did you mean resnet",
    "torchvision/resnet50": "torchvision has no such network for segmentation; did you mean ",
    "hf/nowhere": "model.network: nowhere has no config.json; give a folder that save_pretrained of transformers wrote",
}


@pytest.mark.parametrize("wrong", NAMES)
def test_a_name_of_no_form_is_refused_with_the_settings(wrong: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        ModelSettings(network=wrong)
    assert NAMES[wrong] in refusal.value.errors()[0]["msg"]


@pytest.mark.parametrize("wrong", ABSENT)
def test_a_network_that_is_not_there_is_named_with_the_nearest(wrong: str) -> None:
    assert ABSENT[wrong] in preflight(network=wrong)


def test_an_absent_library_is_refused_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "segmentation_models_pytorch", None)
    problem = preflight(network="smp/Unet/resnet18")
    assert problem.endswith("which is not installed; run pip install 'segada[networks]'")


def test_a_folder_of_other_classes_is_refused_with_both_cures(tmp_path: Path) -> None:
    theirs = ("background", "sky", "road")
    name = f"hf/{tiny_segformer(tmp_path / 'hf', theirs)}"
    with pytest.raises(ValueError, match=r"of 3 classes that do not fit this network: .* 2 reshaped") as refusal:
        build(name)
    assert (
        "model.class_match: name, or let these start from random weights with model.reinitialize: [decode_head"
        in str(refusal.value)
    )
    fresh, matched = build(name, reinitialize=["decode_head.classifier"]), build(name, class_match="name")
    rows, drawn = (net.storable()["decode_head.classifier.weight"] for net in (matched, fresh))
    own = build_folder(tmp_path / "hf")
    for place, known in enumerate(CITYSCAPES.names):
        expected = own[theirs.index(known)] if known in theirs else drawn[place]
        assert torch.equal(rows[place], expected)


def build_folder(folder: Path) -> Tensor:
    from transformers import SegformerForSemanticSegmentation

    weight = SegformerForSemanticSegmentation.from_pretrained(folder).state_dict()["decode_head.classifier.weight"]
    assert isinstance(weight, Tensor)
    return weight


def test_a_folder_of_the_same_classes_in_another_order_is_refused(tmp_path: Path) -> None:
    names = (CITYSCAPES.names[1], CITYSCAPES.names[0], *CITYSCAPES.names[2:])
    name = f"hf/{tiny_segformer(tmp_path, names)}"
    with pytest.raises(ValueError, match=r"its class 0 is 'sidewalk', and ours is 'road'; take .*class_match: name"):
        build(name)
    rows = build(name, class_match="name").storable()["decode_head.classifier.weight"]
    stored = build_folder(tmp_path)
    assert torch.equal(rows[[1, 0]], stored[:2])
    assert torch.equal(rows[2:], stored[2:])


@torch.no_grad()
def test_a_folder_gives_the_function_of_its_library_and_its_preprocessing(tmp_path: Path) -> None:
    from transformers import SegformerForSemanticSegmentation

    name = f"hf/{tiny_segformer(tmp_path, CITYSCAPES.names)}"
    network = build(name).eval()
    theirs = SegformerForSemanticSegmentation.from_pretrained(tmp_path).eval()
    expected = theirs((pictures() - 0.5) / 0.5).logits
    torch.testing.assert_close(network(pictures()), expected)
    assert "transformers, SegformerForSemanticSegmentation" in network.origin
    assert network.preprocessing.mean == (0.5, 0.5, 0.5)
    assert build(name, reinitialize=["network"]).preprocessing.mean == (0.5, 0.5, 0.5)


def test_weights_of_a_whole_network_and_of_encoder_and_head_are_not_taken_for_each_other(tmp_path: Path) -> None:
    name = f"{CODE}:plain"
    save_weights(build(name), tmp_path / "whole.safetensors", "")
    with pytest.raises(ValueError, match=r"of a whole network; set model\.network to .*:plain in place of"):
        build_segmentor(ModelSettings(checkpoint=str(tmp_path / "whole.safetensors")), NoAdapter(), torch.Generator())
    with pytest.raises(ValueError, match=r"streets_tiny\.safetensors has no tensor of this network: its names are enc"):
        build(name, checkpoint="streets_tiny")


@torch.no_grad()
def test_tied_weights_return_from_a_file(tmp_path: Path) -> None:
    saved = build(f"{CODE}:Tied").eval()
    save_weights(saved, tmp_path / "tied.safetensors", "")
    loaded = build(f"{CODE}:Tied", seed=1, checkpoint=str(tmp_path / "tied.safetensors")).eval()
    assert torch.equal(loaded(pictures()), saved(pictures()))


def test_checks_leave_the_network_as_it_was(name: str) -> None:
    network = build(name)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    network.check_output((32, 64))
    network.check_training((32, 64))
    assert network.training
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_code_that_only_a_checkpoint_names_is_not_run(tmp_path: Path) -> None:
    name, path = f"{CODE}:plain", tmp_path / "whole.safetensors"
    save_weights(build(name), path, "")
    with pytest.raises(InputError, match=r"which is code and is run only if you name it: add --set model\.network="):
        find_models([str(path)], None, {})
    (model,) = find_models([str(path)], None, {"model.network": name})
    assert model.built(torch.device("cpu")).title == Path(name).name
    assert model.network() == {"network": name}


def test_a_file_of_two_networks_is_refused(tmp_path: Path) -> None:
    state = build(f"{CODE}:plain").storable()
    torch.save({"student": state, "teacher": state}, tmp_path / "both.pt")
    with pytest.raises(ValueError, match=r"both\.pt holds 2 networks: student, teacher; save the state dict of one"):
        build(f"{CODE}:plain", checkpoint=str(tmp_path / "both.pt"))


def test_memory_is_measured_before_the_source_model_is_trained(tmp_path: Path) -> None:
    name = f"hf/{tiny_segformer(tmp_path, ('road', 'sky'))}"
    assert footprint(stream(name, "tent"), lambda: (0, 1)) == Footprint(1, 1)


def test_convert_describes_weights_without_building_the_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_weights(build(f"{CODE}:plain"), tmp_path / "w.safetensors", "")
    assert convert.main([str(tmp_path / "w.safetensors")]) == 0
    printed = capsys.readouterr().out
    assert ":plain" in printed
    assert "9 matched, 0 missing" in printed
    assert convert.main([str(tmp_path / "w.safetensors"), str(tmp_path / "hf"), "--to", "hf"]) == 2

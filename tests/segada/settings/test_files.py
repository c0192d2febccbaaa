"""YAML files of settings: accepted values, and messages of errors."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from segada.errors import InputError
from segada.settings.files import load_run_settings, read_yaml

REFUSED = {
    "not a number": ("seed: x", "1: seed: should be a valid integer, not 'x'"),
    "no whole number": ("seed: 1.5", "1: seed: should be a valid integer"),
    "yes is no number": ("seed: yes", "1: seed: should be a valid integer, not True"),
    "out of bounds": ("seed: -1", "1: seed: should be greater than or equal to 0, not -1"),
    "not finite": (
        "method:\n  optimizer: {lr: .nan}",
        "2: method.optimizer.lr: should be a finite",
    ),
    "twice": ("seed: 1\nseed: 2", "2: seed: stands already on line 1"),
    "twice on one line": ("{seed: 1, seed: 2}", "1: seed: stands already on line 1"),
    "unclosed": ("seed: [1", "1: not YAML: expected ',' or ']'"),
    "tab": ("method:\n\tname: dacs", "2: not YAML: found character '\\t'"),
    "a list": ("- 1\n- 2", "1: not a mapping of keys to values"),
    "two documents": ("seed: 1\n---\nseed: 2", "2: not YAML: but found another document"),
    "loop": ("method: &a\n  optimizer: *a", "1: method.optimizer: the alias contains itself"),
    "a truth value as key": ("true: 1", "1: true: a key must be text; write it in quotes"),
    "on is a word as key": ("on: 1", "1: on: there is no such key"),
    "code": (
        "seed: !!python/object:os.system {}",
        "1: seed: the tag tag:yaml.org,2002:python/object:os.system is not for settings",
    ),
    "a set": ("data: !!set {a}", "1: data: the tag tag:yaml.org,2002:set is not"),
    "unknown section": ("sed: 1", "1: sed: there is no such key; did you mean seed?"),
    "unknown key": (
        "seed: 1\nmethod:\n  pseudo_treshold: 0.5",
        "3: method.pseudo_treshold: there is no such key; did you mean pseudo_threshold?",
    ),
    "key of another method": (
        "method:\n  name: batch_norm\n  pseudo_threshold: 0.5",
        "3: method.pseudo_threshold: there is no such key",
    ),
    "unknown method": ("method:\n  name: dac", "2: method.name: there is no 'dac'; did you mean dacs?"),
    "kind not said": ("data:\n  domains:\n    a: {weather: clear}", "3: data.domains.a.dataset: this key is missing"),
    "too short": ("data: {size: [1]}", "1: data.size.1: this key is missing"),
    "in a list": (
        "adapter:\n  name: adaptformer\n  stages: [0,\n   7]",
        "4: adapter.stages.1: should be 0, 1, 2 or 3",
    ),
    "relation": ("seed: 1\nstream:\n  visits: [klear]", "3: stream.visits: names 'klear', but data.domains has only"),
    "nothing learns": ("model: {freeze: everything}", "1: nothing learns: method.name is 'dacs'"),
    "an adapter that cannot learn": (
        "method: {name: source_only}\nadapter:\n  name: lora",
        "3: adapter.name: is 'lora', but with method.name 'source_only' no parameter learns; set method.name to",
    ),
    "a prompt that cannot learn": (
        "method: {name: batch_norm}\nimage_adapter:\n  name: visual_prompt",
        (
            "3: image_adapter.name: is 'visual_prompt', but with method.name 'batch_norm' no parameter learns; set "
            "method.name to"
        ),
    ),
    "a rate of nothing": (
        "method: {name: batch_norm}\ncontroller:\n  name: one_cycle",
        "3: controller.name: is 'one_cycle', but with method.name 'batch_norm' no parameter learns, at any rate",
    ),
    "a budget of nothing": (
        "method: {name: source_only}\ncontroller: {name: hamlet}",
        "1: controller.budget.policy is 'jump', but with method.name 'source_only' no parameter learns; set",
    ),
    "a rate policy of nothing": (
        "method: {name: batch_norm}\ncontroller:\n  name: hamlet\n  learning_rate: {policy: adaptive_init}",
        "4: controller.learning_rate.policy: is 'adaptive_init', but with method.name 'batch_norm' no parameter learns",
    ),
    "modules of a network that stays": (
        (
            "method: {name: adversarial, discriminator_training: only}\n"
            "controller: {name: hamlet, modular: {policy: fixed}}"
        ),
        "2: controller.modular.policy: is 'fixed', but with method.discriminator_training 'only' nothing but the discr",
    ),
    "a discriminator without a loss": (
        "method:\n  name: adversarial\n  weight: 0.0\n  discriminator_training: only",
        "3: method.weight: is 0.0, but method.discriminator_training is 'only', so that nothing would learn",
    ),
    "no row left": (
        "method: {pseudo_ignore_top: 0.5,\n  pseudo_ignore_bottom: 0.5}",
        (
            "1: method.pseudo_ignore_top: is 0.5, but method.pseudo_ignore_bottom is 0.5, which leaves no row whose "
            "pseudo-labels"
        ),
    ),
    "a view too large": (
        "method: {name: cotta, scales: [0.5, 40.0]}",
        "1: method.scales.1: should be less than or equal",
    ),
    "a view twice": (
        "method: {name: cotta, scales: [0.5, 1.0]}",
        "1: method.scales: has 1.0 twice, the frame as it is",
    ),
    "a teacher that stays": (
        "method: {name: cotta, ema_alpha: 1.0}",
        (
            "1: method.ema_alpha: is 1.0, but method.evaluated_network is 'teacher', which then never learns; choose a "
            "smaller alpha"
        ),
    ),
    "no way back": (
        "stream:\n  visits: [clear]\n  route: forward_and_back",
        "3: stream.route: is 'forward_and_back', but stream.visits has only 'clear', from which there is no",
    ),
    "too large": (
        "data: {size: [64, 100000]}",
        "1: data.size.1: should be less than or equal to 8192, not 100000",
    ),
    "too cold": (
        "stream: {replay: {temperature: 1e-300}}",
        "1: stream.replay.temperature: should be greater than or equal to ",
    ),
    "too wide": ("model: {head_width: 1000000}", "1: model.head_width: should be less than or equal to 65536"),
    "no city": (
        "data: {domains: {a: {dataset: streets, world: -1}}}",
        "1: data.domains.a.world: should be greater than or equal to 0, not -1",
    ),
    "more threads than there are": ("runtime: {threads: 9999}", "1: runtime.threads: should be less than or equal"),
    "several": ("seed: x\nsed: 1", "(and 1 more)"),
}


def write(folder: Path, text: str) -> str:
    path = folder / "run.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(("text", "expected"), REFUSED.values(), ids=REFUSED)
def test_refusals_are_one_line_with_file_line_path_and_cure(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(InputError) as refusal:
        load_run_settings(write(tmp_path, text))
    message = str(refusal.value)
    assert expected in message
    assert message.startswith(f"{tmp_path}/run.yaml:")
    assert "\n" not in message


@pytest.mark.parametrize(("name", "problem"), [("absent.yaml", "No such file"), (".", "Is a directory")])
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        read_yaml(tmp_path / name)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        read_yaml(tmp_path / "a.yaml")


@pytest.mark.parametrize("number", ["1e-6", "1E-6", "+1e-06", "0.000001", "1.e-6", ".1e-5"])
def test_numbers_as_people_write_them(tmp_path: Path, number: str) -> None:
    settings = load_run_settings(write(tmp_path, f"method: {{optimizer: {{lr: {number}}}}}"))
    assert settings.method.model_dump()["optimizer"]["lr"] == pytest.approx(1e-6)


def test_names_that_look_like_numbers_or_dates_stay_text(tmp_path: Path) -> None:
    tree = read_yaml(write(tmp_path, "a: [0016E5, 0001TP, 2024-01-31, none]")).tree
    assert tree == {"a": ["0016E5", "0001TP", "2024-01-31", "none"]}


def test_merge_keys_and_aliases_work(tmp_path: Path) -> None:
    tree = read_yaml(write(tmp_path, "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a")).tree
    assert tree == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 1, "y": 2}}


def test_an_override_wins_and_its_error_names_the_option(tmp_path: Path) -> None:
    file = write(tmp_path, "seed: 1\nmethod: {pseudo_threshold: 0.5}")
    settings = load_run_settings(file, {"seed": 2, "method.mix_weight": 0.25})
    assert settings.seed == 2
    assert settings.method.model_dump()["pseudo_threshold"] == 0.5
    assert settings.method.model_dump()["mix_weight"] == 0.25
    with pytest.raises(
        InputError, match=r"run\.yaml \(--set\): method\.mix_wait: there is no such key; did you mean mix_weight"
    ):
        load_run_settings(file, {"method.mix_wait": 1})


NAMES = st.text("abcdefgh", min_size=1, max_size=4).map(lambda name: f"k{name}")
SCALARS = (
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats(allow_nan=False, allow_infinity=False) | NAMES
)
TREES = st.dictionaries(
    NAMES,
    st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)),
    max_size=4,
)


@given(TREES)
def test_what_yaml_writes_is_read_back_with_a_line_for_every_path(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, object]
) -> None:
    file = tmp_path_factory.mktemp("trees") / "a.yaml"
    file.write_text(yaml.safe_dump(tree), encoding="utf-8")
    document = read_yaml(file)
    assert document.tree == tree
    for key in tree:
        assert file.read_text(encoding="utf-8").splitlines()[document.lines[(key,)] - 1].startswith((key, "{"))


def test_a_document_over_another_says_which_of_the_two_files_is_wrong(tmp_path: Path) -> None:
    below, above = tmp_path / "below.yaml", tmp_path / "above.yaml"
    below.write_text(
        "\nseed: -1\nstream:\n  passes: 0\nadapter: {name: adaptformer, bottleneck: 0}\n", encoding="utf-8"
    )
    above.write_text("# of another length\n\n\nstream: {rounds: 1}\nadapter: {name: none}\n", encoding="utf-8")
    both = read_yaml(above).over(read_yaml(below))
    assert both.tree == {"seed": -1, "stream": {"passes": 0, "rounds": 1}, "adapter": {"name": "none"}}
    assert str(both.error(("seed",), "x")) == f"{below}:2: seed: x"
    assert str(both.error(("stream", "passes"), "x")) == f"{below}:4: stream.passes: x"
    assert str(both.error(("stream", "rounds"), "x")) == f"{above}:4: stream.rounds: x"
    assert str(both.error(("stream", "frames"), "x")) == f"{above}:4: stream.frames: x"
    # What another kind of adapter had is gone, with its lines.
    assert str(both.error(("adapter", "bottleneck"), "x")) == f"{above}:5: adapter.bottleneck: x"
    assert str(both.with_overrides({"seed": 1}).error(("seed",), "x")) == f"{above} (--set): seed: x"
    third = tmp_path / "third.yaml"
    third.write_text("seed: 3\n", encoding="utf-8")
    assert str(read_yaml(third).over(both).error(("stream", "passes"), "x")) == f"{below}:4: stream.passes: x"

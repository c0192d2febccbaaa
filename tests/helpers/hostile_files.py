"""Files and values that no program should choke on: by hand, and the mutations of a fuzzer."""

import copy
import json
import random
from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

STUDY = """\
name: tiny
run:
  stream:
    visits: [clear, 25mm, 50mm]
  evaluation: {split: val}
space:
  method.pseudo_threshold: {type: float, low: 0.5, high: 0.9}
  adapter.name: {type: choice, choices: [none, adaptformer]}
  adapter.stages: {type: subset, of: [0, 1, 2, 3], when: {adapter.name: adaptformer}}
sampler: {name: random}
budget: {trials: 3}
"""
SWEEP = """\
method: random
metric: {name: mean_miou, goal: maximize}
parameters:
  method.pseudo_threshold: {min: 0.5, max: 0.99}
  stream.passes: {value: 2}
run_cap: 7
"""
THRESHOLD = "{type: float, low: 0.5, high: 0.9}"


def space(parameter: str, path: str = "method.pseudo_threshold") -> str:
    """The study with another parameter."""
    return STUDY.replace(f"method.pseudo_threshold: {THRESHOLD}", f"{path}: {parameter}")


def more(text: str) -> str:
    """The study with more keys."""
    return f"{STUDY}{text}\n"


def run(text: str) -> str:
    """The study with other settings of runs."""
    return STUDY.replace("  evaluation: {split: val}", f"  {text}")


def named(name: str) -> str:
    """The study with another name."""
    return STUDY.replace("name: tiny", f"name: {name}", 1)


def objective(formula: str) -> str:
    """The study with a formula as its objective."""
    return more(f"objectives: [{{metric: {formula}, goal: maximize}}]")


def sweep(parameter: str) -> str:
    """The sweep with another parameter."""
    return SWEEP.replace("{min: 0.5, max: 0.99}", parameter)


def _chain() -> str:
    """Conditions whose alternatives multiply from each parameter to the next."""
    splits = [f"data.splits.{name}" for name in ("source", "adapt", "val", "test")]
    names = [*splits, "stream.frames", "stream.passes", "stream.batch_size", "stream.replay.size"]
    lines = [f"  {name}: {{type: int, low: 1, high: 2}}" for name in names[:2]]
    for number, name in enumerate(names[2:]):
        when = ", ".join(f"{{{above}: 1}}" for above in names[number : number + 2])
        lines.append(f"  {name}: {{type: int, low: 1, high: 2, when: [{when}]}}")
    text = STUDY.replace("space:\n", "space:\n" + "\n".join(lines) + "\n")
    return text.replace("{adapter.name: adaptformer}", f"{{adapter.name: adaptformer, {names[-1]}: 1}}")


NINES = "9" * 5000
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGE_BOMB = "a: &a {k0: 1, k1: 1}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 20)}]}}\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

REFUSED: dict[str, tuple[str | bytes, str]] = {
    # Bytes and characters.
    "empty": ("", ":1: name: this key is missing"),
    "only a comment": ("# nothing\n", ":1: name: this key is missing"),
    "a byte order mark alone": ("\ufeff", ":1: name: this key is missing"),
    "UTF-16": (STUDY.encode("utf-16"), "save it in UTF-8"),
    "UTF-16 without a mark": (STUDY.encode("utf-16-le"), "not YAML"),
    "Latin-1": (named("größe").encode("latin-1"), "save it in UTF-8"),
    "half a character": (STUDY.encode() + b"\xe2\x82", "save it in UTF-8"),
    "all bytes": (bytes(range(256)), "save it in UTF-8"),
    "NULs": ("\0" * 100, "not YAML"),
    "a NUL in a word": (named("ti\0ny"), "not YAML"),
    "an escape sequence": (named("\x1b[31mred"), "not YAML"),
    "a NUL, escaped": (named('"ti\\0ny"'), ":1: name: 'ti\\x00ny' has a control character; leave it out"),
    "an escape sequence, escaped": (named('"\\e[31mred"'), "has a control character"),
    "a C1 character, escaped": (named('"a\\x9b31m"'), "has a control character"),
    "half a surrogate": (named('"\\ud800"'), "has a control character"),
    "a character beyond Unicode": (named('"\\UFFFFFFFF"'), "an escape for a character that there is not"),
    "a control character in a key": (more('"a\\ab": 1'), "has a character that cannot be shown"),
    "a line end in a key": (more('"a\\nb": 1'), "has a character that cannot be shown"),
    "a tab in a key": (more('"a\\tb": 1'), "has a character that cannot be shown"),
    "a line separator in a key": (more('"a\\u2028b": 1'), "has a character that cannot be shown"),
    "text from right to left in a key": (more('"a\\u202eb": 1'), "has a character that cannot be shown"),
    "tabs for indentation": ("name: a\n\tb: 1\n", ":2: not YAML"),
    "2 MB of comment": (f"# {'x' * 2_000_000}\n", "more than 1,048,576 bytes"),
    "2 MB of one word": (named("x" * 2_000_000), "more than 1,048,576 bytes"),
    "a word of a million letters": (named("x" * 1_000_000), "a text has at most 10,000 characters"),
    "a million line ends": ("\n" * 1_000_000, ":1: name: this key is missing"),
    "a million anchors": ("&a " * 300_000, "not YAML"),
    "a million question marks": ("? " * 500_000, ""),
    "a million dashes": ("- " * 500_000, "inside each other"),
    # The form.
    "a list": ("- name\n", ":1: not a mapping of keys to values, but ['name']"),
    "a word": ("name\n", ":1: not a mapping"),
    "a number": ("1\n", ":1: not a mapping"),
    "two documents": ("name: a\n---\nname: b\n", "not YAML"),
    "an unknown version": ("%YAML 9.9\n---\nname: a\n", "not YAML"),
    "an unknown directive twice": ("%TAG ! a\n%TAG ! b\n---\nname: a\n", "not YAML"),
    "an open bracket": (more("start_from: ["), "not YAML"),
    "an open quote": (named('"tiny'), "not YAML"),
    "an open brace": ("{", "not YAML"),
    "a closing bracket": ("]", "not YAML"),
    "a percent sign": ("a: %", "not YAML"),
    "an at sign": ("a: @b", "not YAML"),
    "a key without a value and a colon": ("a: b: c", "not YAML"),
    "a sweep in a list": ("- parameters: {}\n", "not a mapping"),
    # Depth and size.
    "2,000 nested brackets": (f"a: {'[' * 2000}{']' * 2000}", ":1: more than 50 mappings and lists are inside"),
    "2,000 open brackets": (f"a: {'[' * 2000}", "inside each other"),
    "2,000 nested braces": (f"a: {'{a: ' * 2000}1{'}' * 2000}", "inside each other"),
    "100,000 nested brackets": (f"a: {'[' * 100_000}{']' * 100_000}", "inside each other"),
    "300 nested mappings of lines": ("".join(f"{' ' * n}a:\n" for n in range(300)), "inside each other"),
    "51 nested settings of runs": (run("data: " + "{a: " * 51 + "1" + "}" * 51), "inside each other"),
    "depth by aliases": (
        "a0: &a0 [1]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}]\n" for n in range(200)),
        "inside each other",
    ),
    "100,000 values": (more(f"start_from: [{'1,' * 100_000}]"), "more than 20,000 values"),
    "100,000 keys": ("".join(f"k{n}: 1\n" for n in range(100_000)), ""),
    "an alias bomb": (BOMB, "more than 20,000 values, once aliases are written out"),
    "a merge bomb": (MERGE_BOMB, ""),
    "an alias of itself": ("a: &a [*a]\n", "the alias contains itself"),
    "an alias of itself in a mapping": ("a: &a {b: *a}\n", "the alias contains itself"),
    "an alias of the whole file": ("&a\nname: *a\n", "the alias contains itself"),
    "a merge of itself": ("a: &a {b: {<<: *a}}\n", "the alias contains itself"),
    "an alias of nothing": ("a: *b\n", ":1: not YAML: found undefined alias"),
    "a merge of a word": ("a: {<<: b}\n", "not YAML"),
    "a merge of a list of words": ("a: {<<: [b]}\n", "not YAML"),
    "an anchor twice": ("a: [&a 1, &a 2]\n", ""),
    # Keys.
    "a list as a key": (more("? [a]\n: b"), ":12: a key must be text, not a list or mapping"),
    "a mapping as a key": (more("? {a: 1}\n: b"), "a key must be text, not a list or mapping"),
    "a list with the tag of text as a key": (more("? !!str [a]\n: b"), "a key must be text"),
    "a list with the tag of a merge as a key": (more("? !!merge [a]\n: b"), "a key must be text"),
    "null as a key": (more("null: 1"), ":12: null: a key must be text; write it in quotes"),
    "nothing as a key": (more(": 1"), "not YAML"),
    "a number as a key": (more("1: 1"), "a key must be text; write it in quotes"),
    "a fraction as a key": (more("1.5: 1"), "a key must be text; write it in quotes"),
    "a truth value as a key": (more("true: 1"), "a key must be text; write it in quotes"),
    "a number of 5,000 digits as a key": (more(f"{NINES[:900]}: 1"), "a key must be text; write it in quotes"),
    "a binary key": (more("!!binary YQ==: 1"), "a key must be text"),
    "a key of 300 letters": (more(f"{'k' * 300}: 1"), "a key has at most 255 characters"),
    "a key of 5,000 letters": (more(f"? {'k' * 5000}\n: 1"), "a key has at most 255 characters"),
    "a key twice": (more("name: again"), ":12: name: stands already on line 1"),
    "a key twice, once in quotes": (more('"name": again'), "stands already on line 1"),
    "an empty key": (more('"": 1'), "there is no such key"),
    "a dot as a key": (more('".": 1'), "there is no such key"),
    "a number as a path of the space": (space(THRESHOLD, "1"), "a key must be text"),
    # Tags.
    "no whole number": (named("!!int abc"), "'abc' is no whole number; leave the tag out"),
    "no whole number at all": (named('!!int ""'), "'' is no whole number"),
    "no number": (named("!!float abc"), "'abc' is no number; leave the tag out"),
    "no truth value": (named("!!bool abc"), "'abc' is no truth value"),
    "a timestamp": (named("!!timestamp abc"), "the tag tag:yaml.org,2002:timestamp is not for settings"),
    "a timestamp that is one": (named("!!timestamp 2020-01-01"), "is not for settings"),
    "binary": (named("!!binary abc"), "is not for settings"),
    "a set": (more("a: !!set {b, c}"), "is not for settings"),
    "an ordered mapping": (more("a: !!omap [b: 1]"), "is not for settings"),
    "pairs": (more("a: !!pairs [b: 1]"), "is not for settings"),
    "an object": (more("a: !!python/object/apply:os.system [ls]"), "is not for settings"),
    "a name": (more("a: !!python/name:os.system ''"), "is not for settings"),
    "a tag of nobody": (more("a: !nobody 1"), "is not for settings"),
    "a mapping that is said to be a list": (more("a: !!seq {b: 1}"), ""),
    "a list that is said to be text": (more("a: !!str [b]"), "is not for settings"),
    # Numbers.
    "0b_": (named("0b_"), "'0b_' is no whole number"),
    "0x_": (named("0x_"), "'0x_' is no whole number"),
    "5,000 digits": (named(NINES), "a number has at most 100 characters, but this has 5,000"),
    "5,000 hexadecimal digits": (named(f"0x{NINES}"), "a number has at most 100 characters"),
    "5,000 digits behind a point": (named(f"0.{NINES}"), "a number has at most 100 characters"),
    "5,000 sixties": (named("1" + ":30" * 5000), "a number has at most 100 characters"),
    "22 digits": (space("{type: int, low: 1, high: 9999999999999999999999}"), "a whole number is between -1e+18 and"),
    "30 sixties": (named("1" + ":30" * 30), "a whole number is between"),
    "infinity": (space("{type: float, low: 0, high: .inf}"), "finite number"),
    "no number as a bound": (space("{type: float, low: .nan, high: 1}"), "finite number"),
    "1e999": (space("{type: float, low: 0, high: 1e999}"), "finite number"),
    "infinity as a choice": (space("{type: choice, choices: [.inf, 1.0]}"), ""),
    # The space.
    "a step of 1e-300": (space("{type: float, low: 0.5, high: 0.9, step: 1e-300}"), "has more than 1,000,000 values"),
    "a step of 1e-15": (space("{type: float, low: 0.5, high: 0.9, step: 1e-15}"), "has more than 1,000,000 values"),
    "a step of 0": (space("{type: float, low: 0.5, high: 0.9, step: 0}"), "greater than 0"),
    "a step of 5e-324": (space("{type: float, low: 0, high: 1e308, step: 5e-324}"), "has more than 1,000,000 values"),
    "bounds further apart than a number": (
        space("{type: float, low: -1.7e308, high: 1.7e308}"),
        "exceeds the largest number",
    ),
    "a default beyond all bounds": (
        space("{type: float, low: 0.5, high: 0.9, step: 0.1, default: 1e308}"),
        "default must be between",
    ),
    "a whole number of 1e18 values": (
        space("{type: int, low: 0, high: 1000000000000000000}", "stream.frames"),
        "has more than 1,000,000 values",
    ),
    "1,001 choices": (space(f"{{type: choice, choices: [{', '.join(map(str, range(1001)))}]}}"), "at most 1000 items"),
    "100,000 choices": (space(f"{{type: choice, choices: [{'1,' * 100_000}]}}"), "more than 20,000 values"),
    "a choice twice": (space(f"{{type: choice, choices: [{'1,' * 900}]}}"), "choices must differ from each other"),
    "a subset of 30": (
        space(f"{{type: subset, of: [{', '.join(map(str, range(30)))}]}}", "model.frozen_modules"),
        "more than 1024; narrow",
    ),
    "a subset of 1,001": (
        space(f"{{type: subset, of: [{', '.join(map(str, range(1001)))}], max_size: 1}}", "model.frozen_modules"),
        "at most 1000 items",
    ),
    "201 parameters": (
        STUDY.replace("space:\n", "space:\n" + "".join(f"  p{n}: {{type: bool}}\n" for n in range(201))),
        "at most 200 items",
    ),
    "201 forbidden combinations": (
        more(f"forbidden: [{', '.join(['{adapter.name: none}'] * 201)}]"),
        "at most 200 items",
    ),
    "conditions that multiply": (_chain(), "can be met in more than 1,000 ways"),
    "a condition on itself": (
        space("{type: float, low: 0.5, high: 0.9, when: {method.pseudo_threshold: {above: 0.6}}}"),
        "",
    ),
    "a condition without end": (space("{type: float, low: 0.5, high: 0.9, when: []}"), "never be active"),
    "a choice that is a mapping": (space("{type: choice, choices: [{a: 1}]}"), ""),
    "a list of types": (space("{type: [float], low: 0, high: 1}"), ""),
    "a type that there is not": (space("{type: banana}"), "there is no 'banana'"),
    "a path of 200 names": (space(THRESHOLD, ".".join("a" * 100)), "no setting has this path"),
    "dots as a path": (space(THRESHOLD, "...."), "no setting has this path"),
    "an empty path": (space(THRESHOLD, '""'), ""),
    "each of nothing": (space("{type: each, of: '', choices: [all]}", "adapter.blocks"), ""),
    "a thousand start points": (more(f"start_from: [{'defaults, ' * 1001}]"), "at most 1000 items"),
    # Names and places.
    "a name of 300 letters": (named("n" * 300), "at most 100 characters"),
    "a name that is a folder above": (named(".."), "should match pattern"),
    "a name with a line end": (named('"tiny\\n"'), "should match pattern"),
    "a name of letters that look alike": (named("tïny"), "should match pattern"),
    "a URL with half an address": (more("storage: 'sqlite://[::1/x'"), ":12: storage: Invalid IPv6 URL"),
    "a URL with a word as port": (more("storage: 'postgresql://h:abc/x'"), "storage: Port could not be cast"),
    "a URL with a port too large": (more("storage: 'postgresql://h:99999999/x'"), "storage: Port out of range"),
    "a URL of another kind": (more("storage: 'http://x'"), "must begin with sqlite:///"),
    "a URL of 5,000 letters": (more(f"storage: 'sqlite:///{'a' * 5000}'"), "a path has at most 1,000 characters"),
    "a URL with a name of 300 letters": (more(f"storage: 'sqlite:///{'a' * 300}'"), "has at most 255 bytes"),
    "a URL that is a list": (more("storage: [sqlite]"), ""),
    "a folder of 5,000 letters": (run(f"data: {{root: {'a' * 5000}}}"), "a path has at most 1,000 characters"),
    "a folder with a name of 300 letters": (run(f"data: {{root: b/{'a' * 300}}}"), "has at most 255 bytes"),
    "a folder with a line end": (run('data: {root: "a\\nb"}'), "has no control characters"),
    "a checkpoint of 300 letters": (run(f"model: {{checkpoint: {'a' * 300}}}"), "has at most 255 bytes"),
    "a former study of 5,000 letters": (more(f"start_from: {'a' * 5000}"), "a path has at most 1,000 characters"),
    "extends 5,000 letters": (f"extends: {'a' * 5000}\n", "extends: a path has at most 1,000 characters"),
    "extends a name of 300 letters": (f"extends: {'a' * 300}\n", "extends: a name in a path has at most 255 bytes"),
    "extends a list": ("extends: [a]\n", "extends: should be the name of a study file"),
    "extends a device": ("extends: /dev/zero\n", "extends: there is no file"),
    "extends itself": ("extends: hostile.yaml\n", "files extend each other"),
    # Settings of runs.
    "a billion rounds": (run("stream: {rounds: 1000000000}").replace("  stream:\n    visits", "  x:\n    y"), ""),
    "a billion trials": (STUDY.replace("trials: 3", "trials: 1000000000"), "less than or equal to 100000"),
    "a trillion hours": (STUDY.replace("trials: 3", "hours: .inf"), "finite number"),
    "a seed of 18 digits": (run("seed: 999999999999999999"), "less than or equal to 1000000000000000"),
    "a negative seed": (run("seed: -1"), "greater than or equal to 0"),
    "a billion seeds": (more("confirm: {seeds: 1000000000}"), "less than or equal to 1000"),
    "a billion winners": (more("confirm: {top: 1000000000}"), "less than or equal to 1000"),
    "a billion workers": (more("resources: {workers: 1000000000}"), "less than or equal to 1000000"),
    "a frame of a billion pixels": (run("data: {size: [1000000000, 1]}"), "less than or equal to 8192"),
    "a billion channels": (
        run("image_adapter: {name: vit_adapter, stem_width: 1000000000}"),
        "less than or equal to 1000000",
    ),
    "an encoder of 5,000 letters": (run(f"model: {{encoder: timm/{'a' * 5000}}}"), "at most 1,000 characters"),
    "a domain that is null": (run("data: {domains: {clear: null}}"), ""),
    "a preset that is a list": (run("preset: [adpt1]"), ""),
    "a room that is a list": (run("method: [dacs]"), ""),
    "a room whose name is a mapping": (run("method: {name: {dacs: 1}}"), ""),
    "10,001 visits": (
        STUDY.replace("[clear, 25mm, 50mm]", f"[{'clear, ' * 10_001}]"),
        "run.stream.visits: list should have at most 10000 items",
    ),
    "a million rounds": (
        STUDY.replace("visits: [clear, 25mm, 50mm]", "rounds: 1000000"),
        "a run has at most 10,000; drive fewer",
    ),
    # The sampler.
    "a billion levels": (STUDY.replace("{name: random}", "{name: grid, levels: 1000000000}"), "or equal to 10000"),
    "a billion parents": (
        STUDY.replace("{name: random}", "{name: genetic, population_size: 1000000000}"),
        "equal to 10000",
    ),
    "a billion children": (STUDY.replace("{name: random}", "{name: genetic, children: 1000000000}"), "equal to 10000"),
    "a billion divisions": (
        STUDY.replace("{name: random}", "{name: nsga3, dividing_parameter: 1000000000}"),
        "equal to 20",
    ),
    "a sampler that is a list": (STUDY.replace("{name: random}", "[random]"), ""),
    # Formulas.
    "5,000 terms": (objective("gain" + " + gain" * 5000), "a text has at most 10,000 characters"),
    "200 terms": (objective("gain" + " + gain" * 142), "more than 200 numbers, metrics and operators"),
    "1,400 characters": (objective("gain" + " + gain" * 200), "it has 1404 characters, more than 1000"),
    "900 signs": (objective(f"'{'-' * 900}gain'"), "more than 200 numbers, metrics and operators"),
    "400 brackets": (objective(f"'{'(' * 400}gain{')' * 400}'"), "too many nested parentheses"),
    "a call of everything": (objective("__import__('os')"), "is not understood"),
    "a formula with a line end": (objective('"gain +\\n"'), "is not a formula"),
    "a formula with a warning": (objective("1if gain else 2"), "is not understood"),
    "an empty formula": (objective("''"), "is not a formula"),
    "nine objectives": (
        more(f"objectives: [{'{metric: gain, goal: maximize}, ' * 9}]"),
        "at most 8 items",
    ),
    # Sweeps.
    "a sweep with exponents of 1e9": (
        sweep("{distribution: log_uniform, min: 1, max: 1e9}"),
        "are exponents of e in log_uniform",
    ),
    "a sweep with exponents of -1e9": (sweep("{distribution: log_uniform, min: -1e9, max: 1}"), ""),
    "a sweep with inverse exponents": (
        sweep("{distribution: inv_log_uniform, min: -1e9, max: 1}"),
        "exceeds the largest",
    ),
    "a sweep with whole exponents": (
        sweep("{distribution: q_log_uniform, min: 1, max: 100}"),
        "are exponents of e in q_log_uniform",
    ),
    "a sweep with a q of 1e-300": (sweep("{distribution: q_uniform, min: 0, max: 1, q: 1e-300}"), "largest is 1e+18"),
    "a sweep with a q of 1e-15": (sweep("{distribution: q_uniform, min: 0, max: 1, q: 1e-15}"), "1,000,000 values"),
    "a sweep with 1e308": (sweep("{distribution: int_uniform, min: -1e308, max: 1e308}"), ""),
    "a sweep with infinity": (sweep("{min: 0.1, max: .inf}"), "not inf"),
    "a sweep of a logarithm of 0": (
        sweep("{distribution: log_uniform_values, min: 0, max: 1}"),
        "must be above 0 in log_uniform_values",
    ),
    "a sweep without values": (sweep("{values: []}"), ""),
    "a sweep of mappings": (sweep("{values: [{a: 1}]}"), ""),
    "a sweep inside itself": (sweep("{parameters: {parameters: {min: 0, max: 1}}}"), "no setting has this path"),
    "a sweep with a budget of a billion": (SWEEP.replace("run_cap: 7", "run_cap: 1000000000"), "or equal to 1000000"),
    "a sweep that stops a million times": (
        f"{SWEEP}early_terminate: {{type: hyperband, s: 1000000, max_iter: 1, eta: 9}}\n",
        "early_terminate.s: should be less than or equal to 100",
    ),
}
"""Study files, and what of the refusal must be there."""

_PARAMETER = ("space", "method.pseudo_threshold")
ACCEPTED: dict[str, tuple[str | bytes, tuple[str, ...], Any]] = {
    "a byte order mark": (b"\xef\xbb\xbf" + STUDY.encode(), ("name",), "tiny"),
    "line ends of Windows": (STUDY.replace("\n", "\r\n"), ("run", "stream", "visits"), ["clear", "25mm", "50mm"]),
    "an anchor and an alias": (
        STUDY.replace("[clear, 25mm, 50mm]", "[&first clear, 25mm, *first]"),
        ("run", "stream", "visits"),
        ["clear", "25mm", "clear"],
    ),
    "a merge": (more("pruning: {<<: {min_visits: 1}}"), ("pruning", "min_visits"), 1),
    "a tag that is right": (named("!!str tiny"), ("name",), "tiny"),
    "a formula": (
        objective("gain - 0.001 * log(trainable_parameters)"),
        ("objectives",),
        [{"metric": "gain - 0.001 * log(trainable_parameters)", "goal": "maximize"}],
    ),
    "a formula of 900 digits": (
        objective(f"gain + 0x{'f' * 900}"),
        ("objectives",),
        [{"metric": f"gain + 0x{'f' * 900}", "goal": "maximize"}],
    ),
    "a step of a millionth": (
        space("{type: float, low: 0.5, high: 0.9, step: 0.000001}"),
        (*_PARAMETER, "step"),
        0.000001,
    ),
    "1,000 choices": (
        space(f"{{type: choice, choices: [{', '.join(str(n / 1000) for n in range(1000))}]}}"),
        (*_PARAMETER, "choices"),
        [n / 1000 for n in range(1000)],
    ),
    "a wide logarithm": (
        space("{type: int, low: 1, high: 1000000, log: true}", "stream.replay.min_pixels"),
        ("space", "stream.replay.min_pixels", "high"),
        1_000_000,
    ),
    "as many visits as may be": (
        STUDY.replace("visits: [clear, 25mm, 50mm]", "visits: [clear]\n    rounds: 10000"),
        ("run", "stream", "rounds"),
        10_000,
    ),
    "a sweep": (SWEEP, ("budget", "trials"), 7),
}
"""Study files that are odd, and right: the file, a key of what is read of it, and its value."""

_VALUES: Sequence[Any] = (
    *(None, True, 0, 1, -1, 2, 0.5, 1e-300, 1e-15, 1e308, -1e308, float("inf"), float("nan"), 10**9, 10**17, 10**22),
    *("", "x", "clear", "a.b", "a" * 300, "a\x00b", "\x1b[31m", "[/red]", "${HOME}", "${NOPE}", "~", "../.."),
    *([], {}, [[]], {"a": 1}, [1, 2], list(range(2000)), [0, 1, 2, 3], {"has": 1}, {"above": 1}, {"other_than": [1]}),
    *(f"{'-' * 900}x", f"{'1+' * 600}1", 'miou["x"]', "sqlite://[::1/x", "sqlite:///a", "postgresql://h:abc/x"),
    *("float", "int", "choice", "bool", "subset", "each", "constant", "log_uniform", "q_uniform", "defaults"),
    *("grid", "gp", "auto", "qmc", "nsga3", "halving", "paired", "hamlet", "vida", "cotta", "multi_exit", "adpt3"),
)
_WORDS: Sequence[str] = (
    *("\t", "\x00", "\x1b", "\ufeff", "\u2028", "\u202e", "é", "\r", "#", ",", "=", "!", "@", "`", "%", '"', "'"),
    *("{", "}", "[", "]", "[[[[[[", ": ", "? ", "- ", "|", ">", "---\n", "...\n", "%YAML 9.9\n", "&a ", "*a", "<<: *a"),
    *("!!int abc", "!!timestamp x", "!!binary x", "!!set {a}", "!!float abc", "!!bool abc", "!!python/name:os "),
    *('"\\x00"', '"\\ud800"', "9" * 5000, "1e999", "0x_", "0b_", "1_000", ".inf", ".nan", "~", "1:30:30", "2020-01-01"),
    *("? [a]: b\n", "null: 1\n", "1: 1\n"),
)
_KEYS: Sequence[str] = ("a", "", "x.y", "data", "domains", "when", "off", "step", "log", "default", "preset", "name")


def seeds() -> dict[str, str]:
    """What mutants are made of: the shipped studies and recipes, and the two above, by name."""
    studies = Path(str(resources.files("search_spaces")))
    folders = [studies, studies / "comparisons", Path(str(resources.files("segada"))) / "recipes"]
    found = {path.name: path.read_text() for folder in folders for path in sorted(folder.glob("*.yaml"))}
    return {**found, "study.yaml": STUDY, "sweep.yaml": SWEEP}


def mutant(text: str, generator: random.Random) -> str:
    """The text with up to two changes of its tree, and up to two of its letters."""
    changes = generator.randrange(3)
    if changes:
        tree = yaml.safe_load(text)
        for _ in range(changes):
            _change_tree(tree, generator)
        text = (
            yaml.safe_dump(tree, sort_keys=False, allow_unicode=True) if generator.random() < 0.8 else json.dumps(tree)
        )
    for _ in range(generator.randrange(3)):
        text = generator.choice(_TEXTUAL)(text, generator)
    return text


def _paths(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in inside:
        yield (*path, key)
        yield from _paths(value, (*path, key))


def _at(tree: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        tree = tree[part]
    return tree


def _change_tree(tree: Any, generator: random.Random) -> None:
    paths = list(_paths(tree))
    if not paths:
        return
    path = generator.choice(paths)
    section, last = _at(tree, path[:-1]), path[-1]
    value = copy.deepcopy(generator.choice([*_VALUES, _at(tree, generator.choice(paths))]))
    match generator.randrange(4):
        case 0:
            del section[last]
        case 1 if isinstance(section, dict):
            section[generator.choice([*_KEYS, *(str(one[-1]) for one in paths)])] = value
        case _:
            section[last] = value


def _places(text: str, generator: random.Random) -> tuple[int, int]:
    start = generator.randrange(len(text) + 1)
    return start, min(len(text), start + generator.randrange(1, 30))


def _insert(text: str, generator: random.Random) -> str:
    start, _ = _places(text, generator)
    return text[:start] + generator.choice(_WORDS) + text[start:]


def _remove(text: str, generator: random.Random) -> str:
    start, end = _places(text, generator)
    return text[:start] + text[end:]


def _replace(text: str, generator: random.Random) -> str:
    start, end = _places(text, generator)
    return text[:start] + generator.choice(_WORDS) + text[end:]


def _repeat(text: str, generator: random.Random) -> str:
    start, end = _places(text, generator)
    return text[:start] + text[start:end] * generator.choice([2, 50]) + text[end:]


def _copy(text: str, generator: random.Random) -> str:
    start, _ = _places(text, generator)
    other, _ = _places(text, generator)
    return text[:start] + text[other : other + 40] + text[start:]


_TEXTUAL: Sequence[Callable[[str, random.Random], str]] = (_insert, _remove, _replace, _repeat, _copy)

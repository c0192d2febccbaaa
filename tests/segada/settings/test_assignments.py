"""`--set`: values as in YAML, and comma-separated lists."""

import pytest

from segada.errors import InputError
from segada.settings.assignments import parse_assignments


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("method.pseudo_threshold=1e-3", "method.pseudo_threshold", 0.001),
        ("stream.visits=[clear, 25mm]", "stream.visits", ["clear", "25mm"]),
        ("stream.visits=clear,25mm", "stream.visits", ["clear", "25mm"]),
        ("stream.visits=clear", "stream.visits", ["clear"]),
        ("model.frozen_modules=encoder.stages.0,head", "model.frozen_modules", ["encoder.stages.0", "head"]),
        ("model.frozen_modules=encoder.stages.0,", "model.frozen_modules", ["encoder.stages.0"]),
        ("data.size=64,128", "data.size", [64, 128]),
        ("method.window.resize=0.5,2.0", "method.window.resize", [0.5, 2.0]),
        ("evaluation.domains=clear,night", "evaluation.domains", ["clear", "night"]),
        ("evaluation.domains=null", "evaluation.domains", None),
        # Text where text belongs, commas and all.
        ("data.root=/data/a,b", "data.root", "/data/a,b"),
        ("model.checkpoint=a,b.safetensors", "model.checkpoint", "a,b.safetensors"),
        ("adapter.blocks=0,2", "adapter.blocks", "0,2"),
        ("no.such.path=a,b", "no.such.path", "a,b"),
        ("data.size.²=3", "data.size.²", 3),
    ],
)
def test_lists_are_words_between_commas_where_a_list_belongs(text: str, path: str, value: object) -> None:
    assert parse_assignments([text]) == {path: value}


@pytest.mark.parametrize("text", ["pseudo_threshold", "=1", "a..b=1", "stream.visits=[clear"])
def test_what_is_no_assignment_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--set"):
        parse_assignments([text])

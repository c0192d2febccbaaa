"""Tests of the short names of parameters."""

from hypothesis import given
from hypothesis import strategies as st

from hpo.reporting.parameter_names import short_names

WORDS = st.sampled_from(["name", "adapter", "style", "probability", "method"])
PATHS = st.sets(st.lists(WORDS, min_size=1, max_size=4).map(".".join), max_size=8)


def test_two_parameters_with_one_last_word_can_be_told_apart() -> None:
    paths = ["method.style.distortion.probability", "method.style.clahe.probability", "method.optimizer.lr"]
    assert list(short_names(paths).values()) == ["distortion.probability", "clahe.probability", "lr"]
    assert short_names(["adapter.name", "method.ema_alpha"]) == {
        "adapter.name": "adapter",
        "method.ema_alpha": "ema_alpha",
    }
    assert short_names(["a.b.name", "c.b.name"]) == {"a.b.name": "a.b", "c.b.name": "c.b"}
    # The end of one path is the whole of the other.
    assert short_names(["lr", "method.lr"]) == {"lr": "lr", "method.lr": "method.lr"}
    assert short_names(["b.name", "a.b"]) == {"b.name": "b.name", "a.b": "a.b"}


@given(PATHS)
def test_no_name_is_that_of_two(paths: set[str]) -> None:
    names = short_names(paths)
    assert list(names) == list(paths)
    assert len(set(names.values())) == len(paths)

"""Tests of formulas over metrics: equal to Python's arithmetic, and limited to arithmetic."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.config.formula import Formula, FormulaError
from hpo.config.objectives import metrics_of

METRICS = {"gain": 0.12, "trainable_parameters": 5000.0, "miou/100mm": 0.5, "forgetting": -0.03}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gain", 0.12),
        ("gain - 0.01 * log(trainable_parameters)", 0.12 - 0.01 * math.log(5000)),
        ('min(gain, miou["100mm"]) / 2', 0.06),
        ("-(gain + forgetting) ** 2", -((0.12 - 0.03) ** 2)),
        ("max(1, sqrt(trainable_parameters), abs(forgetting))", math.sqrt(5000)),
        ("exp(1e-3)", math.exp(1e-3)),
    ],
)
def test_it_is_what_arithmetic_says(text: str, expected: float) -> None:
    assert Formula(text).value(METRICS.__getitem__) == pytest.approx(expected)


@given(st.floats(-5, 5), st.floats(-5, 5), st.sampled_from(["+", "-", "*"]))
def test_operators_bind_as_in_python(left: float, right: float, sign: str) -> None:
    text = f"gain {sign} 2 * forgetting"
    wanted = {"+": left + 2 * right, "-": left - 2 * right, "*": left * 2 * right}[sign]
    assert Formula(text).value({"gain": left, "forgetting": right}.__getitem__) == pytest.approx(wanted)


@pytest.mark.parametrize("text", ["log(gain - gain)", "1 / (gain - gain)", "sqrt(forgetting)", "exp(1e9)"])
def test_what_is_not_defined_is_no_number(text: str) -> None:
    assert math.isnan(Formula(text).value(METRICS.__getitem__))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gain +",
        "gain; forgetting",
        "__import__('os').system('true')",
        "gain.real",
        "[gain]",
        "gain if forgetting else 1",
        "lambda: 1",
        "True",
        "'text'",
        "gain @ gain",
        "gain << 2",
        "min()",
        "log(gain, base=2)",
        "open('x')",
        "miou[0]",
        "not gain",
    ],
)
def test_nothing_else_is_understood(text: str) -> None:
    with pytest.raises(FormulaError, match="is not a formula"):
        Formula(text)


def test_the_metrics_that_it_needs_are_known_beforehand() -> None:
    assert metrics_of('gain - min(miou["100mm"], gain)') == ("gain", "miou/100mm")
    assert metrics_of("miou/fog150m") == ("miou/fog150m",)

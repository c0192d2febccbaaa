"""Formulas over a run's metrics, as written in study files: `gain - 0.001 * log(trainable_parameters)`."""

import ast
import math
import operator
import warnings
from collections.abc import Callable, Mapping

from segada.settings.limits import FORMULA, TERMS

OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
}
FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "abs": abs,
    "exp": math.exp,
    "log": math.log,
    "max": max,
    "min": min,
    "sqrt": math.sqrt,
}


class FormulaError(ValueError):
    """Error for a text that is not a formula; the message names the part and what is allowed."""


class Formula:
    """Scalar formula of numbers, metrics, `+ - * / **`, brackets, and the functions of `FUNCTIONS`.

    A metric with a slash in its name is written as in `miou["100mm"]`. Any other Python syntax is refused, so a study
    file cannot run code.
    """

    def __init__(self, text: str) -> None:
        """Parses the text.

        Raises:
            FormulaError: it is not a formula.
        """
        if len(text) > FORMULA:
            raise FormulaError(f"is not a formula: it has {len(text)} characters, more than {FORMULA}")
        self.text = text
        self._root = _parsed(text.strip())
        # The size is checked first: all later steps descend into the tree recursively.
        if sum(isinstance(node, ast.expr) for node in ast.walk(self._root)) > TERMS:
            raise FormulaError(f"is not a formula: it has more than {TERMS} numbers, metrics and operators")
        self.metrics = tuple(dict.fromkeys(self._names(self._root)))

    @property
    def is_plain(self) -> bool:
        """True if the formula is a single metric."""
        return isinstance(self._root, ast.Name | ast.Subscript)

    def value(self, metric: Callable[[str], float]) -> float:
        """Evaluates the formula, given each metric's value; NaN where undefined (logarithm of 0, division by 0)."""
        try:
            return self._value(self._root, metric)
        except (ArithmeticError, ValueError):
            return math.nan

    def _value(self, node: ast.expr, metric: Callable[[str], float]) -> float:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.BinOp(left=left, op=sign, right=right):
                return OPERATORS[type(sign)](self._value(left, metric), self._value(right, metric))
            case ast.UnaryOp(operand=inner):
                return -self._value(inner, metric)
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return FUNCTIONS[name](*(self._value(argument, metric) for argument in arguments))
            case _:
                return metric(_metric_name(node))

    def _names(self, node: ast.expr) -> list[str]:
        match node:
            case ast.Constant(value=bool()):
                pass
            case ast.Constant(value=int() | float()):
                return []
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in OPERATORS:
                return [*self._names(left), *self._names(right)]
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return self._names(inner)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS and arguments:
                return [found for argument in arguments for found in self._names(argument)]
            case ast.Name() | ast.Subscript(value=ast.Name(), slice=ast.Constant(value=str())):
                return [_metric_name(node)]
        allowed = f"numbers, metrics, + - * / **, brackets and {', '.join(FUNCTIONS)}"
        raise FormulaError(f"is not a formula: {ast.unparse(node)!r} is not understood; allowed are {allowed}")


def _parsed(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            # Expressions that Python warns about are refused below, or have no meaning in a formula.
            warnings.simplefilter("ignore")
            return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise FormulaError(f"is not a formula: {error.msg}") from None
    # Raised for a NUL character, and for more brackets or signs than Python's parser accepts.
    except (ValueError, MemoryError, RecursionError) as error:
        raise FormulaError(f"is not a formula: {error or 'too many nested expressions'}") from None


def _metric_name(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    assert isinstance(node, ast.Subscript)
    assert isinstance(node.value, ast.Name)
    assert isinstance(node.slice, ast.Constant)
    assert isinstance(node.slice.value, str)
    return f"{node.value.id}/{node.slice.value}"

"""Configuration of OpenMMLab's libraries that a checkpoint carries, read as text: nothing in it is run."""

import ast
from collections.abc import Iterator, Mapping
from typing import Any, Final

from segada.models.preprocessing import CURE, Preprocessing, scaled

NORMALIZATION: Final = ("img_norm_cfg", "data_preprocessor", "Normalize")
"""Words of which a configuration has one if it normalizes images."""
ENTRIES: Final = ("cfg", "config")
"""Names in a checkpoint's `meta` under which mmengine and mmcv keep the configuration."""


def from_meta(meta: object) -> Preprocessing | None:
    """Returns the preprocessing in the configuration that a checkpoint's `meta` holds; None if it holds none, or one
    without a word about it.

    Raises:
        ValueError: The configuration speaks of it but cannot be read.
    """
    held = meta if isinstance(meta, dict) else {}
    for name in ENTRIES:
        config = held.get(name)
        if isinstance(config, str) and any(word in config for word in NORMALIZATION):
            config = _parsed(config, name)
        if isinstance(config, dict):
            return _stated(config, f"its meta.{name}")
    return None


def _stated(config: Mapping[str, Any], source: str) -> Preprocessing | None:
    """Returns what mmsegmentation would apply: its data preprocessor, else the normalization of its pipelines."""
    model = config.get("model")
    places = (model if isinstance(model, dict) else {}, config)
    found = (place.get("data_preprocessor") for place in places)
    preprocessor = next((one for one in found if isinstance(one, dict)), {})
    if preprocessor.get("mean") is not None:
        order = "rgb" if preprocessor.get("bgr_to_rgb") else "bgr"
        return scaled(preprocessor["mean"], preprocessor.get("std"), 255.0, order, f"{source}.data_preprocessor")
    steps = [config.get("img_norm_cfg"), *_steps(config.get("test_pipeline")), *_steps(config)]
    step = next((step for step in steps if isinstance(step, dict) and "mean" in step), None)
    if step is not None:
        order = "rgb" if step.get("to_rgb", True) else "bgr"
        return scaled(step["mean"], step.get("std"), 255.0, order, f"{source}.img_norm_cfg")
    if not preprocessor:
        return None
    order = "rgb" if preprocessor.get("bgr_to_rgb") else "bgr"
    return scaled(0.0, 1.0, 255.0, order, f"{source}.data_preprocessor")


def _steps(value: object) -> Iterator[Mapping[str, Any]]:
    """Yields the steps of pipelines that normalize, wherever they are nested."""
    if isinstance(value, dict):
        if value.get("type") == "Normalize":
            yield value
        for inner in value.values():
            yield from _steps(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _steps(inner)


def _parsed(text: str, name: str) -> dict[str, Any]:
    """Returns the values that the text, a module of Python, assigns to names."""
    try:
        statements = ast.parse(text).body
        return {
            target.id: _value(statement.value)
            for statement in statements
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name)
        }
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"its meta.{name} states a preprocessing that cannot be read ({error}); {CURE}") from error


def _value(node: ast.expr) -> Any:
    """Returns a value written out with literals and calls of `dict`; the text of any other expression."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict" and not node.args:
        return {keyword.arg: _value(keyword.value) for keyword in node.keywords}
    if isinstance(node, ast.Dict):
        return {_key(key): _value(value) for key, value in zip(node.keys, node.values, strict=True)}
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(item) for item in node.elts]
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)


def _key(node: ast.expr | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None

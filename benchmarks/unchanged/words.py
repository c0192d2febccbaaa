"""Words of the redesign: old names of settings and results, and their new names."""

from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue

SETTINGS: Final[Mapping[str, str]] = {
    "method.optimiser": "method.optimizer",
    "method.optimiser.learning_rate": "method.optimizer.lr",
    "method.momentum": "method.batch_norm.momentum",
    "method.threshold": "method.pseudo_threshold",
    "method.ignored_top": "method.pseudo_ignore_top",
    "method.ignored_bottom": "method.pseudo_ignore_bottom",
    "method.source_feature_distance": "method.source_fdist_lambda",
    "method.target_feature_distance": "method.target_fdist_lambda",
    "method.feature_distance_classes": "method.fdist_classes",
    "method.feature_distance_majority": "method.fdist_min_share",
    "method.scored": "method.evaluated_network",
    "method.colour": "method.color",
    "method.style.grey_probability": "method.style.gray_probability",
    "data.splits.select": "data.splits.val",
    "data.splits.report": "data.splits.test",
    "data.domains.*.report": "data.domains.*.test",
    "modulation": "controller",
    "prompt": "image_adapter",
    "voters": "models",
    "watch": "logging",
    "model.frozen": "model.frozen_modules",
    "model.learning": "model.trainable_modules",
    "model.fresh": "model.reinitialize",
}
"""Old paths of settings or sections to new paths; the longest match applies. `*` stands for the name of a domain."""

VALUES: Final[Mapping[str, Mapping[str, str]]] = {
    "evaluation.split": {"select": "val", "report": "test"},
    "modulation.name": {"always": "constant"},
    "evaluation.label_free": {
        "information_maximisation": "information_maximization",
        "soft_neighbourhood_density": "soft_neighborhood_density",
    },
}
"""Old values, or items of a list, to new ones, by old path."""

RESULTS: Final[Mapping[str, str]] = {
    **VALUES["evaluation.label_free"],
    "mishaps": "incidents",
    "optimiser": "optimizer",
    "prompt": "image_adapter",
    "voters": "models",
}
"""Old keys in reports, states and tables, and old columns of csv files, to new ones; parts between dots and slashes
count."""

FILES: Final[Mapping[str, str]] = {
    "report_": "test_",
    "select_": "val_",
}
"""Old prefixes of file names to new ones."""

RESULT_VALUES: Final[Mapping[str, str]] = {
    "select": "val",
    "report": "test",
}
"""Old texts in reports to new ones; only whole texts match."""


def translated(settings: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Returns settings of a run, given in old words, in new words.

    Args:
        settings: Nested settings, as in a settings file.
    """
    tree: dict[str, JsonValue] = {}
    for path, value in _leaves(settings, ()):
        _put(tree, _new_path(path), _new_value(".".join(path), value))
    return tree


def translated_key(key: str) -> str:
    """Returns a key of a result or the name of a column in new words; a new key stays unchanged."""
    if key in SETTINGS or any(key.startswith(f"{old}.") for old in SETTINGS):
        return ".".join(_new_path(tuple(key.split("."))))
    for separator in ("/", "."):
        if separator in key:
            return separator.join(translated_key(part) for part in key.split(separator))
    return RESULTS.get(key, key)


def translated_file(name: str) -> str:
    """Returns the name of a file, without folders, in new words."""
    old = next((old for old in FILES if name.startswith(old)), "")
    return FILES.get(old, old) + name.removeprefix(old)


def _leaves(tree: Mapping[str, JsonValue], above: tuple[str, ...]) -> list[tuple[tuple[str, ...], JsonValue]]:
    leaves: list[tuple[tuple[str, ...], JsonValue]] = []
    for key, value in tree.items():
        path = (*above, key)
        leaves += _leaves(value, path) if isinstance(value, dict) and value else [(path, value)]
    return leaves


def _new_path(path: tuple[str, ...]) -> tuple[str, ...]:
    for length in range(len(path), 0, -1):
        new = SETTINGS.get(".".join(_without_domain(path[:length])))
        if new is not None:
            above = [path[place] if part == "*" else part for place, part in enumerate(new.split("."))]
            return (*above, *path[length:])
    return path


def _without_domain(path: tuple[str, ...]) -> tuple[str, ...]:
    return (*path[:2], "*", *path[3:]) if path[:2] == ("data", "domains") and len(path) > 2 else path


def _new_value(path: str, value: JsonValue) -> JsonValue:
    words = VALUES.get(path, {})
    if isinstance(value, list):
        return [words.get(item, item) if isinstance(item, str) else item for item in value]
    return words.get(value, value) if isinstance(value, str) else value


def _put(tree: dict[str, JsonValue], path: tuple[str, ...], value: JsonValue) -> None:
    *above, last = path
    for key in above:
        inside = tree.setdefault(key, {})
        assert isinstance(inside, dict)
        tree = inside
    tree[last] = value

"""Traps of W&B sweeps: what a file says, but its author hardly means, is refused or said in a line with the cure."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeGuard

from pydantic import ValidationError

from hpo.config.formula import FormulaError
from hpo.config.objectives import DOMAIN_PREFIX, LABEL_FREE_PREFIX, METRICS, metrics_of
from hpo.config.sweep_distributions import SweepParameter
from segada.settings import RunSettings
from segada.settings.files import Document
from segada.settings.nested import Parts, Tree, Value
from segada.settings.schema import Slot, nearest, slots
from segada.settings.validation_errors import shown

STUDY_KEYS = {
    "low": "min",
    "high": "max",
    "choices": "values",
    "of": "values, a list of lists",
    "log": "distribution: log_uniform_values",
    "step": "distribution: q_uniform with q",
    "type": "distribution",
}
"""Keys of parameters in study files, with those of sweeps."""
OTHER_NAMES = {
    "float": "uniform",
    "int": "int_uniform",
    "integer": "int_uniform",
    "randint": "int_uniform",
    "choice": "categorical",
    "loguniform": "log_uniform_values",
    "log": "log_uniform_values",
    "quniform": "q_uniform",
    "qloguniform": "q_log_uniform_values",
    "qrandint": "q_uniform",
}
"""Names of distributions in study files and other libraries, with W&B's."""
GROUPS = (("value",), ("values",), ("min", "max"), ("parameters",))
"""Keys of which a parameter has one group."""
EXPONENTS = {
    "log_uniform": "log_uniform_values",
    "q_log_uniform": "q_log_uniform_values",
    "inv_log_uniform": "inv_log_uniform_values",
}
"""Distributions whose ends are exponents of e, with those whose ends are values."""
LARGEST = 35.0
"""Exponent from which on no setting has such a value (e^35 is 1.6e15)."""
DECADES = 1000.0
"""Ratio of the ends of an even range from which on nearly all draws lie in the last decade."""
BETTER_HIGH = ("mean_miou", "gain", "worst_domain_miou", "frames_per_second")
"""Metrics that nobody minimizes."""


@dataclass(frozen=True)
class Entry:
    """A parameter of a sweep as it is written.

    Attributes:
        path: Path of the setting.
        source: Its place in the sweep.
        given: Its keys and values.
    """

    path: str
    source: Parts
    given: Tree

    @cached_property
    def kind(self) -> str:
        """Name of its distribution, given or derived; empty if its keys are wrong."""
        try:
            return SweepParameter.model_validate(self.given).kind
        except ValidationError:
            return ""

    @cached_property
    def ends(self) -> tuple[float, float] | None:
        """Ends of its range; None if it has none."""
        low, high = self.given.get("min"), self.given.get("max")
        return (float(low), float(high)) if _is_number(low) and _is_number(high) and low < high else None

    @cached_property
    def takes_fractions(self) -> bool:
        """Whether the setting may lie between two whole numbers."""
        places = slots(RunSettings, self.path.split("."))
        return self.ends is not None and any(_accepts(place, self.ends[0] + 0.5) for place in places)


Found = tuple[Parts, str]
"""Place in a sweep, and what is wrong there or worth knowing."""


def check_traps(document: Document) -> None:
    """Raises InputError with the line and the cure where a sweep surely means something else than it says."""
    for place, problem in _refusals(document.tree):
        raise document.error(place, problem)


def sweep_notes(document: Document) -> list[str]:
    """Returns a line for each part of a sweep that may mean something else than its author thinks, or is not used."""
    found = [found for entry in _entries(document.tree) for note in _NOTES for found in note(entry)]
    return [str(document.error(place, text)) for place, text in [*found, *_notes_on_sweep(document.tree)]]


def _entries(tree: Tree, path: str = "", source: Parts = ()) -> Iterator[Entry]:
    parameters = tree.get("parameters")
    for name, given in parameters.items() if isinstance(parameters, dict) else ():
        if isinstance(given, dict):
            entry = Entry(f"{path}.{name}" if path else name, (*source, "parameters", name), given)
            yield entry
            yield from _entries(given, entry.path, entry.source)


def _plain(tree: Tree, source: Parts = ()) -> Iterator[Found]:
    parameters = tree.get("parameters")
    for name, given in parameters.items() if isinstance(parameters, dict) else ():
        place = (*source, "parameters", name)
        if isinstance(given, dict):
            yield from _plain(given, place)
        elif given is not None:
            key = "values" if isinstance(given, list) else "value"
            yield place, f"is {shown(given)} alone; write {{{key}: {shown(given)}}}"


def _refusals(tree: Tree) -> Iterator[Found]:
    yield from _plain(tree)
    seen: set[str] = set()
    for entry in _entries(tree):
        for refusal in _REFUSALS:
            yield from refusal(entry)
        if "parameters" not in entry.given and entry.path in seen:
            yield entry.source, f"{entry.path} is given twice, by its path and nested; leave one of them out"
        seen.add(entry.path)
    metric = tree.get("metric")
    if isinstance(metric, dict) and isinstance(metric.get("name"), str):
        yield from _metric_refusals(metric)


def _foreign_keys(entry: Entry) -> Iterator[Found]:
    for key, value in entry.given.items():
        if key in STUDY_KEYS and not isinstance(value, dict):
            yield (*entry.source, key), f"is a key of study files; in a sweep write {STUDY_KEYS[key]}"


def _foreign_name(entry: Entry) -> Iterator[Found]:
    name = entry.given.get("distribution")
    if isinstance(name, str) and name in OTHER_NAMES:
        yield (*entry.source, "distribution"), f"W&B has no distribution {name!r}; write {OTHER_NAMES[name]}"


def _nesting(entry: Entry) -> Iterator[Found]:
    for key, value in entry.given.items():
        if isinstance(value, dict) and key not in SweepParameter.model_fields:
            cure = f"write each level below a key parameters, or the path {_leaf(f'{entry.path}.{key}', value)}"
            yield (*entry.source, key), f"is nested without saying so; {cure}"


def _several(entry: Entry) -> Iterator[Found]:
    groups = [", ".join(key for key in keys if key in entry.given) for keys in GROUPS]
    given = [group for group in groups if group]
    if len(given) > 1:
        yield entry.source, f"has {' and '.join(given)}, of which one alone has an effect; leave the others out"


def _constant(entry: Entry) -> Iterator[Found]:
    if entry.given.get("distribution") == "constant" and "value" not in entry.given:
        yield entry.source, "constant needs value"


def _probabilities(entry: Entry) -> Iterator[Found]:
    values, shares = entry.given.get("values"), entry.given.get("probabilities")
    if isinstance(shares, list) and (not isinstance(values, list) or len(values) != len(shares)):
        count = len(values) if isinstance(values, list) else 0
        yield (*entry.source, "probabilities"), f"has {len(shares)} numbers for {count} values; write one for each"


def _values_as_exponents(entry: Entry) -> Iterator[Found]:
    if entry.kind not in EXPONENTS or entry.ends is None:
        return
    low, high = entry.ends
    if (low > 0 and high <= 1 and high >= 10 * low) or high > LARGEST:
        yield entry.source, _exponents_said(entry.kind, low, high)


def _exponents_as_values(entry: Entry) -> Iterator[Found]:
    exponents = {values: name for name, values in EXPONENTS.items()}
    if entry.kind in exponents and entry.ends is not None and entry.ends[0] <= 0:
        cure = f"for exponents of e write distribution: {exponents[entry.kind]}"
        yield (*entry.source, "min"), f"must be above 0 in {entry.kind}, but is {entry.ends[0]:g}; {cure}"


def _two_whole_numbers(entry: Entry) -> Iterator[Found]:
    if _draws_whole_numbers(entry) and entry.ends is not None and entry.ends[1] - entry.ends[0] <= 1:
        yield entry.source, _whole_said(entry, entry.ends)


def _metric_refusals(metric: Tree) -> Iterator[Found]:
    name = str(metric["name"])
    if "/" in name and not _is_known(name):
        last = name.rpartition("/")[2]
        within = f"{DOMAIN_PREFIX}DOMAIN and {LABEL_FREE_PREFIX}SCORE"
        text = f"there is no metric {name!r}: in names there is a slash in {within} alone; {nearest(last, METRICS)}"
        yield ("metric", "name"), text
    elif "goal" not in metric and (name in BETTER_HIGH or name.startswith(DOMAIN_PREFIX)):
        yield ("metric",), f"has no goal, which W&B takes for minimize, and {name} is better high; write goal: maximize"


_REFUSALS: Sequence[Callable[[Entry], Iterator[Found]]] = (
    _foreign_keys,
    _foreign_name,
    _nesting,
    _several,
    _constant,
    _probabilities,
    _values_as_exponents,
    _exponents_as_values,
    _two_whole_numbers,
)


def _exponents_noted(entry: Entry) -> Iterator[Found]:
    if entry.kind in EXPONENTS and entry.ends is not None:
        yield entry.source, _exponents_said(entry.kind, *entry.ends)


def _whole_noted(entry: Entry) -> Iterator[Found]:
    if _draws_whole_numbers(entry) and entry.ends is not None:
        yield entry.source, _whole_said(entry, entry.ends)


def _decades_noted(entry: Entry) -> Iterator[Found]:
    if entry.kind == "uniform" and entry.ends is not None and 0 < DECADES * entry.ends[0] <= entry.ends[1]:
        most = f"uniform draws nine of ten values above {entry.ends[1] / 10:g}"
        yield entry.source, f"{most}; for all orders of magnitude alike write distribution: log_uniform_values"


def _steps_noted(entry: Entry) -> Iterator[Found]:
    step = entry.given.get("q")
    if step is not None and entry.kind and not entry.kind.startswith("q_"):
        yield (*entry.source, "q"), f"has no effect in {entry.kind}; write distribution: q_uniform"
    if entry.kind == "q_uniform" and entry.ends is not None and _is_number(step) and step > 0:
        low, high = (round(end / step) * step for end in entry.ends)
        if not (math.isclose(low, entry.ends[0], abs_tol=1e-12) and math.isclose(high, entry.ends[1])):
            yield entry.source, f"q_uniform draws multiples of q: {step:g}, from {low:g} to {high:g}"


_NOTES: Sequence[Callable[[Entry], Iterator[Found]]] = (_exponents_noted, _whole_noted, _decades_noted, _steps_noted)


def _notes_on_sweep(tree: Tree) -> Iterator[Found]:
    hyperband, metric = tree.get("early_terminate"), tree.get("metric")
    if isinstance(hyperband, dict):
        yield ("early_terminate",), "counts visits of a run here, and at W&B whatever a run logs"
        if "min_iter" in hyperband and {"max_iter", "s"} & hyperband.keys():
            yield ("early_terminate",), "has min_iter, so that max_iter and s have no effect"
        if "strict" in hyperband:
            yield ("early_terminate", "strict"), "is not used: every run at a rung is compared with all before it"
    if metric is None:
        yield ("method",), "there is no metric: mean_miou is maximized"
    for key in ("target", "impute", "impute_while_running"):
        if isinstance(metric, dict) and key in metric:
            yield ("metric", key), "is not used: a study ends with its budget, and a failed trial has no value"


def _exponents_said(kind: str, low: float, high: float) -> str:
    ends = sorted(math.exp(min(sign * end, 700.0)) for end in (low, high) for sign in (-1 if "inv" in kind else 1,))
    said = f"min and max are exponents of e in {kind}: {ends[0]:g} to {ends[1]:g}"
    if low < 0 and low.is_integer() and high.is_integer():
        return f"{said}; for powers of ten write distribution: {EXPONENTS[kind]}, min: 1e{low:g}, max: 1e{high:g}"
    return said if low <= 0 else f"{said}; for {low:g} to {high:g} write distribution: {EXPONENTS[kind]}"


def _leaf(path: str, value: Tree) -> str:
    """Returns the path of the first parameter that is nested as plain mappings."""
    name, inner = next(iter(value.items()), ("", None))
    if not isinstance(inner, dict) or name in SweepParameter.model_fields:
        return path
    return _leaf(f"{path}.{name}", inner)


def _draws_whole_numbers(entry: Entry) -> bool:
    """Returns True if a setting that takes fractions gets whole numbers because nothing else was said."""
    is_derived = entry.kind == "int_uniform" and "distribution" not in entry.given
    return (is_derived or (entry.kind == "q_uniform" and "q" not in entry.given)) and entry.takes_fractions


def _whole_said(entry: Entry, ends: tuple[float, float]) -> str:
    why = "without q, q_uniform draws" if entry.kind == "q_uniform" else "with whole numbers as min and max, W&B draws"
    return f"{why} whole numbers alone, from {ends[0]:g} to {ends[1]:g}; for those between write distribution: uniform"


def _is_known(name: str) -> bool:
    try:
        return all(one in METRICS or one.startswith((DOMAIN_PREFIX, LABEL_FREE_PREFIX)) for one in metrics_of(name))
    except FormulaError:
        return False


def _accepts(place: Slot, value: float) -> bool:
    try:
        place.check(value)
    except ValidationError:
        return False
    return True


def _is_number(value: Value) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

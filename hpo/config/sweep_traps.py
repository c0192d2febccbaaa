"""Traps of W&B sweeps: what a file says, but its author surely does not mean, is refused with the cure."""

from collections.abc import Callable, Iterator, Sequence

from hpo.config.formula import FormulaError
from hpo.config.objectives import DOMAIN_PREFIX, GAIN_PREFIX, LABEL_FREE_PREFIX, METRICS, PREQUENTIAL, metrics_of
from hpo.config.sweep_distributions import SweepParameter
from hpo.config.sweep_entries import EXPONENTS, Entry, Found, draws_whole_numbers, entries, exponents_said, whole_said
from segada.settings.files import Document
from segada.settings.nested import Parts, Tree
from segada.settings.schema import nearest
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
SMALL = 0.1
"""Least exponent at or below which a range over more than one order of magnitude is one of values."""
LARGEST = 35.0
"""Exponent from which on no setting has such a value (e^35 is 1.6e15)."""
BETTER_HIGH = ("mean_miou", "gain", "worst_domain_miou", "worst_gain", *PREQUENTIAL, "frames_per_second")
"""Metrics whose greater value is better."""


def check_traps(document: Document) -> None:
    """Raises InputError with the line and the cure where a sweep surely means something else than it says."""
    for place, problem in _refusals(document.tree):
        raise document.error(place, problem)


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
    for entry in entries(tree):
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
    if (0 < low <= SMALL and high >= 10 * low) or high > LARGEST:
        yield entry.source, exponents_said(entry.kind, low, high)


def _exponents_as_values(entry: Entry) -> Iterator[Found]:
    exponents = {values: name for name, values in EXPONENTS.items()}
    if entry.kind in exponents and entry.ends is not None and entry.ends[0] <= 0:
        cure = f"for exponents of e write distribution: {exponents[entry.kind]}"
        yield (*entry.source, "min"), f"must be above 0 in {entry.kind}, but is {entry.ends[0]:g}; {cure}"


def _two_whole_numbers(entry: Entry) -> Iterator[Found]:
    if draws_whole_numbers(entry) and entry.ends is not None and entry.ends[1] - entry.ends[0] <= 1:
        yield entry.source, whole_said(entry, entry.ends)


def _metric_refusals(metric: Tree) -> Iterator[Found]:
    name = str(metric["name"])
    if "/" in name and not _is_known(name):
        last = name.rpartition("/")[2]
        within = f"{DOMAIN_PREFIX}DOMAIN, {GAIN_PREFIX}DOMAIN and {LABEL_FREE_PREFIX}SCORE"
        text = f"there is no metric {name!r}: in names there is a slash in {within} alone; {nearest(last, METRICS)}"
        yield ("metric", "name"), text
    elif "goal" not in metric and (name in BETTER_HIGH or name.startswith((DOMAIN_PREFIX, GAIN_PREFIX))):
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


def _leaf(path: str, value: Tree) -> str:
    """Returns the path of the first parameter that is nested as plain mappings."""
    name, inner = next(iter(value.items()), ("", None))
    if not isinstance(inner, dict) or name in SweepParameter.model_fields:
        return path
    return _leaf(f"{path}.{name}", inner)


_PREFIXES = (DOMAIN_PREFIX, GAIN_PREFIX, LABEL_FREE_PREFIX)


def _is_known(name: str) -> bool:
    try:
        return all(one in METRICS or one.startswith(_PREFIXES) for one in metrics_of(name))
    except FormulaError:
        return False

"""YAML settings that use the data sets found in a folder."""

from collections.abc import Mapping, Sequence
from typing import Final

import yaml

from segada.data.discovery.frame_size import proposed_size
from segada.data.inspection.inspection import Inspection
from segada.data.inspection.recognition import Recognized
from segada.data.splits import Split
from segada.settings.class_sets import CITYSCAPES
from segada.settings.data import DomainSettings
from segada.settings.nested import Tree

WIDEST: Final = 1024
"""Longest side in pixels that is suggested: half of that of Cityscapes, as is usual for street scenes."""
LARGEST: Final = (1024, 2048)
"""Height and width of images if none could be read."""


def suggested(found: Sequence[tuple[Recognized, Inspection]]) -> str:
    """Returns settings of a run, as YAML: `data` with every domain, and a `stream` over the domains that can be
    visited.

    The source is the first domain that has source frames. Domains without the frames that the stream needs are left out
    of it.
    """
    domains: Tree = {}
    counts: dict[str, Mapping[Split, int]] = {}
    first = found[0][0]
    for data_set, inspection in found:
        for name, domain in data_set.domains.items():
            unique = name if name not in domains else f"{name}_{data_set.layout}"
            root = {} if data_set.root == first.root else {"root": str(data_set.root.resolve())}
            domains[unique] = {**_given(domain), **root}
            counts[unique] = inspection.counts[name]
    scored = [name for name, count in counts.items() if count["val"] and count["test"]]
    sources = [name for name in scored if counts[name]["source"]]
    visits = [name for name in scored if counts[name]["adapt"] and name not in sources[:1]]
    visits = visits or [name for name in scored if counts[name]["adapt"]]
    sizes = [look.size for _, inspection in found for look in inspection.usable]
    size = proposed_size(sizes or [LARGEST], longest=WIDEST)
    data: Tree = {"size": list(size), "root": str(first.root.resolve()), **_classes(first), "domains": domains}
    stream: Tree = {"source": sources[0], "visits": list(visits), "frames": None} if sources and visits else {}
    settings = {"data": data, **({"stream": stream} if stream else {})}
    return yaml.safe_dump(settings, default_flow_style=None, sort_keys=False, width=118, allow_unicode=True)


def _classes(data_set: Recognized) -> Tree:
    """Returns `classes` unless they are the default."""
    return {} if data_set.classes == CITYSCAPES else {"classes": data_set.classes.model_dump(mode="json")}


def _given(domain: DomainSettings) -> Tree:
    """Returns the settings that differ from the defaults."""
    return {"dataset": domain.dataset, **domain.model_dump(mode="json", exclude_defaults=True)}

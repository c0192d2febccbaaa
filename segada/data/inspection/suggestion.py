"""YAML settings that use the data sets found in a folder."""

from collections.abc import Mapping, Sequence
from typing import Final

import yaml

from segada.data.inspection.inspection import Inspection
from segada.data.inspection.recognition import Recognized
from segada.data.splits import Split
from segada.settings.data import DomainSettings
from segada.settings.nested import Tree

WIDEST: Final = 1024
"""Width in pixels above which images are halved, as is usual for street scenes."""
STRIDE: Final = 32
"""Stride of an encoder's deepest map."""


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
    size = _size([inspection for _, inspection in found])
    data: Tree = {"size": list(size), "root": str(first.root.resolve()), "domains": domains}
    stream: Tree = {"source": sources[0], "visits": list(visits), "frames": None} if sources and visits else {}
    settings = {"data": data, **({"stream": stream} if stream else {})}
    return yaml.safe_dump(settings, default_flow_style=None, sort_keys=False, width=118, allow_unicode=True)


def _given(domain: DomainSettings) -> Tree:
    """Returns the settings that differ from the defaults."""
    return {"dataset": domain.dataset, **domain.model_dump(mode="json", exclude_defaults=True)}


def _size(inspections: Sequence[Inspection]) -> tuple[int, int]:
    sizes = [look.size for inspection in inspections for look in inspection.usable]
    height, width = max(sorted(set(sizes)), key=sizes.count, default=(1024, 2048))
    smaller = 2 if width > WIDEST else 1
    height, width = (max(STRIDE, round(side / smaller / STRIDE) * STRIDE) for side in (height, width))
    return height, width

"""A metric of one's own: how well people and vehicles are seen, in the domain in which they are seen worst.

The mean over all classes may rise while these fall.
"""

import math
from statistics import mean

from segada.records import RunReport

USERS = ("person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle")


def worst(report: RunReport) -> float:
    """Returns the least mean IoU of people and vehicles over the visits, each in its own domain right after it."""
    means = []
    for visit in report.visits:
        by_class = visit.iou.get(visit.domain, {})
        means.append(mean([by_class[name] for name in USERS if name in by_class] or [math.nan]))
    return min(means, key=lambda value: math.inf if math.isnan(value) else value)

"""A visit as one point of a run's history."""

import re

from segada.records import VisitRecord


def point_of(record: VisitRecord) -> dict[str, float | int | str | None]:
    """Its numbers by their names in the charts: those of a group have its name and a slash in front."""
    groups = {
        "miou": record.miou,
        "label_free": record.label_free,
        "losses": record.losses,
        "learning_rates": record.learning_rates,
        "controller": record.controller,
    }
    return {
        "visit": record.visit,
        "domain": record.domain,
        "visited_miou": record.visited_miou,
        "online_miou": record.online_miou,
        # Not as in the summary, where the same names are of the whole run.
        "visit_frames_per_second": record.frames_per_second,
        "visit_seconds": record.seconds,
        "peak_memory": record.peak_memory,
        **{f"{group}/{name}": value for group, values in groups.items() for name, value in values.items()},
    }


def objective_key(metric: str) -> str:
    """Under which the summary of a run has the value of an objective; formulas are too much for W&B's charts."""
    return f"objective/{re.sub(r'[^A-Za-z0-9_/]+', '_', metric).strip('_')}"

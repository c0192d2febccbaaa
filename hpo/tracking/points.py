"""Visits as points of a W&B run's history."""

import re

from segada.records import VisitRecord


def point_of(record: VisitRecord) -> dict[str, float | int | str | None]:
    """Returns a visit's values by chart name; names in a group have the group's name and a slash in front."""
    groups = {
        "miou": record.miou,
        "label_free": record.label_free,
        "losses": record.losses,
        "pseudo_labels": record.pseudo_labels,
        "training_iou": record.training_iou,
        "training_accuracy": record.training_accuracy,
        "metrics": record.metrics,
        "learning_rates": record.learning_rates,
        "controller": record.controller,
    }
    return {
        "visit": record.visit,
        "domain": record.domain,
        "visited_miou": record.visited_miou if record.is_scored else None,
        "online_miou": record.online_miou,
        "adaptation_speed": record.adaptation_speed,
        # The summary uses the names without `visit_` for the whole run.
        "visit_frames_per_second": record.frames_per_second,
        "visit_seconds": record.seconds,
        "peak_memory": record.peak_memory,
        **{f"{group}/{name}": value for group, values in groups.items() for name, value in values.items()},
    }


def objective_key(metric: str) -> str:
    """Returns the key of an objective in a run's summary; W&B's charts cannot handle formulas."""
    return f"objective/{re.sub(r'[^A-Za-z0-9_/]+', '_', metric).strip('_')}"

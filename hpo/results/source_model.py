"""Whether the source model of a study works before it is adapted."""

from segada.records import Record, RunReport


class SourceModel(Record):
    """Result of the source model on its own domain, before adaptation."""

    domain: str
    """Domain on which the model was trained, `run.stream.source`."""
    miou: float
    """mIoU on held-out frames of this domain, in [0, 1]."""
    least: float
    """Least mIoU of a model that works, `confirm.source_at_least`, in [0, 1]."""
    name: str = ""
    """Name of the source model if there are several: its checkpoint, or the seed of its training."""

    @property
    def works(self) -> bool:
        """True if the model reaches the least mIoU."""
        return self.miou >= self.least


def source_model_of(report: RunReport, domain: str | None, least: float) -> SourceModel | None:
    """Returns the result of the source model from the report of any run, which scores it before it adapts.

    Args:
        report: Report of a run.
        domain: Source of the stream; None if it has none.
        least: `confirm.source_at_least`.

    Returns:
        None if the run did not score this domain.
    """
    miou = None if domain is None else report.source_only.get(domain)
    return None if domain is None or miou is None else SourceModel(domain=domain, miou=miou, least=least)

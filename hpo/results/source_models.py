"""Results of a study with several source models, and each source model's own."""

from collections.abc import Collection, Mapping, Sequence

from hpo.results.confirmation import Bootstrap, Candidate, Confirmation, SourceModelResults, confirm
from hpo.results.source_model import SourceModel


def by_source_model(
    candidates: Sequence[Candidate],
    baselines: Sequence[Candidate],
    failures: Mapping[str, str],
    sources: Mapping[str, SourceModel | None],
    rendered: Collection[str],
) -> Confirmation:
    """Compares configurations as `confirm` does, over all source models and on each.

    Gains are differences within a source model. Intervals over all count each source model once, with its mean over the
    seeds, so that the spread of source models is part of them.

    Args:
        candidates: Configurations, best first.
        baselines: Baselines and the default configuration.
        failures: Reasons of those that failed, by name.
        sources: Result of each source model on its own domain, by the name of the source model.
        rendered: Visited domains that are rendered.
    """
    known = [source for source in sources.values() if source is not None]
    least = min(known, key=lambda one: one.miou, default=None)
    whole = confirm(candidates, baselines, failures, Bootstrap(), least, rendered)
    if len(sources) == 1:
        return whole
    found = []
    for number, (name, source) in enumerate(sources.items()):
        parts = [[one.of(number) for one in several] for several in (candidates, baselines)]
        runs = confirm(parts[0], parts[1], failures, Bootstrap(), source, rendered).runs
        found.append(SourceModelResults(name=name, source=source, runs=runs))
    return whole.model_copy(update={"source_models": found})

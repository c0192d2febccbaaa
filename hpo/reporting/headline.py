"""Headline of a conclusion: the most important fact about the best confirmed configuration, and the advice."""

from collections.abc import Mapping

from hpo.reporting.domain_gains import domains_of
from hpo.reporting.wording import listed, long_title, tenths
from hpo.results.confirmation import Confirmation, Confirmed, Estimate
from hpo.results.results import StudyResults
from hpo.results.source_model import SourceModel
from hpo.study.names import BATCH_NORM, DEFAULT, SOURCE_ONLY

NO_BASELINE = "No answer: no baseline was confirmed, so no comparison is possible."
AS_IT_IS = "Use the source model as it is"
NORM_ALONE = "Use batch-norm re-estimation, which learns nothing"


def headline(best: Confirmed, results: StudyResults, confirmation: Confirmation, where: str) -> str:
    """Returns the most important fact: whether the source model works, then adaptation, then the search.

    Args:
        best: Best confirmed configuration.
        results: Results of the study.
        confirmation: Confirmation that `best` is of.
        where: Domains that the statement is restricted to; empty if it is not.
    """
    name = _name(results, is_default=is_default(best, confirmation))
    if not results.references:
        return _without_baseline(best, name)
    if results.source is not None and not results.source.works:
        return f"No answer. {source_sentence(results.source)}"
    gain = _over_baselines(best.gain)
    if not gain:
        return NO_BASELINE
    if doubt := _doubt(gain):
        verb = "does not help" if any(estimate.high < 0 for estimate in gain.values()) else "is not shown to help"
        return f"Adaptation {verb}{where}: {name} {doubt}. {_advice(gain, _norm(confirmation))}."
    photographed = _over_baselines(best.gain_by_kind.get("photographed", {}))
    if doubt := _doubt(photographed):
        on = f"In photographed domains ({listed(domains_of('photographed', results))})"
        return (
            f"Adaptation helps in rendered domains alone ({listed(domains_of('rendered', results))}). {on} {name} "
            f"{doubt}. {_advice(photographed, None)} there."
        )
    beaten = listed([long_title(baseline) for baseline in gain])
    return f"Adaptation helps{where}: {name} beats {beaten}{_over_default(best.gain.get(DEFAULT))}."


def is_default(best: Confirmed, confirmation: Confirmation) -> bool:
    """Returns True if the best configuration is the default one."""
    return any(run.name == DEFAULT and run.trial == best.trial for run in confirmation.runs)


def source_sentence(source: SourceModel) -> str:
    """Returns a sentence on a source model that does not work: its mIoU, its domain and the limit."""
    name = f" ({source.name})" if source.name else ""
    return (
        f"The source model{name} does not work on its own domain: {tenths(source.miou)} % mIoU in {source.domain}, "
        f"below {tenths(source.least)} % (confirm.source_at_least)."
    )


def _over_baselines(gain: Mapping[str, Estimate]) -> dict[str, Estimate]:
    return {baseline: estimate for baseline, estimate in gain.items() if baseline != DEFAULT}


def _doubt(gain: Mapping[str, Estimate]) -> str:
    """Returns which baselines are not beaten, as the end of a sentence; empty if all are."""
    worse = [long_title(baseline) for baseline, estimate in gain.items() if estimate.high < 0]
    unsure = [long_title(baseline) for baseline, estimate in gain.items() if estimate.low <= 0 <= estimate.high]
    if worse:
        return f"is worse than {listed(worse)}"
    return f"cannot be distinguished from {listed(unsure)}" if unsure else ""


def _advice(gain: Mapping[str, Estimate], norm: Estimate | None) -> str:
    """Returns what to use in place of a configuration that does not beat every baseline.

    Args:
        gain: Gains of the configuration over the baselines.
        norm: Gain of batch norm over the source model; None if it is not known.
    """
    over_source = gain.get(SOURCE_ONLY)
    if over_source is not None and over_source.low > 0:
        return NORM_ALONE
    return NORM_ALONE if norm is not None and norm.low > 0 else AS_IT_IS


def _norm(confirmation: Confirmation) -> Estimate | None:
    return next((run.gain.get(SOURCE_ONLY) for run in confirmation.runs if run.name == BATCH_NORM), None)


def _name(results: StudyResults, *, is_default: bool) -> str:
    """Returns the best configuration as headlines name it."""
    if not is_default:
        return "the best configuration"
    searched = any(trial.parameters for trial in results.trials)
    return f"the default configuration{', the best that the search found,' if searched else ''}"


def _without_baseline(best: Confirmed, name: str) -> str:
    """Returns the headline of a study without baselines, which claims no gain over any."""
    over = best.gain.get(DEFAULT)
    if over is None or over.low == over.high == 0:
        return f"The search chose {name.rstrip(',')}. The study has no baseline, so that no gain is claimed."
    if over.low <= 0 <= over.high:
        return f"The search chose {name.rstrip(',')}, which cannot be distinguished from the default configuration."
    verb = "beats" if over.low > 0 else "is worse than"
    return f"The search chose {name.rstrip(',')}, which {verb} the default configuration."


def _over_default(gain: Estimate | None) -> str:
    """Returns the part of the headline on the search, whose result is the gain over the default configuration; empty
    for this configuration itself."""
    if gain is None or gain.low == gain.high == 0:
        return ""
    if gain.high < 0:
        return ", but is worse than the default configuration"
    if gain.low <= 0:
        return ", but cannot be distinguished from the default configuration"
    return ", and the default configuration"

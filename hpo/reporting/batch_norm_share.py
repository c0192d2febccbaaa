"""The part of a gain over the source model that batch-norm statistics alone have."""

from hpo.reporting.wording import long_title, points, tenths
from hpo.results.confirmation import Confirmation, Confirmed
from hpo.study.names import BATCH_NORM, SOURCE_ONLY


def batch_norm_sentence(best: Confirmed, confirmation: Confirmation) -> list[str]:
    """Returns a sentence on how much of the best configuration's gain over the source model the batch-norm baseline
    explains; none if one of the two baselines was not confirmed."""
    baseline = next((run for run in confirmation.runs if run.name == BATCH_NORM), None)
    if baseline is None or SOURCE_ONLY not in best.gain or SOURCE_ONLY not in baseline.gain:
        return []
    whole, part = best.gain[SOURCE_ONLY], baseline.gain[SOURCE_ONLY]
    gain = f"Its gain over {long_title(SOURCE_ONLY)} is {tenths(whole.value, '+')} points"
    return [f"{gain}; {long_title(BATCH_NORM)} alone has {points(part)}."]

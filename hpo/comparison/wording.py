"""A comparison in plain sentences, for the page and the terminal."""

from string import ascii_lowercase

from hpo.comparison.ranking import Ranking
from hpo.comparison.results import Comparison, Method
from hpo.reporting.conclusion import SOURCE_CURE
from hpo.reporting.headline import source_sentence
from hpo.reporting.wording import interval, listed, long_title, points, tenths
from hpo.study.baselines import BASELINES
from segada.settings import RunSettings
from segada.settings.stream import StreamSettings


def headline(comparison: Comparison) -> str:
    """Returns a sentence that names the best method, if one is significantly better."""
    ranking, source = comparison.ranking, comparison.source
    if source is not None and not source.works:
        return f"No comparison. {source_sentence(source)}"
    if ranking is None:
        return f"No comparison: {comparison.methods[0].name} alone came through."
    first, *others = ranking.groups[0]
    if len(ranking.groups) == 1:
        count = len(ranking.methods)
        return f"No order holds over domains and seeds: none of the {count} methods can be told apart from another."
    if others:
        return f"{first} comes first, but cannot be told apart from {listed(others)}."
    return f"{first} comes first, ahead of every other method."


def detail(comparison: Comparison) -> str:
    """Returns sentences on the gain of the best method, pairs without a significant difference, and test power."""
    works = comparison.source is None or comparison.source.works
    sentences = [*([] if works else [SOURCE_CURE]), _worth(comparison.methods[0], comparison)]
    if comparison.ranking is not None:
        sentences += _tests(comparison.ranking)
    expected = () if comparison.is_external else BASELINES
    missing = [name for name in expected if name not in {one.name for one in comparison.references}]
    sentences += [f"Not compared with {long_title(name)}: its confirmation failed." for name in missing]
    return " ".join(sentences)


def bars(ranking: Ranking) -> str:
    """Groups of methods that are not told apart, best first: `dacs, hamlet | hamlet, tent | source_only`."""
    return " | ".join(", ".join(group) for group in ranking.groups)


def letters(ranking: Ranking) -> dict[str, str]:
    """A letter for every group, and each method's: two methods that share one are not told apart."""
    return {
        name: "".join(_letter(place) for place, group in enumerate(ranking.groups) if name in group)
        for name in ranking.methods
    }


def method_of(ranking: Ranking) -> str:
    """How the ranking was made."""
    friedman = (
        ""
        if ranking.friedman is None
        else f"Friedman's test: chi-squared {ranking.friedman:.1f} with {len(ranking.methods) - 1} degrees of freedom, "
        f"p {probability(ranking.friedman_p)}. "
    )
    pairs = len(ranking.methods) * (len(ranking.methods) - 1) // 2
    return (
        f"Ranks are means over {ranking.blocks} blocks. A block is the domain of a visit under one of the fresh seeds, "
        f"scored on that seed's own share of the reported frames. {friedman}Pairs: Wilcoxon's signed-rank test, "
        f"Holm's correction over {pairs}, level {ranking.level:g}. The visits of a run follow from each other and "
        "are no independent blocks, so the p-values are too small rather than too large: the intervals say how much, "
        "these tests only who."
    )


def frames_of(stream: StreamSettings) -> str:
    """Returns the number of frames of a visit, in words: `48 frames`, `all frames`."""
    return "all frames" if stream.frames is None else f"{stream.frames} frames"


def timed(run: RunSettings) -> str:
    """Returns what the frames per second of a run count, in words."""
    return "predicted and adapted on" if run.predicts_stream() else "adapted on, without predicting them,"


def probability(p: float | None) -> str:
    """A p-value with two significant digits, not below `< 0.001`."""
    assert p is not None
    return "< 0.001" if p < 0.001 else f"{p:.2g}"


def _worth(method: Method, comparison: Comparison) -> str:
    row = method.confirmed
    # A baseline gains nothing over itself.
    gains = [
        f"{points(gain)} points over {long_title(name)}" for name, gain in row.gain.items() if gain.low < gain.high
    ]
    rank = "" if comparison.ranking is None else f", with mean rank {comparison.ranking.mean_ranks[method.name]:.1f}"
    where = row.miou[method.worst]
    return (
        f"{method.name} reaches {tenths(row.scored_miou.value)} % mIoU ({interval(row.scored_miou)}) over the stream"
        f"{rank}{': ' if gains else ''}{listed(gains)}; in {method.worst}, its worst domain, "
        f"{tenths(where.value)} % ({interval(where)})."
    )


def _tests(ranking: Ranking) -> list[str]:
    sentences = []
    if any(len(group) > 1 for group in ranking.groups):
        sentences.append(f"Not told apart, group by group: {bars(ranking)}.")
    if ranking.blocks < ranking.blocks_needed:
        sentences.append(
            f"{ranking.blocks} blocks are too few to tell any two of {len(ranking.methods)} methods apart, however far "
            f"they lie from each other: that takes {ranking.blocks_needed}; raise confirm.seeds, or visit more."
        )
    return sentences


def _letter(place: int) -> str:
    """a to z, then aa, ab ... would be read as two groups: those beyond are numbers in brackets."""
    return ascii_lowercase[place] if place < len(ascii_lowercase) else f"({place + 1})"

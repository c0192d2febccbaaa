"""The critical-difference diagram (Demsar 2006) as SVG: an axis of mean ranks, and bars over who is not told apart."""

from hpo.comparison.ranking import Ranking
from hpo.reporting.markup import escape

WIDTH, SIDE, AXIS, STEP = 1000, 250, 44, 24
"""Pixels: of the whole, beside the axis for names, from the top to the axis, and between lines."""


def diagram(ranking: Ranking) -> str:
    """The better half of the methods hangs to the left of the axis, the other half to the right."""
    count = len(ranking.methods)
    bars = [group for group in ranking.groups if len(group) > 1]
    top = AXIS + 14 + 12 * len(bars)
    left = (count + 1) // 2
    parts = [_axis(count)]
    for place, group in enumerate(bars):
        y = AXIS + 14 + 12 * place
        ends = [_x(ranking.mean_ranks[name], count) for name in (group[0], group[-1])]
        parts.append(
            f'<line class="bar" x1="{ends[0] - 5:.1f}" x2="{ends[1] + 5:.1f}" y1="{y}" y2="{y}">'
            f"<title>not told apart: {escape(', '.join(group))}</title></line>"
        )
    for place, name in enumerate(ranking.methods):
        line = place if place < left else count - 1 - place
        parts.append(_leg(name, ranking.mean_ranks[name], count, y=top + STEP * line + 12, leftwards=place < left))
    height = top + STEP * left + 12
    return (
        f'<svg class="ranks" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="mean ranks">{"".join(parts)}</svg>'
    )


def _axis(count: int) -> str:
    ticks = "".join(
        f'<line x1="{_x(rank, count):.1f}" x2="{_x(rank, count):.1f}" y1="{AXIS - 6}" y2="{AXIS}"/>'
        f'<text x="{_x(rank, count):.1f}" y="{AXIS - 12}" text-anchor="middle">{rank}</text>'
        for rank in range(1, count + 1)
    )
    return f'<line x1="{_x(1, count):.1f}" x2="{_x(count, count):.1f}" y1="{AXIS}" y2="{AXIS}"/>{ticks}'


def _leg(name: str, rank: float, count: int, *, y: int, leftwards: bool) -> str:
    x, end = _x(rank, count), SIDE - 20 if leftwards else WIDTH - SIDE + 20
    anchor, text = ("end", end - 8) if leftwards else ("start", end + 8)
    return (
        f'<polyline points="{x:.1f},{AXIS} {x:.1f},{y} {end},{y}"/>'
        f'<text x="{text}" y="{y + 4}" text-anchor="{anchor}">{escape(name)} '
        f'<tspan class="rank">{rank:.2f}</tspan></text>'
    )


def _x(rank: float, count: int) -> float:
    return SIDE + (WIDTH - 2 * SIDE) * (rank - 1) / max(count - 1, 1)

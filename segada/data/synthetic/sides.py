"""Sides of a street: houses, walls, fences and parks, one stretch behind the other."""

from collections.abc import Sequence
from dataclasses import dataclass

from segada.data.synthetic.canvas import Canvas, Color, Finish, rectangle, scaled
from segada.data.synthetic.classes import Label
from segada.data.synthetic.dice import Dice
from segada.data.synthetic.furniture import LEAVES, paint_bush, paint_tree

FACADES: Sequence[Color] = (
    (0.62, 0.52, 0.42), (0.58, 0.36, 0.28), (0.70, 0.66, 0.58), (0.46, 0.45, 0.44), (0.74, 0.62, 0.42),
    (0.50, 0.42, 0.36), (0.66, 0.58, 0.54), (0.40, 0.36, 0.36),
)  # fmt: skip
PANES: Sequence[Color] = ((0.14, 0.18, 0.24), (0.22, 0.26, 0.30), (0.10, 0.12, 0.14), (0.30, 0.36, 0.42))
ROOFS: Sequence[Color] = ((0.40, 0.20, 0.15), (0.26, 0.25, 0.27), (0.34, 0.28, 0.24))
SHOPS: Sequence[Color] = ((0.60, 0.20, 0.16), (0.18, 0.34, 0.30), (0.24, 0.24, 0.26), (0.20, 0.30, 0.50))
STONES: Sequence[Color] = ((0.56, 0.53, 0.50), (0.50, 0.40, 0.34), (0.64, 0.62, 0.58))
BARS: Sequence[Color] = ((0.46, 0.34, 0.22), (0.28, 0.30, 0.30), (0.70, 0.68, 0.62), (0.20, 0.30, 0.22))
GRASSES: Sequence[Color] = ((0.40, 0.50, 0.20), (0.46, 0.48, 0.24), (0.52, 0.46, 0.30), (0.36, 0.46, 0.20))

DEEP = 14.0
"""Depth of a house away from the street, in metres."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One part of a street's side: `x` is its line (negative to the left), `near` and `far` its ends, in metres."""

    x: float
    near: float
    far: float

    def outward(self, metres: float) -> float:
        """Returns the sideways position this many metres farther from the street than the line."""
        return self.x + metres if self.x > 0 else self.x - metres


def paint_house(canvas: Canvas, dice: Dice, stretch: Stretch) -> None:
    """Paints a house: floors of windows, sometimes a shop or a gable."""
    x, near, far = stretch.x, stretch.near, stretch.far
    floors = dice.count(2, 6)
    storey, spacing = dice.between(2.8, 3.6), dice.between(1.8, 3.6)
    height = floors * storey + 0.8
    plaster = scaled(dice.pick(FACADES), dice.between(0.8, 1.15))
    fill = (dice.between(0.35, 0.7), dice.between(0.4, 0.65))
    walls = Finish(plaster, dice.pick(PANES), (spacing, storey), fill, 0.5, grain=0.10, coarse=0.7)
    back = stretch.outward(DEEP)
    canvas.front(Label.BUILDING, walls, near, rectangle(x, back, 0.0, height))
    if dice.chance(0.4):
        roof = Finish(dice.pick(ROOFS), grain=0.15)
        gable = [(x, height), (back, height), ((x + back) / 2, height + 4.0)]
        canvas.front(Label.BUILDING, walls, near, gable)
        canvas.side(Label.BUILDING, roof, x, rectangle(near, far, height, height + 2.2))
    canvas.side(Label.BUILDING, walls, x, rectangle(near, far, 0.0, height))
    canvas.side(Label.BUILDING, walls.tinted(0.75), x, rectangle(near, far, height - 0.5, height))
    if dice.chance(0.45):
        shop = Finish(dice.pick(SHOPS), (0.42, 0.44, 0.42), (3.4, 9.0), (0.75, 1.0), 0.6, grain=0.25, coarse=1.5)
        canvas.side(Label.BUILDING, shop, x, rectangle(near + 0.5, far - 0.5, 0.0, 2.6))
        canvas.side(Label.BUILDING, Finish(dice.pick(SHOPS)), x, rectangle(near + 0.5, far - 0.5, 2.6, 3.2))


def paint_wall(canvas: Canvas, dice: Dice, stretch: Stretch) -> None:
    """Paints a wall of stones or concrete, with trees behind."""
    _trees_behind(canvas, dice, stretch, 2)
    height = dice.between(2.0, 3.6)
    stone = scaled(dice.pick(STONES), dice.between(0.85, 1.1))
    period = dice.pick(((1.2, 0.5), (4.0, 9.0), (0.8, 0.4)))
    wall = Finish(scaled(stone, 0.62), stone, period, (0.9, 0.84), 0.35, grain=0.15, coarse=1.5)
    canvas.front(Label.WALL, wall, stretch.near, rectangle(stretch.x, stretch.outward(0.5), 0.0, height))
    canvas.side(Label.WALL, wall, stretch.x, rectangle(stretch.near, stretch.far, 0.0, height))
    coping = Finish(scaled(stone, 1.2))
    canvas.side(Label.WALL, coping, stretch.x, rectangle(stretch.near, stretch.far, height - 0.22, height))


def paint_fence(canvas: Canvas, dice: Dice, stretch: Stretch) -> None:
    """Paints a fence of upright bars, with grass and trees visible through and above it."""
    _lawn(canvas, dice, stretch, 12.0)
    _trees_behind(canvas, dice, stretch, 2)
    height = dice.between(1.5, 2.4)
    bars = dice.pick(BARS)
    slats = Finish((0.17, 0.21, 0.13), bars, (dice.between(0.45, 0.8), 9.0), (0.5, 1.0), 0.3, grain=0.15, coarse=2.0)
    canvas.side(Label.FENCE, slats, stretch.x, rectangle(stretch.near, stretch.far, 0.0, height))
    for rail in (0.18, 0.86):
        rails = rectangle(stretch.near, stretch.far, height * rail, height * rail + 0.16)
        canvas.side(Label.FENCE, Finish(scaled(bars, 0.9)), stretch.x, rails)


def paint_park(canvas: Canvas, dice: Dice, stretch: Stretch) -> None:
    """Paints a lawn with trees and bushes."""
    _lawn(canvas, dice, stretch, 30.0)
    _trees_behind(canvas, dice, stretch, 3)
    for _ in range(dice.count(0, 3)):
        paint_bush(canvas, dice, stretch.outward(dice.between(0.5, 4.0)), dice.between(stretch.near, stretch.far), 0.0)


def paint_hedge(canvas: Canvas, dice: Dice, stretch: Stretch) -> None:
    """Paints a hedge (class vegetation) with a house or the sky behind."""
    _trees_behind(canvas, dice, stretch, 1)
    leaves = Finish(dice.pick(LEAVES), grain=0.5, coarse=3.5)
    height = dice.between(1.4, 3.0)
    canvas.front(Label.VEGETATION, leaves, stretch.near, rectangle(stretch.x, stretch.outward(1.5), 0.0, height))
    canvas.side(Label.VEGETATION, leaves, stretch.x, rectangle(stretch.near, stretch.far, 0.0, height))


def grass(dice: Dice) -> Finish:
    """Returns the finish of grass or bare earth (class terrain)."""
    return Finish(scaled(dice.pick(GRASSES), dice.between(0.85, 1.15)), grain=0.28, coarse=3.0)


def _lawn(canvas: Canvas, dice: Dice, stretch: Stretch, depth: float) -> None:
    back = stretch.outward(depth)
    outline = [(stretch.x, stretch.near), (back, stretch.near), (back, stretch.far), (stretch.x, stretch.far)]
    canvas.ground(Label.TERRAIN, grass(dice), outline)


def _trees_behind(canvas: Canvas, dice: Dice, stretch: Stretch, most: int) -> None:
    places = sorted((dice.between(stretch.near, stretch.far) for _ in range(dice.count(0, most))), reverse=True)
    for z in places:
        paint_tree(canvas, dice, stretch.outward(dice.between(2.0, 7.0)), z, 0.0)

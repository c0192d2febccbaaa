"""Objects along a street: lamp posts, traffic lights, signs and trees."""

from collections.abc import Sequence

from segada.data.synthetic.canvas import Canvas, Color, Finish, Place, rectangle
from segada.data.synthetic.classes import Label
from segada.data.synthetic.dice import Dice

STEEL = Finish((0.40, 0.42, 0.43), grain=0.1, coarse=4.0)
HOUSING = Finish((0.07, 0.08, 0.07), grain=0.05)
TRUNK = Finish((0.26, 0.21, 0.16), grain=0.25, coarse=5.0)
RED = Finish((0.80, 0.07, 0.07), grain=0.03)
WHITE = Finish((0.95, 0.95, 0.94), grain=0.03)
BLUE = Finish((0.06, 0.24, 0.66), grain=0.03)
YELLOW = Finish((0.96, 0.80, 0.10), grain=0.03)
LAMPS: Sequence[Color] = ((1.0, 0.16, 0.10), (1.0, 0.75, 0.12), (0.15, 1.0, 0.45))
LEAVES: Sequence[Color] = ((0.20, 0.32, 0.12), (0.26, 0.38, 0.15), (0.16, 0.27, 0.12), (0.36, 0.38, 0.14))


def paint_lamp_post(canvas: Canvas, dice: Dice, x: float, z: float, ground: float) -> None:
    """Paints a lamp post whose arm reaches over the road."""
    height, width = dice.between(5.0, 8.0), dice.between(0.16, 0.26)
    canvas.front(Label.POLE, STEEL, z, rectangle(x - width / 2, x + width / 2, ground, height))
    reach = x - 1.6 if x > 0 else x + 1.6
    canvas.front(Label.POLE, STEEL, z, rectangle(min(x, reach), max(x, reach), height - 0.16, height))


def paint_traffic_light(canvas: Canvas, dice: Dice, x: float, z: float, ground: float) -> None:
    """Paints three lamps in a dark box on a pole, one of them lit."""
    lit = dice.count(0, 2)
    top = ground + dice.between(3.2, 4.0)
    canvas.front(Label.POLE, STEEL, z, rectangle(x - 0.09, x + 0.09, ground, top - 0.9))
    canvas.front(Label.TRAFFIC_LIGHT, HOUSING, z, rectangle(x - 0.28, x + 0.28, top - 1.25, top))
    for lamp, color in enumerate(LAMPS):
        glow = Finish(color if lamp == lit else (0.18, 0.17, 0.15), grain=0.02)
        canvas.front_disc(Label.TRAFFIC_LIGHT, glow, (x, top - 0.22 - 0.4 * lamp, z), (0.17, 0.17))


def paint_sign(canvas: Canvas, dice: Dice, x: float, z: float, ground: float) -> None:
    """Paints a traffic sign of one of four shapes on a thin pole."""
    centre = ground + dice.between(2.2, 2.8)
    canvas.front(Label.POLE, STEEL, z, rectangle(x - 0.06, x + 0.06, ground, centre))
    dice.pick((_prohibition, _warning, _direction, _priority))(canvas, (x, centre, z))


def paint_tree(canvas: Canvas, dice: Dice, x: float, z: float, ground: float) -> None:
    """Paints a tree: a trunk, which is vegetation in Cityscapes, under a crown of several tufts."""
    height, spread = dice.between(4.0, 8.5), dice.between(1.2, 2.4)
    canvas.front(Label.VEGETATION, TRUNK, z, rectangle(x - 0.16, x + 0.16, ground, height - spread))
    tone = dice.between(0.8, 1.2)
    leaves = Finish(dice.pick(LEAVES), grain=0.55, coarse=3.0).tinted(tone)
    for tuft in range(3 if z < 40.0 else 2):
        brightness = leaves.tinted(0.8 + 0.16 * tuft)
        place = (x + dice.between(-0.6, 0.6) * spread, height + dice.between(-0.9, 0.4) * spread, z)
        size = spread * dice.between(0.6, 0.95)
        canvas.front_disc(Label.VEGETATION, brightness, place, (size, size * 0.85))


def paint_bush(canvas: Canvas, dice: Dice, x: float, z: float, ground: float) -> None:
    """Paints a bush: tufts on the ground."""
    leaves = Finish(dice.pick(LEAVES), grain=0.5, coarse=4.0)
    for tuft in range(3):
        size = dice.between(0.5, 0.9)
        place = (x + 0.7 * (tuft - 1), ground + size * 0.6, z)
        canvas.front_disc(Label.VEGETATION, leaves.tinted(dice.between(0.8, 1.2)), place, (size, size * 0.8))


def _prohibition(canvas: Canvas, place: Place) -> None:
    canvas.front_disc(Label.TRAFFIC_SIGN, RED, place, (0.48, 0.48))
    canvas.front_disc(Label.TRAFFIC_SIGN, WHITE, place, (0.30, 0.30))


def _warning(canvas: Canvas, place: Place) -> None:
    x, y, z = place
    canvas.front(Label.TRAFFIC_SIGN, RED, z, [(x - 0.58, y - 0.42), (x + 0.58, y - 0.42), (x, y + 0.60)])
    canvas.front(Label.TRAFFIC_SIGN, WHITE, z, [(x - 0.32, y - 0.27), (x + 0.32, y - 0.27), (x, y + 0.30)])


def _direction(canvas: Canvas, place: Place) -> None:
    x, y, z = place
    canvas.front(Label.TRAFFIC_SIGN, BLUE, z, rectangle(x - 0.48, x + 0.48, y - 0.45, y + 0.45))
    canvas.front(Label.TRAFFIC_SIGN, WHITE, z, [(x - 0.16, y - 0.3), (x + 0.16, y - 0.3), (x, y + 0.32)])


def _priority(canvas: Canvas, place: Place) -> None:
    x, y, z = place
    canvas.front(Label.TRAFFIC_SIGN, WHITE, z, [(x - 0.55, y), (x, y - 0.55), (x + 0.55, y), (x, y + 0.55)])
    canvas.front(Label.TRAFFIC_SIGN, YELLOW, z, [(x - 0.38, y), (x, y - 0.38), (x + 0.38, y), (x, y + 0.38)])

"""Pedestrians, bicycles and motorcycles."""

from collections.abc import Sequence

from segada.data.synthetic.canvas import Canvas, Color, Finish, Place, rectangle, scaled
from segada.data.synthetic.classes import Label
from segada.data.synthetic.dice import Dice

CLOTHES: Sequence[Color] = (
    (0.62, 0.16, 0.18), (0.16, 0.24, 0.48), (0.85, 0.82, 0.76), (0.20, 0.36, 0.26), (0.72, 0.58, 0.20),
    (0.42, 0.22, 0.44), (0.18, 0.18, 0.20), (0.34, 0.52, 0.66),
)  # fmt: skip
TROUSERS: Sequence[Color] = ((0.14, 0.16, 0.24), (0.10, 0.10, 0.11), (0.34, 0.30, 0.24), (0.22, 0.26, 0.36))
SKIN: Sequence[Color] = ((0.82, 0.62, 0.50), (0.60, 0.42, 0.31), (0.38, 0.26, 0.19))
JACKETS: Sequence[Color] = ((0.80, 0.88, 0.16), (0.95, 0.50, 0.10), (0.90, 0.30, 0.45), (0.75, 0.90, 0.30))
HELMETS: Sequence[Color] = ((0.95, 0.95, 0.92), (0.85, 0.15, 0.12), (0.12, 0.12, 0.13), (0.15, 0.35, 0.75))
FRAMES: Sequence[Color] = ((0.10, 0.55, 0.60), (0.65, 0.20, 0.55), (0.15, 0.15, 0.16), (0.80, 0.80, 0.20))
TANKS: Sequence[Color] = ((0.80, 0.10, 0.10), (0.10, 0.20, 0.60), (0.10, 0.10, 0.11), (0.15, 0.45, 0.20))
RUBBER = Finish((0.05, 0.05, 0.06), grain=0.1)
SPOKES = Finish((0.30, 0.31, 0.32), (0.55, 0.56, 0.58), (0.16, 0.16), (0.4, 0.4), grain=0.1)
CHROME = Finish((0.66, 0.67, 0.70), grain=0.3, coarse=6.0)
ENGINE = Finish((0.20, 0.20, 0.21), (0.55, 0.55, 0.57), (0.12, 0.09), (1.0, 0.4), grain=0.1)
LAMP = Finish((1.0, 0.96, 0.80), grain=0.02)


def paint_person(canvas: Canvas, dice: Dice, x: float, z: float, ground: float) -> None:
    """Paints a pedestrian, standing or walking."""
    height = dice.between(1.55, 1.92) if dice.chance(0.85) else dice.between(1.05, 1.4)
    unit = height / 1.75
    stride = dice.between(0.05, 0.34) * unit
    hip, shoulder = ground + 0.86 * unit, ground + 1.46 * unit
    trousers = Finish(dice.pick(TROUSERS))
    coat = Finish(scaled(dice.pick(CLOTHES), dice.between(0.8, 1.15)))
    for sign in (-1.0, 1.0):
        foot = x + sign * stride
        leg = [
            (foot - 0.09, ground),
            (foot + 0.10, ground),
            (x + sign * 0.04 + 0.13, hip),
            (x + sign * 0.04 - 0.13, hip),
        ]
        canvas.front(Label.PERSON, trousers, z, leg)
    torso = [(x - 0.20 * unit, hip - 0.1), (x + 0.20 * unit, hip - 0.1), (x + 0.27 * unit, shoulder)]
    canvas.front(Label.PERSON, coat, z, [*torso, (x - 0.27 * unit, shoulder)])
    if dice.chance(0.3):
        bag = x + dice.pick((-0.36, 0.36)) * unit
        canvas.front(
            Label.PERSON, Finish(dice.pick(CLOTHES)), z, rectangle(bag - 0.13, bag + 0.13, hip - 0.3, hip + 0.15)
        )
    _head(canvas, Label.PERSON, Finish(dice.pick(SKIN)), (x, ground + 1.61 * unit, z))


def paint_bicycle(canvas: Canvas, dice: Dice, place: Place, *, ridden: bool) -> None:
    """Paints a bicycle at (x, ground, z), seen from the side; with a rider in a bright jacket if it is ridden."""
    x, y, z = place
    frame = Finish(dice.pick(FRAMES))
    facing = dice.pick((-1.0, 1.0))
    turn = dice.between(0.45, 0.62)
    for offset in (-turn, turn):
        canvas.front_disc(Label.BICYCLE, RUBBER, (x + offset, y + 0.38, z), (0.38, 0.38))
        canvas.front_disc(Label.BICYCLE, SPOKES, (x + offset, y + 0.38, z), (0.28, 0.28))
    corners = [
        (x - facing * 0.42, y + 0.34),
        (x, y + 0.28),
        (x + facing * 0.36, y + 0.86),
        (x - facing * 0.14, y + 0.86),
    ]
    canvas.front(Label.BICYCLE, frame, z, corners)
    bar = x + facing * 0.42
    canvas.front(Label.BICYCLE, RUBBER, z, rectangle(bar - 0.10, bar + 0.10, y + 0.9, y + 1.06))
    if ridden:
        _rider(canvas, dice, (x - facing * 0.08, y + 0.12, z), facing)


def paint_motorcycle(canvas: Canvas, dice: Dice, place: Place, *, ridden: bool) -> None:
    """Paints a motorcycle at (x, ground, z), heavy and low; with a rider in a helmet if it is ridden."""
    x, y, z = place
    tank = Finish(dice.pick(TANKS), grain=0.15)
    facing = dice.pick((-1.0, 1.0))
    for offset in (-0.70, 0.70):
        canvas.front_disc(Label.MOTORCYCLE, RUBBER, (x + offset, y + 0.36, z), (0.36, 0.36))
        canvas.front_disc(Label.MOTORCYCLE, CHROME, (x + offset, y + 0.36, z), (0.15, 0.15))
    block = [(x - 0.62, y + 0.30), (x + 0.62, y + 0.30), (x + 0.50, y + 0.78), (x - 0.50, y + 0.78)]
    canvas.front(Label.MOTORCYCLE, ENGINE, z, block)
    hull = [(x - facing * 0.85, y + 0.86), (x - facing * 0.20, y + 0.66), (x + facing * 0.5, y + 0.70)]
    canvas.front(Label.MOTORCYCLE, tank, z, [*hull, (x + facing * 0.66, y + 1.12), (x + facing * 0.1, y + 1.02)])
    canvas.front_disc(Label.MOTORCYCLE, LAMP, (x + facing * 0.68, y + 0.98, z), (0.13, 0.13))
    if ridden:
        _rider(canvas, dice, (x - facing * 0.12, y + 0.02, z), facing)


def _rider(canvas: Canvas, dice: Dice, place: Place, lean: float) -> None:
    x, y, z = place
    jacket = Finish(scaled(dice.pick(JACKETS), dice.between(0.85, 1.1)))
    leg = [
        (x - 0.16, y + 0.86),
        (x + 0.14, y + 0.86),
        (x + lean * 0.30 + 0.09, y + 0.24),
        (x + lean * 0.30 - 0.11, y + 0.24),
    ]
    canvas.front(Label.RIDER, Finish(dice.pick(TROUSERS)), z, leg)
    neck = x + lean * 0.20
    canvas.front(
        Label.RIDER,
        jacket,
        z,
        [(x - 0.22, y + 0.78), (x + 0.22, y + 0.78), (neck + 0.25, y + 1.42), (neck - 0.25, y + 1.42)],
    )
    arm = [
        (neck - 0.05, y + 1.36),
        (neck + 0.05, y + 1.20),
        (neck + lean * 0.36, y + 0.92),
        (neck + lean * 0.36, y + 1.06),
    ]
    canvas.front(Label.RIDER, jacket, z, arm)
    _head(canvas, Label.RIDER, Finish(dice.pick(HELMETS)), (neck + lean * 0.05, y + 1.58, z))


def _head(canvas: Canvas, label: Label, material: Finish, place: Place) -> None:
    canvas.front_disc(label, material, place, (0.13, 0.15))

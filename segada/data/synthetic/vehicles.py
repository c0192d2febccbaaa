"""Cars, trucks, buses and trams: boxes on wheels, seen from behind or from the front and along their side."""

from collections.abc import Sequence
from dataclasses import dataclass

from segada.data.synthetic.canvas import Canvas, Color, Finish, rectangle, scaled
from segada.data.synthetic.classes import Label
from segada.data.synthetic.dice import Dice

CAR_COLORS: Sequence[Color] = (
    (0.75, 0.76, 0.78), (0.20, 0.21, 0.23), (0.92, 0.92, 0.91), (0.62, 0.12, 0.12), (0.14, 0.24, 0.46),
    (0.45, 0.47, 0.50), (0.30, 0.36, 0.33), (0.70, 0.62, 0.45), (0.10, 0.10, 0.11), (0.15, 0.38, 0.55),
)  # fmt: skip
CARGO_COLORS: Sequence[Color] = (
    (0.90, 0.90, 0.88), (0.85, 0.86, 0.90), (0.22, 0.36, 0.62), (0.80, 0.42, 0.14), (0.35, 0.48, 0.34),
    (0.70, 0.68, 0.62),
)  # fmt: skip
BUS_COLORS: Sequence[Color] = ((0.90, 0.68, 0.12), (0.74, 0.14, 0.14), (0.88, 0.78, 0.22), (0.80, 0.24, 0.10))
TRAM_COLORS: Sequence[Color] = ((0.84, 0.87, 0.84), (0.20, 0.48, 0.42), (0.88, 0.88, 0.80), (0.30, 0.55, 0.50))

GLASS = Finish((0.10, 0.13, 0.17), grain=0.25, coarse=1.5)
TYRE = Finish((0.06, 0.06, 0.07), grain=0.1)
HUB = Finish((0.45, 0.45, 0.47), grain=0.1)
CHASSIS = Finish((0.12, 0.12, 0.13), grain=0.15)
SHADOW = Finish((0.11, 0.11, 0.12), grain=0.05)
TAIL_LAMP = Finish((0.85, 0.08, 0.06), grain=0.05)
HEAD_LAMP = Finish((1.0, 0.98, 0.88), grain=0.02)
PLATE = Finish((0.92, 0.92, 0.80), grain=0.05)
AMBER = Finish((1.0, 0.62, 0.10), grain=0.3, coarse=3.0)


@dataclass(frozen=True, slots=True)
class Box:
    """Bounding box of a vehicle, in metres."""

    left: float
    right: float
    near: float
    far: float
    height: float

    def at(self, share: float) -> float:
        """Returns the sideways position at a share of the width."""
        return self.left + share * (self.right - self.left)

    def along(self, share: float) -> float:
        """Returns the distance at a share of the length."""
        return self.near + share * (self.far - self.near)

    def visible_side(self) -> float | None:
        """Returns the position of the side that the camera sees; None for a vehicle straight ahead."""
        if self.left > 0.2:
            return self.left
        return self.right if self.right < -0.2 else None


def vehicle_box(x: float, near: float, measures: tuple[float, float, float]) -> Box:
    """Returns a box around x that begins at `near`; measures are width, length, height."""
    width, length, height = measures
    return Box(x - width / 2, x + width / 2, near, near + length, height)


def paint_car(canvas: Canvas, dice: Dice, box: Box, *, coming: bool) -> None:
    """Paints a car: a low body under a narrower cabin."""
    paint = Finish(scaled(dice.pick(CAR_COLORS), dice.between(0.85, 1.15)), grain=0.06)
    belt = box.height * dice.between(0.52, 0.62)
    _shadow(canvas, box)
    side = box.visible_side()
    if side is not None:
        front, back = (0.32, 0.12) if coming else (0.10, 0.30)
        roof = [(box.along(front + 0.12), box.height), (box.along(1 - back - 0.10), box.height)]
        canvas.side(Label.CAR, paint, side, [(box.along(front), belt), *roof, (box.along(1 - back), belt)])
        window = [(box.along(front + 0.05), belt), (box.along(front + 0.14), box.height * 0.93)]
        window += [(box.along(1 - back - 0.13), box.height * 0.93), (box.along(1 - back - 0.06), belt)]
        canvas.side(Label.CAR, GLASS, side, window)
        canvas.side(Label.CAR, paint, side, rectangle(box.near, box.far, 0.28, belt))
        _wheels(canvas, Label.CAR, box, side, 0.33, (0.18, 0.80))
    cabin = [(box.at(0.04), belt), (box.at(0.96), belt), (box.at(0.84), box.height), (box.at(0.16), box.height)]
    canvas.front(Label.CAR, paint.tinted(0.95), box.near, cabin)
    canvas.front(Label.CAR, TYRE, box.near, rectangle(box.at(0.05), box.at(0.22), 0.0, 0.4))
    canvas.front(Label.CAR, TYRE, box.near, rectangle(box.at(0.78), box.at(0.95), 0.0, 0.4))
    canvas.front(Label.CAR, paint, box.near, rectangle(box.left, box.right, 0.25, belt + 0.02))
    top = box.height * 0.93
    pane = [(box.at(0.12), belt + 0.04), (box.at(0.88), belt + 0.04), (box.at(0.79), top), (box.at(0.21), top)]
    canvas.front(Label.CAR, GLASS, box.near, pane)
    canvas.front(Label.CAR, CHASSIS, box.near, rectangle(box.at(0.1), box.at(0.9), 0.22, 0.38))
    _lamps(canvas, Label.CAR, box, HEAD_LAMP if coming else TAIL_LAMP, belt * 0.78)
    canvas.front(Label.CAR, PLATE, box.near, rectangle(box.at(0.37), box.at(0.63), 0.42, 0.56))


def paint_truck(canvas: Canvas, dice: Dice, box: Box, *, coming: bool) -> None:
    """Paints a truck: a windowless load on a dark frame, with a cab in front."""
    sheet = scaled(dice.pick(CARGO_COLORS), dice.between(0.8, 1.1))
    cargo = Finish(sheet, (0.25, 0.26, 0.28), (1.3, 9.0), (0.06, 1.0), grain=0.05)
    cab = Finish(dice.pick(CAR_COLORS), grain=0.05)
    floor = 1.05
    _shadow(canvas, box)
    side = box.visible_side()
    if side is not None:
        load = (0.24, 1.0) if coming else (0.0, 0.76)
        begin, end = (0.0, 0.22) if coming else (0.78, 1.0)
        canvas.side(Label.TRUCK, CHASSIS, side, rectangle(box.near, box.far, 0.45, floor))
        canvas.side(Label.TRUCK, cab, side, rectangle(box.along(begin), box.along(end), 0.5, box.height * 0.86))
        pane = rectangle(box.along(begin + 0.04), box.along(end - 0.05), box.height * 0.52, box.height * 0.76)
        canvas.side(Label.TRUCK, GLASS, side, pane)
        canvas.side(Label.TRUCK, cargo, side, rectangle(box.along(load[0]), box.along(load[1]), floor, box.height))
        _wheels(canvas, Label.TRUCK, box, side, 0.5, (0.12, 0.72, 0.86))
    _rear_wheels(canvas, Label.TRUCK, box, 0.95)
    canvas.front(Label.TRUCK, CHASSIS, box.near, rectangle(box.left, box.right, 0.55, floor))
    if coming:
        canvas.front(Label.TRUCK, cargo, box.near + 1.5, rectangle(box.left, box.right, floor, box.height))
        canvas.front(Label.TRUCK, cab, box.near, rectangle(box.at(0.02), box.at(0.98), 0.6, box.height * 0.86))
        pane = rectangle(box.at(0.08), box.at(0.92), box.height * 0.50, box.height * 0.78)
        canvas.front(Label.TRUCK, GLASS, box.near, pane)
    else:
        canvas.front(Label.TRUCK, cargo, box.near, rectangle(box.left, box.right, floor, box.height))
        canvas.front(Label.TRUCK, CHASSIS, box.near, rectangle(box.at(0.485), box.at(0.515), floor, box.height))
    _lamps(canvas, Label.TRUCK, box, HEAD_LAMP if coming else TAIL_LAMP, 0.85)


def paint_bus(canvas: Canvas, dice: Dice, box: Box, *, coming: bool) -> None:
    """Paints a bus: bright, with a band of windows along its side and a lit destination."""
    color = scaled(dice.pick(BUS_COLORS), dice.between(0.85, 1.1))
    body = Finish(color, grain=0.05)
    band = Finish((0.12, 0.15, 0.19), scaled(color, 0.8), (1.7, 9.0), (0.12, 1.0), grain=0.2, coarse=1.2)
    _shadow(canvas, box)
    side = box.visible_side()
    if side is not None:
        canvas.side(Label.BUS, body, side, rectangle(box.near, box.far, 0.35, box.height))
        canvas.side(Label.BUS, band, side, rectangle(box.along(0.02), box.along(0.98), 1.35, box.height - 0.55))
        _wheels(canvas, Label.BUS, box, side, 0.48, (0.2, 0.74))
    _rear_wheels(canvas, Label.BUS, box, 0.6)
    canvas.front(Label.BUS, body, box.near, rectangle(box.left, box.right, 0.35, box.height))
    sill = 1.15 if coming else 1.7
    canvas.front(Label.BUS, GLASS, box.near, rectangle(box.at(0.07), box.at(0.93), sill, box.height - 0.6))
    canvas.front(Label.BUS, AMBER, box.near, rectangle(box.at(0.2), box.at(0.8), box.height - 0.48, box.height - 0.18))
    _lamps(canvas, Label.BUS, box, HEAD_LAMP if coming else TAIL_LAMP, 0.85)


def paint_tram(canvas: Canvas, dice: Dice, box: Box, *, coming: bool) -> None:
    """Paints a tram (class train): long, on rails, a colored stripe under its windows, a current collector above."""
    color = scaled(dice.pick(TRAM_COLORS), dice.between(0.9, 1.08))
    stripe = Finish(dice.pick(((0.10, 0.40, 0.36), (0.14, 0.30, 0.62), (0.12, 0.44, 0.30))), grain=0.05)
    body = Finish(color, grain=0.04)
    band = Finish(scaled(color, 0.9), (0.10, 0.14, 0.18), (2.1, 9.0), (0.82, 1.0), 0.3, grain=0.1)
    _shadow(canvas, box)
    side = box.visible_side()
    if side is not None:
        canvas.side(Label.TRAIN, body, side, rectangle(box.near, box.far, 0.3, box.height))
        canvas.side(Label.TRAIN, band, side, rectangle(box.near + 0.6, box.far, 1.5, box.height - 0.6))
        canvas.side(Label.TRAIN, stripe, side, rectangle(box.near, box.far, 0.55, 1.2))
        canvas.side(Label.TRAIN, CHASSIS, side, rectangle(box.near, box.far, 0.08, 0.42))
    middle = box.at(0.5)
    collector = [(middle - 0.7, box.height + 0.8), (middle + 0.7, box.height + 0.8), (middle, box.height)]
    canvas.front(Label.TRAIN, CHASSIS, box.along(0.3), collector)
    face = [(box.left, 0.3), (box.right, 0.3), (box.right, box.height * 0.8)]
    face += [(box.at(0.82), box.height), (box.at(0.18), box.height), (box.left, box.height * 0.8)]
    canvas.front(Label.TRAIN, body, box.near, face)
    top = box.height - 0.6
    pane = [(box.at(0.06), 1.6), (box.at(0.94), 1.6), (box.at(0.84), top), (box.at(0.16), top)]
    canvas.front(Label.TRAIN, GLASS, box.near, pane)
    canvas.front(Label.TRAIN, AMBER, box.near, rectangle(box.at(0.3), box.at(0.7), box.height - 0.5, box.height - 0.2))
    canvas.front(Label.TRAIN, stripe, box.near, rectangle(box.left, box.right, 0.55, 1.2))
    canvas.front(Label.TRAIN, CHASSIS, box.near, rectangle(box.at(0.06), box.at(0.94), 0.08, 0.42))
    _lamps(canvas, Label.TRAIN, box, HEAD_LAMP if coming else TAIL_LAMP, 0.9)


def _shadow(canvas: Canvas, box: Box) -> None:

    reach = 0.25
    corners = [(box.left - reach, box.near - reach), (box.right + reach, box.near - reach)]
    canvas.ground(Label.ROAD, SHADOW, [*corners, (box.right + reach, box.far), (box.left - reach, box.far)])


def _wheels(canvas: Canvas, label: Label, box: Box, side: float, radius: float, places: Sequence[float]) -> None:
    for place in places:
        canvas.side_disc(label, TYRE, (side, radius, box.along(place)), radius)
        canvas.side_disc(label, HUB, (side, radius, box.along(place)), radius * 0.5)


def _rear_wheels(canvas: Canvas, label: Label, box: Box, top: float) -> None:
    canvas.front(label, TYRE, box.near, rectangle(box.at(0.06), box.at(0.24), 0.0, top))
    canvas.front(label, TYRE, box.near, rectangle(box.at(0.76), box.at(0.94), 0.0, top))


def _lamps(canvas: Canvas, label: Label, box: Box, lamp: Finish, height: float) -> None:
    canvas.front(label, lamp, box.near, rectangle(box.at(0.03), box.at(0.17), height - 0.11, height + 0.11))
    canvas.front(label, lamp, box.near, rectangle(box.at(0.83), box.at(0.97), height - 0.11, height + 0.11))

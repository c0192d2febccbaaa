"""Layout of one street: its parts and their positions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from segada.data.synthetic.canvas import Camera, Canvas, Finish, Light, rectangle, scaled
from segada.data.synthetic.classes import Label
from segada.data.synthetic.dice import Dice
from segada.data.synthetic.furniture import (
    LEAVES,
    paint_bush,
    paint_lamp_post,
    paint_sign,
    paint_traffic_light,
    paint_tree,
)
from segada.data.synthetic.people import paint_bicycle, paint_motorcycle, paint_person
from segada.data.synthetic.sides import (
    FACADES,
    PANES,
    Stretch,
    grass,
    paint_fence,
    paint_hedge,
    paint_house,
    paint_park,
    paint_wall,
)
from segada.data.synthetic.vehicles import Box, paint_bus, paint_car, paint_tram, paint_truck, vehicle_box
from segada.data.weather.depth import CAMERA_HEIGHT, FAR, FOCAL, HORIZON

LANE_LINE = -1.75
"""Line between the two directions, in metres to the right of the camera."""
ONCOMING = -3.5
"""Middle of the lane in the other direction, in metres to the right of the camera."""
STREET_END = 120.0
"""Distance in metres at which a backdrop closes the street."""
SKIES = ((0.62, 0.74, 0.90), (0.80, 0.84, 0.88), (0.52, 0.68, 0.90), (0.88, 0.88, 0.86), (0.72, 0.78, 0.84))
PAVINGS = ((0.58, 0.55, 0.53), (0.52, 0.50, 0.50), (0.64, 0.58, 0.54), (0.56, 0.48, 0.45))
ASPHALT = (0.33, 0.33, 0.345)
PAINT = Finish((0.86, 0.86, 0.84), grain=0.15, coarse=4.0)
RAIL = Finish((0.56, 0.55, 0.54), grain=0.1)
KERB = Finish((0.70, 0.69, 0.67), grain=0.1)

Thing = tuple[float, Callable[[], None]]
"""Distance of an object, and the function that paints it."""
SidePainter = Callable[[Canvas, Dice, Stretch], None]


class VehiclePainter(Protocol):
    """Paints a vehicle into its box, from the front if it is coming."""

    def __call__(self, canvas: Canvas, dice: Dice, box: Box, *, coming: bool) -> None: ...


QUARTERS: Sequence[Sequence[SidePainter]] = (
    (paint_house, paint_house, paint_house, paint_house, paint_wall),
    (paint_house, paint_house, paint_fence, paint_wall, paint_hedge),
    (paint_house, paint_fence, paint_park, paint_hedge, paint_wall),
    (paint_park, paint_fence, paint_wall, paint_wall, paint_house, paint_fence),
)
"""Parts of the sides of a street in a city, a suburb, a village and along a park."""

CAR = (paint_car, (1.8, 4.3, 1.5))
VAN = (paint_car, (1.95, 4.8, 2.0))
TRUCK = (paint_truck, (2.5, 8.0, 3.5))
BUS = (paint_bus, (2.5, 11.0, 3.0))
TRAM = (paint_tram, (2.5, 26.0, 3.4))
Vehicle = tuple[VehiclePainter, tuple[float, float, float]]
TRAFFIC: Sequence[Vehicle] = (CAR, CAR, CAR, VAN, TRUCK, TRUCK, BUS, BUS)
PARKED: Sequence[Vehicle] = (CAR, CAR, CAR, CAR, VAN, VAN, TRUCK)


@dataclass(frozen=True, slots=True)
class Street:
    """The lines of a street, in metres to the right of the camera; those to the left are negative."""

    left: float
    """Kerb on the left."""
    right: float
    walk_left: float
    """Outer edge of the pavement on the left."""
    walk_right: float
    side_left: float
    """Line of the houses on the left."""
    side_right: float
    parking: bool
    """True if cars are parked along the right kerb."""


def paint_street(dice: Dice, size: tuple[int, int]) -> Canvas:
    """Draws a random street and paints it on a canvas of this height and width."""
    height, width = size
    centre = (width * (0.5 + dice.between(-0.05, 0.05)), height * (HORIZON + dice.between(-0.015, 0.015)))
    camera = Camera(FOCAL * width, centre, CAMERA_HEIGHT * dice.between(0.95, 1.08))
    sun = dice.between(-0.22, 0.22)
    light = Light(1.0, dice.between(0.8, 1.0), 0.85 + sun, 0.85 - sun)
    canvas = Canvas(size, camera, light)
    street = _lines(dice)
    sky = Finish(dice.pick(SKIES), grain=0.12, coarse=0.012)
    canvas.front(Label.SKY, sky, FAR, rectangle(-FAR, FAR, -FAR, FAR))
    _backdrop(canvas, dice)
    _surface(canvas, dice, street)
    quarter = dice.pick(QUARTERS)
    for line in (street.side_left, street.side_right):
        _side(canvas, dice, line, quarter)
    things = [*_vehicles(canvas, dice, street), *_people(canvas, dice, street), *_furniture(canvas, dice, street)]
    for _, paint in sorted(things, key=_distance, reverse=True):
        paint()
    return canvas


def _distance(thing: Thing) -> float:
    return thing[0]


def _lines(dice: Dice) -> Street:
    parking = dice.chance(0.45)
    left = -5.25 - dice.between(0.0, 1.2)
    right = (3.8 if parking else 1.8) + dice.between(0.0, 0.6)
    walk_left, walk_right = left - dice.between(1.8, 4.5), right + dice.between(1.8, 4.5)
    green_left, green_right = (dice.between(1.0, 5.0) if dice.chance(0.5) else 0.0 for _ in range(2))
    return Street(left, right, walk_left, walk_right, walk_left - green_left, walk_right + green_right, parking)


def _backdrop(canvas: Canvas, dice: Dice) -> None:
    x = -75.0
    while x < 75.0:
        width, height = dice.between(8.0, 20.0), dice.between(5.0, 20.0)
        if dice.chance(0.55):
            walls = Finish(dice.pick(FACADES), dice.pick(PANES), (3.0, 3.2), (0.5, 0.5))
            canvas.front(Label.BUILDING, walls, STREET_END, rectangle(x, x + width, 0.0, height))
        else:
            leaves = Finish(dice.pick(LEAVES), grain=0.45, coarse=0.5)
            canvas.front_disc(Label.VEGETATION, leaves, (x + width / 2, 2.0, STREET_END), (width * 0.8, height * 0.5))
        x += width


def _surface(canvas: Canvas, dice: Dice, street: Street) -> None:
    canvas.ground(Label.TERRAIN, grass(dice), _band(-150.0, 150.0))
    period = dice.between(0.5, 1.2)
    stone = dice.pick(PAVINGS)
    paving = Finish(scaled(stone, 0.82), stone, (period, period), (0.92, 0.92), 0.12, grain=0.10, coarse=2.0)
    asphalt = Finish(scaled(ASPHALT, dice.between(0.8, 1.2)), grain=0.16, coarse=2.5)
    canvas.ground(Label.SIDEWALK, paving, _band(street.walk_left, street.walk_right))
    canvas.ground(Label.SIDEWALK, KERB, _band(street.left - 0.18, street.right + 0.18))
    canvas.ground(Label.ROAD, asphalt, _band(street.left, street.right))
    for line in (street.left + 0.4, street.right - 0.4):
        if dice.chance(0.5):
            canvas.ground(Label.ROAD, PAINT, _band(line - 0.07, line + 0.07))
    start = dice.between(3.0, 8.0)
    for dash in range(12):
        near = start + 8.0 * dash
        canvas.ground(Label.ROAD, PAINT, _band(LANE_LINE - 0.08, LANE_LINE + 0.08, near, near + 4.0))
    if dice.chance(0.3):
        near = dice.between(8.0, 20.0)
        stripes = Finish(asphalt.color, PAINT.color, (1.0, 1.0), (0.5, 1.0), grain=0.12, coarse=3.0)
        canvas.ground(Label.ROAD, stripes, _band(street.left, street.right, near, near + 3.0))


def _band(left: float, right: float, near: float = 1.0, far: float = STREET_END) -> list[tuple[float, float]]:
    return [(left, near), (right, near), (right, far), (left, far)]


def _side(canvas: Canvas, dice: Dice, line: float, quarter: Sequence[SidePainter]) -> None:
    ends = [2.0]
    while ends[-1] < 90.0:
        ends.append(ends[-1] + dice.between(8.0, 26.0))
    for near, far in zip(reversed(ends[:-1]), reversed(ends[1:]), strict=True):
        setback = dice.between(0.0, 1.5)
        stretch = Stretch(line + setback if line > 0 else line - setback, near, far - dice.between(0.0, 1.5))
        dice.pick(quarter)(canvas, dice, stretch)


def _vehicles(canvas: Canvas, dice: Dice, street: Street) -> list[Thing]:
    things: list[Thing] = []
    if dice.chance(0.75):
        things += _lane(canvas, dice, (0.0, dice.between(9.0, 26.0), dice.between(12.0, 40.0)), TRAFFIC, coming=False)
    if street.parking:
        kerbside = (street.right - 1.1, dice.between(5.0, 18.0), dice.between(2.0, 30.0))
        things += _lane(canvas, dice, kerbside, PARKED, coming=False)
    if dice.chance(0.3):
        for x in (ONCOMING - 0.75, ONCOMING + 0.75):
            canvas.ground(Label.ROAD, RAIL, _band(x - 0.05, x + 0.05))
        tramway = (ONCOMING, dice.between(9.0, 30.0), 40.0)
        return things + _lane(canvas, dice, tramway, (TRAM,), coming=dice.chance(0.5))
    oncoming = (ONCOMING, dice.between(8.0, 30.0), dice.between(8.0, 40.0))
    return things + _lane(canvas, dice, oncoming, TRAFFIC, coming=True)


def _lane(
    canvas: Canvas, dice: Dice, lane: tuple[float, float, float], fleet: Sequence[Vehicle], *, coming: bool
) -> list[Thing]:
    x, near, gap = lane
    vehicles: list[Thing] = []
    while near < 50.0:
        painter, measures = dice.pick(fleet)
        box = vehicle_box(x + dice.between(-0.2, 0.2), near, measures)
        vehicles.append((near, partial(painter, canvas, dice, box, coming=coming)))
        near += measures[1] + gap * dice.between(0.6, 1.4)
    return vehicles


def _people(canvas: Canvas, dice: Dice, street: Street) -> list[Thing]:
    things: list[Thing] = []
    for _ in range(dice.count(1, 4)):
        z, x = dice.between(5.0, 25.0), _on_pavement(dice, street)
        for neighbor in range(dice.count(1, 3)):
            place = (x + 0.7 * neighbor, z + dice.between(-0.5, 0.5), 0.0)
            things.append((place[1], partial(paint_person, canvas, dice, *place)))
    for paint in (paint_bicycle, paint_motorcycle):
        if dice.chance(0.55):
            z = dice.between(5.0, 16.0)
            place = (dice.between(street.left + 1.0, street.right), 0.0, z)
            things.append((z, partial(paint, canvas, dice, place, ridden=True)))
        if dice.chance(0.35):
            z = dice.between(5.0, 14.0)
            things.append((z, partial(paint, canvas, dice, (_on_pavement(dice, street), 0.0, z), ridden=False)))
    return things


def _furniture(canvas: Canvas, dice: Dice, street: Street) -> list[Thing]:
    things: list[Thing] = []
    for paint, most, nearest, farthest in (
        (paint_lamp_post, 4, 6.0, 40.0),
        (paint_sign, 4, 7.0, 26.0),
        (paint_traffic_light, 3, 8.0, 24.0),
        (paint_tree, 3, 8.0, 50.0),
        (paint_bush, 1, 8.0, 40.0),
    ):
        for _ in range(dice.count(0, most)):
            x = dice.pick((street.left - 0.5, street.right + 0.5)) + dice.between(-0.2, 0.2)
            z = dice.between(nearest, farthest)
            things.append((z, partial(paint, canvas, dice, x, z, 0.0)))
    return things


def _on_pavement(dice: Dice, street: Street) -> float:
    if dice.chance(0.5):
        return dice.between(street.walk_left, street.left - 0.3)
    return dice.between(street.right + 0.3, street.walk_right)

"""The seventeen main objects: who draws them, how tall they are, how wide."""

from collections.abc import Callable

from . import buildings, characters, plants, vehicles
from .palette import CENTRE_X, SIZE

DRAWERS: dict[str, Callable[..., None]] = {
    **{f.__name__: f for f in (buildings.house, buildings.tent, buildings.lighthouse, buildings.windmill, buildings.castle)},
    **{f.__name__: f for f in (vehicles.balloon, vehicles.sailboat, vehicles.rocket, vehicles.car)},
    **{f.__name__: f for f in (plants.tree, plants.cactus, plants.flower, plants.mushroom)},
    **{f.__name__: f for f in (characters.cat, characters.dog, characters.snowman, characters.robot)},
}
HEIGHT = {
    "house": 52,
    "balloon": 70,
    "tent": 44,
    "tree": 62,
    "sailboat": 58,
    "lighthouse": 74,
    "cactus": 58,
    "windmill": 66,
    "castle": 58,
    "rocket": 66,
    "cat": 62,
    "dog": 62,
    "car": 34,
    "flower": 64,
    "mushroom": 50,
    "snowman": 60,
    "robot": 66,
}
# Half the width as a share of the height; 0.42 where nothing is said.
HALF_WIDTH = {"car": 0.95, "tent": 0.8, "castle": 0.62, "house": 0.58, "sailboat": 0.56, "cat": 0.5, "dog": 0.46}


def extent(scene: dict) -> tuple[float, float]:
    """Height and half width of the main object in units."""
    h = HEIGHT[scene["object"]] * scene.get("scale", 1.0) * (1.18 if scene["style"] == "pixel" else 1)
    return h, HALF_WIDTH.get(scene["object"], 0.42) * h


def inside(cx: float, half_width: float) -> float:
    """The centre x, moved so far that the object is not cut off by the edge."""
    return min(max(cx, half_width * 0.92), SIZE - half_width * 0.92)


def object_box(scene: dict) -> tuple[float, float, float, float] | None:
    """Roughly where the main object is, as (x0, y0, x1, y1) in pixels; None without an object."""
    if scene["object"] is None:
        return None
    h, hw = extent(scene)
    cx = inside(CENTRE_X[scene["position"]], hw)
    by = {"balloon": 94, "rocket": 98, "sailboat": 109}.get(scene["object"], 115)
    return cx - hw - 5, by - h - 4, cx + hw + 5, by + 5

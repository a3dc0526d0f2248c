"""Procedural picture-book scenes: the whole training set is drawn by this folder.

A scene is a small dict of attributes (style, time, terrain, season, object, colour, position, ...).  `draw(scene, rng)`
paints it as a 128x128 picture.  Everything is vector shapes on a large canvas which is then scaled down.  The style is
applied in two places: the `Pen` decides how one shape is put down and `finish` post-processes the whole sheet.
"""

from .draw import draw, paint
from .finish import finish
from .grammar import held_out, mirrored, random_scene
from .objects import object_box
from .palette import COLORS, OBJECTS, POSITIONS, SIZE, STYLES, TERRAINS, TIMES

__all__ = [
    "COLORS",
    "OBJECTS",
    "POSITIONS",
    "SIZE",
    "STYLES",
    "TERRAINS",
    "TIMES",
    "draw",
    "finish",
    "held_out",
    "mirrored",
    "object_box",
    "paint",
    "random_scene",
]

"""What people call a colour."""

from __future__ import annotations

_NAMES = {
    "black": (0, 0, 0),
    "blue": (0, 0, 255),
    "cyan": (0, 255, 255),
    "gray": (128, 128, 128),
    "green": (0, 128, 0),
    "magenta": (255, 0, 255),
    "orange": (255, 165, 0),
    "pink": (255, 192, 203),
    "purple": (128, 0, 128),
    "red": (255, 0, 0),
    "white": (255, 255, 255),
    "yellow": (255, 255, 0),
}


def words(colour: str) -> str:
    """The name nearest to `#rrggbb`."""
    wanted = bytes.fromhex(colour[1:])
    return min(_NAMES, key=lambda name: sum((a - b) ** 2 for a, b in zip(wanted, _NAMES[name], strict=True)))

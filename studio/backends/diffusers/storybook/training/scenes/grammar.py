"""What a scene may be: random attributes, the combinations kept out of training, the mirror image."""

import numpy as np

from .palette import COLORS, NATURAL, OBJECTS, POSITIONS, SEASONS, STYLES, TERRAINS, TIMES


def held_out(scene: dict) -> bool:
    """5 % of (object, colour, style) combinations are never trained on; the evaluation asks for them."""
    if scene["object"] is None:
        return False
    k = OBJECTS.index(scene["object"]) * 40 + list(COLORS).index(scene["color"]) * 5 + STYLES.index(scene["style"])
    return (k * 2654435761 % 2**32) / 2**32 < 0.05


def random_scene(rng: np.random.Generator, allow_held_out: bool = False) -> dict:
    """One scene as a small dict of attributes; never a held-out combination unless allowed."""
    while True:
        s = {
            "style": str(rng.choice(STYLES, p=[0.40, 0.18, 0.14, 0.14, 0.14])),
            "time": str(rng.choice(TIMES, p=[0.34, 0.2, 0.22, 0.12, 0.12])),
            "terrain": str(rng.choice(TERRAINS)),
            "season": str(rng.choice(SEASONS, p=[0.55, 0.12, 0.14, 0.19])),
            "object": str(rng.choice(OBJECTS)) if rng.random() < 0.9 else None,
            "color": str(rng.choice(list(COLORS))),
            "position": str(rng.choice(POSITIONS, p=[0.34, 0.32, 0.34])),
            "clouds": bool(rng.random() < 0.4),
            "orb": bool(rng.random() < 0.6),
            "scale": float(rng.uniform(0.9, 1.14)),
        }
        if s["object"] in NATURAL and rng.random() < 0.25:
            s["color"] = NATURAL[s["object"]]
        if (s["object"] == "sailboat" and rng.random() < 0.5) or (s["object"] == "lighthouse" and rng.random() < 0.3):
            s["terrain"] = "sea"
        if s["terrain"] in ("sea", "desert"):
            s["season"] = "summer"
        if s["object"] == "snowman" and s["terrain"] not in ("sea", "desert") and rng.random() < 0.6:
            s["season"] = "winter"
        s["stars"] = s["time"] in ("night", "aurora") and bool(rng.random() < 0.85)
        if allow_held_out or not held_out(s):
            return s


def mirrored(scene: dict) -> dict:
    """The attributes of the picture flipped left to right."""
    flip = {"left": "right", "right": "left", "center": "center"}
    return {**scene, "position": flip[scene["position"]]}

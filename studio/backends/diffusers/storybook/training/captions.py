"""Turn scene attributes into English prompts, with many phrasings.

Captions are made fresh for every training sample: synonyms, word order, comma
lists or sentences, left-out attributes, and now and then words that mean
nothing, so that unknown words in a user's prompt stay harmless.
"""

import string

import numpy as np
import scenes

OBJECT = {
    "house": ["house", "house", "cottage", "cabin", "home", "hut"],
    "balloon": ["hot air balloon", "hot air balloon", "balloon", "hot-air balloon", "air balloon"],
    "tent": ["tent", "tent", "camping tent", "camp tent"],
    "tree": ["tree", "tree", "big tree", "lone tree", "oak tree"],
    "sailboat": ["sailboat", "sailboat", "boat", "sailing boat", "ship", "sailing ship", "yacht"],
    "lighthouse": ["lighthouse", "lighthouse", "light house", "beacon"],
    "cactus": ["cactus", "cactus", "saguaro"],
    "windmill": ["windmill", "windmill", "mill", "wind mill"],
    "castle": ["castle", "castle", "palace", "fortress"],
    "rocket": ["rocket", "rocket", "space rocket", "spaceship", "rocket ship", "spacecraft"],
    "cat": ["cat", "cat", "kitten", "kitty"],
    "dog": ["dog", "dog", "puppy", "doggy"],
    "car": ["car", "car", "automobile", "little car", "vintage car"],
    "flower": ["flower", "flower", "flower", "blossom", "daisy", "sunflower", "tulip", "flowers"],
    "mushroom": ["mushroom", "mushroom", "toadstool"],
    "snowman": ["snowman", "snowman", "snow man"],
    "robot": ["robot", "robot", "android", "bot"],
}
COLOR = {
    "red": ["red", "red", "scarlet", "crimson"],
    "orange": ["orange", "orange", "orange", "ginger", "brown"],
    "yellow": ["yellow", "yellow", "golden", "gold"],
    "green": ["green", "green", "emerald", "lime"],
    "blue": ["blue", "blue", "azure", "navy"],
    "purple": ["purple", "purple", "violet", "lilac"],
    "pink": ["pink", "pink", "rose", "magenta"],
    "white": ["white", "white", "white", "snow-white", "ivory", "silver", "grey", "gray"],
}
STYLE = {
    "flat": [
        "flat illustration",
        "flat design",
        "vector art",
        "illustration",
        "cartoon",
        "digital art",
        "poster",
        "children's book illustration",
        "clean vector style",
    ],
    "watercolor": [
        "watercolor",
        "watercolour",
        "watercolor painting",
        "watercolour painting",
        "aquarelle",
        "painted in watercolor",
        "painting",
        "soft watercolor wash",
    ],
    "pixel": ["pixel art", "pixel art", "8-bit", "16-bit pixel art", "pixel style", "retro game style", "8 bit game art", "pixelated"],
    "sketch": [
        "pencil sketch",
        "pencil drawing",
        "sketch",
        "drawing",
        "hand-drawn sketch",
        "line drawing",
        "pencil on paper",
        "ink drawing",
    ],
    "neon": ["neon", "neon lights", "glowing neon", "synthwave", "cyberpunk", "neon glow", "vaporwave", "neon style"],
}
TIME = {
    "day": ["during the day", "in daylight", "on a sunny day", "daytime", "sunny day", "at noon", "under a blue sky", "day"],
    "night": [
        "at night",
        "at night",
        "in the night",
        "at midnight",
        "night",
        "by moonlight",
        "under the stars",
        "under a starry sky",
        "starry night",
        "dark night",
    ],
    "sunset": ["at sunset", "at sunset", "at dusk", "in the evening", "sunset", "golden hour", "during sunset", "evening glow"],
    "dawn": ["at dawn", "at dawn", "at sunrise", "in the early morning", "in the morning", "sunrise", "dawn", "pastel morning sky"],
    "aurora": [
        "under the aurora",
        "under the northern lights",
        "with northern lights",
        "aurora borealis",
        "northern lights",
        "aurora",
        "with an aurora in the sky",
    ],
}
TERRAIN = {
    "hills": [
        "on the hills",
        "on a hill",
        "in a meadow",
        "in green hills",
        "in a field",
        "in the countryside",
        "hills",
        "rolling hills",
        "meadow",
        "on the grass",
        "hill",
        "in a garden",
        "in the park",
        "valley",
        "on a farm",
    ],
    "mountains": [
        "in the mountains",
        "in the mountains",
        "in front of mountains",
        "mountains",
        "mountain landscape",
        "alpine landscape",
        "with mountains behind",
        "in the alps",
        "mountain",
        "near a mountain",
    ],
    "sea": [
        "by the sea",
        "on the sea",
        "at sea",
        "on the ocean",
        "sea",
        "ocean",
        "in the ocean",
        "on an island",
        "on the water",
        "on the beach",
        "at the beach",
        "beach",
        "by the lake",
        "on a lake",
        "on the coast",
        "seaside",
        "river",
    ],
    "forest": [
        "in the forest",
        "in a forest",
        "in the woods",
        "forest",
        "among pine trees",
        "woodland",
        "in a pine forest",
        "woods",
        "in the jungle",
        "trees",
    ],
    "desert": ["in the desert", "in the desert", "on sand dunes", "desert", "in the sand", "dunes", "in the sahara"],
    "city": [
        "in the city",
        "in the city",
        "in front of a skyline",
        "city",
        "downtown",
        "in town",
        "city skyline",
        "with skyscrapers",
        "on a city street",
        "on the street",
        "road",
        "village",
        "in new york",
    ],
}
SEASON = {
    "summer": ["in summer", "summer"],
    "spring": ["in spring", "spring", "in springtime"],
    "autumn": ["in autumn", "autumn", "in the fall", "autumn colors"],
    "winter": ["in winter", "winter", "in the snow", "snowy", "with snow", "snow"],
}
POSITION = {
    "left": ["on the left", "on the left side", "to the left", "left"],
    "right": ["on the right", "on the right side", "to the right", "right"],
    "center": ["in the center", "in the middle", "centered", "in the centre"],
}
CLOUDS = ["with clouds", "cloudy", "cloudy sky", "fluffy clouds"]
ORB = {
    "day": ["with a bright sun", "sun", "with a big sun"],
    "night": ["with a full moon", "moon", "with the moon"],
    "aurora": ["with the moon", "moon"],
    "sunset": ["with the setting sun", "sun on the horizon"],
    "dawn": ["with the rising sun", "sun"],
}
STARS = ["with stars", "stars", "starry sky"]
ADJ = [
    "cute",
    "little",
    "small",
    "beautiful",
    "lovely",
    "old",
    "big",
    "cozy",
    "happy",
    "charming",
    "lonely",
    "magic",
    "tiny",
    "pretty",
    "simple",
    "colorful",
]
LEAD = [
    "",
    "",
    "",
    "",
    "a picture of ",
    "an image of ",
    "a scene with ",
    "draw ",
    "please draw ",
    "imagine ",
    "a photo of ",
    "i want ",
    "show me ",
]
FILLER = [
    "highly detailed",
    "4k",
    "masterpiece",
    "best quality",
    "trending on artstation",
    "cinematic lighting",
    "8k",
    "very cute",
    "stunning",
    "award winning",
    "dreamy",
    "peaceful",
    "sharp focus",
    "beautiful colors",
    "fantasy",
    "minimalist",
    "vibrant",
    "wallpaper",
    "postcard",
    "concept art",
    "detailed",
    "atmospheric",
    "calm",
    "epic",
    "by a famous artist",
    "intricate",
    "hd",
    "realistic",
    "soft light",
    "moody",
]


def junk(rng: np.random.Generator) -> str:
    """A word of two to eight random letters."""
    n = int(rng.integers(2, 9))
    return "".join(string.ascii_lowercase[i] for i in rng.integers(0, 26, n))


def pick(words: list[str], rng: np.random.Generator) -> str:
    """One of the words."""
    return words[int(rng.integers(len(words)))]


def coloured(noun: str, scene: dict, rng: np.random.Generator) -> str:
    """The noun with the scene's colour."""
    c = pick(COLOR[scene["color"]], rng)
    if scene["object"] == "snowman":
        return f"{noun} with a {c} {pick(['scarf', 'hat', 'scarf and hat'], rng)}" if rng.random() < 0.6 else f"{c} {noun}"
    if scene["object"] == "sailboat" and rng.random() < 0.2:
        return f"{noun} with {c} sails"
    return f"{c} {noun}"


def noun_phrase(scene: dict, rng: np.random.Generator, full: bool) -> str:
    """The main object with article, adjective and colour; empty without an object."""
    if not scene["object"]:
        return ""
    noun = pick(OBJECT[scene["object"]], rng)
    if rng.random() < 0.22:
        noun = pick(ADJ, rng) + " " + noun
    if full or rng.random() < 0.82:
        noun = coloured(noun, scene, rng)
    if rng.random() < 0.85:
        noun = ("an " if noun[0] in "aeiou" else "a ") + noun if rng.random() < 0.85 else "the " + noun
    return noun


def circumstances(scene: dict, rng: np.random.Generator, full: bool) -> list[str]:
    """Place, time, season, position, sky: those that are named this time, in random order."""
    parts = []
    if scene["object"] is None or full or rng.random() < 0.85:
        parts.append(pick(TERRAIN[scene["terrain"]], rng))
        if scene["object"] == "sailboat" and scene["terrain"] != "sea" and rng.random() < 0.4:
            parts.append(pick(["on a lake", "on the lake", "on the water", "on a river"], rng))
    if full or rng.random() < (0.55 if scene["time"] == "day" else 0.9):
        parts.append(pick(TIME[scene["time"]], rng))
    season = scene["season"]
    if (season != "summer" and rng.random() < 0.85) or (rng.random() < 0.06 and scene["terrain"] not in ("sea", "desert")):
        parts.append(pick(SEASON[season], rng))
    if scene["object"] and rng.random() < (0.9 if scene["position"] != "center" else 0.4):
        parts.append(pick(POSITION[scene["position"]], rng))
    if scene["clouds"] and rng.random() < 0.5:
        parts.append(pick(CLOUDS, rng))
    if scene["orb"] and rng.random() < 0.35:
        parts.append(pick(ORB[scene["time"]], rng))
    if scene["stars"] and rng.random() < 0.2:
        parts.append(pick(STARS, rng))
    rng.shuffle(parts)
    return parts


def with_style(text: str, style: str, comma: bool, rng: np.random.Generator) -> str:
    """The style before, after or around the text."""
    r = rng.random()
    if r < 0.5:
        return f"{text}, {style}"
    if r < 0.65:
        return f"{style} of {text}" if not comma else f"{style}, {text}"
    if r < 0.8:
        return f"{style}, {text}"
    if r < 0.9:
        return f"{text} in {style} style"
    return f"{text} {style}"


def noisy(text: str, rng: np.random.Generator) -> str:
    """Now and then empty phrases and nonsense, so that unknown words in a person's prompt stay harmless."""
    while rng.random() < 0.18:
        text = f"{text}, {pick(FILLER, rng)}" if rng.random() < 0.8 else f"{pick(FILLER, rng)}, {text}"
    if rng.random() < 0.10:
        words = text.split(" ")
        for _ in range(int(rng.integers(1, 4))):
            words.insert(int(rng.integers(0, len(words) + 1)), junk(rng))
        text = " ".join(words)
    return text


def caption(scene: dict, rng: np.random.Generator, full: bool = False) -> str:
    """One prompt for the scene.  `full` names style, time, place, object and colour (for evaluation)."""
    comma = rng.random() < 0.45
    noun = noun_phrase(scene, rng, full)
    parts = circumstances(scene, rng, full)
    styled = full or rng.random() < (0.5 if scene["style"] == "flat" else 0.97)
    style = pick(STYLE[scene["style"]], rng) if styled else ""
    words = ([noun] if noun else []) + parts or ["a landscape"]
    if comma and rng.random() < 0.3:
        rng.shuffle(words)
    text = ", ".join(words) if comma else " ".join(words)
    if style:
        text = with_style(text, style, comma, rng)
    elif not comma:
        text = pick(LEAD, rng) + text
    return noisy(text, rng)


if __name__ == "__main__":
    generator = np.random.default_rng(0)
    for _ in range(30):
        print(caption(scenes.random_scene(generator), generator))

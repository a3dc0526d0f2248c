"""Programs to copy, filled in with this studio's address and a key. Each stands beside this as it is: `<task>.<language>.txt`.

They are run by `tests/developers/test_programs.py`, as they are shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

from accounts.models import ApiKey
from studio.backends.base import Mode
from studio.generation.engines import available, pick
from studio.generation.usage import names

FOLDER = Path(__file__).parent
SOMEWHERE, SOME_ENGINE, SOME_KEY = "https://studio.example", "ENGINE", "sk-KEYSPART…"
"""What stands in the files in place of this studio, an engine of it and a key."""


@dataclass(frozen=True, slots=True)
class Task:
    """`scopes`: what a key needs for it. `languages`: in which there is a program, the first one is shown at first."""

    label: str
    sentence: str
    scopes: tuple[str, ...]
    languages: tuple[str, ...] = ("curl", "python", "javascript")
    mode: Mode = Mode.TEXT_TO_IMAGE


@dataclass(frozen=True, slots=True)
class Language:
    label: str
    ending: str
    file: str
    run: str


LANGUAGES = {
    "curl": Language("curl", "sh", "example.sh", "sh example.sh"),
    "python": Language("Python", "py", "example.py", "python example.py"),
    "requests": Language("Python, requests", "requests", "example.py", "python example.py"),
    "javascript": Language("JavaScript", "js", "example.mjs", "node example.mjs"),
}
TASKS = {
    "picture": Task(
        "A picture",
        "Ask for a job, wait until it is over and fetch what came of it. A job that waits costs nothing; the price is held until then.",
        ("generate",),
    ),
    "core": Task(
        "Stability API",
        "The studio answers as the Stability API does, below the same paths: a program written for it needs this address and this key. "
        "Its pictures carry their prompt and settings, as all of the studio's do; with the header “x-atelier-strip: 1” they come without.",
        ("generate",),
        ("curl", "python", "requests", "javascript"),
    ),
    "image": Task(
        "From a picture",
        "Send a picture, then ask for another one that is made from it.",
        ("generate",),
        mode=Mode.IMAGE_TO_IMAGE,
    ),
    "webhook": Task(
        "Webhook",
        "Be told when something happens instead of asking, and believe only what the studio signed.",
        (),
    ),
}


@dataclass(frozen=True, slots=True)
class Example:
    """`lines` are pairs: whether it is a comment, and the text."""

    language: Language
    text: str

    @property
    def lines(self) -> list[tuple[bool, str]]:
        return [(line.lstrip().startswith(("#", "//", '"""')), line) for line in self.text.splitlines()]


def host(request: HttpRequest) -> str:
    """Where programs find the studio: its own address, or the one by which it was opened now where that is another name of it."""
    here = request.build_absolute_uri("/").rstrip("/")
    return str(settings.STUDIO_URL) if urlsplit(settings.STUDIO_URL).netloc == urlsplit(here).netloc else here


def example(request: HttpRequest, task: str, language: str, key: ApiKey | None = None, secret: str = "") -> Example:
    """A program as it can be run. With a `secret`, which is known only once, it is in the program."""
    wanted = LANGUAGES[language]
    text = _read(f"{task}.{wanted.ending}.txt").replace(SOMEWHERE, host(request))
    text = text.replace(SOME_ENGINE, engine_for(key, TASKS[task].mode))
    if secret:
        text = text.replace("${ATELIER_KEY:?Put the secret of your key into ATELIER_KEY.}", secret)
    elif key:
        text = text.replace("the secret of your key", f"the secret of {_plain(key.name)}")
    return Example(wanted, text.replace(f"  # {SOME_KEY}", "") if secret else text.replace(SOME_KEY, f"sk-{key.public_id if key else ''}…"))


def engine_for(key: ApiKey | None, mode: Mode) -> str:
    """An engine that does it now and that the key may use; a name to be replaced where there is none."""
    found = available()
    allowed = [one for one in found if key is None or key.allows(names(one))]
    chosen = pick(allowed, "", mode)
    return chosen.id if chosen else "an-engine"


@cache
def _read(name: str) -> str:
    return (FOLDER / name).read_text()


def _plain(name: str) -> str:
    """A name that may stand in a comment of any language."""
    return "“" + "".join(sign for sign in name if sign.isalnum() or sign in " -_.,")[:40].strip() + "”"

"""Pictures, models and sounds as the wall shows them. Fifty are on a page: what a template would look up for each is computed at once."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from studio.galleries.criteria import Criteria
from studio.galleries.models import Mark
from studio.generation.models import Artifact
from studio.templatetags.icons import icon

RATIO_STEP, RATIO_STEPS = 1.06, 19
"""Width over height goes to the stylesheet as a power of 1.06 from -19 to 19 (1:3 to 3:1): at most 3 % of a tile is cropped.
`pages.css` has a rule for each, as the pages allow no inline styles."""
ALT_LENGTH, CAPTION_LENGTH = 300, 120
_NOBODY = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True)
class Tile:
    """Words and addresses of one picture, none of them escaped."""

    id: str
    href: str
    src: str
    ratio: str
    width: str
    height: str
    thumbhash: str
    alt: str
    caption: str
    by: str
    badge: str
    tags: str
    rating: int
    is_favourite: bool

    @property
    def cell(self) -> SafeString:
        """On a wall: the picture, its checkbox, what one thinks of it. Not a template: fifty of them are most of what a page costs."""
        words = {name: getattr(self, name) for name in _WORDS}
        return format_html(
            _CELL,
            **words,
            label=self.caption or self.alt,
            tagged=self.tags and format_html(' data-tags="{}"', self.tags),
            rated=format_html(' data-rating="{}"', self.rating) if self.rating else "",
            favourite=_FAVOURITE if self.is_favourite else "",
            badge=self.badge and format_html('<span class="badge num" aria-hidden="true">{}</span>', self.badge),
            marks=self._marks() if self.rating or self.is_favourite else "",
        )

    def _marks(self) -> SafeString:
        heart, star = icon("heart", "small"), icon("star", "small")
        return format_html(
            '<span class="tile-marks num">{}{}</span>',
            format_html('{}<span class="visually-hidden">. A favourite of yours</span>', heart) if self.is_favourite else "",
            format_html('{}<span class="visually-hidden">. You rated it </span>{}', star, self.rating) if self.rating else "",
        )


_WORDS = ("id", "href", "src", "ratio", "width", "height", "thumbhash", "alt", "caption", "by")
_FAVOURITE = mark_safe(" data-favourite")
_CELL = (
    '<div class="cell" data-ratio="{ratio}"{tagged}{rated}{favourite}>'
    '<input class="pick" type="checkbox" name="ids" value="{id}" form="desk" autocomplete="off" aria-label="Select {label}">'
    '<a id="p-{id}" class="picture tile" href="{href}" data-thumbhash="{thumbhash}">'
    '<img src="{src}" width="{width}" height="{height}" alt="{alt}" loading="lazy" decoding="async">{badge}'
    '<span class="cap" aria-hidden="true"><span class="lines-2" dir="auto">{caption}</span><span class="cap-by">{by}</span></span>'
    "{marks}</a></div>"
)


def tiles(pictures: Iterable[Artifact], criteria: Criteria, marks: Mapping[uuid.UUID, Mark] | None = None) -> list[Tile]:
    """Each leads to its page and keeps the criteria there. The pictures must have been read `as_on_walls`.

    `marks` are those of the person who looks.
    """
    marks = marks or {}
    page, _, rest = reverse("picture", args=[_NOBODY]).partition(str(_NOBODY))
    file, _, name = reverse("picture_file", args=[_NOBODY, "thumb"]).partition(str(_NOBODY))
    end = rest + criteria.query()
    return [
        Tile(
            id=str(picture.id),
            href=f"{page}{picture.id}{end}",
            src=f"{file}{picture.id}{name}",
            ratio=str(ratio(picture)),
            width=str(picture.looks[0]),
            height=str(picture.looks[1]),
            thumbhash=picture.thumbhash,
            alt=f"Preview: {alt(picture)}" if picture.is_preview else alt(picture),
            caption=_clipped(picture.prompt, CAPTION_LENGTH),
            by=f"{picture.user.get_short_name()} · {picture.engine_label}" if picture.user else picture.engine_label,
            badge=" · ".join(filter(None, ("Preview" if picture.is_preview else "", picture.badge))),
            tags=picture.tags,
            rating=marks[picture.id].rating if picture.id in marks else 0,
            is_favourite=picture.id in marks and marks[picture.id].is_favourite,
        )
        for picture in pictures
    ]


def fingerprint(walls: Iterable[tuple[str, Sequence[Tile]]]) -> str:
    """Of what a wall shows: another one as soon as a heading or a tile would be drawn otherwise."""
    return blake2b(repr([(str(heading), list(tiles)) for heading, tiles in walls]).encode(), digest_size=8).hexdigest()


def ratio(picture: Artifact) -> int:
    """The power for `data-ratio`."""
    width, height = picture.looks
    power = round(math.log(width / height, RATIO_STEP))
    return max(-RATIO_STEPS, min(RATIO_STEPS, power))


def alt(artifact: Artifact) -> str:
    """What it shows, as far as its prompt says, and what it is when that is no picture; an upscaled picture may have no prompt."""
    words = _clipped(artifact.prompt, ALT_LENGTH) or _called(artifact)
    return {"image": words, "model": f"3D model: {words}", "audio": f"Sound, {artifact.length}: {words}"}[artifact.kind]


def _called(artifact: Artifact) -> str:
    """What a result without words is: `Upscale, Storybook`, `Uploaded picture`."""
    return f"{artifact.get_mode_display()}, {artifact.engine_label}" if artifact.mode else f"{artifact.engine_label} {artifact.noun}"


def _clipped(text: str, length: int) -> str:
    words = " ".join(text[: length * 4].split())
    return words if len(words) <= length else f"{words[: length - 1].rstrip()}…"

"""A library that looks as if a team had worked in it for long: for trying things out and for measuring, never for real work.

Everything is drawn by chance from a seed, so the same call makes the same library, but for the day on which it ends: today. A few dozen
pictures are drawn; the files of all others are links to theirs. No job made them, so nothing was paid, and the books know nothing of them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Membership, Role, Team, User
from accounts.services import create_team, create_user_with_team
from studio.backends.base import GenerationRequest, Mode
from studio.galleries import search
from studio.galleries.models import Comment, Gallery, GalleryItem, Mark, Review, Tag, Tagging, Visibility
from studio.galleries.scenery import ADJECTIVES, STYLES, THINGS, TIMES, Drawn, drawings, link_files
from studio.generation.models import Artifact

CHUNK = 2500
APART = timedelta(minutes=7)
"""Between two pictures, about twice the average."""
RARE_SHARE, OUTSIDE_SHARE, INPAINTED_SHARE, TRASHED_SHARE = 0.02, 0.01, 0.05, 0.01
TAGGED_SHARE, RATED_SHARE, FAVOURITE_SHARE = 0.3, 0.06, 0.02
PEOPLE = ("Ana Marques", "Bo Lindqvist", "Carol Oyelaran", "Dilan Kaya", "Emi Tanaka", "Femi Adeyemi")
TAGS = (
    *("poster", "cover", "client: Harbour", "client: North Pier", "moodboard", "final", "draft", "icon", "background", "character"),
    *("texture", "spring campaign", "autumn campaign", "print", "web", "story", "approved", "redo", "golden hour", "café"),
)
ENGINES = (("storybook", "Storybook"), ("studio-xl", "Studio XL"))
RARE_ENGINE = ("rare", "Rare")
SAID = (
    "Love the light here.",
    "Can we try it wider?",
    "This one for the cover.",
    "Too dark for print.",
    "The colours are right now.",
    "Keep it.",
)


@dataclass
class Seeded:
    """What was made: the ids of the pictures are in the order of their making, those in the trash among them."""

    team: Team
    people: list[User]
    ids: list[uuid.UUID] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)
    galleries: list[Gallery] = field(default_factory=list)


def seed(
    pictures: int,
    *,
    owner: User | None = None,
    name: str = "Harbour Press",
    number: int = 20,
    with_files: bool = True,
    now: datetime | None = None,
) -> Seeded:
    """Make a team called `name` with that many pictures. `owner` owns it, else one of the people who are made for it."""
    random = Random(number)  # noqa: S311 - what is drawn here are pictures
    had_pictures = Artifact.objects.exists()
    with transaction.atomic():
        people = [owner, *_people(PEOPLE[1:])] if owner else _people(PEOPLE)
        team = create_team(name, people[0])
        roles = [Role.ADMIN, Role.CREATOR, Role.CREATOR, Role.CREATOR, Role.VIEWER]
        Membership.objects.bulk_create(Membership(team=team, user=user, role=role) for user, role in zip(people[1:], roles, strict=True))
        seeded = Seeded(team, people, tags=_tags(team))
    drawn = drawings(random, with_files=with_files)
    maker = _Maker(random, seeded, drawn, now or timezone.now(), pictures)
    for first in range(0, pictures, CHUNK):
        with transaction.atomic(), _dates_as_given():
            made = maker.make(first, min(CHUNK, pictures - first))
        if with_files:
            for artifact, drawing in made:
                link_files(artifact, drawing)
    with transaction.atomic(), _dates_as_given():
        _put_on_show(random, seeded)
    if had_pictures:
        with transaction.atomic():
            search.put_in_order(connection)
    return seeded


def _people(names: Sequence[str]) -> list[User]:
    """Accounts that nobody can sign in to."""
    made = []
    for name in names:
        address = f"{name.split()[0].lower()}.{uuid.uuid4().hex[:8]}@seeded.example"
        made.append(create_user_with_team(email=address, name=name, password=None, email_verified=True))
    return made


def _tags(team: Team) -> list[Tag]:
    return Tag.objects.bulk_create(Tag(team=team, name=name, key=name.casefold()) for name in TAGS)


@contextmanager
def _dates_as_given() -> Iterator[None]:
    """Rows keep the time of their making that they are given; Django would put in now."""
    fields = [model._meta.get_field("created_at") for model in (Artifact, Comment)]
    for one in fields:
        one.auto_now_add = False  # type: ignore[union-attr]
    try:
        yield
    finally:
        for one in fields:
            one.auto_now_add = True  # type: ignore[union-attr]


class _Maker:
    """Makes pictures, in batches as engines do, and what people say of them, in the order of time."""

    def __init__(self, random: Random, seeded: Seeded, drawn: Sequence[Drawn], now: datetime, pictures: int) -> None:
        self.random, self.seeded, self.drawn = random, seeded, drawn
        self.creators = seeded.people[:5]
        self.moment = now - APART * (pictures + 1) / 2
        self.until = now
        self.number = 0

    def make(self, first: int, count: int) -> list[tuple[Artifact, Drawn]]:
        """The next `count` pictures, written, with taggings, marks and comments."""
        made: list[tuple[Artifact, Drawn]] = []
        while len(made) < count:
            batch = min(self.random.choice((1, 1, 2, 4)), count - len(made))
            self.moment = min(self.moment + APART * batch * self.random.random(), self.until)
            user, drawing = self.random.choice(self.creators), self.random.choice(self.drawn)
            asked, label = self._asked(batch, first + len(made))
            made += [(self._artifact(asked, label, user, index, drawing), drawing) for index in range(batch)]
        self._write([artifact for artifact, _ in made])
        return made

    def _asked(self, batch: int, number: int) -> tuple[GenerationRequest | None, str]:
        """What an engine was asked for, and its name; None for what was brought from outside."""
        if self.random.random() < OUTSIDE_SHARE:
            return None, "Uploaded"
        engine, label = RARE_ENGINE if self.random.random() < RARE_SHARE else self.random.choice(ENGINES)
        mode = Mode.INPAINTING if self.random.random() < INPAINTED_SHARE else Mode.TEXT_TO_IMAGE
        asked = GenerationRequest(
            engine=engine,
            mode=mode,
            prompt=self._prompt(number),
            num_images=batch,
            seed=self.random.randrange(1 << 32),
            num_inference_steps=20,
            guidance_scale=5.0,
        )
        return asked, label

    def _prompt(self, number: int) -> str:
        """`rare…` is in four of 100,000 prompts, `only-old` in the first fifth of the numbers up to 100,000."""
        one, two = self.random.choice(ADJECTIVES), self.random.choice(ADJECTIVES)
        thing, other = self.random.choice(THINGS), self.random.choice(THINGS)
        age = "old" if number < 20_000 else "new"
        where = f"a {one} {thing} near the {two} {other} at {self.random.choice(TIMES)}"
        return f"{where}, {self.random.choice(STYLES)} illustration, highly detailed, only-{age} rare{number % 25_000}"

    def _id(self) -> uuid.UUID:
        """A version 7 UUID of the moment, greater than the one before."""
        self.number += 1
        milliseconds = int(self.moment.timestamp() * 1000)
        low = self.number << 30 | self.random.getrandbits(30)
        return uuid.UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62 | low)

    def _artifact(self, asked: GenerationRequest | None, label: str, user: User, index: int, drawing: Drawn) -> Artifact:
        tags = self.random.sample(self.seeded.tags, self.random.choice((1, 1, 2, 3))) if self.random.random() < TAGGED_SHARE else []
        artifact = Artifact(
            id=self._id(),
            team=self.seeded.team,
            user=user,
            index=index,
            engine=asked.engine if asked else "",
            engine_label=label,
            mode=asked.mode if asked else "",
            prompt=asked.prompt if asked else "",
            tags="\n".join(tag.name for tag in tags),
            seed=asked.seed + index if asked and asked.seed is not None else None,
            mime="image/png",
            width=drawing.width,
            height=drawing.height,
            bytes=drawing.bytes,
            sha256=drawing.sha256,
            thumbhash=drawing.thumbhash,
            info={"device": "cpu", "dtype": "float32", "seconds": 1.25, "settings": asked.to_json()} if asked else {},
            created_at=self.moment,
            deleted_at=self.until if self.random.random() < TRASHED_SHARE else None,
        )
        artifact.its_tags = tags  # type: ignore[attr-defined]
        self.seeded.ids.append(artifact.id)
        return artifact

    def _write(self, artifacts: list[Artifact]) -> None:
        Artifact.objects.bulk_create(artifacts)
        Tagging.objects.bulk_create(
            Tagging(tag=tag, artifact=artifact, user=artifact.user)
            for artifact in artifacts
            for tag in artifact.its_tags  # type: ignore[attr-defined]
        )
        Mark.objects.bulk_create(self._marks(artifacts))
        self._talk(artifacts)

    def _marks(self, artifacts: list[Artifact]) -> Iterator[Mark]:
        for user in self.seeded.people:
            for artifact in artifacts:
                rating = self.random.choice((2, 3, 4, 4, 5)) if self.random.random() < RATED_SHARE else 0
                is_favourite = self.random.random() < FAVOURITE_SHARE
                if rating or is_favourite:
                    yield Mark(team=self.seeded.team, user=user, artifact=artifact, rating=rating, is_favourite=is_favourite)

    def _talk(self, artifacts: list[Artifact]) -> None:
        Comment.objects.bulk_create(
            Comment(
                id=self._id(),
                artifact=artifact,
                user=self.random.choice(self.seeded.people),
                text=self.random.choice(SAID),
                created_at=self.moment,
            )
            for artifact in artifacts
            if self.random.random() < 0.01
        )


def _put_on_show(random: Random, seeded: Seeded) -> None:
    """A few galleries of the team, one of them private, with up to 400 pictures each."""
    visibilities = (Visibility.TEAM, Visibility.LINK, Visibility.PUBLIC, Visibility.PRIVATE)
    for number in range(max(3, min(24, len(seeded.ids) // 2000))):
        chosen = random.sample(seeded.ids, min(len(seeded.ids), random.randrange(8, 400)))
        seeded.galleries.append(
            Gallery.objects.create(
                team=seeded.team,
                owner=random.choice(seeded.people[:3]),
                name=f"{random.choice(STYLES).capitalize()} {random.choice(THINGS)}s, {random.choice(TIMES)}",
                description="Put together by chance.",
                cover_id=chosen[0] if chosen else None,
                visibility=visibilities[number % len(visibilities)],
            )
        )
        GalleryItem.objects.bulk_create(
            GalleryItem(
                gallery=seeded.galleries[-1],
                artifact_id=one,
                position=(place + 1) * GalleryItem.STEP,
                added_by=seeded.people[0],
                review=random.choice((Review.APPROVED, Review.APPROVED, Review.WAITING)),
            )
            for place, one in enumerate(chosen)
        )

"""Every filter and every order, alone and together, against plain Python over libraries that chance made; on either database."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from accounts import terms
from accounts.middleware import SessionActivityMiddleware
from accounts.models import Team, User
from studio.backends.base import Mode
from studio.galleries import library, reading
from studio.galleries.criteria import BEST, KINDS, NAMES, OLDEST, SHAPES, SORTS, UPLOADED, Criteria, Place, Span
from studio.galleries.models import Gallery, GalleryItem, Mark, Tag, Tagging, Visibility
from studio.galleries.search.words import words
from studio.generation.models import Artifact
from tests.factories import id_at

BEGAN = datetime(2026, 2, 1, 9, tzinfo=UTC)
SIZES = [(512, 512), (768, 512), (512, 768), (1024, 640)]
MIMES = ["image/png", "image/png", "image/jpeg", "model/gltf-binary", "audio/mpeg"]
PROMPTS = ["a red sailboat", "red castle at night", "un café blanc", "", "a sail"]
TAGS = ["poster", "Café crème", "final red"]

# --- the address ---

days = st.dates(min_value=date(1970, 1, 2), max_value=date(9999, 12, 30))
criteria = st.builds(
    Criteria,
    text=st.text(max_size=30).map(lambda text: text.replace("\0", "").strip()),
    engine=st.text(max_size=20).map(lambda text: text.replace("\0", "").strip()),
    mode=st.sampled_from(["", UPLOADED, *map(str, Mode)]),
    person=st.none() | st.integers(0, (1 << 63) - 1),
    kind=st.sampled_from(["", *KINDS]),
    since=st.none() | days,
    until=st.none() | days,
    rating=st.integers(0, 5),
    favourite=st.booleans(),
    tag=st.text(max_size=20).map(lambda text: " ".join(text.replace("\0", "").split())),
    size=st.none() | st.tuples(st.integers(1, 99999), st.integers(1, 99999)),
    shape=st.sampled_from(["", *SHAPES]),
    seed=st.none() | st.integers(0, (1 << 63) - 1),
    gallery=st.none() | st.uuids(),
    sort=st.sampled_from(list(SORTS)),
)


@given(wanted=criteria)
def test_an_address_says_all_that_was_wanted(wanted: Criteria) -> None:
    assert Criteria.from_query(wanted.words()) == wanted
    assert bool(wanted) == (wanted.but(sort="") != Criteria() or wanted.sort == BEST)


@given(query=st.dictionaries(st.sampled_from(["q", "by", "from", "to", *Criteria.__slots__]), st.text(max_size=40)))
def test_whatever_an_address_says_is_read_once_and_for_all(query: dict[str, str]) -> None:
    read = Criteria.from_query(query)
    assert Criteria.from_query(read.words()) == read


NONSENSE = {
    "person": ["x", "-1", "9" * 19, "１"],
    "since": ["yesterday", "2026-02-30", "0001-01-01", "9999-12-31"],
    "until": ["2026", "31.12.2026"],
    "rating": ["0", "6", "-1", "4.5"],
    "size": ["0x512", "512", "512x", "1x9999999", "axb"],
    "shape": ["round"],
    "seed": ["-1", "1e3", "9" * 20],
    "gallery": ["x", "0"],
    "kind": ["image", "pictures"],
    "mode": ["nonsense"],
    "sort": ["worst"],
}


@pytest.mark.parametrize(("field", "word"), [(field, word) for field, all_of_it in NONSENSE.items() for word in all_of_it])
def test_nonsense_is_as_if_it_were_not_there(field: str, word: str) -> None:
    assert Criteria.from_query({NAMES.get(field, field): word}) == Criteria()


@given(place=st.builds(Place, st.uuids(), st.none() | st.integers(1, 5)))
def test_a_place_is_read_as_it_was_written(place: Place) -> None:
    assert Place.read(str(place)) == place


@pytest.mark.parametrize("text", ["", "x", ".4", "4", f"{uuid.UUID(int=0)}x"])
def test_a_place_that_makes_no_sense_is_none(text: str) -> None:
    assert Place.read(text) is None


# --- the library of chance ---


class Chance:
    """A library, and what Python says of it."""

    def __init__(self, random: Random, team: Team, people: list[User], other: Team) -> None:
        self.team, self.people, self.random = team, people, random
        self.tags = {name: Tag.objects.create(team=team, name=name, key=key(name)) for name in TAGS}
        self.galleries = [
            Gallery.objects.create(team=team, owner=people[0], name="Ours"),
            Gallery.objects.create(team=team, owner=people[1], name="Not yours", visibility=Visibility.PRIVATE),
        ]
        self.its_tags: dict[uuid.UUID, set[str]] = {}
        self.marks: dict[uuid.UUID, tuple[int, bool]] = {}
        self.places: dict[uuid.UUID, set[uuid.UUID]] = {}
        self.all = [self.make(BEGAN + timedelta(hours=7 * place, minutes=random.randrange(60))) for place in range(60)]
        for place in range(3):
            self.row(BEGAN + timedelta(days=place), team=other).save(force_insert=True)

    def row(self, moment: datetime, team: Team) -> Artifact:
        random = self.random
        mime = random.choice(MIMES)
        width, height = random.choice(SIZES) if mime.startswith("image/") else (None, None)
        is_outside = random.random() < 0.2
        return Artifact(
            id=id_at(moment),
            team=team,
            user=random.choice([*self.people, None]),
            engine="" if is_outside else random.choice(["null", "gone:xl/1"]),
            engine_label="Uploaded" if is_outside else "One",
            mode="" if is_outside else random.choice([Mode.TEXT_TO_IMAGE, Mode.UPSCALING]),
            prompt=random.choice(PROMPTS),
            seed=None if is_outside else random.choice([0, 7, 4_294_967_295]),
            mime=mime,
            width=width,
            height=height,
            bytes=1,
            sha256="0" * 64,
            deleted_at=moment if random.random() < 0.1 else None,
        )

    def make(self, moment: datetime) -> Artifact:
        artifact, random = self.row(moment, self.team), self.random
        tags = [name for name in TAGS if random.random() < 0.3]
        artifact.tags = "\n".join(tags)
        artifact.save(force_insert=True)
        self.its_tags[artifact.id] = set(tags)
        for name in tags:
            Tagging.objects.create(tag=self.tags[name], artifact=artifact)
        for user in self.people:
            rating, liked = random.choice([0, 0, 2, 4, 5]), random.random() < 0.3
            if rating or liked:
                Mark.objects.create(team=self.team, user=user, artifact=artifact, rating=rating, is_favourite=liked)
            if user == self.people[0]:
                self.marks[artifact.id] = (rating, liked)
        self.places[artifact.id] = {gallery.id for gallery in self.galleries if random.random() < 0.4}
        for place, gallery in enumerate(self.places[artifact.id]):
            GalleryItem.objects.create(gallery_id=gallery, artifact=artifact, position=place)
        return artifact

    def expected(self, wanted: Criteria) -> list[uuid.UUID]:
        """Ids in their order, for the first of the people."""
        found = [one for one in self.all if one.deleted_at is None and self.lets_through(wanted, one)]
        if wanted.sort == BEST:
            found.sort(key=lambda one: (self.marks[one.id][0], one.id), reverse=True)
        else:
            found.sort(key=lambda one: one.id, reverse=wanted.sort != OLDEST)
        return [one.id for one in found]

    def lets_through(self, wanted: Criteria, one: Artifact) -> bool:
        rating, liked = self.marks[one.id]
        made_on = library.made_at(one.id).date()
        sides = (one.width or 0, one.height or 0)
        shape = {1: "landscape", -1: "portrait", 0: "square"}[(sides[0] > sides[1]) - (sides[0] < sides[1])] if one.width else ""
        return all(
            (
                has_words(wanted.text, f"{one.prompt} {one.tags}"),
                wanted.engine in ("", one.engine),
                wanted.mode in ("", one.mode or UPLOADED),
                wanted.person in (None, one.user_id),
                not wanted.kind or one.kind == KINDS[wanted.kind],
                wanted.since is None or made_on >= wanted.since,
                wanted.until is None or made_on <= wanted.until,
                rating >= wanted.rating,
                rating > 0 or wanted.sort != BEST,
                liked or not wanted.favourite,
                not wanted.tag or key(wanted.tag) in map(key, self.its_tags[one.id]),
                wanted.size in (None, sides),
                wanted.shape in ("", shape),
                wanted.seed is None or one.seed == wanted.seed,
                wanted.gallery is None or (wanted.gallery in self.places[one.id] and wanted.gallery == self.galleries[0].id),
            )
        )

    def wish(self) -> Criteria:
        """One to four things at once, in any order."""
        random = self.random
        choices: dict[str, list[object]] = {
            "text": ["red", "sail", "cafe", "final", "red castle", "zzz"],
            "engine": ["null", "gone:xl/1", "never"],
            "mode": [UPLOADED, Mode.TEXT_TO_IMAGE, Mode.UPSCALING],
            "person": [user.pk for user in self.people],
            "kind": list(KINDS),
            "since": [BEGAN.date() + timedelta(days=n) for n in range(0, 20, 3)],
            "until": [BEGAN.date() + timedelta(days=n) for n in range(0, 20, 3)],
            "rating": [1, 3, 4, 5],
            "favourite": [True],
            "tag": ["poster", "CAFÉ CRÈME", "nobody"],
            "size": [(512, 512), (1024, 640), (3, 3)],
            "shape": list(SHAPES),
            "seed": [0, 7, 9],
            "gallery": [*(gallery.id for gallery in self.galleries), uuid.UUID(int=5)],
        }
        chosen = random.sample(list(choices), random.randrange(1, 4))
        return Criteria(sort=random.choice(list(SORTS)), **{name: random.choice(choices[name]) for name in chosen})


def key(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(c))


def has_words(text: str, where: str) -> bool:
    there = [plain(word.text) for word in words(where)]
    return all(any(one.startswith(plain(word.text)) for one in there) for word in words(text))


@pytest.fixture(params=range(3))
def chance(request: pytest.FixtureRequest, team: Team, alice: User, bob: User, other_team: Team) -> Chance:
    return Chance(Random(request.param), team, [alice, bob], other_team)


@pytest.fixture(params=["few", "many"])
def how_many(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a tag, a gallery or somebody’s marks were few, or many: each is found in another way."""
    if request.param == "many":
        monkeypatch.setattr(reading, "FEW", dict.fromkeys(reading.FEW, 0))
        monkeypatch.setattr(reading, "BEST_FIRST", 5)


def ids(pictures: list[Artifact]) -> list[uuid.UUID]:
    return [picture.id for picture in pictures]


@pytest.mark.usefixtures("how_many")
def test_every_wish_finds_what_python_finds(chance: Chance) -> None:
    for _ in range(30):
        wanted = chance.wish()
        found = library.stretch(chance.team, wanted, Span(), 100, chance.people[0])
        assert ids(found) == chance.expected(wanted), wanted


@pytest.mark.usefixtures("how_many")
def test_stretches_join_and_neighbours_stand_side_by_side(chance: Chance) -> None:
    viewer = chance.people[0]
    for _ in range(8):
        wanted = chance.wish()
        expected = chance.expected(wanted)
        for at, here in list(enumerate(expected))[::9]:
            place = Place(here, chance.marks[here][0] if wanted.sort == BEST else None)
            assert ids(library.stretch(chance.team, wanted, Span(below=place), 5, viewer)) == expected[at + 1 : at + 6], wanted
            assert ids(library.stretch(chance.team, wanted, Span(above=place), 5, viewer)) == expected[max(0, at - 5) : at], wanted
            assert ids(library.stretch(chance.team, wanted, Span(through=place), 5, viewer)) == expected[max(0, at - 4) : at + 1], wanted
            before, after = library.neighbours(chance.team, wanted, Artifact.objects.get(pk=here), viewer)
            assert (before and before.id, after and after.id) == (
                expected[at - 1] if at else None,
                expected[at + 1] if at + 1 < len(expected) else None,
            ), wanted


def test_pages_of_every_order_join_both_ways(chance: Chance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "PAGE", 7)
    monkeypatch.setattr(library, "REACH", 14)
    viewer = chance.people[0]
    for sort in SORTS:
        wanted = Criteria(sort=sort)
        expected = chance.expected(wanted)
        page, seen = library.page(chance.team, wanted, viewer=viewer), []
        assert page.count is not None
        assert page.count.number == len(expected)
        while True:
            seen += [one.id for _, pictures in page.groups for one in pictures]
            if page.older is None:
                break
            page = library.page(chance.team, wanted, after=page.older, viewer=viewer)
        assert seen == expected
        deep = min(30, len(expected) - 2)
        middle = library.page(chance.team, wanted, until=Place(expected[deep]), viewer=viewer)
        seen = [one.id for _, pictures in middle.groups for one in pictures]
        assert seen == expected[deep - 13 : deep + 1]
        while middle.newer:
            middle = library.page(chance.team, wanted, above=middle.newer, viewer=viewer)
            seen = [one.id for _, pictures in middle.groups for one in pictures] + seen
        assert seen == expected[: deep + 1]


def test_what_is_rated_best_stands_under_its_stars(chance: Chance) -> None:
    page = library.page(chance.team, Criteria(sort=BEST), viewer=chance.people[0])
    assert [heading for heading, _ in page.groups] == ["5 stars", "4 stars", "2 stars"]
    assert library.page(chance.team, Criteria(sort=BEST)).groups == []


def test_a_picture_that_lost_its_rating_still_says_where_one_was(chance: Chance) -> None:
    viewer, wanted = chance.people[0], Criteria(sort=BEST)
    expected = chance.expected(wanted)
    here = expected[10]
    place = Place(here, chance.marks[here][0])
    Mark.objects.filter(user=viewer, artifact=here).delete()
    assert ids(library.stretch(chance.team, wanted, Span(below=place), 5, viewer)) == expected[11:16]


FILTERS = [
    "tag=poster",
    "rating=4",
    "favourite=1",
    "size=512x512",
    "shape=portrait",
    "seed=7",
    "kind=sound",
    "mode=uploaded",
    "q=red",
    "sort=oldest",
    "sort=best",
]


@pytest.mark.parametrize("words_of_it", FILTERS)
def test_a_filtered_page_takes_the_same_number_of_queries_at_any_depth(
    words_of_it: str, chance: Chance, client_of: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "PAGE", 3)
    # What is looked at again after a minute is no matter of depth, and on a busy machine the test takes longer than that.
    monkeypatch.setattr(SessionActivityMiddleware, "SECONDS", 3600)
    monkeypatch.setattr(terms, "_SECONDS", 3600)
    browser = client_of(chance.people[0])
    wanted = Criteria.from_query(dict([words_of_it.split("=")]))
    expected = chance.expected(wanted)
    browser.get("/library/")

    def queries(place: uuid.UUID) -> int:
        mark = f".{chance.marks[place][0]}" if wanted.sort == BEST else ""
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(f"/library/?{words_of_it}&after={place}{mark}").status_code == 200
        return len(captured)

    found = {queries(place) for place in expected[:-4]}
    # PostgreSQL asks its index only for what the newest pictures do not answer
    assert len(found) == 1 or (connection.vendor == "postgresql" and max(found) - min(found) == 1)

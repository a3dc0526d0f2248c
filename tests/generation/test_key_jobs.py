"""What a program asks for with a key: it is on the job, the hold, the batch and what comes of it, and says which engines may be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import audit, keys, members
from accounts.models import ApiKey, AuditEntry, Role, Team, User
from billing.errors import OverBudget
from billing.models import Hold, LedgerEntry, Plan
from billing.services import budgets, wallets
from studio.backends.base import GenerationRequest, Mode
from studio.galleries import filters, library
from studio.galleries.criteria import Criteria
from studio.galleries.taking_in import take_in
from studio.generation import services
from studio.generation.errors import KeyRefusal
from studio.generation.models import Artifact, Batch, Job
from tests.billing.test_statements import sheet
from tests.factories import draw, make_artifact
from tests.generation.conftest import agree, items, media, price_of_one, run

pytestmark = pytest.mark.django_db

ClientOf = Callable[..., Client]


@pytest.fixture
def key(rich: Team, alice: User) -> ApiKey:
    return keys.make(rich, alice, name="CI", scopes=["generate"]).key


@pytest.fixture(autouse=True)
def quiet(bells: Any, hints: Any) -> None:
    """Nobody is rung, and no page told."""


def request(**fields: Any) -> GenerationRequest:
    return GenerationRequest(**{"engine": "null", "mode": Mode.TEXT_TO_IMAGE, "prompt": "a boat", "seed": 1, **fields})


def submit(key: ApiKey | None, team: Team, name: str = "one", **fields: Any) -> Job:
    told = {"request": fields.pop("request", None) or request(), "idempotency_key": name, **fields}
    return services.submit(user=key.user if key else None, team=team, api_key=key, **told)  # type: ignore[arg-type]


# --- attributable -------------------------------------------------------------------------------------------------------
def test_a_job_its_hold_and_its_pictures_say_which_key_it_was(rich: Team, key: ApiKey) -> None:
    job = submit(key, rich, request=request(num_images=2))
    [done] = run()
    assert done == job
    assert (done.api_key, done.hold.api_key, done.user) == (key, key, key.user)
    assert [one.api_key for one in Artifact.objects.filter(job=job)] == [key, key]
    agree()


def test_what_a_person_asks_for_says_none(rich: Team, alice: User) -> None:
    services.submit(user=alice, team=rich, request=request(), idempotency_key="one")
    [done] = run()
    assert (done.api_key, done.hold.api_key, done.artifacts.get().api_key) == (None, None, None)


def test_a_batch_and_all_of_it_say_so(rich: Team, key: ApiKey) -> None:
    told = {"kind": Batch.Kind.PROGRAM, "title": "Boats", "idempotency_key": "b"}
    batch = services.submit_batch(user=key.user, team=rich, items=items("red", "blue", "green"), api_key=key, **told)
    assert (batch.api_key, {job.api_key for job in batch.jobs.all()}, {hold.api_key for hold in Hold.objects.all()}) == (key, {key}, {key})
    assert budgets.meters_of_key(keys.change(key, by=key.user, budget_day=10**6))[0].spent == 3 * price_of_one()
    run(batch=True)
    assert {one.api_key for one in Artifact.objects.all()} == {key}
    agree()


def test_once_more_is_of_whoever_asks_now(rich: Team, key: ApiKey) -> None:
    submit(key, rich)
    [job] = services.claim(["null"], "w")
    services.fail(job, "engine_failed")
    by_hand = services.retry(job, user=key.user, idempotency_key="two")
    assert (by_hand.api_key, by_hand.hold.api_key) == (None, None)
    services.cancel(by_hand)
    with_key = services.retry(job, user=key.user, idempotency_key="three", api_key=key)
    assert (with_key.api_key, with_key.hold.api_key) == (key, key)


def test_what_failed_of_a_batch_is_made_again_with_the_key_of_whoever_asks(rich: Team, key: ApiKey) -> None:
    told = {"kind": Batch.Kind.PROGRAM, "title": "Boats", "idempotency_key": "b"}
    batch = services.submit_batch(user=key.user, team=rich, items=items("red", "blue"), api_key=key, **told)
    for job in services.claim(["null"], "w", batch=True):
        services.fail(job, "engine_failed")
    other = keys.make(rich, key.user, name="Other", scopes=["generate"]).key
    again = services.retry_failed(batch, by=key.user, key="again", api_key=other)
    assert (again.api_key, {job.api_key for job in again.jobs.all()}) == (other, {other})
    agree()


def test_the_same_request_twice_is_one_job_and_one_hold(rich: Team, key: ApiKey) -> None:
    assert submit(key, rich) == submit(key, rich)
    assert Hold.objects.count() == 1


def test_a_key_that_is_gone_leaves_the_work_and_the_books(rich: Team, key: ApiKey) -> None:
    job = submit(key, rich)
    keys.erase_team(rich)
    [done] = run()
    assert (done, done.api_key, done.hold.status) == (job, None, "captured")
    agree()


def test_a_key_that_is_revoked_meanwhile_stops_no_work_that_is_under_way(rich: Team, key: ApiKey) -> None:
    submit(key, rich)
    keys.revoke(key, by=key.user)
    [done] = run()
    assert (done.status, done.artifacts.get().api_key) == ("succeeded", key)


def test_what_a_program_does_to_a_batch_is_in_the_log_with_its_key(rich: Team, key: ApiKey) -> None:
    told = {"kind": Batch.Kind.PROGRAM, "title": "Boats", "idempotency_key": "b"}
    batch = services.submit_batch(user=key.user, team=rich, items=items("red", "blue"), api_key=key, **told)
    with audit.acting_with(key):
        services.pause(batch, by=key.user)
        services.cancel_rest(batch, by=key.user)
    assert [(one.action, one.via) for one in AuditEntry.objects.filter(action__startswith="batch.").order_by("id")] == [
        ("batch.paused", "CI"),
        ("batch.canceled", "CI"),
    ]


# --- what it may spend --------------------------------------------------------------------------------------------------
def test_a_key_stops_at_its_own_budget_and_leaves_nothing_behind(rich: Team, key: ApiKey) -> None:
    key = keys.change(key, by=key.user, budget_day=2 * price_of_one())
    submit(key, rich, "one")
    submit(key, rich, "two")
    with pytest.raises(OverBudget) as refused:
        submit(key, rich, "three")
    assert (refused.value.scope, refused.value.key, refused.value.left) == ("key", "CI", 0)
    told = {"kind": Batch.Kind.PROGRAM, "title": "Boats", "idempotency_key": "b"}
    with pytest.raises(OverBudget):
        services.submit_batch(user=key.user, team=rich, items=items("red"), api_key=key, **told)
    assert (Job.objects.count(), Hold.objects.count(), Batch.objects.count()) == (2, 2, 0)
    services.submit(user=key.user, team=rich, request=request(), idempotency_key="by hand")
    agree()


def test_what_was_not_delivered_can_be_spent_again(rich: Team, key: ApiKey) -> None:
    key = keys.change(key, by=key.user, budget_day=2 * price_of_one())
    submit(key, rich, request=request(num_images=2))
    [job] = services.claim(["null"], "w")
    assert services.succeed(job, media(1, filtered=1))
    assert [meter.spent for meter in budgets.meters_of_key(key)] == [price_of_one()]
    submit(key, rich, "two")
    agree()


# --- which engines ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("engines", "is_allowed"), [([], True), (["null"], True), (["nu*"], True), (["*"], True), (["sd3.5-*", "nul"], False)]
)
def test_the_engines_of_a_key_are_in_the_words_of_a_plan(engines: list[str], is_allowed: bool, rich: Team, key: ApiKey) -> None:
    key = keys.change(key, by=key.user, engines=engines)
    assert key.allows(["null", "null"]) is Plan(engines=engines).allows(["null", "null"]) is is_allowed
    told = {"kind": Batch.Kind.PROGRAM, "title": "Boats", "idempotency_key": "b"}
    if is_allowed:
        assert submit(key, rich).api_key == key
        return
    with pytest.raises(KeyRefusal) as refused:
        submit(key, rich)
    assert refused.value.code == "engine_not_allowed"
    assert list(refused.value.fields) == ["engine"]
    assert "is not among the engines of the API key “CI”" in refused.value.message
    with pytest.raises(KeyRefusal):
        services.submit_batch(user=key.user, team=rich, items=items("red"), api_key=key, **told)
    assert (Job.objects.count(), Hold.objects.count(), Batch.objects.count()) == (0, 0, 0)
    assert services.submit(user=key.user, team=rich, request=request(), idempotency_key="by hand").status == "queued"


def test_a_batch_with_one_engine_that_the_key_may_not_use_is_refused_whole(
    rich: Team, key: ApiKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = keys.change(key, by=key.user, engines=["null"])
    mixed = [*items("red"), *items("blue", engine="storybook")]
    told = {"kind": Batch.Kind.PROGRAM, "title": "Boats", "idempotency_key": "b"}
    with pytest.raises(KeyRefusal, match="Storybook"):
        services.submit_batch(user=key.user, team=rich, items=mixed, api_key=key, **told)
    assert not Job.objects.exists()


def test_a_preview_and_its_final_are_each_asked_of_the_key(rich: Team, key: ApiKey) -> None:
    """The final of an engine that the key may not use is refused, though the preview was made by one that it may."""
    key = keys.change(key, by=key.user, engines=["null"])
    other = request(engine="storybook", width=256, height=256)
    preview = submit(key, rich, intended=other.to_json())
    [done] = run()
    assert done == preview
    picture = done.artifacts.get()
    with pytest.raises(KeyRefusal):
        services.finish(picture, user=key.user, request=other, idempotency_key="final", api_key=key)
    final = services.finish(picture, user=key.user, request=request(width=512, height=512), idempotency_key="final", api_key=key)
    assert (final.final_of, final.api_key) == (picture, key)
    key = keys.change(key, by=key.user, engines=["storybook"])
    with pytest.raises(KeyRefusal):
        submit(key, rich, "again", intended=other.to_json())


# --- where people see it --------------------------------------------------------------------------------------------------
def test_the_statement_and_the_explanation_of_a_charge_name_the_key(rich: Team, key: ApiKey, client_of: ClientOf) -> None:
    submit(key, rich)
    client = client_of(key.user)
    assert "with the key CI" in client.get("/wallet/").content.decode(), "what is held now"
    run()
    services.submit(user=key.user, team=rich, request=request(prompt="by hand"), idempotency_key="by hand")
    run()
    rows = [row for row in client.get("/wallet/").content.decode().split('<tr id="entry-')[1:] if "picture" in row]
    assert ["with the key CI" in row for row in rows][:2] == [False, True]
    entry = LedgerEntry.objects.get(kind="capture", hold__api_key=key)
    page = client.get(f"/wallet/entries/{entry.pk}/").content.decode()
    assert "with the key CI" in page
    assert "<dt>With the API key</dt><dd>CI</dd>" in page
    lines = sheet(client.get("/wallet/statement.csv"))  # type: ignore[arg-type]
    assert [line["With the key"] for line in lines][:2] == ["", "CI"]


def test_a_statement_costs_no_query_more_with_many_keys(rich: Team, alice: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            entries = list(wallets.wallet_of(rich).entries.statement())
            assert [entry.hold.api_key.name for entry in entries if entry.hold]
        return len(found)

    submit(keys.make(rich, alice, name="Key", scopes=["generate"]).key, rich, "first")
    run()
    before = queries()
    for number in range(4):
        submit(keys.make(rich, alice, name=f"Key {number}", scopes=["generate"]).key, rich, f"job-{number}")
        run()
    assert queries() == before


def test_the_page_of_a_picture_names_the_key_and_leads_to_all_of_it(rich: Team, key: ApiKey, client_of: ClientOf) -> None:
    submit(key, rich)
    [job] = run()
    by_hand = make_artifact(rich, key.user, prompt="by hand")
    client = client_of(key.user)
    page = client.get(reverse("picture", args=[job.artifacts.get().id])).content.decode()
    assert f'<a class="link" href="/library/?key={key.public_id}" title="All that was made with it">CI</a>' in page
    assert "With the key" not in client.get(reverse("picture", args=[by_hand.id])).content.decode()
    found = client.get("/library/", {"key": key.public_id}).content.decode()
    assert str(job.artifacts.get().id) in found
    assert str(by_hand.id) not in found
    assert "With the key CI" in found


def test_what_a_program_uploads_says_so(rich: Team, key: ApiKey) -> None:
    with audit.acting_with(key):
        taken = take_in(draw(seed=3), name="boat.png", team=rich, user=key.user, api_key=key)
    taken.artifact.refresh_from_db()
    assert taken.artifact.api_key == key
    assert AuditEntry.objects.get(action="pictures.uploaded").via == "CI"


# --- the filter -----------------------------------------------------------------------------------------------------------
def found(team: Team, viewer: User | None = None, **words: Any) -> list[str]:
    page = library.page(team, Criteria(**words), viewer=viewer)
    return [picture.prompt for _, pictures in page.groups for picture in pictures]


def test_the_library_finds_what_was_made_with_a_key(rich: Team, key: ApiKey, other_team: Team, mallory: User) -> None:
    for name, team, user, with_key in (
        ("red boat", rich, key.user, key),
        ("red house", rich, key.user, None),
        ("blue boat", rich, key.user, key),
        ("red boat elsewhere", other_team, mallory, key),
    ):
        picture = make_artifact(team, user, prompt=name)
        Artifact.objects.filter(pk=picture.pk).update(api_key=with_key)
    assert found(rich, key=key.public_id) == ["blue boat", "red boat"]
    assert found(rich, key=key.public_id, sort="oldest") == ["red boat", "blue boat"]
    assert found(rich, key=key.public_id, text="red") == ["red boat"]
    assert found(rich, key.user, key=key.public_id, sort="best") == []
    assert found(other_team, key=key.public_id) == ["red boat elsewhere"]
    assert found(rich, key="0" * 8) == []
    assert Criteria.from_query({"key": key.public_id}).words() == {"key": key.public_id}
    for word in ("x", "\0" * 8, "12345678 OR", "é" * 8):
        assert Criteria.from_query({"key": word}) == Criteria()
    Artifact.objects.filter(prompt="red boat").update(deleted_at="2026-01-01T00:00:00Z")
    assert found(rich, key=key.public_id) == ["blue boat"]


def test_a_key_that_made_nothing_here_has_no_name_here(rich: Team, key: ApiKey, other_team: Team) -> None:
    criteria = Criteria(key=key.public_id)
    page = library.page(other_team, criteria)
    [chip] = filters.bar(other_team, criteria, key.user, page)["chips"]
    assert (chip.label, chip.without) == (f"With the key sk-{key.public_id}…", "")


# --- people who may not any more ----------------------------------------------------------------------------------------------
def test_work_of_somebody_who_may_generate_no_more_is_asked_of_the_caller(rich: Team, alice: User, bob: User) -> None:
    """Services do not look at scopes: whoever serves a program asks the caller first, with every request."""
    made = keys.make(rich, bob, name="CI", scopes=["generate"])
    assert "generate" in keys.caller(made.secret).scopes
    members.change_role(rich, bob, Role.VIEWER, by=alice)
    assert keys.caller(made.secret).scopes == frozenset()

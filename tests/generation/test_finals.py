"""A preview and its final: one thing in two steps, linked, made once, and shown as one."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from billing import ledger
from billing.models import Plan
from billing.services import wallets
from studio.galleries import library, trashing
from studio.galleries.criteria import Criteria
from studio.galleries.lineage import family
from studio.generation import finals, reuse, services
from studio.generation.models import Artifact, Job, Worker
from studio.generation.querysets import JobQuerySet
from tests.billing.race import at_once, kinds
from tests.generation.conftest import HTMX, fields, media, press, wallet

pytestmark = pytest.mark.django_db

STEPS = {"num_inference_steps": "20", "seed": "7"}


@pytest.fixture(autouse=True)
def workers(db: None) -> None:
    for queue in ("null", "stability"):
        Worker.objects.create(name=queue, queues=[queue], state="ready", pid=1, host="here", heartbeat_at=timezone.now())


def make(queue: str = "null", number: int = 1) -> list[Artifact]:
    """What a worker makes of the next job."""
    [job] = services.claim([queue], "w", batch=False)
    seeds = job.to_request().seeds
    made = [one.__class__(**{**{name: getattr(one, name) for name in one.__slots__}, "seed": seeds[one.index]}) for one in media(number)]
    assert services.succeed(job, made)
    return list(job.artifacts.order_by("index"))


@pytest.fixture
def preview(alices: Any, rich: Any) -> Artifact:
    """The second of two, in 8 steps."""
    press(alices, preview="1", **STEPS)
    return Artifact.objects.select_related("job", "team").get(pk=make(number=2)[1].pk)


def finish(client: Any, preview: Artifact, **values: str) -> Any:
    return client.post(reverse("make_final", args=[preview.pk]), values, **HTMX)


# --- the preview -------------------------------------------------------------------------------------------------------------


def test_a_preview_is_made_in_few_steps_and_knows_what_was_meant(alices: Any, rich: Any) -> None:
    press(alices, preview="1", **STEPS)
    job = Job.objects.get()
    assert (job.request["num_inference_steps"], job.request["seed"], job.num_images, job.prompt) == (8, 7, 2, "a boat")
    assert (job.intended["num_inference_steps"], job.intended["engine"], job.intended["seed"]) == (20, "null", 7)
    assert wallet(rich) == (100_000, 2000)


def test_a_seed_that_nobody_chose_is_the_same_in_both(alices: Any) -> None:
    press(alices, preview="1", num_inference_steps="20")
    job = Job.objects.get()
    assert job.intended["seed"] == job.request["seed"]


def test_a_cheap_engine_shows_what_a_dear_one_will_make(alices: Any, rich: Any, provider: Any) -> None:
    large = fields(engine="sd3.5-large", num_images="2", aspect_ratio="16:9")
    quoted = alices.post(reverse("create_quote"), large, **HTMX)
    assert (quoted.context["preview"].engine.id, quoted.context["preview"].quote.amount) == ("sd3.5-flash", 5000)
    assert alices.post(reverse("create"), {**large, "preview": "1"}, **HTMX).status_code == 200
    job = Job.objects.get()
    assert (job.engine, job.request["extra"]["aspect_ratio"], job.intended["engine"]) == ("sd3.5-flash", "16:9", "sd3.5-large")
    assert wallet(rich) == (100_000, 5000)


@pytest.mark.parametrize("values", [{}, {"num_inference_steps": "1"}])
def test_where_no_way_is_cheaper_there_is_none(alices: Any, rich: Any, values: dict[str, str]) -> None:
    assert alices.post(reverse("create_quote"), fields(**values), **HTMX).context["preview"] is None
    answer = press(alices, preview="1", **values)
    assert answer.status_code == 422
    assert "There is no cheaper way to try this any more." in str(answer.context["form"].errors)
    assert (Job.objects.count(), wallet(rich)) == (0, (100_000, 0))


def test_an_old_price_of_the_preview_is_refused(alices: Any, rich: Any) -> None:
    answer = press(alices, preview="1", preview_list="another", **STEPS)
    assert answer.status_code == 422
    assert (Job.objects.count(), wallet(rich)) == (0, (100_000, 0))


# --- the final ---------------------------------------------------------------------------------------------------------------


def test_the_difference_is_said_before_the_press(alices: Any, preview: Artifact) -> None:
    for page in (
        alices.get(reverse("job_stage", args=[preview.job_id]), {"selected": preview.pk}, **HTMX),
        alices.get(reverse("picture", args=[preview.pk])),
    ):
        words = " ".join(unescape(page.content.decode()).split())
        assert '<th scope="row">Steps</th><td class="num">8</td><td class="num">20</td>' in words
        assert '<th scope="row">Credits</th><td class="num">1</td><td class="num">1</td>' in words
        assert 'the seed <span class="num">8</span>' in words
        assert "Make final · 1 credit" in words


def test_the_final_keeps_prompt_seed_and_what_was_meant(alices: Any, rich: Any, preview: Artifact) -> None:
    assert finish(alices, preview).status_code == 200
    job = Job.objects.latest("id")
    assert (job.final_of_id, job.parent_id, job.intended) == (preview.pk, preview.pk, None)
    assert (job.request["seed"], job.request["num_inference_steps"], job.num_images, job.prompt) == (preview.seed, 20, 1, "a boat")
    [final] = make()
    assert final.seed == preview.seed == 8
    assert wallet(rich) == (97_000, 0)
    assert list(ledger.disagreements()) == []


def test_without_javascript_it_leads_to_the_final(alices: Any, preview: Artifact) -> None:
    answer = alices.post(reverse("make_final", args=[preview.pk]))
    assert answer["Location"] == f"/create/?job={Job.objects.latest('id').pk}"


def test_pressed_again_it_is_the_same_final(alices: Any, rich: Any, preview: Artifact, client_of: Any, bob: Any) -> None:
    for client in (alices, alices, client_of(bob, rich)):
        assert finish(client, preview).status_code == 200
    make()
    assert finish(alices, preview).status_code == 200
    assert Job.objects.filter(final_of=preview).count() == 1
    assert wallet(rich) == (97_000, 0)


def presses_at_once(preview: Artifact, user: Any) -> list[Any]:
    request = finals.request_for(preview)

    def runner(number: int) -> tuple[Callable[[], Artifact], Callable[[Artifact], Job]]:
        return (
            lambda: Artifact.objects.select_related("job", "team").get(pk=preview.pk),
            lambda seen: services.finish(seen, user=user, request=request, idempotency_key=f"final:{number}"),
        )

    return at_once(*(runner(number) for number in range(16)))


@pytest.mark.django_db(transaction=True)
def test_sixteen_presses_make_one_final(alices: Any, alice: Any, rich: Any, preview: Artifact) -> None:
    outcomes = presses_at_once(preview, alice)
    assert kinds(outcomes) == {"Job": 16}
    assert len({job.pk for job in outcomes}) == 1
    assert Job.objects.filter(final_of=preview).count() == 1
    assert wallet(rich) == (98_000, 1000)


@pytest.mark.django_db(transaction=True)
def test_without_the_guard_each_press_makes_one(alices: Any, alice: Any, preview: Artifact, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JobQuerySet, "standing", JobQuerySet.none)
    presses_at_once(preview, alice)
    assert Job.objects.filter(final_of=preview).count() == 16


def test_another_preview_of_the_same_press_has_its_own(alices: Any, preview: Artifact) -> None:
    first = preview.job.artifacts.get(index=0)
    finish(alices, preview)
    finish(alices, first)
    assert set(Job.objects.filter(final_of__isnull=False).values_list("final_of", flat=True)) == {preview.pk, first.pk}


def test_one_that_failed_can_be_made_again_and_a_retry_keeps_the_relation(alices: Any, alice: Any, preview: Artifact) -> None:
    finish(alices, preview)
    [job] = services.claim(["null"], "w", batch=False)
    services.fail(job, "failed")
    again = services.retry(Job.objects.get(pk=job.pk), user=alice, idempotency_key="again")
    assert (again.final_of_id, again.pk != job.pk) == (preview.pk, True)
    finish(alices, preview)
    assert Job.objects.filter(final_of=preview).count() == 2
    assert services.retry(Job.objects.get(pk=job.pk), user=alice, idempotency_key="once more") == again


def test_a_preview_that_is_tried_again_stays_one(alices: Any, alice: Any) -> None:
    press(alices, preview="1", **STEPS)
    [job] = services.claim(["null"], "w", batch=False)
    services.fail(job, "failed")
    again = services.retry(Job.objects.get(pk=job.pk), user=alice, idempotency_key="again")
    assert again.intended == Job.objects.get(pk=job.pk).intended
    assert again.intended["num_inference_steps"] == 20


def test_a_preview_that_is_gone_leaves_its_final_whole(alices: Any, alice: Any, preview: Artifact) -> None:
    finish(alices, preview)
    [final] = make()
    trashing.trash([preview], by=alice)
    trashing.erase(Artifact.objects.filter(pk=preview.pk))
    job = Job.objects.get(pk=final.job_id)
    assert (job.final_of_id, job.parent_id, job.status) == (None, None, "succeeded")
    assert alices.get(reverse("picture", args=[final.pk])).status_code == 200
    assert alices.get(reverse("create"), {"job": job.pk}).status_code == 200


def test_what_is_no_preview_has_no_final(alices: Any, rich: Any) -> None:
    press(alices)
    [picture, _] = make(number=2)
    assert finish(alices, picture).status_code == 404
    assert Job.objects.count() == 1


def test_a_final_by_an_engine_that_is_gone(alices: Any, rich: Any, preview: Artifact) -> None:
    Job.objects.filter(pk=preview.job_id).update(intended=preview.job.intended | {"engine": "gone"})
    answer = finish(alices, preview)
    assert answer.status_code == 422
    assert "not available any more" in answer.content.decode()
    assert "not available any more" in alices.get(reverse("picture", args=[preview.pk])).content.decode()
    assert (Job.objects.count(), wallet(rich)) == (1, (98_000, 0))


def test_an_old_price_or_too_little_makes_none(alices: Any, rich: Any, preview: Artifact) -> None:
    assert finish(alices, preview, price_list="another").status_code == 422
    wallets.place_hold(wallets.wallet_of(rich), 98_000, reference="all", description="All of it")
    assert finish(alices, preview).status_code == 422
    assert Job.objects.count() == 1


def test_a_final_counts_as_a_request_of_the_team(alices: Any, rich: Any, preview: Artifact, settings: Any) -> None:
    Plan.objects.create(slug="small", name="Small", position=5, requests_per_minute=1)
    settings.DEFAULT_PLAN = "small"
    assert finish(alices, preview).status_code == 200
    services.cancel(Job.objects.get(final_of=preview))
    answer = finish(alices, preview)
    assert answer.status_code == 429
    assert "The Small plan takes one request a minute" in answer.content.decode()
    assert Job.objects.filter(final_of=preview).count() == 1


@pytest.mark.parametrize(("who", "status"), [("carol", 403), ("mallory", 404)])
def test_who_may_not_makes_none(preview: Artifact, rich: Any, who: str, status: int, client_of: Any, request: Any) -> None:
    client = client_of(request.getfixturevalue(who))
    assert finish(client, preview).status_code == status
    assert (Job.objects.count(), wallet(rich)) == (1, (98_000, 0))


def test_whoever_only_looks_sees_no_press(preview: Artifact, rich: Any, client_of: Any, carol: Any) -> None:
    assert "Make final" not in client_of(carol).get(reverse("picture", args=[preview.pk])).content.decode()


# --- shown as one --------------------------------------------------------------------------------------------------------------


def shown(team: Any, user: Any, **criteria: Any) -> list[Any]:
    page = library.page(team, Criteria(**criteria), viewer=user)
    assert page.count is not None
    found = [one.pk for _, group in page.groups for one in group]
    assert page.count.number == len(found)
    return found


@pytest.mark.parametrize("criteria", [{}, {"engine": "null"}, {"text": "boat"}, {"sort": "oldest"}, {"seed": 8}])
def test_the_library_shows_the_final_in_place_of_its_preview(
    alices: Any, alice: Any, rich: Any, preview: Artifact, criteria: dict[str, Any]
) -> None:
    others = [] if "seed" in criteria else [preview.job.artifacts.get(index=0).pk]
    assert set(shown(rich, alice, **criteria)) == {preview.pk, *others}
    finish(alices, preview)
    assert set(shown(rich, alice, **criteria)) == {preview.pk, *others}  # until there is something to show
    [final] = make()
    assert set(shown(rich, alice, **criteria)) == {final.pk, *others}
    trashing.trash([final], by=alice)
    assert set(shown(rich, alice, **criteria)) == {preview.pk, *others}


def test_an_open_library_takes_the_preview_away_and_an_open_gallery_does_not(alices: Any, preview: Artifact, hints: Any) -> None:
    finish(alices, preview)
    [final] = make()
    ids = {"ids": [str(preview.pk), str(final.pk)]}
    wall = alices.get(reverse("library_tiles"), {**ids, "finals": "1"}).content.decode()
    assert (f"p-{preview.pk}" in wall, f"p-{final.pk}" in wall) == (False, True)
    gallery = alices.get(reverse("library_tiles"), ids).content.decode()
    assert (f"p-{preview.pk}" in gallery, f"p-{final.pk}" in gallery) == (True, True)


def test_each_leads_to_the_other(alices: Any, preview: Artifact) -> None:
    finish(alices, preview)
    [final] = make()
    assert f'href="/pictures/{preview.pk}/">this preview' in alices.get(reverse("picture", args=[final.pk])).content.decode()
    page = alices.get(reverse("picture", args=[preview.pk])).content.decode()
    assert "This preview was made final." in page
    assert f"/create/?job={final.job_id}" in page


def test_what_the_team_has_already_is_shown_instead_of_sold(
    alices: Any, rich: Any, preview: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same was made by other ways: an engine that is paid for is not paid twice, so the preview leads there before any press."""
    monkeypatch.setattr(reuse, "is_paid", lambda engine: True)
    request = finals.request_for(preview)
    assert request
    have = services.submit(user=preview.job.user, team=preview.team, request=request, idempotency_key="direct")
    assert "Make final" in alices.get(reverse("picture", args=[preview.pk])).content.decode(), "it is not there yet"
    make()
    before = wallet(rich)
    page = alices.get(reverse("picture", args=[preview.pk])).content.decode()
    assert "The team has exactly what this preview was meant to be" in page
    assert f'<a class="link strong" href="/create/?job={have.pk}">Show it</a>' in page
    assert "Make final" not in page
    assert f"job-{have.pk}" in finish(alices, preview).content.decode()
    assert (Job.objects.count(), wallet(rich)) == (2, before)


def test_a_tile_says_that_it_is_a_preview(alices: Any, preview: Artifact) -> None:
    tile = alices.get(reverse("library_tiles"), {"ids": str(preview.pk)}).content.decode()
    assert '<span class="badge num" aria-hidden="true">Preview</span>' in tile
    assert 'alt="Preview: a boat"' in tile
    finish(alices, preview)
    [final] = make()
    tile = alices.get(reverse("library_tiles"), {"ids": str(final.pk)}).content.decode()
    assert 'class="badge' not in tile
    assert 'alt="a boat"' in tile


def test_the_family_calls_them_by_their_names(alices: Any, preview: Artifact) -> None:
    finish(alices, preview)
    [made] = make()
    final = Artifact.objects.select_related("job").get(pk=made.pk)
    members = family(final)
    assert members is not None
    assert [(node.artifact.pk, node.label) for node in members.nodes] == [(preview.pk, "Preview"), (final.pk, "Final")]


def test_the_words_of_an_erased_team_are_gone_from_what_was_meant(preview: Artifact, rich: Any) -> None:
    services.erase_words(Job.objects.of_team(rich))
    assert Job.objects.get(pk=preview.job_id).intended is None

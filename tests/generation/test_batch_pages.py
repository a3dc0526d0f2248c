"""A batch where people see it: one card in the feed, a page of its rows, one line among the approvals, a fact of its pictures."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.urls import reverse

from billing.models import Plan
from billing.services import wallets
from billing.services.approvals import add_rule
from studio.context import _open_jobs, _to_approve
from studio.generation import services, tallies
from studio.generation.models import Artifact, Batch, Job
from studio.prompts.models import PromptTemplate, PromptTemplateVersion
from tests.generation.conftest import HTMX, media, press, price_of_one, wallet

pytestmark = pytest.mark.django_db


@pytest.fixture
def halfway(make_batch, alice, rich, bells, hints) -> Batch:
    """Four rows of alice's: done, failed, running, waiting."""
    batch = make_batch(alice, rich, 4)
    for end in (lambda job: services.succeed(job, media()), lambda job: services.fail(job, "engine_failed"), lambda job: None):
        [job] = services.claim(["null"], "w", batch=False)
        end(job)
    return batch


def page(client, name, *args, **how):
    return client.get(reverse(name, args=args), **how).content.decode()


def card(batch: Batch) -> str:
    return f'id="batch-{batch.pk}"'


def test_one_card_stands_for_all_in_the_feed_and_one_piece_of_work_in_the_header(alices, halfway, make_job, alice, rich):
    single = make_job(alice, rich)
    html = page(alices, "create")
    assert re.findall(r'<article id="((?:job|batch)-[^"]+)"', html) == [f"job-{single.pk}", f"batch-{halfway.pk}"]
    assert "1 of 4" in html
    assert "1 failed" in html
    assert "1 running · 1 waiting" in html
    price = price_of_one() // 1000
    assert f"held {2 * price}, charged {price}, released {price}" in html
    assert _open_jobs(rich.pk) == 2
    services.pause(halfway, by=alice)
    assert "Pausing" in page(alices, "create")


def test_what_was_canceled_is_no_progress(alices, halfway, alice):
    services.cancel_rest(halfway, by=alice)
    html = page(alices, "batch", halfway.pk)
    assert '<progress max="4" value="1" aria-label="Progress">25 %</progress>' in html
    assert "1 of 4" in html
    assert "1 canceled" in html


def test_the_page_shows_each_row_in_its_order(alices, halfway):
    html = page(alices, "batch", halfway.pk)
    assert re.findall(r'id="row-(\d)" class="batch-row" data-status="(\w+)"', html) == [
        ("0", "succeeded"),
        ("1", "failed"),
        ("2", "running"),
        ("3", "queued"),
    ]
    assert "The engine failed. Try again; if it happens again, tell your operator." in html
    assert "Try again · 1 credit" in html
    assert 'name="seen" value="sfrq"' in html


def test_a_job_of_a_batch_leads_to_its_row(alices, halfway):
    job = halfway.jobs.get(batch_place=2)
    assert alices.get(reverse("job", args=[job.pk]))["Location"] == f"/batches/{halfway.pk}/#row-2"


def test_changes_are_the_rows_that_the_page_has_not_seen_so(alices, halfway):
    address = reverse("batch_changes", args=[halfway.pk])
    html = alices.get(address, {"seen": "sfqq"}, **HTMX).content.decode()
    assert re.findall(r'id="row-(\d)"', html) == ["2"]
    assert 'value="sfrq"' in html
    assert re.findall(r'id="row-(\d)"', alices.get(address, {"seen": "sfrq"}, **HTMX).content.decode()) == []
    assert re.findall(r'id="row-(\d)"', alices.get(address, **HTMX).content.decode()) == ["0", "1", "2", "3"]
    assert alices.get(address)["Location"] == f"/batches/{halfway.pk}/"


def test_a_row_that_ends_while_the_page_is_drawn_is_no_row_that_it_has_seen(alices, halfway, monkeypatch):
    running, read = halfway.jobs.get(batch_place=2), tallies.rows_of

    def rows_of(found, places=None):
        rows = read(found, places)
        services.succeed(running, media())
        return rows

    monkeypatch.setattr(tallies, "rows_of", rows_of)
    html = page(alices, "batch", halfway.pk)
    monkeypatch.undo()
    assert 'id="row-2" class="batch-row" data-status="running"' in html
    seen = re.search(r'name="seen" value="(\w+)"', html)[1]
    changes = page(alices, "batch_changes", halfway.pk, data={"seen": seen}, **HTMX)
    assert re.findall(r'id="row-(\d)"', changes) == ["2"]


def test_pause_go_on_and_cancel_answer_with_the_card(alices, halfway):
    assert ">Pausing<" in alices.post(reverse("batch_pause", args=[halfway.pk]), **HTMX).content.decode()
    assert ">Running<" in alices.post(reverse("batch_go_on", args=[halfway.pk]), **HTMX).content.decode()
    html = alices.post(reverse("batch_cancel", args=[halfway.pk]), **HTMX).content.decode()
    assert "1 canceled" in html
    assert 'id="balance"' in html
    assert halfway.jobs.get(batch_place=2).cancel_requested_at is None
    alices.post(reverse("batch_cancel", args=[halfway.pk]), {"running": "1"})
    assert halfway.jobs.get(batch_place=2).cancel_requested_at is not None


def test_a_paused_card_says_until_when(alices, halfway, alice):
    assert "Paused: what waits" not in page(alices, "batch", halfway.pk)
    services.pause(halfway, by=alice)
    Batch.objects.update(paused_at=datetime(2026, 11, 27, 12, tzinfo=UTC))
    said = "Paused: what waits is canceled on 27 December, and its credits are released."
    assert said in page(alices, "batch", halfway.pk)
    services.cancel_rest(halfway, by=alice)
    assert "Paused: what waits" not in page(alices, "batch", halfway.pk)


def test_a_plan_without_room_says_so_and_the_batch_stays_paused(alices, make_batch, alice, rich, settings):
    settings.DEFAULT_PLAN = "one"
    Plan.objects.create(slug="one", name="One", position=5, jobs_at_once=1)
    batch = make_batch(alice, rich, 2)
    services.pause(batch, by=alice)
    make_batch(alice, rich, 1)
    answer = alices.post(reverse("batch_go_on", args=[batch.pk]), **HTMX)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "The One plan runs one job of a team at once. A batch of any length counts as one." in html
    assert "Paused" in html
    batch.refresh_from_db()
    assert batch.paused_at is not None


@pytest.mark.parametrize("who", ["carol", "mallory"])
def test_who_only_looks_or_is_a_stranger_changes_nothing(who, client_of, halfway, carol, mallory, other_team):
    client = client_of({"carol": carol, "mallory": mallory}[who])
    before = list(Job.objects.values("pk", "status", "cancel_requested_at")), list(Batch.objects.values())
    for name in ("batch_pause", "batch_go_on", "batch_cancel"):
        refused = client.post(reverse(name, args=[halfway.pk]), {"running": "1"}, **HTMX)
        assert refused.status_code == (404 if who == "mallory" else 403)
    assert (list(Job.objects.values("pk", "status", "cancel_requested_at")), list(Batch.objects.values())) == before


def test_what_failed_again_costs_what_the_button_says_and_a_double_click_is_one(alices, halfway, alice):
    services.cancel_rest(halfway, by=alice)
    assert services.succeed(Job.objects.get(batch_place=2), media())
    html = page(alices, "batch", halfway.pk, **HTMX)
    assert "Make 1 failed again · 1 credit" in html
    address = reverse("batch_retry", args=[halfway.pk])
    version = re.search(r'name="price_list" value="([^"]*)"', html)[1]
    old = alices.post(address, {"price_list": "1999", "idempotency_key": "k0"}, **HTMX)
    assert (old.status_code, Batch.objects.count()) == (422, 1)
    assert "Prices have changed since this page was drawn." in old.content.decode()
    answers = [alices.post(address, {"price_list": version, "idempotency_key": "k"}, **HTMX) for _ in range(2)]
    again = Batch.objects.exclude(pk=halfway.pk).get()
    assert [answer["HX-Redirect"] for answer in answers] == [f"/batches/{again.pk}/"] * 2
    Job.objects.filter(batch=again).update(status="failed")
    assert alices.post(address, {"idempotency_key": "k3"})["Location"].startswith("/batches/")


def test_what_is_made_again_already_is_offered_and_paid_for_no_more(alices, halfway, alice, rich):
    services.cancel_rest(halfway, by=alice)
    assert services.fail(Job.objects.get(batch_place=2), "engine_failed")
    services.retry(Job.objects.get(batch_place=1), user=alice, idempotency_key="single")
    html = page(alices, "batch", halfway.pk)
    assert "Make 1 failed again · 1 credit" in html
    assert html.count("Try again ·") == 1
    address, held = reverse("batch_retry", args=[halfway.pk]), wallet(rich)
    assert alices.post(address, {"idempotency_key": "k"}, **HTMX).status_code == 200
    assert Job.objects.get(batch__isnull=False, retry_of__isnull=False).retry_of.batch_place == 2
    for state in ("queued", "running", "approval", "succeeded"):
        Job.objects.filter(retry_of__isnull=False).update(status=state)
        html = page(alices, "batch", halfway.pk)
        assert "failed again" not in html
        assert "Try again ·" not in html
        answer = alices.post(address, {"idempotency_key": f"k-{state}"}, **HTMX)
        assert answer.status_code == 422
        assert "all that did is made again already." in answer.content.decode()
    assert wallet(rich) == (held[0], held[1] + price_of_one())


def test_nothing_is_charged_for_what_cannot_be_made_again(alices, halfway, rich, alice):
    services.cancel_rest(halfway, by=alice, running=True)
    Job.objects.update(status="succeeded")
    before = wallet(rich)
    answer = alices.post(reverse("batch_retry", args=[halfway.pk]), {"idempotency_key": "k"}, **HTMX)
    assert answer.status_code == 422
    assert "Nothing of this batch has failed, or all that did is made again already." in answer.content.decode()
    assert wallet(rich) == before


@pytest.fixture
def asked(make_batch, alice, bob, rich) -> Batch:
    add_rule(wallets.wallet_of(rich), kind="pictures", threshold=2, by=alice)
    return make_batch(bob, rich, 3)


def test_it_is_one_line_among_the_approvals_and_decided_on_there(alices, client_of, asked, alice, bob, rich):
    html = page(alices, "wallet_approvals")
    assert re.findall(r'id="waits-([^"]+)"', html) == [str(asked.pk)]
    assert "Table of 3" in html
    assert "More than 2 pictures" in html
    assert _to_approve(rich.pk) == 1
    job = asked.jobs.first()
    assert alices.post(reverse("wallet_approval", args=[job.pk]), {"decision": "approve"})["Location"] == f"/batches/{asked.pk}/"
    assert asked.jobs.filter(status="approval").count() == 3
    assert "Waits for approval of Alice Harbour" in page(client_of(bob), "batch", asked.pk)
    assert client_of(bob).post(reverse("wallet_batch_approval", args=[asked.pk]), {"decision": "approve"}).status_code == 403
    answer = alices.post(reverse("wallet_batch_approval", args=[asked.pk]), {"decision": "decline"}, **HTMX)
    assert (answer.status_code, asked.jobs.filter(status="approval").count()) == (422, 3)
    assert "Say why" in answer.content.decode()
    alices.post(reverse("wallet_batch_approval", args=[asked.pk]), {"decision": "approve"})
    assert asked.jobs.filter(status="queued").count() == 3
    html = page(alices, "wallet_approvals")
    assert "Nothing waits" in html
    assert html.count("Boats of all colours") == 1
    answer = alices.post(reverse("wallet_batch_approval", args=[asked.pk]), {"decision": "approve"}, **HTMX)
    assert answer.status_code == 422
    assert "This was approved by Alice Harbour already." in answer.content.decode()


def test_the_stage_leads_to_where_all_are_decided_on(alices, alice, rich):
    add_rule(wallets.wallet_of(rich), kind="pictures", threshold=2, by=alice, for_everybody=True)
    answer = press(alices, prompt="a {red|blue|green} boat", num_images="3")
    batch, stage = Batch.objects.get(), re.search(r'<div id="stage-.*', answer.content.decode(), re.DOTALL)[0].partition("<hx-partial")[0]
    assert f'<a class="link" href="/batches/{batch.pk}/">decided on together</a>' in stage
    assert "<form" not in stage
    assert batch.jobs.filter(status="approval").count() == 3


def test_a_picture_says_of_which_batch_and_template_it_is(alices, halfway, alice, rich):
    template = PromptTemplate.objects.create(team=rich, author=alice, name="Boats", changed_at=halfway.created_at)
    content = {"sections": [{"name": "prompt", "text": "a {hull} boat"}], "fields": [{"name": "hull", "label": "Colour of the hull"}]}
    version = PromptTemplateVersion.objects.create(template=template, number=3, author=alice, content=content)
    Job.objects.filter(batch=halfway).update(template_version=version, template_values={"fields": {"hull": "red & blue", "sail": ""}})
    html = page(alices, "picture", Artifact.objects.get().pk)
    assert f'href="/batches/{halfway.pk}/#row-0">Boats of all colours</a> <span class="faint num">1 of 4</span>' in html
    assert "Boats, version 3" in html
    assert '<dt>Colour of the hull</dt><dd class="words" dir="auto">red &amp; blue</dd>' in html
    assert "Sail" not in html


def test_cards_of_batches_take_few_queries(make_batch, alice, rich, django_assert_max_num_queries):
    for _ in range(3):
        make_batch(alice, rich, 6)
    with django_assert_max_num_queries(8):
        tallies.load(Batch.objects.shown())


def test_the_price_of_what_failed_takes_two_queries_for_all_cards(make_batch, alice, rich, django_assert_num_queries):
    made = [make_batch(alice, rich, 3) for _ in range(3)]
    Job.objects.update(status="failed")
    with django_assert_num_queries(2) as asked:
        quotes = services.quote_failed(made)
    assert {pk: quote.amount for pk, quote in quotes.items()} == {batch.pk: 3 * price_of_one() for batch in made}
    assert "JOIN" not in asked.captured_queries[0]["sql"]
    Job.objects.filter(batch=made[0], batch_place=1).update(request={**Job.objects.first().request, "engine": "gone"})
    assert set(services.quote_failed(made)) == {batch.pk for batch in made[1:]}


def test_the_operator_sees_it_without_its_words(desk, halfway):
    html = desk.get("/admin/generation/batch/").content.decode()
    assert str(halfway.pk) in html
    assert "Boats of all colours" not in html
    job = halfway.jobs.first()
    html = desk.get(f"/admin/generation/job/{job.pk}/change/").content.decode()
    assert str(halfway.pk) in html
    assert "Boats of all colours" not in html

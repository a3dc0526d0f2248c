"""What the provider takes, kept with the job whatever became of it, and who pays for what it filtered."""

import pytest
from django.utils import timezone

from billing.services import wallets
from studio.backends.base import Mode
from studio.generation import cards, files, quotes, services
from studio.generation.errors import StorageFull
from studio.generation.ledger import disagreements
from studio.generation.models import Job
from studio.generation.services import settling
from tests import factories
from tests.generation.conftest import media, wallet
from tests.generation.paid import CORE, newest, work

pytestmark = pytest.mark.django_db
FILTERED = "blurme boat"
"""The stand-in filters this: 200, `CONTENT_FILTERED`, and charged."""


@pytest.fixture
def core(rich, alice, make_job, provider):
    """`core(prompt, n)`: a job of Stable Image Core (3 credits a picture), made and settled."""

    def make(prompt="a boat", n=1):
        make_job(alice, rich, engine=CORE, prompt=prompt, num_images=n, width=None, height=None, extra={"aspect_ratio": "1:1"})
        work()
        return cards.load_one(newest())

    return make


@pytest.fixture
def partly(rich, alice, make_job):
    """A claimed job of four pictures, and what came of them: three, and one that the provider filtered and bills."""
    make_job(alice, rich, num_images=4)
    [job] = services.claim(["null"], "w", batch=False)
    assert services.mark_sent(job)
    made = [replace_cost(one, 1000) for one in media(3, filtered=1)]
    return job, made


def replace_cost(one, cost):
    from dataclasses import replace

    return replace(one, provider_cost=cost)


def row(job):
    job.refresh_from_db()
    return job.status, job.delivered, job.filtered, job.filtered_charged, job.provider_cost, job.hold.status, job.hold.captured


def card(job):
    return cards.load_one(newest()).card.charges


def test_a_delivered_picture(core, rich, provider):
    job = core(n=2)
    assert row(job) == ("succeeded", 2, 0, 0, 6000, "captured", 6000)
    assert job.card.charges == ""
    assert provider.books.total() * 1000 == job.provider_cost
    assert list(disagreements()) == []


def test_what_the_provider_filtered_it_bills_and_the_team_does_not_pay(core, rich, provider):
    job = core(FILTERED)
    assert row(job) == ("failed", 0, 1, 0, 3000, "voided", 0)
    assert (job.error_code, job.error_message) == ("all_filtered", "What was made was filtered. Change the prompt and try again.")
    assert job.card.charges == "The provider bills it; you were not charged."
    assert wallet(rich) == (100_000, 0)
    assert provider.books.total() == 3
    assert list(disagreements()) == []


def test_the_operator_may_let_the_team_pay_for_it(core, rich, settings):
    settings.CHARGE_FILTERED = True
    job = core(FILTERED, n=2)
    assert row(job) == ("failed", 0, 2, 2, 6000, "captured", 6000)
    assert job.card.charges == "The provider bills them; you were charged for them."
    assert wallet(rich) == (94_000, 0)
    assert list(disagreements()) == []


def test_the_statement_names_a_sound_a_sound(rich, alice):
    job = factories.make_job(rich, alice, mode=Mode.TEXT_TO_AUDIO, status="canceled", num_images=2)
    Job.objects.filter(pk=job.pk).update(started_at=timezone.now())
    assert dict(quotes.outcomes([job.hold_id])) == {job.hold_id: "stopped before the first sound, nothing charged"}
    wallets.capture(job.hold, 0)
    Job.objects.filter(pk=job.pk).update(status="succeeded")
    assert dict(quotes.outcomes([job.hold_id])) == {job.hold_id: "2 sounds did not come out"}


@pytest.mark.parametrize(("charges", "captured", "words"), [(False, 3000, "you were not charged"), (True, 4000, "you were charged for it")])
def test_one_of_four_was_filtered(partly, rich, settings, charges, captured, words):
    settings.CHARGE_FILTERED = charges
    job, made = partly
    assert services.succeed(job, made)
    assert row(job) == ("succeeded", 3, 1, int(charges), 4000, "captured", captured)
    assert card(job) == f"1 of 4 was filtered by the provider. The provider bills it; {words}."
    assert wallet(rich) == (100_000 - captured, 0)
    assert sum(picture.charged for picture in job.artifacts.all()) == 3000
    assert list(disagreements()) == []
    told = dict(quotes.outcomes([job.hold_id]))
    assert told == ({} if charges else {job.hold_id: "1 picture did not come out"})


def test_what_no_provider_bills_is_never_charged(rich, alice, make_job, settings):
    settings.CHARGE_FILTERED = True
    make_job(alice, rich, num_images=2)
    [job] = services.claim(["null"], "w", batch=False)
    assert services.succeed(job, media(1, filtered=1))
    assert row(job) == ("succeeded", 1, 1, 0, 0, "captured", 1000)
    assert card(job) == "1 of 2 was filtered. You were not charged."
    assert list(disagreements()) == []


def test_some_did_not_come_back_at_all(partly):
    job, made = partly
    assert services.succeed(job, made[:2] + made[3:])
    assert card(job) == (
        "1 of 4 was filtered by the provider. The provider bills it; you were not charged. "
        "1 of 4 did not come out; you were not charged for it."
    )


@pytest.mark.parametrize("error", [StorageFull("full"), OSError("broken")])
def test_pictures_that_could_not_be_kept_cost_the_studio_and_not_the_team(partly, rich, settings, monkeypatch, error):
    settings.CHARGE_FILTERED = True

    def broken(*args):
        raise error

    monkeypatch.setattr(files, "save_artifact", broken)
    job, made = partly
    assert not services.succeed(job, made)
    assert row(job) == ("failed", 0, 1, 0, 4000, "voided", 0)
    assert wallet(rich) == (100_000, 0)
    assert list(disagreements()) == []


def test_what_was_made_for_somebody_who_had_pressed_stop(partly, rich, settings):
    settings.CHARGE_FILTERED = True
    job, made = partly
    services.cancel(job)
    assert not services.succeed(job, made)
    assert row(job) == ("canceled", 0, 1, 0, 4000, "voided", 0)
    assert wallet(rich) == (100_000, 0)
    assert list(disagreements()) == []


def test_what_a_lost_attempt_brings_is_not_written(partly):
    job, made = partly
    Job.objects.update(worker="another")
    assert not services.succeed(job, made)
    assert row(job)[4] is None


def test_a_failure_without_an_answer_leaves_the_cost_unknown(partly):
    job, _ = partly
    services.fail(job, "result_unknown")
    assert row(job) == ("failed", 0, 0, 0, None, "voided", 0)
    assert card(job) == "You were not charged."


@pytest.fixture
def lines(monkeypatch):
    said = []

    class Log:
        def info(self, event, **fields):
            said.append((event, fields))

    monkeypatch.setattr(settling, "log", Log())
    return said


def test_the_log_has_one_line_for_each_job_with_what_was_expected_and_what_came(
    partly, lines, alice, rich, make_job, django_capture_on_commit_callbacks
):
    job, made = partly
    with django_capture_on_commit_callbacks(execute=True):
        services.succeed(job, made)
        waiting = make_job(alice, rich)
        services.cancel(waiting)
    common = {"engine": "null", "price_list": "2026-11"}
    assert lines == [
        (
            "job_settled",
            {**common, "job": str(job.pk), "status": "succeeded", "pictures": 4, "delivered": 3, "filtered": 1}
            | {"quoted": 4000, "charged": 3000, "provider_cost": 4000},
        ),
        (
            "job_settled",
            {**common, "job": str(waiting.pk), "status": "canceled", "pictures": 1, "delivered": 0, "filtered": 0}
            | {"quoted": 1000, "charged": 0, "provider_cost": None},
        ),
    ]


@pytest.mark.parametrize(
    ("cost", "took"), [(5000, "5000 millicredits is what the provider took"), (None, "nobody knows what the provider took")]
)
def test_the_ledger_is_compared_with_what_the_provider_took(partly, cost, took):
    job, made = partly
    assert services.succeed(job, made)
    Job.objects.update(provider_cost=cost)
    assert list(disagreements()) == [f"Job {job.pk} has 4 results at 1000 millicredits each by its engine's record, but {took}."]


def reprice(job, **kept):
    """As if the job had been submitted by another release, whose record had another price, or whose quotes did not keep it."""
    job.quote = job.quote | kept
    Job.objects.update(quote=job.quote)


def test_a_release_that_changes_a_record_while_a_job_waits_is_no_false_alarm(partly, settings):
    settings.CHARGE_FILTERED = True
    job, made = partly
    reprice(job, record_per_image=900)
    assert services.succeed(job, made)
    assert row(job) == ("succeeded", 3, 1, 1, 3600, "captured", 4000)
    assert list(disagreements()) == []


def test_a_result_that_the_backend_says_nobody_bills_is_still_found(partly):
    job, made = partly
    reprice(job, record_per_image=900)
    assert services.succeed(job, [replace_cost(made[0], 0), *made[1:]])
    took = "2700 millicredits is what the provider took"
    assert list(disagreements()) == [f"Job {job.pk} has 4 results at 900 millicredits each by its engine's record, but {took}."]


def test_a_quote_of_old_kept_no_price_of_the_record(partly):
    job, made = partly
    reprice(job, record_per_image=None)
    assert services.succeed(job, [replace_cost(one, 700) for one in made])
    assert (row(job)[4], list(disagreements())) == (2800, [])


def test_a_charge_for_filtered_pictures_that_nobody_wrote_down_is_found(partly, settings):
    settings.CHARGE_FILTERED = True
    job, made = partly
    assert services.succeed(job, made)
    Job.objects.update(filtered_charged=0)
    assert list(disagreements()) == [f"Job {job.pk} delivered 3 of 4 pictures, but was charged 4000 of 4000 millicredits."]

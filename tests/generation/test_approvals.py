"""Jobs that need approval: asked for, approved, declined, withdrawn and lapsed, once each, with their credits."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import ending, members
from accounts.models import AuditEntry, Membership, Role, Team
from billing.explaining import entry_of
from billing.explaining import explain as explain_entry
from billing.ledger import disagreements
from billing.models import Hold
from billing.services import wallets
from billing.services.approvals import add_rule
from studio.backends import registry
from studio.galleries.models import Notice
from studio.generation import approving, ledger, services
from studio.generation.errors import NoReason, NotWaiting, NotYours, TooManyOpenJobs
from studio.generation.explaining import explain
from studio.generation.models import Job
from studio.generation.quotes import outcomes
from studio.pricing.services import Draft, publish
from studio.pricing.terms import Terms
from studio.privacy import erasing
from tests.billing.race import at_once, kinds
from tests.conftest import make_user
from tests.generation.conftest import HTMX, fields, media, press, price_of_one, wallet

pytestmark = pytest.mark.django_db
Status = Job.Status
WHY = "more than 1 picture"


@pytest.fixture
def rule(rich, alice):
    return add_rule(wallets.wallet_of(rich), kind="pictures", threshold=1, by=alice)


@pytest.fixture
def asked(make_job, rule, bob, team, hints, bells):
    """Two pictures that bob asks for."""
    job = make_job(bob, team, num_images=2)
    hints.clear()
    return job


def state(job):
    job.refresh_from_db()
    job.hold.refresh_from_db()
    return job.status, job.verdict, job.hold.status


WAITS = (Status.NEEDS_APPROVAL, "", Hold.Status.ACTIVE)
OFF = (Status.CANCELED, "", Hold.Status.VOIDED)


def agree():
    assert list(ledger.disagreements()) == []
    assert list(disagreements()) == []


# --- asking ----------------------------------------------------------------------------------------------------------


def test_what_a_rule_asks_about_waits_outside_the_queue_with_its_price_held(make_job, rule, bob, team, bells, hints):
    job = make_job(bob, team, num_images=2)
    price = 2 * price_of_one()
    assert state(job) == WAITS
    assert (job.approval, job.hold.amount, job.price.amount) == (WHY, price, price)
    assert wallet(team) == (100_000, price)
    assert bells == []
    assert services.claim(["null"], "w") == []
    assert make_job(bob, team, num_images=1).status == Status.QUEUED
    agree()


def test_those_who_administer_are_exempt_unless_the_rule_is_for_everybody(make_job, rule, alice, team):
    assert make_job(alice, team, num_images=2).status == Status.QUEUED
    add_rule(wallets.wallet_of(team), kind="pictures", threshold=3, by=alice, for_everybody=True)
    assert make_job(alice, team, num_images=3).status == Status.QUEUED
    job = make_job(alice, team, num_images=4)
    assert (job.status, job.approval) == (Status.NEEDS_APPROVAL, "more than 3 pictures")


def test_without_the_credits_nothing_is_asked(make_job, bob, team, alice):
    from billing.errors import InsufficientCredits

    add_rule(wallets.wallet_of(team), kind="pictures", threshold=1, by=alice)
    with pytest.raises(InsufficientCredits):
        make_job(bob, team, num_images=2)
    assert (Job.objects.count(), Notice.objects.count(), wallet(team)) == (0, 0, (0, 0))


def test_the_same_key_is_the_same_job(make_job, rule, bob, team):
    first = make_job(bob, team, key="k", num_images=2)
    assert make_job(bob, team, key="k", num_images=2) == first
    assert (Job.objects.count(), Notice.objects.count(), wallet(team)[1]) == (1, 1, 2 * price_of_one())


def test_what_waits_for_approval_counts_as_open(asked, make_job, bob, team, settings):
    settings.MAX_OPEN_JOBS = 1
    with pytest.raises(TooManyOpenJobs):
        make_job(bob, team)
    assert [list(rows) for rows in (Job.objects.open(), Job.objects.under_way(), Job.objects.in_progress())] == [[asked], [asked], []]


# --- deciding --------------------------------------------------------------------------------------------------------


def test_approved_it_is_made_at_the_price_that_was_quoted(
    asked, alice, team, bells, hints, django_capture_on_commit_callbacks, monkeypatch
):
    with django_capture_on_commit_callbacks(execute=True):
        services.approve(asked, by=alice)
    assert state(asked) == (Status.QUEUED, Job.Verdict.APPROVED, Hold.Status.ACTIVE)
    assert (asked.decided_by, bells, hints) == (alice, ["null"], [("job", team.pk, asked.pk)])
    assert AuditEntry.objects.of_team(team).first().text == (
        f"approved {asked.hold.description} for {2 * price_of_one() // 1000} credits, asked for by Bob Member"
    )
    [job] = services.claim(["null"], "w")
    assert services.succeed(job, media(2))
    assert state(asked) == (Status.SUCCEEDED, Job.Verdict.APPROVED, Hold.Status.CAPTURED)
    assert wallet(team) == (100_000 - 2 * price_of_one(), 0)
    agree()


def test_declined_it_ends_with_the_reason_and_costs_nothing(asked, alice, team):
    services.decline(asked, by=alice, reason="  Too\n large ")
    assert state(asked) == (Status.CANCELED, Job.Verdict.DECLINED, Hold.Status.VOIDED)
    assert (asked.decision, asked.decided_by, asked.finished_at is not None) == ("Too large", alice, True)
    assert wallet(team) == (100_000, 0)
    assert services.claim(["null"], "w") == []
    agree()


def test_declining_takes_a_reason(asked, alice):
    with pytest.raises(NoReason):
        services.decline(asked, by=alice, reason=" \n")
    assert state(asked) == WAITS


def test_a_decision_is_made_once(asked, alice, team):
    services.approve(asked, by=alice)
    for again in (lambda: services.approve(asked, by=alice), lambda: services.decline(asked, by=alice, reason="No")):
        with pytest.raises(NotWaiting, match=r"This was approved by Alice Harbour already\."):
            again()
    assert state(asked) == (Status.QUEUED, Job.Verdict.APPROVED, Hold.Status.ACTIVE)
    assert AuditEntry.objects.filter(action__in=("job.approved", "job.declined")).count() == 1
    assert Notice.objects.filter(kind="verdict").count() == 1


def test_nothing_is_approved_that_was_declined_or_withdrawn(asked, make_job, alice, bob, team):
    services.decline(asked, by=alice, reason="No")
    with pytest.raises(NotWaiting, match="This was declined by Alice Harbour already: No"):
        services.approve(asked, by=alice)
    other = make_job(bob, team, num_images=2)
    services.cancel(other)
    with pytest.raises(NotWaiting, match=r"This was withdrawn. Nothing was charged."):
        services.approve(other, by=alice)
    assert state(asked)[0] == state(other)[0] == Status.CANCELED
    assert wallet(team) == (100_000, 0)


def test_a_job_that_never_needed_approval_is_not_decided_on(make_job, rich, bob, alice):
    job = make_job(bob, rich)
    with pytest.raises(NotWaiting, match=r"This does not wait for approval\."):
        services.approve(job, by=alice)
    with pytest.raises(NotWaiting):
        services.decline(job, by=alice, reason="No")
    assert state(job) == (Status.QUEUED, "", Hold.Status.ACTIVE)


def test_nobody_decides_on_their_own_unless_they_are_alone(make_job, rich, alice, bob):
    add_rule(wallets.wallet_of(rich), kind="pictures", threshold=1, by=alice, for_everybody=True)
    job = make_job(alice, rich, num_images=2)
    assert approving.deciders(rich, alice) == [alice]
    Membership.objects.filter(team=rich, user=bob).update(role=Role.ADMIN)
    assert approving.deciders(rich, alice) == [bob]
    with pytest.raises(NotYours):
        services.approve(job, by=alice)
    with pytest.raises(NotYours):
        services.decline(job, by=alice, reason="No")
    assert state(job) == WAITS
    services.approve(job, by=bob)
    assert state(job)[0] == Status.QUEUED


def test_a_creator_does_not_decide(asked, bob):
    with pytest.raises(NotYours):
        services.approve(asked, by=bob)
    assert state(asked) == WAITS


def test_an_engine_that_is_gone_cannot_be_approved_but_declined(asked, alice, settings):
    settings.BACKENDS = {}
    registry.backend.cache_clear()
    try:
        with pytest.raises(NotWaiting, match="is not available any more"):
            services.approve(asked, by=alice)
        assert state(asked) == WAITS
        services.decline(asked, by=alice, reason="The engine is gone")
    finally:
        registry.backend.cache_clear()
    assert state(asked) == (Status.CANCELED, Job.Verdict.DECLINED, Hold.Status.VOIDED)


def test_a_new_price_list_changes_nothing_for_what_waits(asked, alice, team):
    price = asked.hold.amount
    publish(Draft("Dearer", None, 0, {"null": Terms(price=9 * price_of_one())}, ""), author=alice)
    services.approve(asked, by=alice)
    [job] = services.claim(["null"], "w")
    assert services.succeed(job, media(2))
    assert wallet(team) == (100_000 - price, 0)
    agree()


def test_the_statement_says_how_it_ended(asked, make_job, bob, alice, team):
    withdrawn = make_job(bob, team, num_images=2)
    services.decline(asked, by=alice, reason="No")
    services.cancel(withdrawn)
    assert dict(outcomes([asked.hold_id, withdrawn.hold_id])) == {
        asked.hold_id: "declined before it began, nothing charged",
        withdrawn.hold_id: "stopped before it began, nothing charged",
    }
    told = explain(asked.hold)
    assert told
    assert told.details[-4:-2] == [("Needed approval", WHY), ("Approval", "Declined by Alice Harbour: No")]
    assert told.details[-1] == ("How it ended", "Declined")


def test_a_charge_that_was_declined_names_who_declined(asked, make_job, bob, alice, team):
    withdrawn = make_job(bob, team, num_images=2)
    services.decline(asked, by=alice, reason="No")
    services.cancel(withdrawn)
    for job, who in ((asked, "Alice Harbour"), (withdrawn, "Bob Member")):
        told = explain_entry(entry_of(job.hold))
        assert (told.who, [step.who for step in told.steps]) == (who, ["Bob Member", who])
    assert told.work.details[-1] == ("How it ended", "Stopped")


# --- withdrawn, lapsed, left -----------------------------------------------------------------------------------------


def test_whoever_asked_withdraws_it(asked, team, alice):
    services.cancel(asked)
    assert state(asked) == OFF
    assert wallet(team) == (100_000, 0)
    assert list(Notice.objects.filter(read_at=None)) == []
    agree()


def test_it_lapses_after_seven_days(asked, team, bob):
    with time_machine.travel(asked.created_at + timedelta(days=7), tick=False):
        assert services.lapse() == 0
    assert state(asked) == WAITS
    with time_machine.travel(asked.created_at + timedelta(days=7, seconds=1), tick=False):
        assert (services.lapse(), services.lapse()) == (1, 0)
    assert state(asked) == (Status.CANCELED, Job.Verdict.LAPSED, Hold.Status.VOIDED)
    assert (asked.decided_by, asked.decision) == (None, "Nobody decided within 7 days. Ask again if you still want it.")
    assert wallet(team) == (100_000, 0)
    assert Notice.objects.get(user=bob).text == f"{asked.hold.description} was not approved. {asked.decision}"
    agree()


def test_what_was_approved_does_not_lapse(asked, alice):
    services.approve(asked, by=alice)
    with time_machine.travel(timezone.now() + timedelta(days=30)):
        assert services.lapse() == 0
    assert state(asked)[0] == Status.QUEUED


def test_what_somebody_asked_for_who_left_is_not_made(asked, alice, bob, team):
    members.leave(team, by=bob)
    assert state(asked) == (Status.CANCELED, Job.Verdict.LAPSED, Hold.Status.VOIDED)
    assert asked.decision == "Bob Member is not in the team any more."
    with pytest.raises(NotWaiting, match=r"This cannot be decided on any more. Bob Member is not in the team any more."):
        services.approve(asked, by=alice)
    assert wallet(team) == (100_000, 0)
    assert not Notice.objects.filter(user=bob).exists()


def test_who_left_in_the_instant_of_the_approval_gets_nothing(asked, alice, bob, team):
    Membership.objects.filter(team=team, user=bob).delete()
    with pytest.raises(NotWaiting, match="Bob Member is not in the team any more"):
        services.approve(asked, by=alice)
    assert state(asked) == WAITS
    services.decline(asked, by=alice, reason="Left")
    assert state(asked)[2] == Hold.Status.VOIDED


def test_deleting_the_team_releases_what_waits(asked, alice, team):
    ending.delete_team(team, by=alice)
    assert state(asked) == OFF
    assert wallet(team) == (100_000, 0)


def test_deleting_the_account_releases_what_waits(asked, bob, team):
    erasing.erase_account(bob, leaves_work=True)
    assert state(asked) == OFF
    assert wallet(team) == (100_000, 0)


# --- races -----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_many_decisions_at_once_one_counts(asked, alice, bob, team):
    dora = make_user("Dora Admin")
    Membership.objects.create(team=team, user=dora, role=Role.ADMIN)
    acts = [
        lambda job: services.approve(job, by=alice),
        lambda job: services.decline(job, by=dora, reason="No"),
        lambda job: services.approve(job, by=dora),
        lambda job: services.decline(job, by=alice, reason="No"),
    ] * 2
    outcomes = at_once(*[(lambda: Job.objects.get(pk=asked.pk), act) for act in acts])
    assert kinds(outcomes) == {"Job": 1, "NotWaiting": 7}
    assert state(asked) in (
        (Status.QUEUED, Job.Verdict.APPROVED, Hold.Status.ACTIVE),
        (Status.CANCELED, Job.Verdict.DECLINED, Hold.Status.VOIDED),
    )
    assert AuditEntry.objects.filter(action__startswith="job.").count() == 1
    assert Notice.objects.filter(kind="verdict").count() == 1
    agree()


@pytest.mark.django_db(transaction=True)
def test_approving_against_withdrawing_ends_withdrawn_and_released(asked, alice, team):
    """Whichever comes first: what was approved is stopped while it waits, what was withdrawn is not approved."""
    outcomes = at_once(
        (lambda: Job.objects.get(pk=asked.pk), lambda job: services.approve(job, by=alice)),
        (lambda: Job.objects.get(pk=asked.pk), services.cancel),
        (lambda: Job.objects.get(pk=asked.pk), services.cancel),
    )
    assert kinds(outcomes) in ({"Job": 3}, {"Job": 2, "NotWaiting": 1})
    was_approved = kinds(outcomes) == {"Job": 3}
    assert state(asked) == (Status.CANCELED, Job.Verdict.APPROVED if was_approved else "", Hold.Status.VOIDED)
    assert wallet(team) == (100_000, 0)
    agree()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("end", ["the team is deleted", "who asked is taken out"])
def test_ending_many_against_withdrawing_each_waits_for_nobody_in_a_circle(asked, make_job, end, alice, bob, team):
    """Whoever ends one job has its row, then the wallet's: who ends many must not have the wallet's and wait for the next job."""
    jobs = [asked, *(make_job(bob, team, num_images=2) for _ in range(7))]

    def all_of_them(_):
        with transaction.atomic():
            held = Team.objects.select_for_update(no_key=True).get(pk=team.pk)
            services.stop_team(held) if end == "the team is deleted" else services.withdraw(held, bob)

    withdrawing = [(lambda pk=job.pk: Job.objects.get(pk=pk), services.cancel) for job in reversed(jobs)]
    outcomes = at_once((lambda: None, all_of_them), *withdrawing)
    assert kinds(outcomes) == {"Job": 8, "NoneType": 1}
    assert {state(job)[::2] for job in jobs} == {(Status.CANCELED, Hold.Status.VOIDED)}
    assert wallet(team) == (100_000, 0)
    agree()


# --- on Create -------------------------------------------------------------------------------------------------------


def test_the_price_line_says_before_the_press_that_it_needs_approval(rule, client_of, bob, alice):
    page = client_of(bob).post(reverse("create_quote"), fields(), **HTMX).content.decode()
    assert "<span>Ask for approval</span>" in page
    assert f"Needs approval of Alice Harbour: {WHY}." in page
    for client, changes in ((client_of(bob), {"num_images": "1"}), (client_of(alice), {})):
        page = client.post(reverse("create_quote"), fields(**changes), **HTMX).content.decode()
        assert "<span>Generate</span>" in page
        assert "needs-approval" not in page


def test_the_card_says_for_whom_it_waits(rule, client_of, bob, alice, team, bells, hints):
    page = press(client_of(bob)).content.decode()
    job = Job.objects.get()
    price = 2 * price_of_one() // 1000
    words = f'Waits for approval of Alice Harbour, price of <span class="num">{price}</span> kept: {WHY}.'
    assert words in page
    assert "Withdraw" in page
    page = client_of(alice).get(reverse("create")).content.decode()
    assert words in page
    assert 'class="create approves"' in page
    assert 'class="create"' in client_of(bob).get(reverse("create")).content.decode()
    services.decline(job, by=alice, reason="Too many")
    page = client_of(bob).get(reverse("job", args=[job.pk]), **HTMX).content.decode()
    assert "Declined" in page
    assert "Alice Harbour: Too many" in page


def test_the_header_counts_what_is_in_progress_alone(asked, client_of, bob):
    from studio.context import _open_jobs, _to_approve

    assert (_open_jobs(asked.team_id), _to_approve(asked.team_id)) == (0, 1)

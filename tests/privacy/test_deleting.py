"""The end of an account: words and pixels are gone, books are whole."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import audit, ending, inviting, members
from accounts.models import AuditEntry, Membership, Removal, Role, Team, User
from accounts.services import ensure_personal_team
from billing.models import BudgetRequest, LedgerEntry, Scope
from billing.services import budget_requests, budgets, wallets
from studio.galleries.models import Comment, Gallery, Mark, Notice
from studio.generation import files
from studio.generation.images import clean_upload
from studio.generation.models import Artifact, InputFile, Job
from studio.privacy import erasing
from studio.privacy.errors import AccountStays
from studio.prompts.content import Content
from studio.prompts.services import templates
from studio.webhooks.models import Delivery, Endpoint, Event
from studio.webhooks.services import publish, send_test
from tests.conftest import PASSWORD
from tests.factories import draw, make_artifact, make_job

ClientOf = Callable[..., Client]
SECRET = "a very private prompt"


def everything_written() -> str:
    """Every text and JSON value of every row in the database."""
    found: list[str] = []
    for model in apps.get_models():
        names = [
            one.attname for one in model._meta.concrete_fields if isinstance(one, models.CharField | models.TextField | models.JSONField)
        ]
        found += [str(row) for row in model._default_manager.values_list(*names)] if names else []
    return "\n".join(found)


def press(user: User, **fields: str) -> Any:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client, client.post(reverse("delete_account"), {"work": "erase", "email": user.email, **fields}, follow=True)


@pytest.fixture
def world(bob: User, alice: User, team: Team) -> dict[str, Any]:
    """What bob leaves behind, in the team and in his own."""
    own = Team.objects.get(is_personal=True, memberships__user=bob)
    mine = make_artifact(team, bob, prompt=SECRET, negative_prompt=f"not {SECRET}")
    hers = make_artifact(team, alice, prompt="alice's hill")
    private = make_artifact(own, bob, prompt=f"{SECRET} too")
    make_job(team, bob, prompt=f"{SECRET} waiting")
    given = files.save_input(clean_upload(io.BytesIO(draw(seed=5))), team=team, user=bob)
    comment = Comment.objects.create(artifact=hers, user=bob, text=f"{SECRET}, said bob")
    Mark.objects.create(team=team, user=bob, artifact=hers, rating=4)
    Gallery.objects.create(team=team, owner=bob, name=f"{SECRET} shelf", visibility="private")
    kept = Gallery.objects.create(team=team, owner=bob, name="For all")
    Notice.objects.create(user=alice, team=team, actor=bob, kind="comment", text="Bob Member wrote a comment.", artifact=hers)
    wallet = wallets.wallet_of(team)
    budgets.set_limits(wallet, by=alice, day=1_000_000, month=None, scope=Scope.EVERYONE)
    budget_requests.ask(wallet, bob, limit="member-day", amount=1000, why=f"{SECRET}, asked bob")
    hers_too = budget_requests.ask(wallet, alice, limit="member-day", amount=1000)
    BudgetRequest.objects.filter(pk=hers_too.pk).update(
        status="approved", granted=1000, decided_by=bob, decided_at=timezone.now(), note=SECRET
    )
    Job.objects.filter(pk=hers.job_id).update(verdict="declined", decided_by=bob, decided_at=timezone.now(), decision=SECRET)
    audit.record(team, alice, "member.role", "changed the role of Bob Member from viewer to creator")
    audit.record(team, bob, "job.declined", f"declined 2 pictures for 4 credits, asked for by Alice Harbour: {SECRET}: no")
    audit.record(team, bob, "gallery.made", "made a gallery")
    return {"own": own, "mine": mine, "hers": hers, "private": private, "given": given, "comment": comment, "kept": kept}


def test_everything_of_theirs_is_erased_and_the_books_are_whole(bob: User, team: Team, world: dict[str, Any]) -> None:
    before = list(LedgerEntry.objects.order_by("id").values_list("id", "amount", "held", "balance_after"))
    charged = wallets.wallet_of(team).balance
    client, page = press(bob)
    assert "Your account is deleted" in page.content.decode()
    assert not User.objects.filter(email="bob@harbour.example").exists()
    written = everything_written()
    for word in (SECRET, "Bob Member", "bob@harbour.example"):
        assert word not in written
    assert not Artifact.objects.filter(pk__in=(world["mine"].pk, world["private"].pk)).exists()
    for name in (
        world["mine"].variant("original"),
        world["mine"].variant("thumb"),
        world["private"].variant("original"),
        world["given"].file,
    ):
        assert not default_storage.exists(name)
    assert not InputFile.objects.filter(pk=world["given"].pk).exists()
    assert Artifact.objects.filter(pk=world["hers"].pk).exists()
    assert Comment.objects.get(pk=world["comment"].pk).deleted_at is not None
    world["kept"].refresh_from_db()
    assert world["kept"].owner is None
    assert [entry.text for entry in AuditEntry.objects.filter(team=team).order_by("id")][-3:] == [
        "changed the role of somebody who left from viewer to creator",
        "declined 2 pictures for 4 credits, asked for by Alice Harbour",
        "made a gallery",
    ]
    entries = list(LedgerEntry.objects.order_by("id").values_list("id", "amount", "held", "balance_after"))
    assert entries[: len(before)] == before
    assert wallets.wallet_of(team).balance == charged
    assert set(Job.objects.values_list("status", flat=True)) == {"succeeded", "canceled"}
    call_command("verify_ledger")
    assert client.get(reverse("library")).status_code == 302


def test_what_others_took_from_it_is_erased_too(bob: User, alice: User, team: Team, world: dict[str, Any]) -> None:
    copied = files.save_input(clean_upload(io.BytesIO(draw(seed=6))), team=team, user=alice, artifact=world["mine"])
    parent, upscaled = world["mine"], []
    for _ in range(2):
        one = make_artifact(team, alice, prompt=SECRET)
        Job.objects.filter(pk=one.job_id).update(parent=parent, request={**one.job.request, "prompt": ""})
        parent = one
        upscaled.append(one)
    own = make_artifact(team, alice, prompt="alice's words")
    Job.objects.filter(pk=own.job_id).update(parent=world["mine"])
    press(bob)
    assert SECRET not in everything_written()
    assert not default_storage.exists(copied.file)
    for one in upscaled:
        assert default_storage.exists(Artifact.objects.get(pk=one.pk).variant("original"))
    assert Artifact.objects.get(pk=own.pk).prompt == "alice's words"


def test_work_can_be_left_to_the_team_without_the_name(
    bob: User, alice: User, team: Team, world: dict[str, Any], client_of: ClientOf
) -> None:
    client = Client()
    client.force_login(bob, backend="allauth.account.auth_backends.AuthenticationBackend")
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert "in teams of others is erased: 1 private gallery." in client.get(reverse("delete_account")).content.decode()
    press(bob, work="leave")
    shelf = Gallery.objects.get(name=f"{SECRET} shelf")
    assert (shelf.visibility, shelf.owner) == ("team", None)
    mine = Artifact.objects.get(pk=world["mine"].pk)
    assert (mine.prompt, mine.user) == (SECRET, None)
    assert default_storage.exists(mine.variant("original"))
    assert not Artifact.objects.filter(pk=world["private"].pk).exists()
    written = everything_written()
    assert "Bob Member" not in written
    assert f"{SECRET}, said bob" not in written
    assert "somebody who has left" in client_of(alice).get(reverse("picture", args=[mine.pk])).content.decode()
    call_command("verify_ledger")


def test_a_wrong_address_deletes_nothing(bob: User, world: dict[str, Any]) -> None:
    _, page = press(bob, email="bob@elsewhere.example")
    assert page.status_code == 422
    assert "This is not the address of your account, bob@harbour.example." in page.content.decode()
    assert Artifact.objects.filter(pk=world["mine"].pk).exists()
    assert User.objects.filter(pk=bob.pk).exists()


def test_who_owns_a_team_with_others_hands_it_over_first(alice: User, bob: User, team: Team) -> None:
    _, page = press(alice)
    assert "Others work in Harbour Street, which you own. Hand each over on its team page" in page.content.decode()
    assert User.objects.filter(pk=alice.pk).exists()
    Membership.objects.filter(team=team, user=bob).update(role=Role.OWNER)
    Membership.objects.filter(team=team, user=alice).update(role=Role.ADMIN)
    press(alice)
    assert not User.objects.filter(pk=alice.pk).exists()
    assert Team.objects.get(pk=team.pk).name == "Harbour Street"


def test_a_team_that_they_deleted_is_not_in_the_way(alice: User, bob: User, team: Team) -> None:
    make_artifact(team, bob, prompt=SECRET)
    ending.delete_team(team, by=alice)
    _, page = press(alice)
    assert "Your account is deleted" in page.content.decode()
    assert SECRET not in everything_written()
    assert Team.objects.get(pk=team.pk).name == ending.ERASED


def test_a_team_hears_of_what_is_erased(
    alice: User, bob: User, team: Team, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    """As it does of whatever else leaves its library: open pages take it off without a reload."""
    mine, hers = make_artifact(team, bob), make_artifact(team, alice)
    heard: list[Any] = []
    monkeypatch.setattr("studio.live.events.pictures_changed", lambda team_id, ids: heard.append((team_id, list(ids))))
    with django_capture_on_commit_callbacks(execute=True):
        erasing.erase_account(bob, leaves_work=False)
    assert heard == [(team.pk, [mine.pk])]
    assert list(Artifact.objects.all()) == [hers]


def test_who_came_in_meanwhile_keeps_the_team(alice: User, mallory: User, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    _, token = inviting.invite(team, invited_by=alice)

    def then_somebody_joins(user: User) -> None:
        inviting.accept(token, mallory)

    monkeypatch.setattr(erasing, "_stop", then_somebody_joins)
    with pytest.raises(AccountStays, match="Others work in Harbour Street"):
        erasing.erase_account(alice, leaves_work=False)
    assert Team.objects.alive().filter(pk=team.pk, name="Harbour Street").exists()
    assert team.memberships.count() == 2


def test_who_was_handed_a_team_meanwhile_stays(alice: User, bob: User, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = erasing._erase_talk

    def then_it_is_handed_over(*given: Any) -> None:
        talk(*given)
        members.hand_over(team, bob, by=alice)

    monkeypatch.setattr(erasing, "_erase_talk", then_it_is_handed_over)
    with pytest.raises(AccountStays, match="Others work in Harbour Street"):
        erasing.erase_account(bob, leaves_work=False)
    assert team.memberships.get(role=Role.OWNER).user == bob


def test_no_team_of_their_own_is_left_by_a_page_that_was_open(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    talk, asked = erasing._erase_talk, []

    def then_a_page_asks(*given: Any) -> None:
        talk(*given)
        if not asked:
            asked.append(ensure_personal_team(bob))

    monkeypatch.setattr(erasing, "_erase_talk", then_a_page_asks)
    erasing.erase_account(bob, leaves_work=False)
    assert asked[0].name == "Bob Member"
    assert "Bob Member" not in everything_written()


def test_what_is_under_way_in_a_team_of_theirs_alone_is_waited_for(alice: User, bob: User, team: Team) -> None:
    job = make_job(team, bob, status=Job.Status.RUNNING)
    members.remove_member(team, bob, by=alice)
    _, page = press(alice)
    assert "is being stopped. Try again in some seconds." in page.content.decode()
    job.refresh_from_db()
    assert job.cancel_requested_at is not None
    assert Team.objects.alive().filter(pk=team.pk).exists()


def test_logs_name_them_nowhere_and_are_not_spoilt(alice: User, bob: User, team: Team, other_team: Team, mallory: User) -> None:
    inviting.invite(team, invited_by=alice, email="bob@harbour.example")
    inviting.invite(other_team, invited_by=mallory, email="bob@harbour.example")
    audit.record(team, bob, "member.joined", "came in as creator")
    members.remove_member(team, bob, by=alice)
    User.objects.filter(pk=bob.pk).update(name="An")
    audit.record(team, alice, "member.removed", "removed An from the team, and Annabel, and " + "An " * 80)
    audit.record(other_team, mallory, "gallery.created", "made the gallery “An evening”")
    press(User.objects.get(pk=bob.pk))
    texts: dict[int, list[str]] = {team.pk: [], other_team.pk: []}
    for entry in AuditEntry.objects.order_by("id"):
        texts[entry.team_id].append(entry.text)
    assert texts[team.pk][1:3] == ["invited somebody who left as creator", "came in as creator"]
    assert texts[team.pk][-1].startswith("removed somebody who left from the team, and Annabel, and somebody who left")
    assert len(texts[team.pk][-1]) == 300
    assert texts[other_team.pk][1:] == ["invited somebody who left as creator", "made the gallery “An evening”"]


def test_webhooks_name_them_nowhere(alice: User, bob: User, team: Team) -> None:
    """Work that is left to the team was asked for by nobody, what waits to be sent again among it."""
    endpoint = Endpoint.objects.create(team=team, url="https://hooks.example/", events=list(Event), secret="whsec_c2VjcmV0")
    job = make_job(team, bob, status=Job.Status.CANCELED)
    publish(team.pk, Event.APPROVAL_ASKED, {"id": str(job.pk), "approval": {"asked_by": str(bob)}})
    publish(team.pk, Event.JOB_CANCELED, {"id": str(job.pk)})
    send_test(endpoint, by=bob)
    hers = send_test(endpoint, by=alice)
    erasing.erase_account(bob, leaves_work=True)
    assert "Bob Member" not in everything_written()
    assert {one.event for one in Delivery.objects.all()} == {"job.canceled", "test"}
    assert Delivery.objects.get(event="test") == hers


def test_where_they_were_removed_nothing_names_them_any_more(alice: User, bob: User, team: Team) -> None:
    members.remove_member(team, bob, by=alice)  # bob did nothing there: only that line says that he was in the team
    press(bob)
    assert not Removal.objects.exists()
    assert AuditEntry.objects.get(action="member.removed").text == "removed somebody who left from the team"


def test_the_only_operator_stays(mallory: User, operator: User) -> None:
    Membership.objects.filter(user=operator, team__is_personal=False).delete()
    _, page = press(operator)
    assert "You are the only operator of this studio." in page.content.decode()
    assert User.objects.filter(pk=operator.pk).exists()
    User.objects.filter(pk=mallory.pk).update(is_superuser=True)
    press(operator)
    assert not User.objects.filter(pk=operator.pk).exists()


def test_what_still_runs_is_stopped_first(bob: User, team: Team) -> None:
    job = make_job(team, bob, status=Job.Status.RUNNING)
    _, page = press(bob)
    assert "What you had under way is being stopped. Try again in some seconds." in page.content.decode()
    job.refresh_from_db()
    assert job.cancel_requested_at is not None
    assert User.objects.filter(pk=bob.pk).exists()


def test_who_signed_in_long_ago_proves_who_they_are(bob: User, client_of: ClientOf) -> None:
    response = client_of(bob).post(reverse("delete_account"), {"work": "erase", "email": bob.email})
    assert response.status_code == 302
    assert "reauthenticate" in response["Location"]
    assert User.objects.filter(pk=bob.pk).exists()


def test_what_a_team_sees_of_templates_stays_with_it_and_the_pages_say_so(bob: User, team: Team, client_of: ClientOf) -> None:
    made = templates.create(team, author=bob, name="Mug", content=Content.checked({"sections": [{"name": "prompt", "text": "a mug"}]}))
    assert (
        "they stay there when you leave, or delete your account, without your name"
        in client_of(bob).get(reverse("your_data")).content.decode()
    )
    client = client_of(bob)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    asked = client.get(reverse("delete_account")).content.decode()
    assert "they stay with it, without your name, whatever you choose above." in asked
    _, page = press(bob)
    assert "Templates that a team saw stay with it, without your name." in page.content.decode()
    made.refresh_from_db()
    assert (made.author, made.versions.get().author) == (None, None)

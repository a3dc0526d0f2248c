"""A deleted team: closed to everybody at once, brought back by its owner for a while, then erased, with its books in order throughout."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection, models
from django.http import Http404
from django.test import Client
from django.utils import timezone

from accounts import access, ending, errors, inviting, keys, members
from accounts.models import AuditEntry, Invitation, Membership, Role, Team, User
from billing import access as billing_access
from billing.errors import InsufficientCredits
from billing.ledger import disagreements
from billing.models import ApprovalRule, Budget, BudgetRequest, Hold, LedgerEntry, Scope, Wallet
from billing.services import approvals, budget_requests, budgets, promotions, wallets
from studio.backends.base import GenerationRequest, Mode
from studio.costs.reconciling import recorded_total
from studio.galleries.models import Comment, Gallery, GalleryItem, Mark, Notice, Tag, Tagging
from studio.galleries.services import trash
from studio.generation import services as generation
from studio.generation.errors import TeamIsGone
from studio.generation.models import Artifact, Batch, InputFile, Job, JobInput
from studio.moderation.models import Finding, WordList
from studio.prompts.models import BrandRule, PromptTemplate, PromptTemplateVersion, Wildcard
from studio.webhooks.models import Delivery, Endpoint, Event
from tests.conftest import make_user
from tests.factories import make_artifact, make_artifacts, make_job

ClientOf = Callable[..., Client]
SECRET = "a secret lighthouse"


@pytest.fixture(autouse=True)
def only_the_null_engine(settings: Any) -> Any:
    from studio.backends import registry

    settings.BACKENDS = {"null": {"BACKEND": "studio.backends.null.NullBackend", "OPTIONS": {"ENABLED": True}}}
    registry.backend.cache_clear()
    yield
    registry.backend.cache_clear()


def after(settings: Any, **more: float) -> Any:
    """The moment until which a team that is deleted now can be brought back, and `more`."""
    return timezone.now() + timedelta(days=settings.TEAM_GRACE_DAYS) + timedelta(**more)


def submit(user: User, team: Team, key: str = "one") -> Job:
    request = GenerationRequest(engine="null", mode=Mode.TEXT_TO_IMAGE, seed=1, prompt=SECRET, width=64, height=64)
    return generation.submit(user=user, team=team, request=request, idempotency_key=key)


# --- deleting --------------------------------------------------------------------------------------------------------
def test_deleting_asks_for_the_name(client_of: ClientOf, team: Team, alice: User) -> None:
    client = client_of(alice)
    page = client.get(f"/team/{team.pk}/delete/").content.decode()
    assert "For 30 days" in page
    for typed, message in (("Harbor Street", "This is not its name. Type Harbour Street."), ("", "Type the name of the team.")):
        answer = client.post(f"/team/{team.pk}/delete/", {"name": typed})
        assert answer.status_code == 422
        assert message in answer.content.decode()
        assert f'value="{typed}"' in answer.content.decode() or not typed
    assert Team.objects.alive().filter(pk=team.pk).exists()
    answer = client.post(f"/team/{team.pk}/delete/", {"name": " harbour street "}, follow=True)
    assert "Harbour Street is deleted." in answer.content.decode()
    assert not Team.objects.alive().filter(pk=team.pk).exists()
    assert AuditEntry.objects.filter(team=team).last().action == "team.deleted"


def test_deleted_team_is_closed_to_everybody(client_of: ClientOf, team: Team, alice: User, bob: User) -> None:
    picture = make_artifact(team, bob)
    given = InputFile.objects.create(team=team, user=bob, file="inputs/x.png", sha256="0")
    default_storage.save(given.file, ContentFile(b"x"))
    paths = [f"/pictures/{picture.pk}/", f"/pictures/{picture.pk}/thumb", f"/pictures/{picture.pk}/download/", f"/inputs/{given.pk}/"]
    paths.append(f"/team/{team.pk}/leave/")
    clients = [client_of(alice), client_of(bob)]
    assert [client.get(path).status_code for client in clients for path in paths] == [200] * 10
    ending.delete_team(team, by=alice)
    for client in clients:
        assert [client.get(path).status_code for path in paths] == [404] * 5
        assert client.post("/account/team/", {"team": team.pk}).status_code == 404
        assert client.get("/create/").wsgi_request.team.is_personal
        for path in ("name/", "leave/", "hand-over/", "delete/", f"members/{bob.pk}/role/"):
            assert client.post(f"/team/{team.pk}/{path}").status_code == 404
    for person in (alice, bob):
        assert team not in Team.objects.of(person)
        assert access.membership_for(person, team) is None
        assert team not in access.teams_where(person, "see")
        assert not Artifact.objects.visible_to(person).exists()
        assert not Job.objects.visible_to(person).exists()
        assert not InputFile.objects.visible_to(person).exists()
        assert not Wallet.objects.visible_to(person).filter(team=team).exists()
        with pytest.raises(Http404):
            billing_access.wallet_for(person, team)


def test_who_sees_what_of_a_deleted_team(client_of: ClientOf, team: Team, alice: User, bob: User, mallory: User) -> None:
    ending.delete_team(team, by=alice)
    page = client_of(alice).get("/account/").content.decode()
    assert "You can bring it back until" in page
    assert f'action="/team/{team.pk}/restore/"' in page
    page = client_of(bob).get("/account/").content.decode()
    assert "Its owner can bring it back until" in page
    assert "/restore/" not in page
    page = client_of(mallory).get("/account/").content.decode()
    assert "Harbour Street" not in page


def test_what_is_under_way_is_stopped_and_costs_nothing(team: Team, alice: User, bob: User) -> None:
    waiting, asked_twice, running = make_job(team, bob), make_job(team, bob), make_job(team, alice)
    Job.objects.filter(pk=asked_twice.pk).update(joined=True)
    own = make_job(Team.objects.get(is_personal=True, members=bob), bob)
    [running] = [generation.claim(["null"], "worker", batch=False)[0]]
    ending.delete_team(team, by=alice)
    jobs = {job.pk: job for job in Job.objects.select_related("hold")}
    others = [jobs[pk] for pk in (waiting.pk, asked_twice.pk) if pk != running.pk]
    assert all((job.status, job.hold.status) == ("canceled", "voided") for job in others)
    assert jobs[running.pk].cancel_requested_at is not None
    assert jobs[own.pk].status == "queued"
    assert generation.finish_canceled(running)
    assert wallets.wallet_of(team).held == 0
    assert list(disagreements()) == []


def test_nobody_can_generate_or_spend(team: Team, alice: User) -> None:
    wallets.grant(wallets.wallet_of(team), 10_000, reference="test", description="For a test")
    ending.delete_team(team, by=alice)
    with pytest.raises(TeamIsGone):
        submit(alice, team)
    assert not Job.objects.exists()
    assert not Hold.objects.exists()
    with pytest.raises(InsufficientCredits):  # and not because it would have been too dear
        submit(alice, Team.objects.create(name="Poor"))


def test_invitations_stop_working_and_stay_so(client_of: ClientOf, team: Team, alice: User, mallory: User) -> None:
    token = inviting.invite(team, invited_by=alice)[1]
    ending.delete_team(team, by=alice)
    stranger = client_of(mallory)
    assert stranger.post(f"/invitations/{token}/").status_code == 410
    ending.restore_team(team, by=alice)
    assert stranger.post(f"/invitations/{token}/").status_code == 410
    assert not Membership.objects.filter(team=team, user=mallory).exists()
    assert not Invitation.objects.open().exists()


@pytest.mark.django_db(transaction=True)
def test_no_job_slips_into_a_team_that_is_being_deleted(team: Team, alice: User, bob: User) -> None:
    wallets.grant(wallets.wallet_of(team), 1_000_000, reference="test", description="For a test")
    for number in range(6):
        start, seen = threading.Barrier(3), []

        def press(person: User, number: int = number, start: Any = start, seen: Any = seen) -> None:
            start.wait()
            try:
                seen.append(submit(person, team, f"key-{number}").pk)
            except TeamIsGone:
                seen.append(None)
            finally:
                connection.close()

        def delete(start: Any = start) -> None:
            start.wait()
            ending.delete_team(team, by=alice)
            connection.close()

        threads = [threading.Thread(target=press, args=(person,)) for person in (alice, bob)] + [threading.Thread(target=delete)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(seen) == 2
        assert not Job.objects.open().exists()
        assert wallets.wallet_of(team).held == 0
        ending.restore_team(team, by=alice)
    assert list(disagreements()) == []


# --- bringing it back ------------------------------------------------------------------------------------------------
def test_owner_brings_it_back_as_it_was(client_of: ClientOf, team: Team, alice: User, bob: User) -> None:
    picture = make_artifact(team, bob)
    ending.delete_team(team, by=alice)
    client = client_of(alice)
    answer = client.post(f"/team/{team.pk}/restore/", follow=True)
    assert "Harbour Street is back, and you are working in it now." in answer.content.decode()
    assert answer.wsgi_request.team == team
    assert client_of(bob).get(f"/pictures/{picture.pk}/").status_code == 200
    assert list(team.memberships.values_list("role", flat=True)) == ["owner", "creator"]
    assert AuditEntry.objects.filter(team=team).last().action == "team.restored"
    assert client.post(f"/team/{team.pk}/restore/").status_code == 404


@pytest.mark.parametrize("role", [Role.ADMIN, Role.CREATOR, Role.VIEWER, None])
def test_nobody_else_brings_it_back(role: Role | None, client_of: ClientOf, team: Team, alice: User, mallory: User) -> None:
    if role:
        Membership.objects.create(team=team, user=mallory, role=role)
    ending.delete_team(team, by=alice)
    assert client_of(mallory).post(f"/team/{team.pk}/restore/").status_code == (403 if role else 404)
    with pytest.raises(PermissionDenied if role else Http404):
        ending.restore_team(team, by=mallory)
    assert not Team.objects.alive().filter(pk=team.pk).exists()


def test_a_day_comes_when_it_is_too_late(client_of: ClientOf, team: Team, alice: User, settings: Any) -> None:
    ending.delete_team(team, by=alice)
    with time_machine.travel(after(settings, seconds=1)):
        client = client_of(alice)
        assert client.post(f"/team/{team.pk}/restore/").status_code == 404
        assert "Harbour Street" not in client.get("/account/").content.decode()
        with pytest.raises(errors.TooLate):
            ending.restore_team(team, by=alice)
    with time_machine.travel(after(settings, seconds=-60)):
        assert client_of(alice).post(f"/team/{team.pk}/restore/").status_code == 302
    assert Team.objects.alive().filter(pk=team.pk).exists()


# --- erasing ---------------------------------------------------------------------------------------------------------
def fill(team: Team, alice: User, bob: User) -> list[Artifact]:
    """A row of every kind that can belong to a team, with words that nobody may read later."""
    given = InputFile.objects.create(team=team, user=bob, file="inputs/aa/given.png", sha256="0")
    default_storage.save(given.file, ContentFile(b"pixels"))
    pictures = make_artifacts(team, bob, 3, prompt=SECRET, negative_prompt=SECRET, image=given, extra={"search_prompt": SECRET})
    job = pictures[0].job
    Job.objects.filter(pk=job.pk).update(sent_at=timezone.now(), provider_cost=3000, fingerprint="f" * 64, intended={"prompt": SECRET})
    JobInput.objects.create(job=job, name="init_image", file=given)
    Endpoint.objects.create(team=team, url=f"https://hooks.example/{SECRET}", events=list(Event), secret="whsec_c2VjcmV0", made_by=alice)
    failed = make_job(team, alice, prompt=SECRET)
    claimed = {one.pk: one for one in generation.claim(["null"], "worker")}
    generation.fail(claimed[failed.pk], "invalid_request", SECRET, fields={"prompt": SECRET})
    assert SECRET in str(Delivery.objects.get(endpoint__team=team).payload)
    trashed = make_artifact(team, bob, prompt=SECRET)
    trash(trashed, by=bob)
    gallery = Gallery.objects.create(team=team, owner=bob, name=SECRET, cover=pictures[0])
    GalleryItem.objects.create(gallery=gallery, artifact=pictures[0], position=1, added_by=bob)
    Tagging.objects.create(tag=Tag.objects.create(team=team, name=SECRET, key=SECRET), artifact=pictures[0], user=bob)
    Mark.objects.create(team=team, user=alice, artifact=pictures[0], rating=4)
    Finding.objects.create(artifact=pictures[0], scores={"nsfw": 0.1})
    WordList.objects.create(team=team, blocked=SECRET)
    template = PromptTemplate.objects.create(team=team, author=bob, name=SECRET, cover="templates/aa/cover.webp", changed_at=timezone.now())
    default_storage.save(template.cover, ContentFile(b"pixels"))
    version = PromptTemplateVersion.objects.create(template=template, number=1, author=bob, note=SECRET, content={"sections": [SECRET]})
    Wildcard.objects.create(team=team, name="secret", lines=SECRET)
    BrandRule.objects.create(team=team, name=SECRET, kind=BrandRule.Kind.BANNED, words=SECRET)
    batch = Batch.objects.create(team=team, user=bob, idempotency_key="k", kind=Batch.Kind.GRID, title=SECRET, size=1, axes={"x": SECRET})
    told = {"template_version": version, "template_values": {"fields": {"a": SECRET}}, "written": {"prompt": SECRET}}
    Job.objects.filter(pk=job.pk).update(batch=batch, batch_place=0, **told)
    comment = Comment.objects.create(artifact=pictures[0], user=alice, text=SECRET)
    asked = make_job(team, bob, prompt=SECRET, status=Job.Status.NEEDS_APPROVAL, approval="more than 50 credits")
    generation.decline(asked, by=alice, reason=SECRET)
    approvals.add_rule(wallets.wallet_of(team), kind="credits", threshold=50_000, by=alice)
    Notice.objects.create(user=bob, team=team, actor=alice, kind="comment", text=SECRET, artifact=pictures[0], comment=comment)
    budgets.set_limits(wallets.wallet_of(team), by=alice, day=1_000_000, month=None, scope=Scope.EVERYONE)
    budget_requests.ask(wallets.wallet_of(team), bob, limit="member-day", amount=1000, why=SECRET)
    [code] = promotions.make_codes(batch=uuid.uuid4(), label="A fair", amount=1_000)
    promotions.redeem(wallets.wallet_of(team), code.code, actor=bob)
    inviting.invite(team, invited_by=alice, email="secret@lighthouse.example")
    members.keep_out(team, make_user("Rudi Removed"))
    key = keys.make(team, bob, name=SECRET, scopes=["generate"], budget_day=1_000_000).key
    Job.objects.filter(pk=asked.pk).update(api_key=key)
    return [*pictures, trashed]


KEPT = {Wallet, Job}
"""What stays of a team: what its books are made of."""


def belonging(team: Team) -> dict[type[models.Model], int]:
    """How many rows of each kind name the team; every model of the studio that can is asked."""
    found: dict[type[models.Model], int] = {}
    for model in apps.get_models():
        if model._meta.proxy:
            continue
        for field in model._meta.concrete_fields:
            if field.remote_field and field.remote_field.model is Team:
                found[model] = model._default_manager.filter(**{field.name: team}).count()
    return found


def test_erasing_leaves_the_books_and_nothing_else(
    team: Team, alice: User, bob: User, other_team: Team, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    from studio.backends import registry

    pictures = fill(team, alice, bob)
    mallory = other_team.members.get()
    elsewhere = make_artifact(other_team, mallory, prompt="not yours")
    ending.delete_team(team, by=alice)
    before = belonging(team)
    assert [model.__name__ for model, count in before.items() if not count] == [], "fill() makes a row of each"
    entries, balance = list(LedgerEntry.objects.order_by("id").values()), wallets.wallet_of(team).balance
    [paid] = registry.backends()
    cost = recorded_total(paid)
    assert list(disagreements()) == []

    with time_machine.travel(after(settings, hours=2)), django_capture_on_commit_callbacks(execute=True):
        call_command("erase_teams")

    now = belonging(team)
    assert {model for model, count in now.items() if count} == KEPT
    assert now[Job] == before[Job]
    assert not ApprovalRule.objects.exists()
    assert all(not default_storage.exists(picture.variant(name)) for picture in pictures for name in ("original", "thumb"))
    assert not default_storage.exists("inputs/aa/given.png")
    assert not default_storage.exists("templates/aa/cover.webp")
    rows = [
        list(model._default_manager.values())
        for model in apps.get_models()
        if model._meta.app_label in ("generation", "galleries", "moderation", "prompts", "webhooks")
    ]
    assert "secret" not in json.dumps(rows, default=str)
    assert (Budget.objects.count(), BudgetRequest.objects.count()) == (0, 0)
    left = Team.objects.get(pk=team.pk)
    assert (left.name, left.members.count(), left.deleted_at is not None) == ("Deleted team", 0, True)
    # The books: the same entries, balanced, and every job still says what it cost.
    assert list(LedgerEntry.objects.order_by("id").values()) == entries
    assert wallets.wallet_of(team).balance == balance
    assert list(disagreements()) == []
    assert recorded_total(paid) == cost > 0
    call_command("verify_ledger")
    # Nobody else lost anything.
    assert default_storage.exists(elsewhere.variant("original"))
    assert Artifact.objects.get().prompt == "not yours"
    assert Team.objects.filter(is_personal=True, members__in=[alice, bob]).count() == 2


def test_nothing_is_erased_before_its_time(team: Team, alice: User, bob: User, settings: Any, capsys: Any) -> None:
    fill(team, alice, bob)
    ending.delete_team(team, by=alice)
    before = belonging(team)
    for early in (timedelta(), timedelta(days=settings.TEAM_GRACE_DAYS, minutes=30)):
        with time_machine.travel(timezone.now() + early):
            call_command("erase_teams")
            assert capsys.readouterr().out == "0 teams erased.\n"
    assert belonging(team) == before
    with time_machine.travel(after(settings, hours=2)):
        call_command("erase_teams")
        assert capsys.readouterr().out == "1 team erased.\n"
        call_command("erase_teams")
        assert capsys.readouterr().out == "0 teams erased.\n"


def test_a_living_team_is_never_erased(team: Team, alice: User, settings: Any) -> None:
    make_artifact(team, alice)
    ending.delete_team(team, by=alice)
    ending.restore_team(team, by=alice)
    with time_machine.travel(after(settings, days=400)):
        ending.daily()
    assert Artifact.objects.count() == 1
    assert Team.objects.get(pk=team.pk).name == "Harbour Street"


def test_erasing_that_broke_off_is_taken_up_again(team: Team, alice: User, bob: User, settings: Any, monkeypatch: Any) -> None:
    fill(team, alice, bob)
    ending.delete_team(team, by=alice)
    real = generation.erase_team

    def full(team: Team) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr("studio.generation.services.erase_team", full)
    with time_machine.travel(after(settings, hours=2)):
        with pytest.raises(OSError, match="the disk is gone"):
            ending.daily()
        assert team.memberships.count() == 2
        with pytest.raises(errors.TooLate):
            ending.restore_team(team, by=alice)
        monkeypatch.setattr("studio.generation.services.erase_team", real)
        ending.daily()
    assert {model for model, count in belonging(team).items() if count} == KEPT
    assert list(disagreements()) == []

"""What is left of keys: in the log, in the export of a person, and when a person or a team goes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import ExitStack
from contextvars import copy_context

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import audit, keys, members
from accounts.errors import BadKey
from accounts.models import ApiKey, AuditEntry, Membership, Role, Team, User
from studio.privacy import export
from studio.privacy.erasing import erase_account
from tests.accounts.test_keys import log, made

ClientOf = Callable[..., Client]


# --- the end of a person, and of a team -------------------------------------------------------------------------------
@pytest.mark.django_db
@pytest.mark.parametrize("how", ["removed", "left"])
def test_who_goes_leaves_no_key_behind(how: str, team: Team, alice: User, bob: User) -> None:
    first, second = made(team, bob, name="CI"), made(team, bob, name="Nightly", all_teams=True)
    own = Team.objects.get(is_personal=True, memberships__user=bob)
    elsewhere = made(own, bob)
    if how == "removed":
        members.remove_member(team, bob, by=alice)
    else:
        members.leave(team, by=bob)
    for secret in (first.secret, second.secret):
        with pytest.raises(BadKey):
            keys.caller(secret, keys.organization_id(own))
    assert keys.caller(elsewhere.secret).team == own
    assert log(team)[2:] == [("The studio", "key.revoked", "revoked the 2 API keys of Bob Member, who is not in the team any more")]
    Membership.objects.create(team=team, user=bob, role=Role.CREATOR)
    with pytest.raises(BadKey):
        keys.caller(first.secret)


@pytest.mark.django_db
def test_who_goes_with_one_key_or_none(team: Team, alice: User, bob: User, carol: User) -> None:
    members.remove_member(team, carol, by=alice)
    assert log(team) == []
    made(team, bob)
    members.leave(team, by=bob)
    assert log(team)[1:] == [("The studio", "key.revoked", "revoked the API key “CI” of Bob Member, who is not in the team any more")]


@pytest.mark.django_db(transaction=True)
def test_an_erased_account_has_no_keys(team: Team, alice: User, bob: User) -> None:
    secret = made(team, bob).secret
    keys.revoke(made(team, bob, name="Old").key, by=alice)
    erase_account(bob, leaves_work=True)
    assert not ApiKey.objects.exists()
    assert keys.find(secret) is None
    assert "Bob" not in " ".join(text for _, _, text in log(team))


@pytest.mark.django_db
def test_what_the_studio_knows_of_a_person_tells_of_keys_without_secrets(team: Team, alice: User) -> None:
    key, secret = made(team, alice, "generate", budget_day=2500, engines=["null"])
    with audit.acting_with(key):
        audit.record(team, alice, "gallery.created", "made the gallery “Boats”")
    files = {file.name: b"".join(file.pieces) for file in export.everything(alice)}
    account = json.loads(files["account.json"])
    assert [
        {name: one[name] for name in ("name", "begins_with", "team", "may", "engines", "credits", "revoked")} for one in account["api_keys"]
    ] == [
        {
            "name": "CI",
            "begins_with": secret[:11],
            "team": "Harbour Street",
            "may": ["generate"],
            "engines": ["null"],
            "credits": {"day": "2.5", "month": None},
            "revoked": None,
        }
    ]
    assert not any(text in content.decode() for content in files.values() for text in (secret[11:], key.token_hash))
    told = [(one["text"], one.get("api_key")) for one in json.loads(files["log.json"]) if one["action"] == "gallery.created"]
    assert told == [("made the gallery “Boats”", "CI")]


# --- the log ----------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_the_log_says_with_which_key(team: Team, alice: User, client_of: ClientOf) -> None:
    key = made(team, alice, name="=CI").key
    with audit.acting_with(key):
        members.rename_team(team, "Quay Press", by=alice)
        audit.record(team, None, "job.lapsed", "let a request lapse")
        with audit.acting_with(None):
            audit.record(team, alice, "gallery.created", "made the gallery “Boats”")
    members.rename_team(team, "Harbour Street", by=alice)
    newest = AuditEntry.objects.of_team(team)[:4]
    assert [(one.action, one.api_key, one.via) for one in newest] == [
        ("team.renamed", None, ""),
        ("gallery.created", None, ""),
        ("job.lapsed", None, ""),
        ("team.renamed", key, "=CI"),
    ]
    rows = client_of(alice).get("/team/log/").content.decode().split("<tr>")[2:6]
    assert [("with the key =CI" in row) for row in rows] == [False, False, False, True]
    sheet = client_of(alice).get(f"/team/{team.pk}/log.csv").content.decode().splitlines()
    assert sheet[0] == "Time,Who,Address,Action,What,With the key"
    assert sheet[4].endswith("renamed the team from Harbour Street to Quay Press,'=CI")
    keys.erase_team(team)
    assert AuditEntry.objects.filter(via="=CI", api_key=None).exists(), "the name outlives the key"


@pytest.mark.django_db
def test_acts_of_a_key_and_of_its_person_are_counted_apart(team: Team, alice: User) -> None:
    key = made(team, alice).key
    for acting in (None, key, key, None):
        with audit.acting_with(acting):
            audit.count(team, alice, "pictures.uploaded", "uploaded files into the library: {}")
    entries = AuditEntry.objects.filter(action="pictures.uploaded").order_by("id")
    assert [(one.via, one.text[-1]) for one in entries] == [("", "2"), ("CI", "2")]


@pytest.mark.django_db
def test_an_error_leaves_nobody_acting_with_a_key(team: Team, alice: User) -> None:
    key = made(team, alice).key
    with pytest.raises(ZeroDivisionError), audit.acting_with(key):
        raise ZeroDivisionError
    assert audit.record(team, alice, "gallery.created", "made a gallery").api_key is None


@pytest.mark.django_db
def test_a_request_that_ends_in_another_context_than_it_began_in_leaves_nobody_either(team: Team, alice: User) -> None:
    key, here = made(team, alice).key, copy_context()
    with ExitStack() as until_it_is_over:
        here.run(until_it_is_over.enter_context, audit.acting_with(key))
        assert here.run(audit.record, team, alice, "gallery.created", "made a gallery").api_key == key
    assert audit.record(team, alice, "gallery.created", "made a gallery").api_key is None


@pytest.mark.django_db
def test_the_operator_revokes_one_that_was_found_elsewhere(team: Team, bob: User) -> None:
    (key, secret), other = made(team, bob), made(team, bob, name="Other").secret
    sink = io.StringIO()
    call_command("revoke_key", secret[:11], stdout=sink)
    assert f"Revoked CI (sk-{key.public_id}…) of Bob Member (bob@harbour.example) in Harbour Street." in sink.getvalue()
    with pytest.raises(BadKey):
        keys.caller(secret)
    assert keys.caller(other).user == bob
    assert log(team)[2:] == [("The studio", "key.revoked", "revoked the API key “CI” of Bob Member, which was found elsewhere")]
    for text in (secret, secret[:11], "sk-", "sk-00000000", "", "\0", "sk-" + "é" * 8):
        with pytest.raises(CommandError, match="No key that still holds"):
            call_command("revoke_key", text, stdout=sink)
    assert "still gets in" not in sink.getvalue()
    call_command("revoke_key", f"{other}\n", stdout=sink)  # the whole of it does as well
    with pytest.raises(BadKey):
        keys.caller(other)


@pytest.mark.django_db
def test_of_a_secret_that_leaked_only_that_one_is_revoked_and_the_operator_is_told_of_the_others(team: Team, bob: User) -> None:
    old = made(team, bob)
    new = keys.rotate(old.key, by=bob)
    newest = keys.rotate(new.key, by=bob)
    sink = io.StringIO()
    call_command("revoke_key", new.secret[:11], stdout=sink)
    with pytest.raises(BadKey):
        keys.caller(new.secret)
    assert [keys.caller(one.secret).key for one in (old, newest)] == [old.key, newest.key]
    assert sink.getvalue().splitlines()[1:] == [
        f"The same program still gets in with CI (sk-{one.key.public_id}…). If that leaked as well, revoke it too." for one in (old, newest)
    ]

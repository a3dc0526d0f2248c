"""Invitations by e-mail: whom they may go to, what stands in them, sent again, not sent, and found without the letter."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import inviting
from accounts.models import AuditEntry, Invitation, Membership, Role, Team, User
from tests.accounts.mail_servers import html_of

ClientOf = Callable[..., Client]
SERVERS = "tests.accounts.mail_servers."
BY_MAIL = "/team/invitations/mail/"


def asked(team: Team, emails: str, **change: str | int) -> dict[str, Any]:
    """What the form for letters sends."""
    given = {"role": "viewer", "days": 14, "message": "", "emails": emails} | change
    return {"team": team.pk} | {f"mail-{name}": value for name, value in given.items()}


def link_in(letter: mail.EmailMessage) -> str:
    return re.search(r"^http://localhost:8000(/invitations/\S+/)$", letter.body, re.MULTILINE)[1]


def newest() -> Invitation:
    return Invitation.objects.latest("id")


# --- sending ----------------------------------------------------------------------------------------------------------
def test_each_person_gets_a_letter_of_their_own(client_of: ClientOf, team: Team, alice: User) -> None:
    emails = "Dan@Harbour.example, Eve Painter <eve@harbour.example>;\nfay@harbour.example\ndan@harbour.example"
    client = client_of(alice)
    answer = client.post(BY_MAIL, asked(team, emails, message="See you <soon>.\nAlice", days=7))
    assert (answer.status_code, answer["Location"]) == (302, "/team/#invitations")
    assert [letter.to for letter in mail.outbox] == [["dan@harbour.example"], ["eve@harbour.example"], ["fay@harbour.example"]]
    assert len({link_in(letter) for letter in mail.outbox}) == 3
    letter = mail.outbox[0]
    assert (letter.subject, letter.reply_to) == ("Alice Harbour invites you to Harbour Street", ["alice@harbour.example"])
    assert "> See you <soon>.\n> Alice" in letter.body
    assert "See you &lt;soon&gt;." in html_of(letter)
    assert html_of(letter).count(f'href="http://localhost:8000{link_in(letter)}"') == 2
    until = f"{timezone.now() + timedelta(days=7):%-d %B %Y}"
    assert until in letter.body
    assert until in html_of(letter)
    rows = Invitation.objects.order_by("id").values_list("email", "role", "max_uses")
    assert list(rows) == [(f"{name}@harbour.example", "viewer", 1) for name in ("dan", "eve", "fay")]
    assert not Invitation.objects.filter(sent_at=None).exists()
    page = client.get("/team/").content.decode()
    assert "3 letters are on their way." in page
    assert link_in(letter) not in page
    assert AuditEntry.objects.filter(team=team, action="invitation.made").count() == 3


@pytest.mark.django_db(transaction=True)
def test_letters_go_out_after_the_invitations_are_written(client_of: ClientOf, team: Team, alice: User, settings: Any) -> None:
    settings.EMAIL_BACKEND = SERVERS + "NotInTransactions"
    client = client_of(alice)
    assert client.post(BY_MAIL, asked(team, "dan@harbour.example")).status_code == 302
    Invitation.objects.update(sent_at=timezone.now() - timedelta(minutes=2))
    assert client.post(f"/team/invitations/{newest().pk}/resend/").status_code == 302
    assert len(mail.outbox) == 2


@pytest.mark.parametrize(
    ("emails", "says"),
    [
        ("", "Write whom you invite"),
        (" ,;\n", "Write whom you invite"),
        ("dan, eve@, x@y.example\x00", "Null characters are not allowed."),
        ("dan, fay@harbour.example", "“dan” does not look like an address."),
        ("dan eve@", "“dan” and “eve@” do not look like addresses."),
        ("Bob@harbour.example\nfay@harbour.example", "“bob@harbour.example” is in Harbour Street already."),
        ("INVITED@harbour.example", "“invited@harbour.example” is invited already"),
        (",".join(f"p{n}@harbour.example" for n in range(51)), "These are 51 addresses"),
        ("a" * 250 + "@harbour.example", "does not look like an address"),
    ],
)
def test_addresses_are_told_apart_and_nothing_is_sent(
    client_of: ClientOf, team: Team, alice: User, bob: User, emails: str, says: str
) -> None:
    inviting.invite(team, invited_by=alice, email="invited@harbour.example")
    answer = client_of(alice).post(BY_MAIL, asked(team, emails, message="Kept words"))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert says in page
    assert "Kept words" in page
    assert (Invitation.objects.count(), mail.outbox) == (1, [])


def test_all_that_is_wrong_is_said_at_once(client_of: ClientOf, team: Team, alice: User, bob: User) -> None:
    inviting.invite(team, invited_by=alice, email="dan@harbour.example")
    page = client_of(alice).post(BY_MAIL, asked(team, "dan@harbour.example, bob@harbour.example, <script>")).content.decode()
    for says in ("“bob@harbour.example” is in", "“dan@harbour.example” is invited already", "“script” does not look like an address."):
        assert says in page
    assert "<script>" not in page.replace('<script type="module"', "")


@pytest.mark.parametrize("message", ["https://evil.example/x", "look at WWW.evil.example", "or at evil.example/x"])
def test_strange_links_are_kept_out_of_letters(client_of: ClientOf, team: Team, alice: User, message: str) -> None:
    answer = client_of(alice).post(BY_MAIL, asked(team, "dan@harbour.example", message=message))
    assert (answer.status_code, "Leave web addresses out" in answer.content.decode()) == (422, True)
    assert (Invitation.objects.count(), mail.outbox) == (0, [])


def test_a_name_with_line_ends_makes_one_subject(client_of: ClientOf, team: Team, alice: User) -> None:
    Team.objects.filter(pk=team.pk).update(name="Harbour\r\nBcc: eve@example.org")
    client_of(alice).post(BY_MAIL, asked(team, "dan@harbour.example"))
    (letter,) = mail.outbox
    assert letter.subject == "Alice Harbour invites you to Harbour Bcc: eve@example.org"
    assert letter.message()["Bcc"] is None


def test_a_name_makes_no_paragraph_of_its_own(client_of: ClientOf, team: Team, alice: User) -> None:
    Team.objects.filter(pk=team.pk).update(name="Harbour\n\nYour account was locked")
    client_of(alice).post(BY_MAIL, asked(team, "dan@harbour.example"))
    (letter,) = mail.outbox
    assert "to work in Harbour Your account" in " ".join(letter.body.split())
    assert "\n\nYour account" not in letter.body


@pytest.mark.parametrize("of", ["the team", "your account"])
def test_a_name_is_no_place_for_a_strange_link(of: str, client_of: ClientOf, team: Team, alice: User) -> None:
    rows = Team.objects.filter(pk=team.pk) if of == "the team" else User.objects.filter(pk=alice.pk)
    rows.update(name="You won! https://evil.example/x")
    answer = client_of(alice).post(BY_MAIL, asked(team, "dan@harbour.example"))
    assert (answer.status_code, f"The name of {of} looks like a web address." in answer.content.decode()) == (422, True)
    assert (Invitation.objects.count(), mail.outbox) == (0, [])


def test_sending_again_counts_as_a_letter(client_of: ClientOf, team: Team, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inviting, "LETTERS_A_DAY", 2)
    client = client_of(alice)
    client.post(BY_MAIL, asked(team, "dan@harbour.example"))
    resend = f"/team/invitations/{newest().pk}/resend/"
    now = timezone.now()
    for minutes, said in ((2, "is on its way"), (4, "You have sent many letters today."), (25 * 60, "is on its way")):
        with time_machine.travel(now + timedelta(minutes=minutes)):
            assert said in client.post(resend, follow=True).content.decode()
    assert len(mail.outbox) == 3


def test_the_studio_is_no_machine_for_mail(client_of: ClientOf, team: Team, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inviting, "LETTERS_A_DAY", 3)
    client = client_of(alice)
    client.post(BY_MAIL, asked(team, "a@harbour.example, b@harbour.example"))
    answer = client.post(BY_MAIL, asked(team, "c@harbour.example, d@harbour.example"))
    assert "1 more can go out before tomorrow" in answer.content.decode()
    assert len(mail.outbox) == Invitation.objects.count() == 2
    with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1)):
        assert client.post(BY_MAIL, asked(team, "c@harbour.example, d@harbour.example")).status_code == 302
    assert len(mail.outbox) == 4


@pytest.mark.parametrize(("role", "status"), [(Role.CREATOR, 403), (Role.VIEWER, 403), (None, 404)])
def test_others_send_none(client_of: ClientOf, team: Team, alice: User, mallory: User, role: Role | None, status: int) -> None:
    inviting.invite_by_mail(team, ["dan@harbour.example"], invited_by=alice)
    before = Invitation.objects.values().get()
    if role:
        Membership.objects.create(team=team, user=mallory, role=role)
    client = client_of(mallory)
    assert client.post(BY_MAIL, asked(team, "eve@harbour.example")).status_code == status
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        assert client.post(f"/team/invitations/{before['id']}/resend/").status_code == status
    assert Invitation.objects.values().get() == before
    assert len(mail.outbox) == 1


# --- when it does not go out ------------------------------------------------------------------------------------------
def test_an_invitation_stands_when_its_letter_cannot_be_sent(client_of: ClientOf, team: Team, alice: User, settings: Any) -> None:
    settings.EMAIL_BACKEND = SERVERS + "Unreachable"
    client = client_of(alice)
    page = client.post(BY_MAIL, asked(team, "dan@harbour.example"), follow=True).content.decode()
    assert "The invitation stands, but the mail could not be sent: the mail server cannot be reached. Copy the link instead" in page
    link = re.search(r'value="http://localhost:8000(/invitations/[^"]+)"', page)[1]
    assert "Join Harbour Street" in Client().get(link).content.decode()
    assert newest().sent_at is None
    assert "the letter did not go out" in client.get("/team/").content.decode()


def test_of_several_letters_those_that_fail_are_told(client_of: ClientOf, team: Team, alice: User, settings: Any) -> None:
    settings.EMAIL_BACKEND = SERVERS + "Choosy"
    page = client_of(alice).post(BY_MAIL, asked(team, "dan@harbour.example nobody@harbour.example"), follow=True).content.decode()
    assert "the mail server does not take mail for this address" in page
    assert page.count('value="http://localhost:8000/invitations/') == 1
    assert "The letter to dan@harbour.example is on its way." in page
    assert Invitation.objects.get(sent_at=None).email == "nobody@harbour.example"


def test_without_a_mail_server_the_link_is_shown(client_of: ClientOf, team: Team, alice: User, settings: Any, capsys: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    page = client_of(alice).post(BY_MAIL, asked(team, "dan@harbour.example"), follow=True).content.decode()
    link = re.search(r'value="(http://localhost:8000/invitations/[^"]+)"', page)[1]
    assert "No mail server is set up" in page
    assert link in capsys.readouterr().out.splitlines()


# --- again ------------------------------------------------------------------------------------------------------------
def test_sending_again_makes_a_new_link_and_ends_the_old(client_of: ClientOf, team: Team, alice: User) -> None:
    client = client_of(alice)
    client.post(BY_MAIL, asked(team, "dan@harbour.example", days=7, message="Hello"))
    resend = f"/team/invitations/{newest().pk}/resend/"
    assert "less than a minute ago" in client.post(resend, follow=True).content.decode()
    assert len(mail.outbox) == 1
    later = timezone.now() + timedelta(days=3)
    with time_machine.travel(later):
        answer = client.post(resend, follow=True)
        assert "The letter to dan@harbour.example is on its way." in answer.content.decode()
        first, second = mail.outbox
        assert Client().get(link_in(first)).status_code == 410
        assert "a newer letter replaced it" in Client().get(link_in(first)).content.decode()
        assert Client().get(link_in(second)).status_code == 200
        assert "> Hello" in second.body
        assert "less than a minute ago" in client.post(resend, follow=True).content.decode()
    assert timedelta(days=6, hours=23) < newest().expires_at - later < timedelta(days=7, hours=1)
    assert len(mail.outbox) == 2
    assert AuditEntry.objects.filter(action="invitation.resent").get().text == "sent the invitation for dan@harbour.example again"


def test_only_an_open_letter_is_sent_again(client_of: ClientOf, team: Team, alice: User) -> None:
    client = client_of(alice)
    inviting.invite(team, invited_by=alice)
    assert client.post(f"/team/invitations/{newest().pk}/resend/").status_code == 404
    inviting.invite(team, invited_by=alice, email="dan@harbour.example")
    Invitation.objects.update(revoked_at=timezone.now())
    assert "used up" in client.post(f"/team/invitations/{newest().pk}/resend/", follow=True).content.decode()
    assert not mail.outbox


# --- without the letter -----------------------------------------------------------------------------------------------
def sign_in(user: User) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": "correct horse battery"})
    return client


def test_who_is_invited_sees_it_after_signing_in(team: Team, alice: User, mallory: User) -> None:
    inviting.invite(team, invited_by=alice, email="Mallory@harbour.example", role="viewer", message="Please <b>come</b>")
    client = sign_in(mallory)
    page = client.get("/account/").content.decode()
    assert "Alice Harbour invites you to Harbour Street. The invitation is on your account page." in page
    assert "You are invited" in page
    assert "Please &lt;b&gt;come&lt;/b&gt;" in page
    answer = client.post(f"/account/invitations/{newest().pk}/accept/")
    assert (answer["Location"], client.session["team"]) == ("/create/", team.pk)
    assert Membership.objects.get(team=team, user=mallory).role == "viewer"
    assert "You are invited" not in client.get("/account/").content.decode()
    assert client.post(f"/account/invitations/{newest().pk}/accept/").status_code == 404


def test_saying_no(client_of: ClientOf, team: Team, alice: User, mallory: User) -> None:
    _, token = inviting.invite(team, invited_by=alice, email=mallory.email)
    client = sign_in(mallory)
    client.post(f"/account/invitations/{newest().pk}/decline/")
    assert "You are invited" not in client.get("/account/").content.decode()
    assert client.get(f"/invitations/{token}/").status_code == 410
    assert not Membership.objects.filter(team=team, user=mallory).exists()
    assert str(AuditEntry.objects.latest("id")) == "Mallory Stranger declined the invitation"


@pytest.mark.parametrize("state", ["another's", "a link's", "run out", "of a deleted team", "not proven"])
def test_what_is_not_for_them_is_not_there(team: Team, alice: User, mallory: User, state: str) -> None:
    inviting.invite(team, invited_by=alice, email={"another's": "dan@harbour.example", "a link's": ""}.get(state, mallory.email))
    if state == "run out":
        Invitation.objects.update(expires_at=timezone.now())
    elif state == "of a deleted team":
        Team.objects.filter(pk=team.pk).update(deleted_at=timezone.now())
    elif state == "not proven":
        EmailAddress.objects.filter(user=mallory).update(verified=False)
    client = sign_in(mallory)
    page = client.get("/account/").content.decode()
    assert "Harbour Street" not in page
    assert ("Confirm that the address is yours" in page) is (state == "not proven")
    for word in ("accept", "decline"):
        assert client.post(f"/account/invitations/{newest().pk}/{word}/").status_code == 404
    assert not Membership.objects.filter(team=team, user=mallory).exists()
    assert newest().revoked_at is None


@pytest.mark.parametrize("is_sent", [True, False])
def test_who_comes_by_the_letter_has_proven_the_address(client: Client, team: Team, alice: User, settings: Any, is_sent: bool) -> None:
    settings.STUDIO_SIGNUP = "invitation"
    [posted] = inviting.invite_by_mail(team, ["dan@harbour.example"], invited_by=alice)
    if not is_sent:  # then somebody has copied the link
        Invitation.objects.update(sent_at=None)
    client.get(f"/invitations/{posted.token}/")
    client.post("/accounts/signup/", {"name": "Dan", "email": "dan@harbour.example", "password1": "lighthouse keeper 7"})
    assert EmailAddress.objects.get(email="dan@harbour.example").verified is is_sent
    assert len(mail.outbox) == (1 if is_sent else 2)
    assert Membership.objects.filter(team=team, user__email="dan@harbour.example").exists()

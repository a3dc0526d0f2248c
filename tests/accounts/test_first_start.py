"""A studio without people leads everybody to one page, which makes its owner, once."""

from __future__ import annotations

import threading

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import connection
from django.test import Client

from accounts.models import Membership, Role, Team, User
from billing.models import Wallet

ANA = {"name": "Ana Marques", "email": "Ana@Harbour.example", "password": "lighthouse keeper 7"}


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/create/", "/library/", "/account/", "/accounts/login/", "/admin/", "/nonsense/"])
def test_every_page_leads_to_the_welcome(client: Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (302, "/welcome/")


@pytest.mark.django_db
def test_probes_answer_without_people(client: Client) -> None:
    assert client.get("/healthz").status_code == 200


@pytest.mark.django_db
def test_owner_is_made_and_signed_in(client: Client) -> None:
    page = client.get("/welcome/")
    assert page.status_code == 200
    assert f"{settings.WELCOME_CREDITS} credits to start with" in page.content.decode()
    answer = client.post("/welcome/", ANA)
    assert (answer.status_code, answer["Location"]) == (302, "/create/")
    owner = User.objects.get()
    assert (owner.name, owner.email) == ("Ana Marques", "ana@harbour.example")
    assert (owner.is_owner, owner.is_superuser, owner.is_staff, owner.check_password(ANA["password"])) == (True, True, True, True)
    address = EmailAddress.objects.get()
    assert (address.user, address.email, address.primary, address.verified) == (owner, "ana@harbour.example", True, True)
    team = Team.objects.get()
    assert (team.name, team.is_personal) == ("Ana Marques", True)
    assert Membership.objects.get(team=team).role == Role.OWNER
    assert Wallet.objects.get(team=team).balance == settings.WELCOME_CREDITS * 1000
    assert client.get("/account/").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": " "}, "Tell us what to call you."),
        ({"email": "ana"}, "This does not look like an email address."),
        ({"email": ""}, "You sign in with this address."),
        ({"password": "short 7"}, "at least 10 characters"),
        ({"password": "1234567890"}, "too common"),
        ({"password": "ana marques"}, "too similar to the name"),
        ({"password": ""}, "Choose a password."),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(client: Client, change: dict[str, str], message: str) -> None:
    answer = client.post("/welcome/", ANA | change)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert message in page
    for name in ("name", "email"):
        if name not in change:
            assert f'value="{ANA[name]}"' in page
    assert not User.objects.exists()
    assert not Team.objects.exists()


@pytest.mark.django_db
def test_second_time_leads_home_and_changes_nothing(client: Client, alice: User) -> None:
    for answer in (client.get("/welcome/"), client.post("/welcome/", ANA)):
        assert (answer.status_code, answer["Location"]) == (302, "/")
    assert list(User.objects.all()) == [alice]
    assert not User.objects.filter(is_superuser=True).exists()


@pytest.mark.django_db(transaction=True)
def test_two_who_open_the_studio_at_once_make_one_owner() -> None:
    people, start, answers = 4, threading.Barrier(4), []

    def open_studio(number: int) -> None:
        browser = Client()
        browser.get("/welcome/")
        start.wait()
        answers.append(browser.post("/welcome/", ANA | {"email": f"person{number}@harbour.example"})["Location"])
        connection.close()

    threads = [threading.Thread(target=open_studio, args=(number,)) for number in range(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == people
    assert answers.count("/create/") == 1
    assert set(answers) <= {"/create/", "/", "/accounts/login/"}
    assert User.objects.count() == Team.objects.count() == Wallet.objects.count() == EmailAddress.objects.count() == 1
    assert User.objects.get().is_owner


@pytest.mark.django_db
def test_database_allows_one_owner(alice: User, bob: User) -> None:
    from django.db import IntegrityError, transaction

    User.objects.filter(pk=alice.pk).update(is_owner=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=bob.pk).update(is_owner=True)
    assert list(User.objects.filter(is_owner=True)) == [alice]

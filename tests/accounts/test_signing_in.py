"""Coming in and going out: password, limits, forgotten passwords, and a session that ends in the middle of work."""

from __future__ import annotations

import re
from collections.abc import Callable

from allauth.account.models import EmailAddress
from django import forms
from django.core import mail
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.middleware import SignInAgainMiddleware
from accounts.models import User
from tests.conftest import PASSWORD

LOGIN = "/accounts/login/"


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_home_leads_to_the_login_page_and_back(client: Client, alice: User) -> None:
    answer = client.get("/", follow=True)
    assert answer.redirect_chain[-1] == (f"{LOGIN}?next=/create/", 302)
    assert 'name="next" value="/create/"' in answer.content.decode()
    answer = client.post(LOGIN, {"login": "Alice@harbour.example", "password": PASSWORD, "next": "/account/"})
    assert (answer.status_code, answer["Location"]) == (302, "/account/")
    assert signed_in(client)


def test_wrong_password_says_so_keeps_the_address_and_tells_nothing_else(client: Client, alice: User) -> None:
    known = client.post(LOGIN, {"login": alice.email, "password": "nonsense nonsense"}).content.decode()
    unknown = client.post(LOGIN, {"login": "nobody@harbour.example", "password": "nonsense nonsense"}).content.decode()
    message = "The email address or the password is wrong."
    assert message in known
    assert message in unknown
    assert f'value="{alice.email}"' in known
    assert not signed_in(client)


def test_help_beside_a_field_is_a_link_where_it_is_one_and_text_where_it_is_text(client: Client, alice: User) -> None:
    class Plain(forms.Form):
        name = forms.CharField(help_text="<b>bold</b> & free")

    assert '<div class="help" id="id_password_helptext"><a ' in client.get("/accounts/login/").content.decode()
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; free" in render_to_string("_field.html", {"field": Plain()["name"]})


def test_foreign_address_is_no_way_back(client: Client, alice: User) -> None:
    answer = client.post(LOGIN, {"login": alice.email, "password": PASSWORD, "next": "https://elsewhere.example/"})
    assert answer["Location"] == "/create/"


def test_sixth_try_at_one_account_is_refused_even_with_the_password(client: Client, alice: User) -> None:
    for _ in range(5):
        client.post(LOGIN, {"login": alice.email, "password": "guess guess"})
    page = client.post(LOGIN, {"login": alice.email, "password": PASSWORD}).content.decode()
    assert "Too many tries with a wrong password. Wait five minutes, or ask your operator for a new one." in page
    assert not signed_in(client)


def test_thirty_first_try_from_one_address_is_429(client: Client, alice: User) -> None:
    answers = [client.post(LOGIN, {"login": f"p{n}@harbour.example", "password": "guess guess"}).status_code for n in range(31)]
    assert answers == [200] * 30 + [429]


def test_switched_off_account_stays_out(client: Client, alice: User) -> None:
    alice.is_active = False
    alice.save()
    answer = client.post(LOGIN, {"login": alice.email, "password": PASSWORD}, follow=True)
    assert "This account is switched off." in answer.content.decode()
    assert not signed_in(client)


def test_signing_out_asks_by_post(client_of: Callable[..., Client], alice: User) -> None:
    client = client_of(alice)
    assert "Sign out?" in client.get("/accounts/logout/").content.decode()
    assert signed_in(client)
    answer = client.post("/accounts/logout/")
    assert (answer.status_code, answer["Location"]) == (302, LOGIN)
    assert not signed_in(client)


def test_forgotten_password(client: Client, alice: User) -> None:
    answer = client.post("/accounts/password/reset/", {"email": alice.email}, follow=True)
    assert "Look into your mail." in answer.content.decode()
    (letter,) = mail.outbox
    assert (letter.to, letter.subject) == ([alice.email], "A new password for Atelier")
    link = re.search(r"http://localhost:8000(/\S+)", letter.body)[1]
    answer = client.get(link, follow=True)
    assert "New password" in answer.content.decode()
    form = answer.redirect_chain[-1][0]
    bad = client.post(form, {"password1": "short", "password2": "short"})
    assert "at least 10 characters" in bad.content.decode()
    answer = client.post(form, {"password1": "another harbour 7", "password2": "another harbour 7"}, follow=True)
    assert "Your password is set." in answer.content.decode()
    alice.refresh_from_db()
    assert alice.check_password("another harbour 7")
    assert "This link does not open." in Client().get(link, follow=True).content.decode()


def test_unknown_address_gets_the_same_page_and_another_letter(client: Client, alice: User) -> None:
    known = client.post("/accounts/password/reset/", {"email": alice.email}, follow=True).content
    unknown = Client().post("/accounts/password/reset/", {"email": "nobody@harbour.example"}, follow=True).content
    assert known == unknown
    assert [letter.subject for letter in mail.outbox] == ["A new password for Atelier", "No account with this address"]


def test_confirming_a_new_address_replaces_the_old_one(client_of: Callable[..., Client], alice: User) -> None:
    client = client_of(alice)
    answer = client.post("/accounts/email/", {"action_add": "", "email": "alice@new.example"})
    assert answer["Location"] == "/accounts/reauthenticate/?next=%2Faccounts%2Femail%2F"
    assert not mail.outbox
    client.post(answer["Location"], {"password": PASSWORD, "next": "/accounts/email/"})
    page = client.get("/accounts/email/").content.decode()
    assert "You are changing to <strong>alice@new.example</strong>" in page
    assert User.objects.get(pk=alice.pk).email == alice.email
    letter = next(letter for letter in mail.outbox if letter.to == ["alice@new.example"])
    link = re.search(r"http://localhost:8000(/\S+)", letter.body)[1]
    assert "Yes, this is me" in client.get(link).content.decode()
    client.post(link)
    assert User.objects.get(pk=alice.pk).email == "alice@new.example"
    assert list(EmailAddress.objects.filter(user=alice).values_list("email", "verified", "primary")) == [("alice@new.example", True, True)]


# --- a session that ends in the middle ------------------------------------------------------------------------------
def test_htmx_gets_a_navigation_of_the_whole_page_and_comes_back(client: Client, alice: User) -> None:
    page = "http://testserver/create/?engine=null#stage"
    answer = client.post("/create/", {"prompt": "a boat"}, headers={"HX-Request": "true", "HX-Current-URL": page})
    assert answer.status_code == 204
    assert answer["HX-Redirect"] == f"{LOGIN}?next=/create/%3Fengine%3Dnull"
    assert answer.content == b""
    assert "Your session has ended. Sign in, and you are back where you were." in client.get(answer["HX-Redirect"]).content.decode()
    came_back = client.post(answer["HX-Redirect"], {"login": alice.email, "password": PASSWORD, "next": "/create/?engine=null"})
    assert came_back["Location"] == "/create/?engine=null"


def test_only_who_had_a_session_is_told_that_it_ended(client: Client, alice: User) -> None:
    ended = "Your session has ended."
    assert ended not in client.get("/library/", follow=True).content.decode()
    client.force_login(alice)
    client.session.delete()
    assert ended in client.get("/library/", follow=True).content.decode()
    assert ended not in client.get("/library/", follow=True).content.decode()


def test_htmx_from_elsewhere_leads_to_the_plain_login_page(client: Client, alice: User) -> None:
    answer = client.post("/create/", headers={"HX-Request": "true", "HX-Current-URL": "https://elsewhere.example/create/"})
    assert answer["HX-Redirect"] == LOGIN


def test_script_that_asks_for_json_gets_a_sentence(client: Client, alice: User) -> None:
    answer = client.post(reverse("input_upload"), headers={"Accept": "application/json", "Referer": "http://testserver/create/"})
    assert answer.status_code == 401
    assert answer.json() == {
        "error": "You were signed out. Sign in again; what you typed is still on the page.",
        "login": f"{LOGIN}?next=/create/",
    }


def test_form_without_script_comes_back_to_its_page(client: Client, alice: User) -> None:
    answer = client.post("/account/team/", {"team": 1}, headers={"Referer": "http://testserver/library/?q=boat"})
    assert (answer.status_code, answer["Location"]) == (302, f"{LOGIN}?next=/library/%3Fq%3Dboat")


def test_page_that_was_opened_keeps_its_own_way_back(client: Client, alice: User) -> None:
    answer = client.get("/library/?q=boat", headers={"Referer": "http://testserver/create/"})
    assert (answer.status_code, answer["Location"]) == (302, f"{LOGIN}?next=/library/%3Fq%3Dboat")


def test_signing_out_is_not_mistaken_for_an_ended_session(client_of: Callable[..., Client], alice: User) -> None:
    answer = client_of(alice).post("/accounts/logout/", headers={"Referer": "http://testserver/account/"})
    assert answer["Location"] == LOGIN


def test_way_back_never_leaves_the_studio(rf: RequestFactory) -> None:
    for page in ("https://elsewhere.example/", "//elsewhere.example/x", "javascript:alert(1)", ""):
        assert SignInAgainMiddleware.back_to(rf.post("/create/", headers={"HX-Current-URL": page}), LOGIN) == LOGIN

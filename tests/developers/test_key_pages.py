"""Keys in the studio: made, shown once, changed, rotated, revoked; what strangers and colleagues find behind their addresses."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts import keys
from accounts.errors import BadKey
from accounts.models import ApiKey, AuditEntry, Membership, Role, Team, User
from billing.services import wallets
from studio.developers import once
from tests.accounts.pages import Page

pytestmark = pytest.mark.django_db
FORM = {"name": "Web shop", "scopes": ["generate", "library:read"], "expires": "90", "budget_day": "", "budget_month": ""}
LATELY = r"(now|\w+\s+seconds?\s+ago)"
"""What a page calls a moment in this test."""


def page_of(client: Client, path: str, status: int = 200) -> Page:
    response = client.get(path)
    assert response.status_code == status, response.content[:300]
    page = Page(response.content.decode())
    assert page.inline == []
    assert page.unlabelled() == []
    return page


def made(client: Client, **changes: object) -> tuple[str, Page]:
    """Make a key on its page; its address, and the page that shows its secret."""
    response = client.post("/developers/keys/new/", {**FORM, "ticket": once.ticket(), **changes})
    assert response.status_code == 302, Page(response.content.decode()).text
    return response["Location"], page_of(client, response["Location"])


def secret_on(page: Page) -> str:
    return re.search(r'<textarea id="secret"[^>]*>(sk-[0-9A-Za-z]+)</textarea>', page.source)[1]


# --- making ----------------------------------------------------------------------------------------------------------


def test_a_key_that_is_made_works_and_is_as_it_was_asked_for(client_of: Callable[..., Client], bob: User, team: Team) -> None:
    before = timezone.now()
    _, page = made(client_of(bob), budget_day="12.5", budget_month="1 000", engines=["null"], all_teams="on")
    key = keys.caller(secret_on(page)).key
    assert (key.name, key.user, key.team) == ("Web shop", bob, team)
    assert (key.scopes, key.engines, key.all_teams) == (["generate", "library:read"], ["null"], True)
    assert (key.budget_day, key.budget_month) == (12_500, 1_000_000)
    assert timedelta(days=90) <= key.expires_at - before < timedelta(days=90, minutes=5)
    assert AuditEntry.objects.of_team(team).first().action == "key.made"


def test_the_secret_is_shown_once_and_is_neither_in_an_address_nor_in_the_database(client_of: Callable[..., Client], bob: User) -> None:
    client = client_of(bob)
    address, page = made(client)
    secret = secret_on(page)
    assert "You will not see it again" in page.text
    assert secret not in address
    assert secret in page.source.split("<pre")[1], "the example to try has it"
    assert secret not in str(client.session.items())
    again = client.get(address)
    assert (again.status_code, again["Location"]) == (302, f"/developers/keys/{secret[3:11]}/")
    after = page_of(client, again["Location"])
    assert secret not in after.source
    assert "was shown once and is not kept here" in after.text


def test_the_page_with_the_secret_is_not_cached(client_of: Callable[..., Client], bob: User) -> None:
    client = client_of(bob)
    address = client.post("/developers/keys/new/", FORM)["Location"]
    assert "no-store" in client.get(address)["Cache-Control"]


def test_a_secret_that_nobody_looked_at_in_time_is_gone(client_of: Callable[..., Client], bob: User) -> None:
    client = client_of(bob)
    address = client.post("/developers/keys/new/", FORM)["Location"]
    cache.clear()
    assert client.get(address).status_code == 302


def test_another_session_of_the_same_person_is_not_shown_the_secret(client_of: Callable[..., Client], bob: User) -> None:
    address = client_of(bob).post("/developers/keys/new/", FORM)["Location"]
    assert client_of(bob).get(address).status_code == 302


def test_a_form_sent_twice_makes_one_key_and_still_shows_its_secret(client_of: Callable[..., Client], bob: User) -> None:
    client = client_of(bob)
    ticket = once.ticket()
    first, second = (client.post("/developers/keys/new/", {**FORM, "ticket": ticket})["Location"] for _ in range(2))
    assert first == second
    assert ApiKey.objects.count() == 1
    assert keys.find(secret_on(page_of(client, second))) == ApiKey.objects.get()


def test_what_is_wrong_is_said_beside_its_field_and_what_was_typed_is_kept(client_of: Callable[..., Client], bob: User) -> None:
    ticket = once.ticket()
    client = client_of(bob)
    response = client.post(
        "/developers/keys/new/", {"name": " ", "budget_day": "much", "expires": "90", "budget_month": "7", "ticket": ticket}
    )
    assert response.status_code == 422
    page = Page(response.content.decode())
    assert "Give the key a name" in page.text
    assert "Give a number of credits, such as 20 or 1.5." in page.text
    values = {one.get("name"): one.get("value") for one in page.all("input")}
    assert (values["budget_day"], values["budget_month"], values["ticket"]) == ("much", "7", ticket)
    assert not ApiKey.objects.exists()
    nothing_ticked = client.post("/developers/keys/new/", {**FORM, "scopes": [], "ticket": ticket})
    assert "Choose what the key may do" in nothing_ticked.content.decode()
    assert client.post("/developers/keys/new/", {**FORM, "ticket": ticket}).status_code == 302, "the same form, once it is right"


def test_only_what_the_role_allows_is_offered(client_of: Callable[..., Client], alice: User, carol: User) -> None:
    def offered(person: User) -> list[str]:
        page = page_of(client_of(person), "/developers/keys/new/")
        return [one["value"] for one in page.all("input") if one.get("name") == "scopes"]

    assert offered(alice) == [scope.name for scope in keys.SCOPES]
    assert offered(carol) == ["library:read", "templates", "billing:read"]
    response = client_of(carol).post("/developers/keys/new/", {**FORM, "scopes": ["generate"]})
    assert response.status_code == 422
    assert not ApiKey.objects.exists()


# --- the list --------------------------------------------------------------------------------------------------------


def test_who_administers_sees_the_keys_of_all_and_others_their_own(
    client_of: Callable[..., Client], alice: User, bob: User, team: Team
) -> None:
    for person, name in ((alice, "Of Alice"), (bob, "Of Bob")):
        keys.make(team, person, name=name, scopes=["library:read"])
    seen = page_of(client_of(alice), "/developers/").text
    assert seen.index("Your keys") < seen.index("Of Alice") < seen.index("Keys of others") < seen.index("Of Bob")
    assert "Of Alice" not in page_of(client_of(bob), "/developers/").text


def test_an_empty_list_says_what_a_key_is(client_of: Callable[..., Client], bob: User) -> None:
    page = page_of(client_of(bob), "/developers/")
    assert "No key yet A program signs in with a key." in page.text
    assert "/developers/keys/new/" in [one.get("href") for one in page.all("a")]


def test_how_a_key_stands_is_said(client_of: Callable[..., Client], bob: User, team: Team) -> None:
    now = timezone.now()
    ends = {"Soon": now + timedelta(days=3), "Later": now + timedelta(days=60), "Over": now - timedelta(minutes=1), "Endless": None}
    found = {name: keys.make(team, bob, name=name, scopes=["library:read"]).key for name in (*ends, "Gone", "Old")}
    for name, end in ends.items():
        ApiKey.objects.filter(pk=found[name].pk).update(expires_at=end)
    keys.revoke(found["Gone"], by=bob)
    keys.rotate(found["Old"], by=bob, overlap=timedelta(days=1))
    client, said = client_of(bob), {}
    for name, key in found.items():
        page = page_of(client, f"/developers/keys/{key.public_id}/")
        said[name] = next(word for word in ("Works", "Expires soon", "Expired", "Revoked", "Replaced") if f"… {word}" in page.text)
        assert "Never" in page.text, "used"
    assert said == {"Soon": "Expires soon", "Later": "Works", "Over": "Expired", "Endless": "Works", "Gone": "Revoked", "Old": "Replaced"}
    listed = page_of(client, "/developers/").text
    assert "2 that do not work any more" in listed
    assert "by Bob Member" in page_of(client, f"/developers/keys/{found['Gone'].public_id}/").text


def test_when_it_was_used_is_said(client_of: Callable[..., Client], bob: User, team: Team) -> None:
    key = keys.make(team, bob, name="Robot", scopes=["library:read"]).key
    keys.touch(key)
    assert re.search(f"Last used {LATELY}", page_of(client_of(bob), "/developers/").text)


# --- changing --------------------------------------------------------------------------------------------------------


def test_a_key_is_changed_and_what_was_not_touched_stays(client_of: Callable[..., Client], bob: User, team: Team) -> None:
    end = timezone.now() + timedelta(days=20)
    key = keys.make(team, bob, name="Robot", scopes=["generate"], budget_day=5000, expires_at=end, engines=["null", "sd3.5-*"]).key
    client = client_of(bob)
    page = page_of(client, f"/developers/keys/{key.public_id}/change/")
    fields = [one for one in page.all("input") if one.get("type") != "checkbox" or "checked" in one]
    typed: dict[str, list[str]] = {}
    for one in fields:
        typed.setdefault(one.get("name", ""), []).append(one.get("value", ""))
    assert typed["budget_day"] == ["5"]
    assert typed["engines"] == ["null", "sd3.5-*"]
    sent = {name: typed[name] for name in ("scopes", "engines", "budget_day", "budget_month")}
    response = client.post(f"/developers/keys/{key.public_id}/change/", {**sent, "name": "Robot two", "expires": "keep"})
    assert response["Location"] == f"/developers/keys/{key.public_id}/"
    key.refresh_from_db()
    assert (key.name, key.scopes, key.budget_day, key.expires_at, key.engines) == (
        "Robot two",
        ["generate"],
        5000,
        end,
        ["null", "sd3.5-*"],
    )


def test_who_administers_may_narrow_a_key_but_not_widen_it(client_of: Callable[..., Client], alice: User, bob: User, team: Team) -> None:
    key = keys.make(team, bob, name="Robot", scopes=["generate", "library:read"]).key
    path = f"/developers/keys/{key.public_id}/change/"
    narrower = {**FORM, "name": "Robot", "scopes": ["library:read"], "expires": "keep"}
    assert client_of(alice).post(path, narrower).status_code == 302
    key.refresh_from_db()
    assert key.scopes == ["library:read"]
    assert client_of(alice).post(path, {**narrower, "scopes": ["library:read", "webhooks"]}).status_code == 422
    key.refresh_from_db()
    assert key.scopes == ["library:read"]


def test_a_key_that_is_over_is_not_changed(client_of: Callable[..., Client], bob: User, team: Team) -> None:
    key = keys.make(team, bob, name="Robot", scopes=["generate"]).key
    keys.revoke(key, by=bob)
    client = client_of(bob)
    response = client.post(f"/developers/keys/{key.public_id}/change/", {**FORM, "expires": "keep"})
    assert response["Location"] == f"/developers/keys/{key.public_id}/"
    key.refresh_from_db()
    assert key.name == "Robot"


# --- rotating and revoking -------------------------------------------------------------------------------------------


def test_a_rotated_key_has_two_secrets_for_a_while(client_of: Callable[..., Client], bob: User, team: Team) -> None:
    old = keys.make(team, bob, name="Robot", scopes=["generate"])
    client = client_of(bob)
    path, ticket = f"/developers/keys/{old.key.public_id}/rotate/", once.ticket()
    before = timezone.now()
    first, second = (client.post(path, {"overlap": "168", "ticket": ticket})["Location"] for _ in range(2))
    assert first == second, "pressed twice"
    page = page_of(client, second)
    new = keys.find(secret_on(page))
    assert new.replaces == old.key
    old.key.refresh_from_db()
    assert timedelta(days=7) <= old.key.expires_at - before < timedelta(days=7, minutes=5)
    assert keys.find(old.secret) == old.key
    assert f"sk-{old.key.public_id}… , works until" in page.text
    assert ApiKey.objects.count() == 2


def test_an_old_secret_that_ends_at_once_is_refused_at_once(client_of: Callable[..., Client], bob: User, team: Team) -> None:
    old = keys.make(team, bob, name="Robot", scopes=["generate"])
    client = client_of(bob)
    page = page_of(client, client.post(f"/developers/keys/{old.key.public_id}/rotate/", {"overlap": "0"})["Location"])
    assert keys.find(old.secret) is None
    assert "has ended" in page.text


def test_the_old_and_the_new_secret_show_one_budget(client_of: Callable[..., Client], alice: User, bob: User, team: Team) -> None:
    old = keys.make(team, bob, name="Robot", scopes=["generate"], budget_day=4000).key
    wallet, client = wallets.wallet_of(team), client_of(bob)
    wallets.grant(wallet, 9000, reference="first", description="Credits")
    wallets.place_hold(wallet, 3000, reference="one", description="A picture", actor=bob, api_key=old)
    told = "One budget for the old and the new secret"
    before = page_of(client, f"/developers/keys/{old.public_id}/").text
    assert told not in before
    assert "3 of 4 credits" in before
    new = keys.rotate(old, by=bob).key
    for key in (old, new):
        page = page_of(client, f"/developers/keys/{key.public_id}/").text
        assert told in page
        assert "3 of 4 credits" in page


def test_a_replaced_secret_whose_successor_was_revoked_is_not_called_replaced(
    client_of: Callable[..., Client], bob: User, team: Team
) -> None:
    old = keys.make(team, bob, name="Robot", scopes=["generate"]).key
    new = keys.rotate(old, by=bob).key
    path, client = f"/developers/keys/{old.public_id}/", client_of(bob)
    assert f"sk-{new.public_id}… replaces it." in page_of(client, path).text
    keys.revoke(new, by=bob, only=True)
    page = page_of(client, path)
    assert "replaces it" not in page.text
    assert "Expires soon" in page.text
    assert "/rotate/" in page.source


def test_a_key_for_all_teams_is_said_to_hang_on_its_own(client_of: Callable[..., Client], bob: User, team: Team) -> None:
    assert "while this team is deleted, it works in none." in page_of(client_of(bob), "/developers/keys/new/").text


def test_nobody_rotates_the_key_of_another(client_of: Callable[..., Client], alice: User, bob: User, team: Team) -> None:
    key = keys.make(team, bob, name="Robot", scopes=["generate"]).key
    client = client_of(alice)
    assert client.get(f"/developers/keys/{key.public_id}/rotate/").status_code == 403
    assert client.post(f"/developers/keys/{key.public_id}/rotate/", {"overlap": "0"}).status_code == 403
    assert "/rotate/" not in page_of(client, f"/developers/keys/{key.public_id}/").source
    assert ApiKey.objects.count() == 1


def test_revoking_asks_first_and_holds_at_once(client_of: Callable[..., Client], alice: User, bob: User, team: Team) -> None:
    made = keys.make(team, bob, name="Robot", scopes=["generate"])
    path = f"/developers/keys/{made.key.public_id}/revoke/"
    client = client_of(alice)
    assert "Revoke Robot?" in page_of(client, path).text
    assert keys.find(made.secret) is not None, "asking changes nothing"
    assert [client.post(path)["Location"] for _ in range(2)] == ["/developers/", "/developers/"]
    with pytest.raises(BadKey):
        keys.caller(made.secret)
    assert AuditEntry.objects.of_team(team).filter(action="key.revoked").count() == 1


def test_revoking_the_new_secret_takes_the_old_one_with_it(client_of: Callable[..., Client], bob: User, team: Team) -> None:
    old = keys.make(team, bob, name="Robot", scopes=["generate"])
    new = keys.rotate(old.key, by=bob)
    client, path = client_of(bob), f"/developers/keys/{new.key.public_id}/revoke/"
    assert f"The old secret that it replaced, sk-{old.key.public_id}…, is revoked with it." in page_of(client, path).text
    client.post(path)
    assert (keys.find(old.secret), keys.find(new.secret)) == (None, None)
    said = page_of(client, "/developers/").text
    assert f"“Robot” is revoked. No program gets in with sk-{new.key.public_id}… any more." in said
    assert "still gets in" not in said


def test_the_old_secret_may_be_left_when_the_new_one_is_revoked(client_of: Callable[..., Client], bob: User, team: Team) -> None:
    old = keys.make(team, bob, name="Robot", scopes=["generate"])
    new = keys.rotate(old.key, by=bob)
    client = client_of(bob)
    client.post(f"/developers/keys/{new.key.public_id}/revoke/", {"only": "yes"})
    assert (keys.find(old.secret), keys.find(new.secret)) == (old.key, None)
    assert f"The program still gets in with sk-{old.key.public_id}…." in page_of(client, "/developers/").text


def test_revoking_the_old_secret_says_that_the_new_one_goes_on(client_of: Callable[..., Client], bob: User, team: Team) -> None:
    old = keys.make(team, bob, name="Robot", scopes=["generate"])
    new = keys.rotate(old.key, by=bob)
    client, path = client_of(bob), f"/developers/keys/{old.key.public_id}/revoke/"
    page = page_of(client, path)
    assert f"programs that have the new secret, sk-{new.key.public_id}…, get in as before." in page.text
    assert "only" not in [one.get("name") for one in page.all("input")]
    client.post(path)
    assert (keys.find(old.secret), keys.find(new.secret)) == (None, new.key)
    assert f"The program still gets in with sk-{new.key.public_id}…." in page_of(client, "/developers/").text


# --- others ----------------------------------------------------------------------------------------------------------

ONE = ("", "made/", "change/", "rotate/", "revoke/")


@pytest.mark.parametrize("part", ONE)
def test_strangers_and_colleagues_find_no_key(
    client_of: Callable[..., Client], bob: User, carol: User, mallory: User, other_team: Team, team: Team, part: str
) -> None:
    dora = User.objects.create_user(email="dora@harbour.example", name="Dora Maker", password=None)
    Membership.objects.create(team=team, user=dora, role=Role.CREATOR)
    made = keys.make(team, bob, name="Robot", scopes=["generate"])
    for person in (mallory, carol, dora):
        client = client_of(person)
        path = f"/developers/keys/{made.key.public_id}/{part}"
        assert client.get(path).status_code == 404
        assert client.post(path, {"overlap": "0", **FORM}).status_code in (404, 405)
    assert keys.find(made.secret).name == "Robot"


def test_whoever_left_the_team_finds_their_key_no_more(client_of: Callable[..., Client], bob: User, team: Team) -> None:
    key = keys.make(team, bob, name="Robot", scopes=["generate"]).key
    client = client_of(bob)
    team.memberships.filter(user=bob).delete()
    assert client.get(f"/developers/keys/{key.public_id}/").status_code == 404

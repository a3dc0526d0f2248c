"""Who gets in where: every route of the studio against everybody who may knock.

A row has a letter for each of: owner, admin, creator, viewer of the team; stranger (at work in a team of their own); holder of a share link
without an account; nobody. `+` is let in (what they sent may be refused as nonsense), `F` is told no (403), `0` finds nothing (404), `>` is
led to the sign-in page. A new route without a row fails `test_every_route_has_a_row`, and a method that it answers and no row has fails
`test_every_method_that_a_route_answers_has_a_row`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import caches
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from accounts.inviting import invite
from accounts.models import Membership, Role, Team, User
from billing.models import Scope
from billing.services import budgets
from billing.services.approvals import add_rule
from billing.services.budget_requests import ask
from billing.services.wallets import wallet_of
from studio.galleries import curating, publishing
from studio.galleries.models import Comment, Visibility
from studio.galleries.notices import notify
from studio.generation import files
from studio.generation.images import clean_upload
from studio.generation.models import Artifact, Job
from studio.live import viewers
from studio.live.routing import websocket_urlpatterns
from tests.billing.shop import begin, offer
from tests.conftest import make_user
from tests.factories import draw, make_artifact, make_job

PEOPLE = ("owner", "admin", "creator", "viewer", "stranger", "holder", "nobody")
SIGN_IN = "/accounts/login/"
IN = {200, 204, 206, 304, 302, 303, 400, 409, 410, 413, 415, 422, 429}
"""Answers to somebody who may be there; 302 only when it does not lead to the sign-in page."""


@dataclass
class World:
    """The team's things that routes name."""

    team: Team
    people: dict[str, User]
    picture: Artifact
    waiting: Job
    failed: Job
    kept: dict[str, Any] = field(default_factory=dict)


Arguments = Callable[[World, str], dict[str, Any]]


@dataclass(frozen=True)
class Row:
    name: str
    method: str
    who: str
    arguments: Arguments = lambda world, person: {}
    data: Arguments = lambda world, person: {}


def _team(world: World, person: str) -> dict[str, Any]:
    return {"team_id": world.team.pk}


def _member(world: World, person: str) -> dict[str, Any]:
    return {"team_id": world.team.pk, "user_id": world.people["viewer"].pk}


def _two(world: World, person: str) -> dict[str, Any]:
    return {"artifact_id": world.picture.pk, "other_id": world.kept["other"].pk}


def _shared(variant: str = "", *, picture: bool = False) -> Arguments:
    """Addresses behind a share link. Nobody has only made one up."""

    def arguments(world: World, person: str) -> dict[str, Any]:
        found: dict[str, Any] = {"token": "made-up" if person == "nobody" else world.kept["token"]}
        return found | ({"artifact_id": world.picture.pk} if picture else {}) | ({"variant": variant} if variant else {})

    return arguments


def _public(variant: str = "", *, picture: bool = False) -> Arguments:
    def arguments(world: World, person: str) -> dict[str, Any]:
        found: dict[str, Any] = {"gallery_id": world.kept["public"].pk}
        return found | ({"artifact_id": world.picture.pk} if picture else {}) | ({"variant": variant} if variant else {})

    return arguments


def _chosen(world: World, person: str) -> dict[str, Any]:
    return {"ids": [str(world.picture.pk)]}


def _in_gallery(world: World, person: str) -> dict[str, Any]:
    return {"artifact": str(world.picture.pk), "to": "front"}


def _bulk(action: str) -> Arguments:
    return lambda world, person: {"action": action}


def _picture(world: World, person: str) -> dict[str, Any]:
    return {"artifact_id": world.picture.pk}


def _file(variant: str) -> Arguments:
    return lambda world, person: {"artifact_id": world.picture.pk, "variant": variant}


def _waiting(world: World, person: str) -> dict[str, Any]:
    return {"job_id": world.waiting.pk}


def _failed(world: World, person: str) -> dict[str, Any]:
    return {"job_id": world.failed.pk}


def _preview(world: World, person: str) -> dict[str, Any]:
    return {"artifact_id": world.kept["preview"].pk}


def _invited(world: World, person: str) -> dict[str, Any]:
    """A link that is open to whoever has it."""
    return {"token": world.kept["way_in"]}


def _reported(world: World, person: str) -> dict[str, Any]:
    return {"reason": "mine", "text": "That is my house."}


def _this_month(world: World, person: str) -> dict[str, Any]:
    """The month of the team's first entries; a stranger's own wallet has none before it is opened, which the page itself does."""
    return {"month": f"{timezone.localdate():%Y-%m}"}


def _kept(name: str, argument: str) -> Arguments:
    return lambda world, person: {argument: world.kept[name].pk}


ROWS = [
    # --- the entrance, and a person's own pages: a stranger sees their own
    Row("home", "GET", "+++++++"),
    Row("welcome", "GET", "+++++++"),
    Row("welcome", "POST", "+++++++"),
    Row("account", "GET", "+++++>>"),
    Row("account", "POST", "+++++>>", data=lambda world, person: {"name": "Another Name"}),
    Row("account_theme", "POST", "+++++>>", data=lambda world, person: {"theme": "dark"}),
    Row("team_switch", "POST", "++++0>>", data=lambda world, person: {"team": world.team.pk}),
    Row("new_team", "POST", "+++++>>"),
    Row("new_team", "GET", "+++++>>"),
    Row("terms", "GET", "0000000"),  # there are none: else everybody would be led there first (tests/accounts/test_terms.py)
    Row("terms", "POST", "0000000"),
    Row("your_data", "GET", "+++++>>"),
    Row("export", "POST", "+++++>>"),
    Row("delete_account", "GET", "+++++>>"),
    Row("delete_account", "POST", "+++++>>"),
    Row("account_deleted", "GET", "+++++++"),
    Row("accept_invitation", "POST", "00000>>", _kept("invitation", "invitation_id")),
    Row("decline_invitation", "POST", "00000>>", _kept("invitation", "invitation_id")),
    Row("invitation", "GET", "+++++++", lambda world, person: {"token": "unknown"}),
    Row("invitation", "GET", "+++++++", _invited),
    Row("invitation", "POST", "+++++++", _invited),  # nobody without an account is led back to it, to sign in or up from there
    # --- a team: a stranger who names no team is in their own
    Row("team", "GET", "+++++>>"),
    Row("team_log", "GET", "++FF+>>"),
    Row("team_log_csv", "GET", "++FF0>>", _team),
    Row("team_rename", "POST", "++FF0>>", _team),
    Row("member_role", "POST", "++FF0>>", _member),
    Row("member_remove", "POST", "++FF0>>", _member),
    Row("member_remove", "GET", "++FF0>>", _member),
    Row("team_leave", "POST", "++++0>>", _team),
    Row("team_leave", "GET", "++++0>>", _team),
    Row("team_hand_over", "GET", "+FFF0>>", _team),
    Row("team_hand_over", "POST", "+FFF0>>", _team, lambda world, person: {"person": world.people["viewer"].pk, "sure": "on"}),
    Row("team_delete", "GET", "+FFF0>>", _team),
    Row("team_delete", "POST", "+FFF0>>", _team, lambda world, person: {"name": world.team.name}),
    Row("team_restore", "POST", "00000>>", _team),
    Row("invite_by_mail", "POST", "++FF0>>", data=lambda world, person: {"team": world.team.pk}),
    Row("new_invitation", "POST", "++FF0>>", data=lambda world, person: {"team": world.team.pk}),
    Row("resend_invitation", "POST", "++FF0>>", _kept("letter", "invitation_id")),
    Row("revoke_invitation", "POST", "++FF0>>", _kept("invitation", "invitation_id")),
    Row("team_words", "GET", "++FF+>>"),
    Row("team_words", "POST", "++FF+>>"),
    Row("wallet", "GET", "+++++>>"),
    Row("wallet_csv", "GET", "+++++>>"),
    Row("wallet_statements", "GET", "+++++>>"),
    Row("wallet_statement_pdf", "GET", "++++0>>", _this_month),
    Row("wallet_alert", "POST", "++FF+>>", data=lambda world, person: {"low_below": "5"}),
    Row("wallet_of_team", "GET", "++++0>>", _team),
    Row("wallet_entry", "GET", "++++0>>", lambda world, person: {"entry_id": world.waiting.hold.entries.get().pk}),
    Row("wallet_hold", "GET", "++++0>>", lambda world, person: {"hold_id": world.waiting.hold_id}),
    # --- buying: who may spend sees what is and was bought, who may administer buys and gives back; a stranger is in their own team
    Row("buy", "GET", "+++F+>>"),
    Row("buy", "POST", "++FF+>>"),
    Row("purchases", "GET", "+++F+>>"),
    Row("purchase", "GET", "+++F0>>", _kept("purchase", "purchase_id")),
    Row("purchase_cancel", "POST", "++FF0>>", _kept("purchase", "purchase_id")),
    Row("purchase_refund", "GET", "++FF0>>", _kept("purchase", "purchase_id")),
    Row("purchase_refund", "POST", "++FF0>>", _kept("purchase", "purchase_id")),
    Row("payment_webhook", "POST", "+++++++", lambda world, person: {"gateway": "manual"}),  # nobody is let in without a signature: 400
    Row("plan", "GET", "+++++>>"),
    # The studio as it comes sells no plans: whoever may change the plan, here or in a team of their own, finds nothing to change.
    Row("plan_change", "GET", "00FF0>>", lambda world, person: {"slug": "pro"}),
    Row("plan_change", "POST", "00FF0>>", lambda world, person: {"slug": "pro"}),
    Row("plan_keep", "POST", "00FF0>>"),
    Row("plan_cancel", "POST", "00FF0>>"),
    Row("plan_resume", "POST", "00FF0>>"),
    Row("plan_pay", "GET", "00FF0>>"),
    # --- budgets: everybody sees their own, who may spend asks for more, who may administer sets them and answers
    Row("budgets", "GET", "+++++>>"),
    Row("budgets_of_team", "GET", "++++0>>", _team),
    Row("budget_set", "POST", "++FF+>>", data=lambda world, person: {"whose": "team"}),
    Row("budget_ask", "GET", "+++F+>>"),
    Row("budget_ask", "POST", "+++F+>>"),
    Row("budget_request", "GET", "++FF0>>", _kept("asked", "request_id")),
    Row("budget_request", "POST", "++FF0>>", _kept("asked", "request_id"), lambda world, person: {"decision": "approve"}),
    Row("redeem", "GET", "++FF+>>"),
    Row("redeem", "POST", "++FF+>>", data=lambda world, person: {"code": "NO-SUCH-CODE"}),
    # --- approval
    Row("wallet_rules", "GET", "++FF+>>"),
    Row("wallet_rules", "POST", "++FF+>>", data=lambda world, person: {"kind": "pictures", "pictures-threshold": 20}),
    Row("rule_switch", "POST", "++FF0>>", _kept("rule", "rule_id")),
    Row("rule_delete", "POST", "++FF0>>", _kept("rule", "rule_id")),
    Row("wallet_approvals", "GET", "+++F+>>"),
    Row("wallet_approval", "GET", "+++F0>>", _kept("waits", "job_id")),
    Row("wallet_approval", "POST", "++FF0>>", _kept("waits", "job_id")),
    # --- making: who only looks may open the page and press nothing; a stranger is in a team of their own
    Row("create", "GET", "+++++>>"),
    Row("create", "POST", "+++F+>>"),
    Row("create_form", "GET", "+++F+>>"),
    Row("create_engine", "GET", "+++F+>>"),
    Row("make_final", "POST", "+++F0>>", _preview),
    Row("create_quote", "POST", "+++F+>>"),
    Row("job", "GET", "++++0>>", _waiting),
    Row("job_stage", "GET", "++++0>>", _waiting),
    Row("job_cancel", "POST", "+++F0>>", _waiting),
    Row("job_retry", "POST", "+++F0>>", _failed),
    Row("job_preview", "GET", "00000>>", lambda world, person: {"job_id": world.waiting.pk, "step": 1}),
    Row("input_upload", "POST", "+++F+>>"),
    Row("input_read", "POST", "+++++>>"),
    Row("input_choose", "GET", "+++F+>>"),
    Row("input_from_library", "POST", "+++F0>>", _picture),
    Row("input_file", "GET", "++++0>>", _kept("input", "input_id")),
    # --- the library
    Row("library", "GET", "+++++>>"),
    Row("picture", "GET", "++++0>>", _picture),
    Row("picture_file", "GET", "++++0>>", _file("original")),
    Row("picture_file", "GET", "++++0>>", _file("thumb")),
    Row("picture_download", "GET", "++++0>>", _picture),
    Row("picture_delete", "POST", "+++F0>>", _picture),
    Row("picture_restore", "POST", "+++F0>>", _picture),
    Row("job_restore", "POST", "+++F0>>", _failed),
    Row("pictures_zip", "POST", "+++++>>", data=_chosen),
    Row("library_upload", "GET", "+++F+>>"),
    Row("library_upload", "POST", "+++F+>>"),
    Row("bulk", "POST", "+++F0>>", _bulk("trash"), _chosen),
    Row("bulk", "POST", "+++F0>>", _bulk("tag"), _chosen),
    Row("bulk", "POST", "++++0>>", _bulk("rate"), lambda world, person: {**_chosen(world, person), "rating": 3}),
    Row("bulk", "POST", "++++0>>", _bulk("favourite"), lambda world, person: {**_chosen(world, person), "on": 1}),
    Row("bulk", "POST", "+++F0>>", _bulk("gallery"), _chosen),
    Row("bulk", "POST", "00000>>", _bulk("nonsense"), _chosen),
    Row("bulk_undo", "POST", "+++++>>"),
    Row("library_tags", "GET", "+++++>>"),
    Row("library_tiles", "GET", "+++++>>"),
    Row("trash", "GET", "+++F+>>"),
    Row("trash_empty", "POST", "++FF+>>"),
    # --- a picture, looked at closely and talked about
    Row("picture_mark", "POST", "++++0>>", _picture, lambda world, person: {"rating": 4}),
    Row("picture_difference_choice", "GET", "++++0>>", _picture),
    Row("picture_difference", "GET", "++++0>>", _two),
    Row("picture_compare_choice", "GET", "++++0>>", _picture),
    Row("picture_compare", "GET", "++++0>>", _two),
    Row("picture_talk", "GET", "++++0>>", _picture),
    Row("picture_talk", "POST", "++++0>>", _picture, lambda world, person: {"text": "Lovely"}),
    Row("comment_change", "POST", "FF+F0>>", _kept("comment", "comment_id"), lambda world, person: {"text": "Better"}),
    Row("comment_delete", "POST", "+++F0>>", _kept("comment", "comment_id")),
    Row("notices", "GET", "+++++>>"),
    Row("notices_read", "POST", "+++++>>"),
    Row("notice_open", "GET", "+0000>>", _kept("notice", "notice_id")),
    # --- galleries
    Row("galleries", "GET", "+++++>>"),
    Row("gallery_new", "POST", "+++F+>>"),
    Row("gallery_new", "GET", "+++F+>>"),
    Row("gallery_targets", "GET", "+++F+>>"),
    Row("gallery", "GET", "++++0>>", _kept("gallery", "gallery_id")),
    Row("gallery", "GET", "00+00>>", _kept("private", "gallery_id")),
    Row("gallery_edit", "POST", "+++F0>>", _kept("gallery", "gallery_id")),
    Row("gallery_delete", "POST", "+++F0>>", _kept("gallery", "gallery_id")),
    Row("gallery_restore", "POST", "+++F0>>", _kept("gallery", "gallery_id")),
    Row("gallery_add", "POST", "+++F0>>", _kept("gallery", "gallery_id")),
    Row("gallery_move", "POST", "+++F0>>", _kept("gallery", "gallery_id"), _in_gallery),
    Row("gallery_cover", "POST", "+++F0>>", _kept("gallery", "gallery_id"), _in_gallery),
    Row("gallery_remove", "POST", "+++F0>>", _kept("gallery", "gallery_id"), _in_gallery),
    Row("gallery_put_back", "POST", "+++F0>>", _kept("gallery", "gallery_id")),
    Row("gallery_visibility", "POST", "+++F0>>", _kept("gallery", "gallery_id")),
    Row("gallery_visibility", "POST", "00+00>>", _kept("private", "gallery_id")),
    Row("gallery_link_new", "POST", "+++F0>>", _kept("gallery", "gallery_id")),
    Row("gallery_link_revoke", "POST", "+++F0>>", _kept("link", "link_id")),
    Row("picture_galleries", "GET", "+++F0>>", _picture),
    Row("picture_galleries", "POST", "+++F0>>", _picture, lambda world, person: {"name": "New ones"}),
    Row("review", "GET", "++FF+>>"),
    Row("review_decide", "POST", "++FF+>>"),
    Row("report_handle", "POST", "++FF0>>", _kept("report", "report_id")),
    # --- what people outside see: whoever has the link, and for a public gallery everybody
    Row("shared", "GET", "++++++0", _shared()),
    Row("shared_unlock", "POST", "++++++0", _shared()),
    Row("shared_report", "GET", "++++++0", _shared()),
    Row("shared_report", "POST", "++++++0", _shared(), _reported),
    Row("shared_picture", "GET", "++++++0", _shared(picture=True)),
    Row("shared_file", "GET", "++++++0", _shared("large", picture=True)),
    Row("shared_file", "GET", "0000000", _shared("original", picture=True)),
    Row("public_gallery", "GET", "+++++++", _public()),
    Row("public_report", "GET", "+++++++", _public()),
    Row("public_report", "POST", "+++++++", _public(), _reported),
    Row("public_picture", "GET", "+++++++", _public(picture=True)),
    Row("public_file", "GET", "+++++++", _public("thumb", picture=True)),
    Row("public_file", "GET", "0000000", _public("original", picture=True)),
]

OPEN_ACCOUNT_PAGES = {
    *("account_login", "account_logout", "account_signup", "account_signup_by_passkey", "account_inactive", "account_reset_password"),
    *("account_reset_password_done", "account_reset_password_from_key", "account_reset_password_from_key_done", "account_confirm_email"),
    *("account_email_verification_sent", "account_confirm_login_code", "account_request_login_code"),
    *("mfa_authenticate", "mfa_login_webauthn"),
    *("mfa_signup_webauthn", "mfa_trust", "socialaccount_login_cancelled", "socialaccount_login_error", "socialaccount_signup"),
    *("openid_connect_login", "openid_connect_callback", "google_login", "google_callback", "google_login_by_token"),
    *("github_login", "github_callback", "account_complete_signup"),
}
"""Pages of allauth that somebody needs who is not signed in (yet)."""


# --- completeness ----------------------------------------------------------------------------------------------------


def routes(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every route of the studio, with its address as it is written."""
    for one in (resolver or get_resolver()).url_patterns:
        if isinstance(one, URLResolver):
            yield from routes(one, prefix + str(one.pattern))
        else:
            yield prefix + str(one.pattern), one


def ours() -> dict[str, str]:
    return {str(one.name): route for route, one in routes() if not route.startswith(("accounts/", "admin/"))}


def test_every_route_has_a_row() -> None:
    assert sorted(ours().keys() - {row.name for row in ROWS}) == []


def test_every_method_that_a_route_answers_has_a_row(world: World, client_of: Callable[..., Client]) -> None:
    """Whatever is not refused with 405 is answered, and somebody has to say to whom; methods that no row has are refused everywhere."""
    rows = {row.name: row for row in ROWS}
    answered = set()
    client = client_of(world.people["owner"])
    for name in ours():
        path = reverse(name, kwargs=rows[name].arguments(world, "owner"))
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            with transaction.atomic():
                if client.generic(method, path).status_code != 405:
                    answered.add((name, method))
                transaction.set_rollback(True)
    assert answered == {(row.name, row.method) for row in ROWS}


def test_every_row_has_a_route_and_a_letter_for_everybody() -> None:
    assert sorted({row.name for row in ROWS} - ours().keys()) == []
    assert [row.name for row in ROWS if len(row.who) != len(PEOPLE) or set(row.who) - set("+F0>")] == []


def test_every_route_has_a_name_of_its_own() -> None:
    names = [one.name for route, one in routes() if not route.startswith(("accounts/", "admin/"))]
    assert None not in names
    assert len(names) == len(set(names))


# --- the doors -------------------------------------------------------------------------------------------------------


@pytest.fixture
def world(alice: User, team: Team, bob: User, carol: User, mallory: User, other_team: Team) -> World:
    dora = make_user("Dora Admin")
    Membership.objects.create(team=team, user=dora, role=Role.ADMIN)
    people = {"owner": alice, "admin": dora, "creator": bob, "viewer": carol, "stranger": mallory}
    found = World(
        team=team,
        people=people,
        picture=make_artifact(team, bob),
        waiting=make_job(team, bob),
        failed=make_job(team, bob, status=Job.Status.FAILED),
    )
    found.kept["input"] = files.save_input(clean_upload(io.BytesIO(draw())), team=team, user=bob)
    furnish(found)
    return found


def furnish(world: World) -> None:
    """Things of rooms above generation; what the creator made for the world, the owner has approved."""
    owner, creator = world.people["owner"], world.people["creator"]
    kept, team = world.kept, world.team
    offer()
    kept["rule"] = add_rule(wallet_of(team), kind="credits", threshold=50_000, by=owner)
    kept["waits"] = make_job(team, creator, status=Job.Status.NEEDS_APPROVAL, approval="more than 50 credits")
    kept["invitation"], kept["way_in"] = invite(team, invited_by=owner)
    kept["letter"], _ = invite(team, invited_by=owner, email="erin@harbour.example")
    kept["purchase"] = begin(wallet_of(team), owner, gateway="manual")
    budgets.set_limits(wallet_of(team), by=owner, day=1_000_000, month=None, scope=Scope.EVERYONE)
    kept["asked"] = ask(wallet_of(team), creator, limit="member-day", amount=1000)
    kept["other"] = make_artifact(team, creator, seed=8)
    kept["preview"] = make_artifact(team, creator, seed=9)
    Job.objects.filter(pk=kept["preview"].job_id).update(intended=kept["preview"].job.request)
    kept["comment"] = Comment.objects.create(artifact=world.picture, user=creator, text="Hm")
    [kept["notice"]] = notify([owner], team=team, actor=creator, kind="comment", text="Bob wrote.", artifact=world.picture)
    kept["gallery"] = curating.create(team, by=creator, name="Boats", visibility=Visibility.LINK)
    kept["private"] = curating.create(team, by=creator, name="Mine", visibility=Visibility.PRIVATE)
    kept["public"] = curating.create(team, by=creator, name="For all", visibility=Visibility.PUBLIC)
    for gallery in (kept["gallery"], kept["public"]):
        curating.add(gallery, [world.picture], by=owner)
    kept["link"] = publishing.make_link(kept["gallery"], by=owner, days=7)
    kept["token"] = publishing.token_of(kept["link"])
    kept["report"] = publishing.report(kept["public"], None, reason="other", text="", email="")


def knock(client: Client, row: Row, world: World, person: str) -> str:
    """The letter for what somebody finds behind a door."""
    path = reverse(row.name, kwargs=row.arguments(world, person))
    response = getattr(client, row.method.lower())(path, row.data(world, person))
    if response.status_code == 302 and response["Location"].startswith(SIGN_IN):
        return ">"
    if response.status_code in IN:
        return "+"
    return {403: "F", 404: "0"}.get(response.status_code, str(response.status_code))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.name}")
def test_who_gets_in(row: Row, world: World, client_of: Callable[..., Client]) -> None:
    found = ""
    for person in PEOPLE:
        with transaction.atomic():
            client = client_of(world.people[person]) if person in world.people else Client()
            found += knock(client, row, world, person)
            transaction.set_rollback(True)  # what one of them did is not there for the next
        for cache in caches.all(initialized_only=True):
            cache.clear()
    assert found == row.who


def test_the_admin_is_for_operators_alone(world: World, client_of: Callable[..., Client]) -> None:
    doors = [route for route, one in routes() if route.startswith("admin/") and "<" not in route and "(?P" not in route]
    assert len(doors) > 20
    for person in ("owner", "stranger", "nobody"):
        client = client_of(world.people[person]) if person in world.people else Client()
        for door in doors:
            if door in ("admin/login/", "admin/logout/"):
                continue
            response = client.get(f"/{door}")
            assert (door, response.status_code) in ((door, 302), (door, 403), (door, 404), (door, 405)), person
            assert response.get("Location", "/accounts/login/").startswith(("/accounts/", "/admin/login/")), door


def test_account_pages_that_are_not_named_open_ask_who_it_is(db: None, alice: User) -> None:
    closed = [
        (str(one.name), route)
        for route, one in routes()
        if route.startswith("accounts/") and one.name not in OPEN_ACCOUNT_PAGES and "<" not in route and "(?P" not in route
    ]
    assert len(closed) > 10
    for name, route in closed:
        response = Client().get(f"/{route}")
        assert response.status_code in (301, 302, 404, 405), name
        assert response.get("Location", SIGN_IN).startswith(SIGN_IN if response.status_code == 302 else "/accounts/"), name


# --- the socket ------------------------------------------------------------------------------------------------------


def test_the_one_websocket_tells_people_of_their_own_teams_only(world: World, client_of: Callable[..., Client]) -> None:
    assert [str(one.pattern) for one in websocket_urlpatterns] == ["live/", ""]
    asked = {"view": "create", "job": str(world.waiting.pk)}
    for person, user in world.people.items():
        admitted = viewers.admit(user, client_of(user).session, asked)
        assert isinstance(admitted, viewers.Viewer)
        assert (world.team.pk in admitted.teams) is (person != "stranger")
        assert (admitted.job_id == world.waiting.pk) is (person != "stranger")
    assert viewers.admit(AnonymousUser(), Client().session, asked) == viewers.NOT_SIGNED_IN

"""Pages for developers: a team with keys that were used for weeks, and endpoints of which some hear and one does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Browser, Page, expect

from tests.browser.camera import Shot, look
from tests.browser.conftest import Person
from tests.browser.running import RunningStudio
from tests.browser.seeding import sign_up

QUICK = {"STUDIO_LOCAL_RUNNER": "0", "STUDIO_NULL_ENGINE": "1", "STUDIO_WELCOME_CREDITS": "5000", "STUDIO_SIGNUP": "open"}
USED = """
import random
from datetime import timedelta
from django.utils import timezone
from accounts import keys
from accounts.models import ApiKey, Membership, Role, Team, User
from accounts.services import create_team
from billing.models import Hold
from billing.services import wallets
from studio.webhooks import services
from studio.webhooks.models import Delivery, Endpoint
chance, now = random.Random(7), timezone.now()
ana, ben = User.objects.get(email="ana@harbour.example"), User.objects.get(email="ben@harbour.example")
team = Team.objects.filter(is_personal=False).first() or create_team("Harbour Street", ana)
Membership.objects.get_or_create(team=team, user=ben, defaults={"role": Role.CREATOR})
wallet = wallets.wallet_of(team)
wallets.grant(wallet, 3_000_000, reference="shots", description="For the year")
shop = keys.make(team, ana, name="Web shop", scopes=["generate", "library:read", "webhooks"], budget_day=60_000, budget_month=900_000,
    expires_at=now + timedelta(days=61)).key
nightly = keys.make(team, ana, name="Nightly renders", scopes=["generate"], engines=["null"], expires_at=now + timedelta(days=4)).key
keys.make(team, ana, name="Report for the board", scopes=["billing:read"])
old = keys.make(team, ana, name="Photo booth", scopes=["generate", "library:read", "library:write", "templates"], all_teams=True).key
keys.rotate(old, by=ana, overlap=timedelta(days=7))
keys.make(team, ben, name="Ben’s notebook", scopes=["generate", "library:read"], budget_day=20_000)
gone = keys.make(team, ana, name="Prototype", scopes=["generate"]).key
keys.revoke(gone, by=ana)
late = keys.make(team, ben, name="Summer fair", scopes=["generate"]).key
ApiKey.objects.filter(pk=late.pk).update(expires_at=now - timedelta(days=12))
engines = ["Stable Image Core", "SD 3.5 Large", "Stable Image Ultra", "Storybook"]
prices = {"Stable Image Core": 3000, "SD 3.5 Large": 6500, "Stable Image Ultra": 8000, "Storybook": 250}
for day in range(29, -1, -1):
    for number in range(chance.choice([0, 1, 2, 3, 4]) if day % 7 else 0):
        engine = chance.choices(engines, [6, 3, 1, 4])[0]
        at = now - timedelta(days=day, minutes=number * 7)
        hold = wallets.place_hold(wallet, prices[engine], reference=f"shot:{day}:{number}", description=engine, product=engine,
            operation="Text", actor=ana, api_key=None)
        wallets.capture(hold, prices[engine])
        Hold.objects.filter(pk=hold.pk).update(api_key=shop, created_at=at)
ApiKey.objects.filter(pk=shop.pk).update(last_used_at=now - timedelta(minutes=4))
ApiKey.objects.filter(pk=nightly.pk).update(last_used_at=now - timedelta(hours=9))
addresses = (("https://shop.harbour.example/atelier/hooks", "Web shop", ["job.succeeded", "job.failed", "batch.finished"]),
    ("https://hooks.harbour.example/money", "Bookkeeping", ["wallet.low", "payment.received"]),
    ("https://old.harbour.example/webhook", "", ["job.succeeded"]))
made = [services.make_endpoint(team, by=ana, url=url, description=about, events=events) for url, about, events in addresses]
Endpoint.objects.filter(pk=made[1].pk).update(failing_since=now - timedelta(hours=5))
Endpoint.objects.filter(pk=made[2].pk).update(is_active=False, switched_off_at=now - timedelta(days=2))
def told(event, number):
    return {"id": f"evt_{number:032x}", "type": event, "timestamp": now.isoformat(), "team": keys.organization_id(team), "data": {
        "id": "01997c3e-8a51-7e2f-9d1c-2a9f6f0f5b11", "object": "job", "status": "succeeded", "engine": "null",
        "prompt": "a lighthouse at dusk, watercolor", "credits": {"quoted": "3", "charged": "3"},
        "results": [{"index": 0, "mime": "image/png", "width": 1024, "height": 1024}]}}
def answered(status, ms, said="", error="", ago=0):
    return {"at": (now - timedelta(minutes=ago)).isoformat(), "status": status, "ms": ms, "said": said, "error": error}
D = Delivery.Status
late_answer = answered(500, 1204, "<h1>Internal Server Error</h1>", "It answered 500.", 300)
rows = [
    (made[0], "job.succeeded", D.DELIVERED, [answered(204, 83)]), (made[0], "job.succeeded", D.DELIVERED, [answered(204, 91)]),
    (made[0], "job.failed", D.DELIVERED, [answered(None, 5003, "", "It could not be reached within 5 seconds.", 12), answered(200, 120)]),
    (made[0], "batch.finished", D.WAITING, [late_answer, answered(503, 340, "try later", "It answered 503.", 20)]),
    (made[0], "job.succeeded", D.PARKED, [answered(404, 44, "Not found", "It answered 404.", 40)] * 10),
    (made[0], "test", D.DELIVERED, [answered(204, 65)]), (made[1], "wallet.low", D.WAITING, [late_answer] * 4),
]
for number, (endpoint, event, status, log) in enumerate(rows):
    ended = None if status == D.WAITING else now
    Delivery.objects.create(endpoint=endpoint, event=event, payload=told(event, number), status=status, attempts=len(log), log=log,
        next_at=now + timedelta(minutes=30), ended_at=ended)
parked = Delivery.objects.get(status="parked")
print("made", shop.public_id, made[0].pk, made[2].pk, parked.pk, team.pk, old.public_id)
"""


@dataclass(frozen=True)
class Seeded:
    people: dict[str, Person]
    key: str
    endpoint: str
    off: str
    parked: str
    old: str


def seed(studio: RunningStudio, people: dict[str, Person]) -> Seeded:
    done = studio.manage("shell", "--no-imports", "-c", USED)
    assert done.returncode == 0, done.stderr
    _, key, endpoint, off, parked, team, old = done.stdout.split()[-7:]
    for one in people.values():  # both work in the team from now on
        one.go(f"/wallet/of/{team}/")
    return Seeded(people, key, endpoint, off, parked, old)


def _key(rest: str = "") -> Callable[[Seeded], str]:
    return lambda seeded: f"/developers/keys/{seeded.key}/{rest}"


def _endpoint(rest: str = "") -> Callable[[Seeded], str]:
    return lambda seeded: f"/developers/webhooks/{seeded.endpoint}/{rest}"


def make_a_key(page: Page) -> None:
    page.get_by_label("Name", exact=True).fill("Christmas cards")
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator("#secret")).to_be_visible()


def rotate_it(page: Page) -> None:
    page.get_by_role("button", name="Make a new secret").click()
    expect(page.locator("#secret, [role=alert]").first).to_be_visible()


def leave_it_empty(page: Page) -> None:
    page.get_by_label("Credits a day").fill("1,500")
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator(".errorlist").first).to_be_visible()


def name_an_address_within(page: Page) -> None:
    page.get_by_label("Address").fill("http://192.168.1.20/hook")
    page.get_by_role("button", name="Add the endpoint").click()
    expect(page.locator(".errorlist").first).to_be_visible()


def photograph(browser: Browser, studio: RunningStudio, wanted: Callable[[tuple[Shot, ...]], tuple[Shot, ...]]) -> None:
    people = sign_up(browser, studio)
    look(browser, studio, wanted(EMPTY), people)
    seeded = seed(studio, people)
    look(browser, studio, wanted(SHOTS), people, seeded)


EMPTY = (Shot("developers-empty", "/developers/"), Shot("developers-webhooks-empty", "/developers/webhooks/"))
SHOTS = (
    Shot("developers-keys", "/developers/"),
    Shot("developers-keys-member", "/developers/", "member"),
    Shot("developers-new", "/developers/keys/new/"),
    Shot("developers-new-wrong", "/developers/keys/new/", act=leave_it_empty),
    Shot("developers-made", "/developers/keys/new/", act=make_a_key),
    Shot("developers-key", _key()),
    Shot("developers-key-jobs", _key("?by=jobs&span=90")),
    Shot("developers-change", _key("change/")),
    Shot("developers-rotate", _key("rotate/")),
    Shot("developers-revoke", _key("revoke/")),
    Shot("developers-old", lambda seeded: f"/developers/keys/{seeded.old}/"),
    Shot("developers-examples", lambda seeded: f"/developers/examples/?key={seeded.key}"),
    Shot("developers-examples-python", lambda seeded: f"/developers/examples/?key={seeded.key}&in=python"),
    Shot("developers-examples-webhook", "/developers/examples/?task=webhook&in=javascript"),
    Shot("developers-docs", "/api/v1/docs", whole=False),
    Shot("developers-docs-operation", "/api/v1/docs#template_run", whole=False),
    Shot("developers-webhooks", "/developers/webhooks/"),
    Shot("developers-endpoint-new", "/developers/webhooks/new/", act=name_an_address_within),
    Shot("developers-endpoint", _endpoint()),
    Shot("developers-endpoint-off", lambda seeded: f"/developers/webhooks/{seeded.off}/"),
    Shot("developers-secret", _endpoint("secret/")),
    Shot("developers-endpoint-delete", _endpoint("delete/")),
    Shot("developers-delivery", lambda seeded: f"/developers/deliveries/{seeded.parked}/"),
)

"""What a team did in a running studio: called in a process of that studio by `team_shots.arrive`, after `seed_library` made the team."""

from __future__ import annotations

import json
from datetime import timedelta

from django.utils import timezone

from accounts import terms
from accounts.models import Membership, Role, Team, Terms, User
from billing.models import ApprovalRule, Scope
from billing.services import approvals, budget_requests, budgets, wallets
from studio.backends.base import Mode
from studio.galleries import curating, publishing, reviewing, talking, trashing
from studio.galleries.models import Review, Visibility
from studio.generation.models import Artifact, Job
from tests.factories import make_artifact, make_job

TEAM = "Harbour Press"
FAMILY = (
    ("a lighthouse on a rocky coast, watercolor", Mode.TEXT_TO_IMAGE, None, 88),
    ("a lighthouse on a rocky coast at night, watercolor", Mode.IMAGE_TO_IMAGE, 0, 423),
    ("a lighthouse on a calm coast at night, watercolor, a small boat", Mode.INPAINTING, 1, 640),
    ("a lighthouse on a rocky coast in a storm, oil", Mode.IMAGE_TO_IMAGE, 0, 911),
)
"""Prompt, mode, place of the parent, seed."""
ABOUT = "Boats, lights and weather, for the autumn catalogue. The first three are meant for the cover."
PASSWORD = "a word at the pier"
RULES = """# Kindness
Make nothing that hurts somebody: no picture of a real person without their yes, nothing cruel.

# Whose it is
What you make for a team belongs to that team.

# Money
Credits are the team's. Whoever spends them does it for the team."""


def fill(email: str) -> None:
    """Print as JSON where everything is; `email` is that of the owner."""
    ana = User.objects.get(email=email)
    team = Team.objects.get(name=TEAM)
    others = list(User.objects.filter(memberships__team=team).exclude(pk=ana.pk).order_by("pk"))
    _agree([ana, *others], "The rules of this studio.")
    old = list(Artifact.objects.filter(team=team, deleted_at=None).order_by("id"))
    places = _talked_about(team, ana, others) | _shown(team, ana, others, old[:40])
    trashing.trash(old[60:66], by=ana)
    places |= _limited(team, ana, others)
    print(json.dumps(places))


def ask_anew() -> None:
    """Terms that nobody has agreed to."""
    _agree([], "It says now whose the pictures are.")


def _agree(users: list[User], summary: str) -> None:
    made = Terms.objects.create(version=terms.next_version(), text=RULES, summary=summary)
    terms.publish(made)
    for user in users:
        terms.agree(user, made)


def _talked_about(team: Team, ana: User, others: list[User]) -> dict[str, str]:
    """A family of four pictures, and what is said of two of them."""
    made: list[Artifact] = []
    for place, (prompt, mode, above, seed) in enumerate(FAMILY):
        made.append(
            make_artifact(
                *(team, ana),
                prompt=prompt,
                mode=mode,
                parent=None if above is None else made[above],
                made_at=timezone.now() - timedelta(minutes=9 - place),
                seed=seed,
                width=1024,
                height=1024,
                engine_label="Storybook",
                queue="nobody",
            )
        )
    first, _, newest, storm = made
    bo, carol, dilan = others[:3]
    talking.say(newest, bo, "The boat helps. Could the light reach it?")
    talking.say(newest, carol, f"@{ana} it does on https://example.org/lighthouses/night, third from the top.")
    talking.say(newest, ana, f"Yes. @{bo}, this one for the cover.\nI try it wider, too.")
    talking.say(storm, dilan, f"@{ana} too dark for print?")
    return {
        "picture": f"/pictures/{newest.pk}/",
        "compare": f"/pictures/{first.pk}/compare/{newest.pk}/",
        "compare-choose": f"/pictures/{first.pk}/compare/",
    }


def _shown(team: Team, ana: User, others: list[User], pictures: list[Artifact]) -> dict[str, str]:
    """A public gallery with links and a report; one of a creator that waits for a review; a private and an empty one."""
    bo, carol = others[:2]
    coast = curating.create(team, by=ana, name="Coastal nights", description=ABOUT)
    curating.add(coast, pictures[:14], by=ana)
    publishing.show_to(coast, Visibility.PUBLIC, by=ana)
    link = publishing.make_link(coast, by=ana, days=30, shows_prompts=True)
    locked = publishing.make_link(coast, by=ana, days=None, password=PASSWORD)
    item = coast.items.order_by("position")[0]
    publishing.report(coast, item, reason="mine", text="That is my boat, and my name is on it.", email="erin@example.org")

    fair = curating.create(team, by=carol, name="For the harbour fair")
    curating.add(fair, pictures[14:22], by=carol)
    publishing.show_to(fair, Visibility.LINK, by=carol)
    reviewing.reject(list(fair.items.order_by("position")[6:]), reason="The name of the client can be read.", by=ana)
    assert fair.items.filter(review=Review.WAITING).count() == 6

    ideas = curating.create(team, by=ana, name="Ideas, not yet for anybody", visibility=Visibility.PRIVATE)
    curating.add(ideas, pictures[22:25], by=ana)
    empty = curating.create(team, by=bo, name="Empty so far")
    return {
        "gallery": f"/galleries/{coast.pk}/",
        "gallery-waiting": f"/galleries/{fair.pk}/",
        "gallery-empty": f"/galleries/{empty.pk}/",
        "public": f"/public/{coast.pk}/",
        "shared-picture": f"/s/{publishing.token_of(link)}/{item.artifact_id}/",
        "locked": f"/s/{publishing.token_of(locked)}/",
        "report": f"/public/{coast.pk}/report/?picture={item.artifact_id}",
    }


def _limited(team: Team, ana: User, others: list[User]) -> dict[str, str]:
    """Budgets, one of them nearly used and one asked about; two rules, and three jobs that wait for approval."""
    wallet = wallets.wallet_of(team)
    bo, carol = others[:2]
    Membership.objects.filter(team=team, user__in=(bo, carol)).update(role=Role.CREATOR)
    budgets.set_limits(wallet, by=ana, day=None, month=400_000, scope=Scope.TEAM)
    budgets.set_limits(wallet, by=ana, day=20_000, month=150_000, scope=Scope.EVERYONE)
    budgets.set_limits(wallet, by=ana, day=4_000, month=None, scope=Scope.MEMBER, member=bo)
    for number in range(3):
        make_artifact(team, bo, prompt=f"a quay in the morning, study {number + 1}", seed=number, queue="nobody")
    asked = budget_requests.ask(wallet, bo, limit="member-day", amount=12_000, why="the spring campaign starts on Monday")
    approvals.add_rule(wallet, kind=ApprovalRule.Kind.PICTURES, threshold=4, by=ana)
    approvals.add_rule(wallet, kind=ApprovalRule.Kind.CREDITS, threshold=50_000, by=ana, for_everybody=True)
    waiting = [
        make_job(team, user, prompt=prompt, num_images=8, status=Job.Status.NEEDS_APPROVAL, approval="more than 4 pictures", queue="nobody")
        for user, prompt in (
            (carol, "a harbour in fog, gouache"),
            (bo, "gulls over a ferry, linocut"),
            (carol, "a chart in ink"),
        )
    ]
    return {"budget-request": f"/wallet/budgets/requests/{asked.pk}/", "approval": f"/wallet/approvals/{waiting[0].pk}/"}

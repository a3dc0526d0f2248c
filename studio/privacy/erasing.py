"""The end of an account. What was paid stays in the books, without a name; words, pixels and whatever points at the person do not.

It is done in steps that can be taken up again: a crash between two of them leaves an account that can still sign in and press once more.
"""

from __future__ import annotations

import re

import structlog
from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from accounts.ending import erase_team
from accounts.members import tell
from accounts.models import AuditEntry, Invitation, Membership, Removal, Role, Team, User
from accounts.querysets import AuditQuerySet
from billing.models import BudgetRequest
from billing.services import subscriptions
from studio.galleries.erasing import erase_pictures
from studio.galleries.leaving import hand_to_team, kept_in_teams
from studio.galleries.models import Comment, Gallery, Notice, Visibility
from studio.generation.models import Artifact, InputFile, Job
from studio.generation.services import cancel, erase_inputs, erase_words, stop_team
from studio.generation.services.deciding import without_reason
from studio.privacy.errors import AccountStays
from studio.prompts import leaving as templates
from studio.prompts.erasing import erase_private
from studio.webhooks.erasing import erase_named

log = structlog.get_logger(__name__)

NOBODY = "Somebody who left"
STOPPING = "What you had under way is being stopped. Try again in some seconds."


def teams_in_the_way(user: User) -> list[Team]:
    """Shared teams that would be without an owner, and are not the person's alone. One that they deleted is in nobody's way."""
    return [team for team in _owned(user) if not (team.is_personal or team.deleted_at) and team.people > 1]  # type: ignore[attr-defined]


def _owned(user: User) -> list[Team]:
    owned = Team.objects.filter(memberships__user=user, memberships__role=Role.OWNER).values("pk")
    return list(Team.objects.filter(pk__in=owned).annotate(people=Count("memberships")).order_by("name", "id"))


def why_it_stays(user: User) -> str:
    """What has to be done before the account can be deleted; empty when nothing."""
    teams = teams_in_the_way(user)
    if teams:
        named = ", ".join(team.name for team in teams[:3]) + (" and others" if len(teams) > 3 else "")
        return f"Others work in {named}, which you own. Hand each over on its team page, or delete it there, then come back."
    if user.is_superuser and not User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk).exists():
        return "You are the only operator of this studio. Make somebody else one in the admin first: else nobody could run it."
    return ""


def erase_account(user: User, *, leaves_work: bool) -> None:
    """Delete a person: their own teams whole, their words, files and ratings everywhere, and last their account.

    What they made in other teams goes too, unless it `leaves_work` to those, without the name. Raises `AccountStays`, and then only what
    was under way has been stopped; but for what somebody did in the same moment, after which it can be pressed once more.
    """
    if reason := why_it_stays(user):
        raise AccountStays(reason)
    _stop(user)
    gone = False
    while not gone:
        for team in _owned(user):
            _end(team, user)
        if not leaves_work:
            _erase_work(user)
        _let_go_of_galleries(user, leaves_work=leaves_work)
        _let_go_of_templates(user, leaves_work=leaves_work)
        _erase_talk(user)
        gone = _erase_person(user)
    log.info("account_erased")


def _stop(user: User) -> None:
    for job in Job.objects.filter(user=user).under_way().select_related("hold").order_by("pk"):
        cancel(job, for_all=True)
    owned = _owned(user)
    for team in owned:
        stop_team(team)
    if Job.objects.filter(Q(user=user) | Q(team__in=owned)).open().exists():
        raise AccountStays(STOPPING)


def _end(team: Team, user: User) -> None:
    """A team of theirs alone is gone at once: there is nobody who could bring it back. Raises `AccountStays` for one that others are in
    by now: a person who follows an invitation, or a team that was handed over.
    """
    with transaction.atomic():
        Team.objects.select_for_update(no_key=True).get(pk=team.pk)
        Invitation.objects.filter(team=team, accepted_at=None, revoked_at=None).update(revoked_at=timezone.now())
        if reason := why_it_stays(user):
            raise AccountStays(reason)
        if Job.objects.of_team(team).open().exists():  # it would bring pixels into a team that nobody erases any more
            raise AccountStays(STOPPING)
        Team.objects.filter(pk=team.pk, deleted_at=None).update(deleted_at=timezone.now())
        subscriptions.stop_team(team)
    erase_team(team)


def _erase_work(user: User) -> None:
    """What they made, and gave to it; also the copies of their pictures that others took to go on from."""
    erase_inputs(InputFile.objects.filter(Q(user=user) | Q(artifact__user=user)))
    _take_back_words(user)
    erase_words(Job.objects.filter(user=user))
    erase_pictures(Artifact.objects.filter(user=user))


def _take_back_words(user: User) -> None:
    """An upscaled picture has no words of its own and is found by those it was made from: whoever upscaled it, this person's go."""
    further = Job.objects.filter(parent__user=user).exclude(prompt="")
    while found := [job.pk for job in further.only("pk", "request") if not job.request.get("prompt")]:
        with transaction.atomic():
            Job.objects.filter(pk__in=found).update(prompt="")
            Artifact.objects.filter(job__in=found).update(prompt="")
        further = Job.objects.filter(parent__job__in=found).exclude(prompt="")


def _let_go_of_galleries(user: User, *, leaves_work: bool) -> None:
    """Those that only they saw: the teams' like all that is left to them, else gone."""
    with transaction.atomic():
        for team in kept_in_teams(user) if leaves_work else ():
            hand_to_team(team, user)
        Gallery.objects.filter(owner=user, visibility=Visibility.PRIVATE).delete()


def _let_go_of_templates(user: User, *, leaves_work: bool) -> None:
    """Those that only they saw, as with galleries. What a team works with stays with it, without the name."""
    with transaction.atomic():
        for team in templates.kept_in_teams(user) if leaves_work else ():
            templates.hand_to_team(team, user)
        erase_private(user)


def _erase_talk(user: User) -> None:
    """Comments keep their place in the talk of others, without text and name."""
    with transaction.atomic():
        Comment.objects.filter(user=user, deleted_at=None).update(deleted_at=timezone.now())
        Comment.objects.filter(user=user).update(text="", user=None)
        Notice.objects.filter(actor=user).delete()
        erase_named(user)
        Invitation.objects.filter(email__iexact=user.email).delete()
        BudgetRequest.objects.filter(decided_by=user).update(note="")
        Job.objects.filter(decided_by=user, verdict=Job.Verdict.DECLINED).update(decision="")
        for entry in AuditEntry.objects.filter(actor=user, action="job.declined"):
            AuditEntry.objects.filter(pk=entry.pk).update(text=without_reason(entry.text))
        AuditEntry.objects.filter(actor=user).update(actor_name=NOBODY)
        for entry in _lines_about(user):
            AuditEntry.objects.filter(pk=entry.pk).update(text=_without(entry.text, user))


def _lines_about(user: User) -> AuditQuerySet:
    """The lines of logs that name the person: their address wherever it stands, their name in the teams in which they are or were."""
    here = Q(team__in=Membership.objects.filter(user=user).values("team"))
    once = Q(team__in=Removal.objects.filter(user=user).values("team")) | Q(team__in=AuditEntry.objects.filter(actor=user).values("team"))
    named = Q(text__contains=user.name) & (here | once) if user.name else Q(pk=None)
    return AuditEntry.objects.filter(Q(text__contains=user.email) | named)


def _without(text: str, user: User) -> str:
    """Whole words only: the log of a team is not to be spoilt by somebody who is called An."""
    for name in filter(None, (user.email, user.name)):
        text = re.sub(rf"(?<![\w@+-]){re.escape(name)}(?![\w@-]|\.\w)", NOBODY.lower(), text)
    return text[: AuditEntry._meta.get_field("text").max_length]


def _erase_person(user: User) -> bool:
    """The row and all that hangs on it: addresses, keys, sessions, marks, agreements. Books and jobs forget who it was.

    False when they own a team again: another tab of theirs made them a new one of their own. Raises `AccountStays` when they began
    something meanwhile, or were left as the only operator.
    """
    with transaction.atomic():
        list(User.objects.select_for_update().filter(Q(pk=user.pk) | Q(is_superuser=True)).order_by("pk"))
        list(Membership.objects.select_for_update().filter(user=user).order_by("pk"))
        if reason := why_it_stays(user):
            raise AccountStays(reason)
        if _owned(user):
            return False
        if Job.objects.filter(user=user).open().exists():
            raise AccountStays(STOPPING)
        tell([user.pk])
        Membership.objects.filter(user=user).delete()
        user.delete()
    return True

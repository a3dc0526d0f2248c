"""Everything that one person made and said, as files of one zip."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db.models import Q

from accounts.models import Agreement, ApiKey, AuditEntry, Membership, Removal, User
from billing.credits import credits
from billing.models import BudgetRequest, LedgerEntry, Purchase
from billing.money import money
from studio.galleries import archive
from studio.galleries.models import Comment, Gallery, Mark, Tagging
from studio.galleries.zips import PIECE, File
from studio.generation.models import Artifact, InputFile, Job
from studio.prompts.models import PromptTemplate, PromptTemplateVersion, TemplateFavorite
from studio.storage import pieces
from studio.webhooks.models import Endpoint

PURCHASES = ("at", "team", "reference", "what", "price", "status", "refunded", "paid_at", "receipt")
LEDGER = ("at", "team", "kind", "credits", "held", "description", "reference")


def everything(user: User) -> Iterator[File]:
    """Account, words, ratings and spending as JSON and CSV, then the pictures and the files that were given to generations.

    Files come from teams that the person is in: what they made for one that they left is that team's, and only their words are here.
    """
    yield _json("account.json", account(user))
    yield _json("generations.json", [_job(job) for job in _jobs(user)])
    yield _json("comments.json", list(_comments(user)))
    yield _json("ratings.json", list(_marks(user)))
    yield _json("galleries.json", list(_galleries(user)))
    yield _json("templates.json", list(_templates(user)))
    yield _json("log.json", [_entry(one) for one in AuditEntry.objects.filter(actor=user).select_related("team").order_by("id")])
    yield _json("budget_requests.json", list(_requests(user)))
    yield _json("webhooks.json", list(_endpoints(user)))
    yield File("credits.csv", [archive.as_csv(list(_ledger(user)), LEDGER)])
    yield File("purchases.csv", [archive.as_csv(list(_purchases(user)), PURCHASES)])
    teams = Membership.objects.filter(user=user).values("team")
    made = Artifact.objects.filter(user=user, team__in=teams).order_by("id").values_list("id", flat=True)
    yield from archive.contents(list(made), folder="pictures/")
    for given in InputFile.objects.filter(user=user, team__in=teams).order_by("id"):
        with suppress(FileNotFoundError):
            yield File(given.file.rpartition("/")[2], pieces(given.file, PIECE), "given/", given.created_at)


def _json(name: str, value: Any) -> File:
    return File(name, [json.dumps(value, ensure_ascii=False, indent=1, default=str).encode()])


def account(user: User) -> dict[str, Any]:
    """Who the person is to the studio. No password, no key, not even hashed: of API keys what is told of them on their page."""
    return {
        "name": user.name,
        "email": user.email,
        "addresses": [{"email": one.email, "confirmed": one.verified} for one in EmailAddress.objects.filter(user=user)],
        "joined": user.date_joined,
        "last_sign_in": user.last_login,
        "theme": user.theme,
        "teams": [
            {"team": one.team.name, "role": one.role, "since": one.created_at, "personal": one.team.is_personal}
            for one in Membership.objects.filter(user=user).select_related("team").order_by("id")
        ],
        "removed_from": [
            {"team": one.team.name, "at": one.removed_at} for one in Removal.objects.filter(user=user).select_related("team").order_by("id")
        ],
        "protection": list(Authenticator.objects.filter(user=user).values("type", "created_at", "last_used_at")),
        "connected": list(SocialAccount.objects.filter(user=user).values("provider", "uid", "date_joined")),
        "api_keys": [_key(one) for one in ApiKey.objects.filter(user=user).select_related("team").order_by("id")],
        "agreed_to": list(Agreement.objects.filter(user=user).order_by("id").values("terms__version", "agreed_at")),
    }


def _key(key: ApiKey) -> dict[str, Any]:
    limits = {"day": key.budget_day, "month": key.budget_month}
    return {
        "name": key.name,
        "begins_with": f"sk-{key.public_id}",
        "team": key.team.name,
        "all_teams": key.all_teams,
        "may": key.scopes,
        "engines": key.engines,
        "credits": {span: None if limit is None else credits(limit) for span, limit in limits.items()},
        "made": key.created_at,
        "ends": key.expires_at,
        "last_used": key.last_used_at,
        "revoked": key.revoked_at,
    }


def _job(job: Job) -> dict[str, Any]:
    return {
        "id": job.pk,
        "team": job.team.name,
        "at": job.created_at,
        "status": job.status,
        "engine": job.engine_label,
        "mode": job.mode,
        "settings": job.request,
        "typed": job.written if job.template_values is None else None,
        "filled_in": job.template_values,
        "delivered": job.delivered,
        "api_key": job.api_key.name if job.api_key else None,
    }


def _jobs(user: User) -> Iterator[Job]:
    yield from Job.objects.filter(user=user).select_related("team", "api_key").order_by("id").iterator()


def _comments(user: User) -> Iterator[dict[str, Any]]:
    for one in Comment.objects.filter(user=user).order_by("id").iterator():
        yield {"picture": one.artifact_id, "at": one.created_at, "text": one.text, "edited": one.edited_at, "deleted": one.deleted_at}


def _marks(user: User) -> Iterator[dict[str, Any]]:
    tags: dict[Any, list[str]] = {}
    for artifact_id, name in Tagging.objects.filter(user=user).order_by("id").values_list("artifact", "tag__name"):
        tags.setdefault(artifact_id, []).append(name)
    for mark in Mark.objects.filter(user=user).order_by("id").iterator():
        named = tags.pop(mark.artifact_id, [])
        yield {"picture": mark.artifact_id, "rating": mark.rating, "favourite": mark.is_favourite, "tags": named}
    for artifact_id, named in tags.items():
        yield {"picture": artifact_id, "rating": 0, "favourite": False, "tags": named}


def _galleries(user: User) -> Iterator[dict[str, Any]]:
    for one in Gallery.objects.filter(owner=user).select_related("team").order_by("id"):
        items = list(one.items.order_by("position", "id").values_list("artifact", flat=True))
        about = {"name": one.name, "description": one.description, "team": one.team.name, "visibility": one.visibility}
        yield {**about, "made": one.created_at, "pictures": items}


def _templates(user: User) -> Iterator[dict[str, Any]]:
    """Each version that they wrote, with what its template is called, and the templates that they keep at hand. Nothing of what somebody
    else keeps to themselves by now, but for the words that they wrote into it.
    """
    versions = PromptTemplateVersion.objects.filter(author=user).select_related("template__team").order_by("template", "number")
    for one in versions.iterator():
        of = one.template
        about = {
            "template": "" if of.is_kept_from(user) else of.name,
            "team": of.team.name,
            "version": one.number,
            "at": one.created_at,
            "status": one.status,
        }
        own = {"description": of.description, "tags": of.tags, "visibility": of.visibility} if of.author_id == user.pk else {}
        yield {**about, **own, "note": one.note, "content": one.content}
    favorites = TemplateFavorite.objects.filter(user=user, template__in=PromptTemplate.objects.visible_to(user))
    for kept in favorites.select_related("template__team").order_by("id"):
        yield {"template": kept.template.name, "team": kept.template.team.name, "favourite": True}


def _endpoints(user: User) -> Iterator[dict[str, Any]]:
    """The addresses that they wrote down. Not the secrets: those are the teams'."""
    for one in Endpoint.objects.filter(made_by=user).select_related("team").order_by("id"):
        about = {"team": one.team.name, "at": one.created_at, "url": one.url, "description": one.description}
        yield {**about, "events": one.events, "active": one.is_active}


def _entry(one: AuditEntry) -> dict[str, Any]:
    with_key = {"api_key": one.via} if one.via else {}
    return {"at": one.created_at, "team": one.team.name, "action": one.action, "text": one.text, **with_key}


def _requests(user: User) -> Iterator[dict[str, Any]]:
    """What they asked for beyond their budget, and their answers to others."""
    found = BudgetRequest.objects.filter(Q(person=user) | Q(decided_by=user)).select_related("wallet__team").order_by("id")
    for one in found:
        about = {"team": one.wallet.team.name, "at": one.created_at, "credits": credits(one.amount), "for": f"{one.span} of {one.start}"}
        granted = {} if one.granted is None else {"granted": credits(one.granted)}
        asked = {"asked": True, "why": one.why} if one.person_id == user.pk else {"asked": False}
        yield {**about, **asked, "status": one.status, **granted, **({"answer": one.note} if one.decided_by_id == user.pk else {})}


def _ledger(user: User) -> Iterator[dict[str, Any]]:
    for one in LedgerEntry.objects.filter(actor=user).select_related("wallet__team").order_by("id").iterator():
        amounts = {"credits": credits(one.amount), "held": credits(one.held)}
        about = {"at": one.created_at.isoformat(), "team": one.wallet.team.name, "kind": one.get_kind_display()}
        yield {**about, **amounts, "description": one.description, "reference": one.reference}


def _purchases(user: User) -> Iterator[dict[str, Any]]:
    for one in Purchase.objects.filter(buyer=user).select_related("wallet__team").order_by("id").iterator():
        about = {"at": one.created_at.isoformat(), "team": one.wallet.team.name, "reference": one.reference, "what": one.name}
        paid = {"paid_at": one.paid_at.isoformat() if one.paid_at else "", "receipt": one.receipt_url}
        yield {**about, "price": one.price, "status": one.get_status_display(), "refunded": money(one.refunded, one.currency), **paid}

"""Webhooks: the endpoints of a team, one with the log of what was sent to it, and one delivery. For those who may administer the team."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Max, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import current_team, require
from accounts.requests import SignedInRequest
from studio.developers import once, standing
from studio.developers.forms import EndpointForm, RotateForm
from studio.webhooks import services
from studio.webhooks.access import delivery_for, endpoint_for
from studio.webhooks.errors import EndpointOff, EndpointRefused
from studio.webhooks.models import Delivery, Endpoint, Event

PAGE = 50
"""Deliveries shown at a time."""
STATES = {"": "All", **dict(Delivery.Status.choices)}
EVENTS = {**dict(Event.choices), services.TEST: "A test"}
LIVELY = timedelta(minutes=2)
"""While something is to be tried within this, the log looks again by itself."""


@require_safe
@login_required
@never_cache
def webhooks(request: SignedInRequest) -> HttpResponse:
    team = current_team(request)
    require(request.user, team, "administer")
    counted = {
        "sent": Count("deliveries", filter=Q(deliveries__status=Delivery.Status.DELIVERED)),
        "waiting": Count("deliveries", filter=Q(deliveries__status=Delivery.Status.WAITING)),
        "parked": Count("deliveries", filter=Q(deliveries__status=Delivery.Status.PARKED)),
        "last": Max("deliveries__ended_at", filter=Q(deliveries__status=Delivery.Status.DELIVERED)),
    }
    rows = [
        {"endpoint": one, "standing": standing.of_endpoint(one), "events": _chosen(one)}
        for one in Endpoint.objects.filter(team=team).annotate(**counted).order_by("id")
    ]
    context = {"rows": rows, "is_full": len(rows) >= services.MOST, "most": services.MOST, "events": Event.choices}
    return render(request, "developers/webhooks.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def webhook_new(request: SignedInRequest) -> HttpResponse:
    team = current_team(request)
    require(request.user, team, "administer")
    ticket = request.POST.get("ticket", "")
    form = EndpointForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        if not once.first(request, ticket):
            return redirect(once.came_of(request, ticket) or "developer_webhooks")
        try:
            endpoint = services.make_endpoint(team, by=request.user, **form.cleaned_data)
        except EndpointRefused as error:
            once.forget(request, ticket)
            form.refuse(error.message, error.fields)
        else:
            address = reverse("developer_webhook_secret", args=[endpoint.pk])
            once.leads(request, ticket, address)
            messages.success(request, "The endpoint is made. Give your server its secret, then send it a test.")
            return redirect(address)
    context = {"form": form, "ticket": ticket or once.ticket()}
    return render(request, "developers/webhook_form.html", context, status=422 if form.errors else 200)


@require_safe
@login_required
@never_cache
def webhook(request: SignedInRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    """The endpoint with what was sent to it; `?state=` leaves some, `?after=<delivery id>` goes on with older ones."""
    endpoint = endpoint_for(request.user, endpoint_id)
    state = request.GET.get("state", "") if request.GET.get("state") in STATES else ""
    after = _id(request.GET.get("after", ""))
    all_of_them = Delivery.objects.filter(endpoint=endpoint)
    soon = all_of_them.filter(status=Delivery.Status.WAITING, next_at__lte=timezone.now() + LIVELY)
    # Before the rows are read: one delivered between the two would be shown as waiting, and the page would not look again.
    is_lively = after is None and soon.exists() and (endpoint.is_active or soon.filter(event=services.TEST).exists())
    shown = all_of_them.filter(**({"status": state} if state else {}), **({"pk__lt": after} if after else {})).order_by("-id")
    found = list(shown[: PAGE + 1])
    counts = dict(all_of_them.order_by().values_list("status").annotate(Count("pk")))
    context: dict[str, Any] = {
        "endpoint": endpoint,
        "standing": standing.of_endpoint(endpoint),
        "events": _chosen(endpoint),
        "rows": [_told(one) for one in found[:PAGE]],
        "older": found[PAGE - 1].pk if len(found) > PAGE else None,
        "is_older": after is not None,
        "state": state,
        "states": [(value, label, sum(counts.values()) if not value else counts.get(value, 0)) for value, label in STATES.items()],
        "is_lively": is_lively,
        "old_secret": bool(endpoint.old_secret_until and endpoint.old_secret_until > timezone.now()),
    }
    return render(request, "developers/webhook.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def webhook_change(request: SignedInRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    endpoint = endpoint_for(request.user, endpoint_id)
    form = EndpointForm(request.POST if request.method == "POST" else None, endpoint=endpoint)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_endpoint(endpoint, by=request.user, **form.cleaned_data)
        except EndpointRefused as error:
            form.refuse(error.message, error.fields)
        else:
            messages.success(request, "Saved. What waits goes to this address, too.")
            return redirect("developer_webhook", endpoint.pk)
    context = {"form": form, "endpoint": endpoint}
    return render(request, "developers/webhook_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def webhook_secret(request: SignedInRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    """GET shows what the endpoint is signed with, POST makes another one."""
    endpoint = endpoint_for(request.user, endpoint_id)
    form = RotateForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        ticket = request.POST.get("ticket", "")
        if once.first(request, ticket):
            services.rotate_secret(endpoint, by=request.user, overlap=form.time)
            messages.success(request, "This is the new secret.")
        return redirect("developer_webhook_secret", endpoint.pk)
    old_until = endpoint.old_secret_until
    context = {"endpoint": endpoint, "form": form, "ticket": once.ticket()}
    context["old_until"] = old_until if old_until and old_until > timezone.now() else None
    return render(request, "developers/webhook_secret.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
def webhook_test(request: SignedInRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    endpoint = endpoint_for(request.user, endpoint_id)
    services.send_test(endpoint, by=request.user)
    messages.success(request, "A test is on its way. What came of it stands in the log.")
    return redirect("developer_webhook", endpoint.pk)


@require_POST
@login_required
def webhook_on(request: SignedInRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    endpoint = endpoint_for(request.user, endpoint_id)
    services.switch_on(endpoint, by=request.user)
    messages.success(request, "It is on. What waits is sent first.")
    return redirect("developer_webhook", endpoint.pk)


@require_POST
@login_required
def webhook_off(request: SignedInRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    endpoint = endpoint_for(request.user, endpoint_id)
    services.change_endpoint(endpoint, by=request.user, is_active=False)
    messages.success(request, "It is off. Nothing is sent until somebody switches it on.")
    return redirect("developer_webhook", endpoint.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def webhook_delete(request: SignedInRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    """GET asks, POST does."""
    endpoint = endpoint_for(request.user, endpoint_id)
    if request.method == "POST":
        services.delete_endpoint(endpoint, by=request.user)
        messages.success(request, "The endpoint is gone. Nothing is sent there any more.")
        return redirect("developer_webhooks")
    waiting = Delivery.objects.filter(endpoint=endpoint, status=Delivery.Status.WAITING).count()
    return render(request, "developers/webhook_delete.html", {"endpoint": endpoint, "waiting": waiting})


@require_safe
@login_required
@never_cache
def delivery(request: SignedInRequest, delivery_id: uuid.UUID) -> HttpResponse:
    found = delivery_for(request.user, delivery_id)
    context = {
        **_told(found),
        "endpoint": found.endpoint,
        "payload": json.dumps(found.payload, indent=2, ensure_ascii=False),
        "tries": [{**line, "at": datetime.fromisoformat(line["at"])} for line in reversed(found.log)],
        "message_id": f"evt_{found.event_id.hex}",
    }
    return render(request, "developers/delivery.html", context)


@require_POST
@login_required
def delivery_again(request: SignedInRequest, delivery_id: uuid.UUID) -> HttpResponse:
    found = delivery_for(request.user, delivery_id)
    try:
        services.redeliver(found, by=request.user)
    except EndpointOff as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, "It is sent again, with the same id.")
    return redirect("developer_delivery", found.pk)


def _chosen(endpoint: Endpoint) -> list[str]:
    return [label for value, label in Event.choices if value in endpoint.events]


def _told(delivery: Delivery) -> dict[str, Any]:
    """A delivery as lists show it: what happened in words, how it stands, and the last answer."""
    tones = {Delivery.Status.DELIVERED: "ok", Delivery.Status.WAITING: "run", Delivery.Status.PARKED: "bad"}
    last = delivery.log[-1] if delivery.log else None
    is_retried = delivery.status == Delivery.Status.WAITING and delivery.attempts > 0
    tone = "warn" if is_retried else tones[Delivery.Status(delivery.status)]
    word = "To be tried again" if is_retried else delivery.get_status_display()
    return {"delivery": delivery, "event": EVENTS.get(delivery.event, delivery.event), "tone": tone, "word": word, "last": last}


def _id(word: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(word)
    except ValueError:
        return None

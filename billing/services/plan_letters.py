"""Letters about a plan, to those who can do something about it."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.urls import reverse

from accounts import mails
from accounts.access import people_who_may
from billing.models import Subscription


def payment_failed(pk: int) -> None:
    """Tell those who administer the team that the payment for its plan failed. After the transaction that wrote that down."""
    row = Subscription.objects.select_related("plan", "wallet__team").get(pk=pk)
    team = row.wallet.team
    if not row.is_failing or team.deleted_at:
        return
    context = {"row": row, "team": mails.one_line(str(team)), "url": mails.absolute(reverse("plan"))}
    text = render_to_string("billing/payment_failed.txt", context)
    subject = f"The payment for the {row.plan} plan failed"
    mails.send([mails.from_text(person.email, subject, text, button="See the plan") for person in people_who_may(team, "administer")])

"""What something would cost, without doing it."""

from __future__ import annotations

from django.http import HttpResponse
from ninja import Router

from billing.services import budgets, wallets
from studio.api import asking
from studio.api.auth import Key, ProgramRequest
from studio.api.problems import statuses
from studio.api.v1.answers import answer
from studio.api.v1.schemas import QuoteIn, QuoteOut
from studio.generation import approving
from studio.generation.facts import decimal

router = Router()


@router.post("/quotes", auth=Key("generate"), response={200: QuoteOut, **statuses()})
def quote(request: ProgramRequest, body: QuoteIn) -> HttpResponse:
    """The price of a job, checked as `POST /jobs` checks it; nothing is held, and nothing is kept."""
    caller = request.caller
    shop = asking.Shop.open(caller)
    found = asking.wish(shop, body)
    way = asking.trial(shop, found) if body.preview else None
    engine, asked = (way.engine, way.request) if way else (found.engine, found.request)
    price = engine.quote(asked)
    wallet = wallets.wallet_of(caller.team)
    missing = price.amount - wallet.available
    meters = [*budgets.meters_of(wallet, caller.user), *budgets.meters_of_key(caller.key, wallet)]
    over = budgets.refusal(meters, price.amount)
    refusal = f"{decimal(missing)} credits are missing in the wallet." if missing > 0 else over.message if over else None
    approval = approving.why(wallet, caller.user, amount=price.amount, pictures=asked.num_images, engine=engine.id, mode=asked.mode)
    lines = [
        {"label": line.label, "quantity": line.quantity, "unit": decimal(line.unit), "amount": decimal(line.amount)} for line in price.lines
    ]
    return answer(
        {
            "engine": engine.id,
            "credits": decimal(price.amount),
            "lines": lines,
            "price_list": price.price_version,
            "available": decimal(wallet.available),
            "affordable": refusal is None,
            "refusal": refusal,
            "approval": approval or None,
        }
    )

"""Who is called where a lower room has to reach a higher one: dotted paths, which `settings.py` takes as they stand here.

None of them comes from the environment. Each is called inside the transaction that it is told of, unless it says otherwise.
"""

from __future__ import annotations

FACT_HANDLERS: dict[str, str] = {
    "subscription": "billing.services.subscriptions.write_down",
    "invoice": "billing.services.subscriptions.write_down",
    "invoice_payment": "billing.services.reversals.write_down",
    "refunded": "billing.services.reversals.write_down",
    "refund_total": "billing.services.reversals.write_down",
    "disputed": "billing.services.reversals.write_down",
}
"""Fact of a gateway (`billing.gateways.facts`) -> dotted path of who writes it down; what is of purchases alone needs no entry."""
RATE_LIMIT = "studio.generation.throttle.wait_for"
"""Counts one action of somebody against a rate, and says the seconds to wait. Billing asks it for tries of a code."""
PLAN_USAGE = "studio.generation.usage.of_team"
"""A function that says how much of a plan's limits a team uses now, for the plan page, which has never heard of jobs and pictures."""
PLAN_ENGINES = "studio.generation.usage.engines"
"""A function that yields (label, the names that a plan may allow it by) of every engine."""
DAILY_CHORES = [
    "accounts.ending.daily",
    "accounts.sessions.forget_expired",
    "billing.services.reconciling.hourly",
    "billing.services.alerts.daily",
    "billing.nightly.daily",
    "billing.services.plans.daily",
    "billing.services.subscriptions.hourly",
    "studio.generation.services.lapse",
    "studio.generation.services.end_paused",
    "studio.api.once.forget",
    "studio.galleries.tidying.daily",
    "studio.galleries.tidying.weekly",
    "studio.webhooks.services.forget_old",
    "studio.api.stability.results.forget",
]
"""Functions that every worker, or with a broker `manage.py beat`, calls each hour; each knows whether there is something to do."""
PAID_CHORES = ["studio.costs.reconciling.daily"]
"""The same for a worker of paid engines: these ask the provider."""
QUICK_CHORES = ["studio.generation.services.end_stranded", "studio.generation.services.draw_due_sheets"]
"""The same each quarter of a minute."""
DUE_CHORES = ["studio.generation.services.reap", "studio.generation.services.ring_due", "studio.webhooks.services.ring_due"]
"""Functions that `manage.py beat` calls every other second: they ring for what has become due. Without it, workers find that themselves."""
LOCAL_CHORES = ["studio.galleries.looking.look"]
"""Functions that the local runner's process, which has torch, calls every quarter of a minute beside its work."""
TEAM_LISTENER = "billing.services.wallets.open_wallet"
"""Called with a new team inside the transaction that makes it: accounts has never heard of billing."""
ACCESS_LISTENER = "studio.live.listeners.access_changed"
"""Called with the ids of people inside the transaction that took them out of a team, or a team from them."""
DEPARTURE_LISTENERS = [
    "studio.galleries.leaving.hand_to_team",
    "studio.prompts.leaving.hand_to_team",
    "billing.services.budget_requests.leave",
    "studio.generation.services.leave",
    "studio.generation.services.withdraw",
    "accounts.keys.leave",
]
"""Called with a team and a person inside the transaction that takes them out of it: what they alone had there becomes the team's."""
DEPARTURE_WARNINGS = ["studio.galleries.leaving.private_galleries", "studio.prompts.leaving.private_templates"]
"""Functions that say in words what that would be, for the pages that ask first; empty for nothing."""
SEAT_GUARD = "billing.services.plans.no_seat"
"""Called with a team and a number of people who are to be in it: a sentence that says why there is no room, else nothing."""
TEAM_STOPPERS = ["studio.generation.services.stop_team", "billing.services.subscriptions.stop_team"]
"""Called with a team inside the transaction that deletes it: what is under way there ends, and what is held for it is released."""
TEAM_ERASERS = [
    "studio.galleries.erasing.erase_team",
    "studio.generation.services.erase_team",
    "studio.moderation.words.erase_team",
    "studio.prompts.erasing.erase_team",
    "studio.webhooks.erasing.erase_team",
    "billing.services.budgets.erase_team",
    "billing.services.approvals.erase_team",
    "billing.services.subscriptions.erase_team",
    "accounts.keys.erase_team",
]
"""Called, in this order, with a team whose time to be brought back is over: each erases its own rows and files, in many transactions."""
BILLING_LISTENER = "studio.live.listeners.wallet_changed"
"""Called with a wallet inside the transaction that changed it: billing has never heard of pages."""
BUDGET_LISTENER = "studio.galleries.budget_news.tell"
"""Called with news of a budget (most is used, somebody asks for more, or has an answer) once they are committed."""
APPROVAL_LISTENERS = ["studio.approvals.telling.heard", "studio.webhooks.listeners.approval_asked"]
"""Called with a job and what happened to it, inside the transaction in which it was asked for, decided on or withdrawn."""
APPROVAL_SUBJECTS = "studio.generation.approving.subjects"
"""A function that yields what an approval rule may name (group, product, operation, name): billing has never heard of engines."""
LEDGER_CHECKS = ["billing.sales_ledger.disagreements", "studio.generation.ledger.disagreements"]
"""Functions that yield a sentence for each disagreement between the ledger and their own rows, for `manage.py verify_ledger`."""
PRICE_LIST = "studio.generation.quotes.price_list"
"""A function that yields (engine, its price in words) for the wallet page, which has never heard of engines."""
HOLD_OUTCOMES = "studio.generation.quotes.outcomes"
"""A function that says of the work behind holds how it ended, for the statement, which has never heard of pictures."""
HOLD_EXPLANATIONS = "studio.generation.explaining.explain"
"""A function that says of one hold what the work was, at which prices, and what came of it, for "Explain this charge"."""
WALLET_ALERTS = ["studio.galleries.wallet_alerts.tell", "studio.webhooks.listeners.wallet_alert"]
"""Called with an alert (credits run low, or expire soon) inside the transaction that noticed it: billing has never heard of bells."""
PAYMENT_LISTENER = "studio.webhooks.listeners.paid"
"""Called with a payment inside the transaction that writes it down, once for each."""
BODY_LIMITS = ["studio.api.edge.body_limit", "studio.api.stability.edge.body_limit"]
"""Functions from an address to how large a body may be there (`live.body_limit.Limit`), or None; the first that knows it counts."""
FILE_OWNERS = ["studio.generation.expected.files", "studio.prompts.covers.files"]
"""Functions that yield the name of every file that their rows say is in the storage, for `manage.py check_files`."""

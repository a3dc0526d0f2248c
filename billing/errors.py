"""What can go wrong with credits.

    BillingError                 code, message for a person
    ├── InvalidAmount            invalid_amount        not a number of millicredits that the operation takes
    ├── InsufficientCredits      insufficient_credits  `needed`, `available`
    ├── OverBudget               over_budget           `needed`, `left`, `scope`, `span`: the budget of a person, a team or a key is used up
    ├── BudgetRefused            budget_refused        a request for more that cannot be made or answered any more
    ├── AmountTooLarge           amount_too_large      `amount`, `limit`: more than was held, or than is left to refund
    ├── HoldNotActive            hold_not_active       `status`: it was captured or voided before
    ├── ReferenceTaken           reference_taken       the reference already names another refund
    ├── NotForSale               not_for_sale          a pack, a currency or a way to pay that is not offered any more
    ├── NothingToRefund          nothing_to_refund     the purchase is not paid, or its credits are spent, set aside or disputed
    ├── RuleExists               rule_exists           a team has the same rule already
    ├── TooManyRules             too_many_rules        a team has as many rules as it may
    ├── GatewayError             gateway               see `billing.gateways.errors`
    ├── PlanRefused              plan_refused          a change of plan that is not possible now
    ├── CodeRefused              code_refused          no code that this team can redeem now; never says which of the reasons it is
    ├── CodeRedeemed             code_redeemed         `redemption`: the team or the person has redeemed this code before
    ├── CodeTaken                code_taken            there is a code that reads like the one that the operator made up
    └── BooksDisagree            books_disagree        a wallet does not cover its own holds; see `manage.py verify_ledger`

    LedgerIsAppendOnly           a programming error: somebody tried to change or delete a ledger entry

All amounts are millicredits (1 credit = 1000).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.formats import date_format

from billing.credits import MILLICREDITS, credits, noun

if TYPE_CHECKING:
    from accounts.models import Team
    from billing.models import Redemption


class BillingError(Exception):
    """Base of all. `message` is one or two sentences for the person who asked, and says what to do where there is something."""

    code = "billing"

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class InvalidAmount(BillingError):
    code = "invalid_amount"


class InsufficientCredits(BillingError):
    code = "insufficient_credits"

    def __init__(self, needed: int, available: int) -> None:
        self.needed = needed
        self.available = available
        super().__init__(
            f"This costs {credits(needed)} {noun(needed)} and {credits(available)} are available. "
            "Add credits to the wallet, or choose something that costs less."
        )


class OverBudget(BillingError):
    """`scope` is "team", "member" or "key" (of the API key called `key`), `span` "day" or "month"; `facts` is the message without what
    to do.
    """

    code = "over_budget"

    def __init__(self, needed: int, left: int, limit: int, *, scope: str, span: str, period: str, again: str, key: str = "") -> None:
        self.needed = needed
        self.left = left
        self.limit = limit
        self.scope = scope
        self.span = span
        self.key = key
        some = f"{credits(limit)} {noun(limit)} for {period}"
        whole = f"the {some} of the API key “{key}”" if key else f"{'your' if scope == 'member' else 'the team’s'} {some}"
        self.facts = (
            f"This costs {credits(needed)} {noun(needed)}, and {credits(left)} of {whole} "
            f"{'is' if left == MILLICREDITS else 'are'} left. The budget starts again {again}."
        )
        way = "Give the key a larger budget" if key else "Ask for more"
        super().__init__(f"{self.facts} {way}, or choose something that costs less.")


class BudgetRefused(BillingError):
    code = "budget_refused"


class AmountTooLarge(BillingError):
    code = "amount_too_large"

    def __init__(self, amount: int, limit: int) -> None:
        self.amount = amount
        self.limit = limit
        super().__init__(f"{credits(amount)} credits is more than the {credits(limit)} that can be taken or given back here.")


class HoldNotActive(BillingError):
    code = "hold_not_active"

    def __init__(self, reference: str, status: str) -> None:
        self.reference = reference
        self.status = status
        super().__init__(f"The hold {reference} is not active any more: it is {status}.")


class ReferenceTaken(BillingError):
    code = "reference_taken"


class NotForSale(BillingError):
    code = "not_for_sale"


class NothingToRefund(BillingError):
    code = "nothing_to_refund"


class PlanRefused(BillingError):
    code = "plan_refused"


class CodeRefused(BillingError):
    code = "code_refused"

    def __init__(self) -> None:
        super().__init__(
            "This code cannot be redeemed here. Check how it is written; it may also have ended, be used up, or be meant for new teams."
        )


class CodeRedeemed(BillingError):
    code = "code_redeemed"

    def __init__(self, redemption: Redemption, elsewhere: Team | None = None) -> None:
        """`elsewhere` is the other team for which the same person redeemed it."""
        self.redemption = redemption
        when = date_format(timezone.localdate(redemption.created_at), "j F Y")
        if elsewhere is None:
            super().__init__(f"This team has redeemed that code already, on {when}. Nothing was added now.")
        else:
            super().__init__(f"You have redeemed that code already, for {elsewhere}, on {when}: everybody can once. Nothing was added now.")


class CodeTaken(BillingError):
    code = "code_taken"

    def __init__(self) -> None:
        super().__init__("There is a code already that reads like this one. Make up another, or leave it empty.")


class RuleExists(BillingError):
    code = "rule_exists"


class TooManyRules(BillingError):
    code = "too_many_rules"


class BooksDisagree(BillingError):
    code = "books_disagree"


class LedgerIsAppendOnly(TypeError):
    """Ledger entries are written once. A mistake is corrected by another entry."""

    def __init__(self) -> None:
        super().__init__("A ledger entry is never changed or deleted; write another entry instead.")

"""All amounts of credits are integer millicredits: 1 credit = US$0.01 = 1000 millicredits."""

from billing.models.approvals import ApprovalRule
from billing.models.budgets import Budget, BudgetRequest, BudgetWarning, Scope, Span, Spent
from billing.models.buying import CreditPack, Dispute, GatewayEvent, PackPrice, PaymentRefund, Purchase
from billing.models.checks import LedgerCheck
from billing.models.lots import Lot, LotUse
from billing.models.plans import Plan, PlanPrice, Reversal, Subscription, SubscriptionInvoice
from billing.models.promotions import PromoCode, Redemption
from billing.models.wallets import SOURCES, Account, Hold, LedgerEntry, Wallet

__all__ = [
    "SOURCES",
    "Account",
    "ApprovalRule",
    "Budget",
    "BudgetRequest",
    "BudgetWarning",
    "CreditPack",
    "Dispute",
    "GatewayEvent",
    "Hold",
    "LedgerCheck",
    "LedgerEntry",
    "Lot",
    "LotUse",
    "PackPrice",
    "PaymentRefund",
    "Plan",
    "PlanPrice",
    "PromoCode",
    "Purchase",
    "Redemption",
    "Reversal",
    "Scope",
    "Span",
    "Spent",
    "Subscription",
    "SubscriptionInvoice",
    "Wallet",
]

from django.urls import URLPattern, path

from billing.views import budgets, buying, entries, plans, purchases, redeeming, statements, wallet, webhooks

urlpatterns: list[URLPattern] = [
    path("wallet/", wallet.wallet, name="wallet"),
    path("wallet/redeem/", redeeming.redeem, name="redeem"),
    path("wallet/budgets/", budgets.budgets_page, name="budgets"),
    path("wallet/budgets/of/<int:team_id>/", budgets.budgets_of_team, name="budgets_of_team"),
    path("wallet/budgets/set/", budgets.budget_set, name="budget_set"),
    path("wallet/budgets/ask/", budgets.budget_ask, name="budget_ask"),
    path("wallet/budgets/requests/<int:request_id>/", budgets.budget_request, name="budget_request"),
    path("wallet/buy/", buying.buy, name="buy"),
    path("wallet/purchases/", purchases.purchases, name="purchases"),
    path("wallet/purchases/<uuid:purchase_id>/", purchases.purchase, name="purchase"),
    path("wallet/purchases/<uuid:purchase_id>/cancel/", purchases.cancel, name="purchase_cancel"),
    path("wallet/purchases/<uuid:purchase_id>/refund/", purchases.refund, name="purchase_refund"),
    path("payments/<slug:gateway>/webhook/", webhooks.payment_webhook, name="payment_webhook"),
    path("wallet/statement.csv", wallet.statement_csv, name="wallet_csv"),
    path("wallet/alert/", wallet.alert, name="wallet_alert"),
    path("wallet/of/<int:team_id>/", wallet.wallet_of_team, name="wallet_of_team"),
    path("wallet/entries/<int:entry_id>/", entries.entry, name="wallet_entry"),
    path("wallet/holds/<int:hold_id>/", entries.hold, name="wallet_hold"),
    path("wallet/statements/", statements.statements, name="wallet_statements"),
    path("wallet/statements/<str:month>.pdf", statements.statement_pdf, name="wallet_statement_pdf"),
    path("wallet/plan/", plans.plan, name="plan"),
    path("wallet/plan/to/<slug:slug>/", plans.change, name="plan_change"),
    path("wallet/plan/keep/", plans.keep, name="plan_keep"),
    path("wallet/plan/cancel/", plans.cancel, name="plan_cancel"),
    path("wallet/plan/resume/", plans.resume, name="plan_resume"),
    path("wallet/plan/pay/", plans.pay, name="plan_pay"),
]

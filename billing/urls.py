from django.urls import URLPattern, path

from billing.views import buying, purchases, wallet, webhooks

urlpatterns: list[URLPattern] = [
    path("wallet/", wallet.wallet, name="wallet"),
    path("wallet/buy/", buying.buy, name="buy"),
    path("wallet/purchases/", purchases.purchases, name="purchases"),
    path("wallet/purchases/<uuid:purchase_id>/", purchases.purchase, name="purchase"),
    path("wallet/purchases/<uuid:purchase_id>/cancel/", purchases.cancel, name="purchase_cancel"),
    path("wallet/purchases/<uuid:purchase_id>/refund/", purchases.refund, name="purchase_refund"),
    path("payments/<slug:gateway>/webhook/", webhooks.payment_webhook, name="payment_webhook"),
]

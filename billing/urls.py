from django.urls import URLPattern, path

from billing.views import wallet

urlpatterns: list[URLPattern] = [path("wallet/", wallet.wallet, name="wallet")]

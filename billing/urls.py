from django.urls import URLPattern, path

from billing import views

urlpatterns: list[URLPattern] = [path("wallet/", views.wallet, name="wallet")]

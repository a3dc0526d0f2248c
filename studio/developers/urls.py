from django.urls import path

from studio.developers.pages import endpoints, examples, keys, using

_KEY = "developers/keys/<slug:public_id>/"
_ENDPOINT = "developers/webhooks/<uuid:endpoint_id>/"

urlpatterns = [
    path("developers/", keys.developers, name="developers"),
    path("developers/keys/new/", keys.key_new, name="developer_key_new"),
    path(_KEY, using.key, name="developer_key"),
    path(f"{_KEY}made/", keys.key_made, name="developer_key_made"),
    path(f"{_KEY}change/", keys.key_change, name="developer_key_change"),
    path(f"{_KEY}rotate/", keys.key_rotate, name="developer_key_rotate"),
    path(f"{_KEY}revoke/", keys.key_revoke, name="developer_key_revoke"),
    path("developers/examples/", examples.examples, name="developer_examples"),
    path("developers/webhooks/", endpoints.webhooks, name="developer_webhooks"),
    path("developers/webhooks/new/", endpoints.webhook_new, name="developer_webhook_new"),
    path(_ENDPOINT, endpoints.webhook, name="developer_webhook"),
    path(f"{_ENDPOINT}change/", endpoints.webhook_change, name="developer_webhook_change"),
    path(f"{_ENDPOINT}secret/", endpoints.webhook_secret, name="developer_webhook_secret"),
    path(f"{_ENDPOINT}test/", endpoints.webhook_test, name="developer_webhook_test"),
    path(f"{_ENDPOINT}on/", endpoints.webhook_on, name="developer_webhook_on"),
    path(f"{_ENDPOINT}off/", endpoints.webhook_off, name="developer_webhook_off"),
    path(f"{_ENDPOINT}delete/", endpoints.webhook_delete, name="developer_webhook_delete"),
    path("developers/deliveries/<uuid:delivery_id>/", endpoints.delivery, name="developer_delivery"),
    path("developers/deliveries/<uuid:delivery_id>/again/", endpoints.delivery_again, name="developer_delivery_again"),
]

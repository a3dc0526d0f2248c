"""Addresses of websockets."""

from channels.security.websocket import WebsocketDenier
from django.urls import path, re_path

from studio.live.consumers import LiveConsumer

websocket_urlpatterns = [path("live/", LiveConsumer.as_asgi()), re_path("", WebsocketDenier.as_asgi())]

"""The Celery app of the scaled mode: what carries rings and chores between machines. The embedded mode never imports this.

A task here is a ring ("there is work on this queue") or a chore, and has no arguments: what there is to do stands in the database. So a
message may be lost, late or doubled, and nothing here keeps results, retries or delays.

    celery -A studio worker -Q stability      the same as `manage.py worker --queue stability`
"""

from __future__ import annotations

import os
import ssl
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import django
from celery import Celery, Task
from django.apps import apps
from django.conf import settings
from kombu.entity import Exchange, Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
if not apps.ready:
    django.setup(set_prefix=False)

RING = "atelier.ring"
"""The task that says "there is work on the queue that I came by"."""
WEBHOOKS, CHORES = "webhooks", "chores"
"""Queues beside those of the engines."""
RING_SECONDS = 600
"""So long a ring that nobody hears is kept; every worker has looked by itself many times by then."""
CHORE_SECONDS = 3600
"""So long a chore that nobody does is kept: then the next one is there."""
ENOUGH = 200
"""Messages that wait in a queue at most. More rings would find nothing that these do not find."""
CONNECT_SECONDS = 4
"""How long a broker may take to answer before it counts as gone."""
HEARTBEAT_SECONDS = 30
VISIBILITY_SECONDS = 6 * 3600
"""Redis only: what a worker has not acknowledged for so long is given to another. Leases have done so long before (`services.reap`)."""


@cache
def queue(name: str) -> Queue:
    """A queue of the broker. Not of RabbitMQ's replicated kind: a ring is not worth it, and those know no prefetch across queues."""
    seconds = CHORE_SECONDS if name == CHORES else RING_SECONDS
    limits = {"x-message-ttl": seconds * 1000, "x-max-length": ENOUGH, "x-overflow": "drop-head"}
    return Queue(name, exchange=Exchange(""), routing_key=name, queue_arguments=limits)  # type: ignore[no-untyped-call]


def broker_url(url: str) -> str:
    """The address as kombu wants it: a certificate is looked at unless the address says otherwise, as redis-py does by itself."""
    scheme, host, path, query, _ = urlsplit(url)
    options = dict(parse_qsl(query))
    if scheme == "unix":
        number = {"virtual_host": options.pop("db")} if "db" in options else {}
        return f"redis+socket://{path}?{urlencode({**options, **number})}".rstrip("?")
    if scheme == "rediss":
        options.setdefault("ssl_cert_reqs", "required")
        return urlunsplit((scheme, host, path, urlencode(options), ""))
    return url


def transport_options(url: str) -> dict[str, Any]:
    """What kombu is told of a broker. py-amqp takes its own names only, and times out reads by itself (heartbeats)."""
    if url.startswith(("amqp:", "amqps:")):
        return {}
    return {
        "visibility_timeout": VISIBILITY_SECONDS,
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": CONNECT_SECONDS * 3,
        "socket_keepalive": True,
        "health_check_interval": HEARTBEAT_SECONDS,
    }


class Message(Task):  # type: ignore[misc]
    """A ring or a chore."""

    Request = "studio.generation.worker.hosting:Received"


class Studio(Celery):  # type: ignore[misc]
    task_cls = Message

    @property
    def Worker(self) -> Any:  # Celery's name: its command line and `manage.py worker` both make their worker by it
        return self.subclass_with_self("studio.generation.worker.hosting:HostingWorker")


app = Studio("atelier", fixups=[], set_as_current=True)
app.conf.update(
    broker_url=broker_url(settings.CELERY_BROKER_URL),
    broker_transport_options=transport_options(settings.CELERY_BROKER_URL),
    broker_use_ssl=({"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": None} if settings.CELERY_BROKER_URL.startswith("amqps:") else None),
    broker_connection_timeout=CONNECT_SECONDS,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # for ever: jobs go on by the sweep meanwhile
    broker_heartbeat=HEARTBEAT_SECONDS,
    task_queues=[queue(name) for name in (*settings.BACKENDS, WEBHOOKS, CHORES)],
    task_create_missing_queues=False,
    task_default_queue=CHORES,
    task_default_delivery_mode="transient",  # not worth RabbitMQ's disk
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    result_backend=None,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_publish_retry=False,
    worker_pool="threads",  # never prefork: CUDA cannot be used after a fork
    worker_concurrency=1,
    worker_prefetch_multiplier=1,
    worker_enable_prefetch_count_reduction=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_enable_remote_control=False,  # who lives and what waits is in the database (the operator's pages, /metrics)
    worker_send_task_events=False,
    timezone=settings.TIME_ZONE,
    enable_utc=True,
)

"""Requests that nobody thought of, made of the documents by schemathesis: nothing breaks, and every answer is one that is documented.

Good data and bad, with a key that may everything and without one, over the own API and the Stability paths. Ids of things that are there
stand in for some of the invented ones, so that not all ends with 404. Always the same requests: what fails here fails again.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from django.core.cache import caches
from django.db import transaction
from django.test import Client, override_settings
from hypothesis import HealthCheck, Phase, settings
from pytest_django.plugin import DjangoDbBlocker
from schemathesis.checks import not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from accounts.models import Role
from studio.api.document import document
from studio.api.models import EngineRoute
from studio.api.stability.engines import SERVICES
from studio.generation import throttle
from studio.waiting import Waiting
from tests.api.conftest import work
from tests.api.stability.front import UNDOCUMENTED
from tests.api.test_access_matrix import Ground
from tests.conftest import seed_what_migrations_wrote

pytestmark = pytest.mark.django_db
ADDRESS = "http://testserver"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
DOCUMENTS = Path(__file__).parents[2] / "studio" / "api" / "stability"
FEW = settings(
    max_examples=int(os.environ.get("EXAMPLES", "3")),
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""Examples for an operation, each sent with a key and without one: some 600 requests."""
BOUNDED = schemathesis.Config.from_dict({"phases": {"coverage": {"enabled": "EXAMPLES" in os.environ}}})
"""Without schemathesis' walk through every keyword of every schema, which comes on top of the examples: thousands of requests, and most of
them made up whenever this file is collected, by each process of a run. `EXAMPLES=50` looks longer, and takes that walk."""


def stability_document(family: str) -> dict[str, Any]:
    """The contract, and the statuses that the provider was seen to answer although it does not list them (`front.UNDOCUMENTED`)."""
    told: dict[str, Any] = json.loads((DOCUMENTS / f"openapi-{family}.json").read_text())
    error = {"description": "Refused", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    for operations in told["paths"].values():
        for operation in operations.values():
            if isinstance(operation, dict) and "responses" in operation:
                for status in UNDOCUMENTED[family]:
                    operation["responses"].setdefault(str(status), error)
    return told


OWN = schemathesis.openapi.from_dict(document(ADDRESS), config=BOUNDED)
V1 = schemathesis.openapi.from_dict(stability_document("v1"), config=BOUNDED)
V2BETA = schemathesis.openapi.from_dict(stability_document("v2beta"), config=BOUNDED)

Built = tuple[Ground, Path, str]


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """Two teams, the folder of their files, and the secret of the owner's key. The drawing engine answers what it can."""
    media = tmp_path_factory.mktemp("media")
    with django_db_blocker.unblock(), override_settings(MEDIA_ROOT=media), transaction.atomic():
        seed_what_migrations_wrote()
        ground = Ground()
        EngineRoute.objects.bulk_create(EngineRoute(asked=operation, engine="null") for operation in SERVICES)
        yield ground, media, ground.key(Role.OWNER)
        transaction.set_rollback(True)


@pytest.fixture
def ground(built: Built, db: None, own_files: None, settings: Any) -> Ground:
    ground, settings.MEDIA_ROOT, secret = built
    ground = copy.deepcopy(ground)
    ground.secret = secret  # type: ignore[attr-defined]
    return ground


@OWN.parametrize()
@FEW
def test_the_own_api(case: Any, ground: Ground) -> None:
    knock(case, ground)


@V1.parametrize()
@FEW
def test_the_stability_api_v1(case: Any, ground: Ground) -> None:
    knock(case, ground)


@V2BETA.parametrize()
@FEW
def test_the_stability_api_v2beta(case: Any, ground: Ground) -> None:
    knock(case, ground)


def knock(case: Any, ground: Ground) -> None:
    """Send it with the owner's key, and then without one; nothing that it did is left."""
    for name in case.path_parameters or {}:
        kind = name.removesuffix("_id")
        if kind in ground.world and sum(str(case.path_parameters[name]).encode()) % 2:
            case.path_parameters[name] = ground.world[kind]
    for headers in ({"Authorization": f"Bearer {ground.secret}"}, {}):  # type: ignore[attr-defined]
        sent = requests.Request(**request_of(case, headers)).prepare()
        with transaction.atomic():
            answer = answer_to(sent)
            transaction.set_rollback(True)
        case.validate_response(answer, checks=CHECKS)
        if not headers and answer.status_code < 400:
            raise AssertionError(f"{case.method} {case.path} answered {answer.status_code} without a key")
        for cache in caches.all(initialized_only=True):
            cache.clear()
        throttle.limiter().storage.reset()


def request_of(case: Any, headers: dict[str, str]) -> dict[str, Any]:
    case.headers = {name: text for name, text in (case.headers or {}).items() if name.lower() != "authorization"}
    return {name: value for name, value in case.as_transport_kwargs(base_url=ADDRESS, headers=headers).items() if name != "timeout"}


def answer_to(sent: requests.PreparedRequest) -> Response:
    """What Django answers, as schemathesis reads answers; a wait is over at once, with the work done."""
    body = sent.body if isinstance(sent.body, bytes) else (sent.body or "").encode()
    names = {name: text for name, text in sent.headers.items() if name.lower() not in ("content-type", "content-length", "cookie")}
    content_type = sent.headers.get("Content-Type", "")
    content_type = content_type.decode() if isinstance(content_type, bytes) else content_type
    got: Any = Client(headers=names, raise_request_exception=False).generic(sent.method, sent.path_url, body, content_type=content_type)
    if isinstance(got, Waiting):
        work()
        got = got.finish_now()
    headers = {name: [text] for name, text in got.items()}
    return Response(got.status_code, headers, first(got) if got.streaming else got.content, sent, elapsed=0.0, verify=True)


def first(got: Any) -> bytes:
    """A file, or the beginning of a stream that may go on for long."""
    if got.get("Content-Type", "").startswith("text/event-stream"):
        return b""
    return b"".join(got.streaming_content) if not got.is_async else b""

"""The operator's table: both sides are chosen, and what an engine cannot do is not stored."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from studio.api.models import EngineRoute
from studio.api.stability.engines import modes_of, operations_of
from studio.backends.base import Mode

pytestmark = pytest.mark.django_db
LIST = "/admin/api/engineroute/"
ADD = f"{LIST}add/"
CORE, CREATIVE = "stable-image/generate/core", "stable-image/upscale/creative"


def words(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", unescape(answer.content.decode())).split())


def test_an_operator_says_who_answers(desk: Client) -> None:
    assert "Storybook (storybook)" in words(desk.get(ADD))
    assert desk.post(ADD, {"asked": CREATIVE, "engine": "storybook-upscale"})["Location"] == LIST
    assert desk.post(ADD, {"asked": "sd3.5-large", "engine": ""})["Location"] == LIST
    assert list(EngineRoute.objects.values_list("asked", "engine")) == [("sd3.5-large", ""), (CREATIVE, "storybook-upscale")]
    assert LogEntry.objects.count() == 2
    page = words(desk.get(LIST))
    assert "Fast upscale ×4 answers." in page
    assert "The operator of this studio does not offer this." in page


def test_an_engine_that_cannot_do_it_is_refused_in_words(desk: Client) -> None:
    page = desk.post(ADD, {"asked": CORE, "engine": "storybook-upscale"})
    assert "Fast upscale ×4 does not do “Text”, which “stable-image/generate/core” asks for. Choose another one." in words(page)
    assert desk.post(ADD, {"asked": CORE, "engine": "no-such"}).status_code == 200
    assert desk.post(ADD, {"asked": "stable-image/generate/nothing", "engine": "storybook"}).status_code == 200
    assert not EngineRoute.objects.exists()


def test_the_same_is_asked_for_once(desk: Client) -> None:
    EngineRoute.objects.create(asked=CORE, engine="storybook")
    assert desk.post(ADD, {"asked": CORE, "engine": ""}).status_code == 200
    assert EngineRoute.objects.get().engine == "storybook"


def test_an_engine_that_went_away_is_still_seen_and_can_be_changed(desk: Client) -> None:
    route = EngineRoute.objects.create(asked=CORE, engine="old-model")
    change = f"{LIST}{route.pk}/change/"
    assert "The engine “old-model”, which answers this here, is not offered at the moment." in words(desk.get(LIST))
    assert "old-model (not offered now)" in words(desk.get(change))
    refused = desk.post(change, {"asked": CORE, "engine": "old-model"})
    assert "This engine is not offered now. Choose one that is, or “Refused”." in words(refused)
    assert desk.post(change, {"asked": CORE, "engine": "storybook"})["Location"] == LIST
    route.refresh_from_db()
    assert route.engine == "storybook"


def test_nobody_else_sees_the_table(client_of: Any, bob: Any) -> None:
    assert client_of(bob).get(LIST).status_code in (302, 404)


@pytest.mark.parametrize(
    ("asked", "operations", "modes"),
    [
        (CORE, [CORE], [Mode.TEXT_TO_IMAGE]),
        ("sd3.5-flash", ["stable-image/generate/sd3"], [Mode.TEXT_TO_IMAGE, Mode.IMAGE_TO_IMAGE]),
        ("esrgan-v1-x2plus", ["v1/upscale"], [Mode.UPSCALING]),
        (
            "stable-diffusion-v1-5",
            ["v1/text-to-image", "v1/image-to-image", "v1/masking"],
            [Mode.TEXT_TO_IMAGE, Mode.IMAGE_TO_IMAGE, Mode.INPAINTING],
        ),
        ("nothing", [], []),
    ],
)
def test_a_row_is_about_what_it_names(asked: str, operations: list[str], modes: list[Mode]) -> None:
    assert operations_of(asked) == operations
    assert modes_of(asked) == modes

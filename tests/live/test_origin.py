"""A socket is opened for pages of this very studio alone."""

from __future__ import annotations

import pytest

from tests.live.conftest import Page, in_thread

pytestmark = pytest.mark.django_db(transaction=True)
ELSEWHERE = ["", "null", "http://evil.example", "http://localhost:9999", "http://localhost.evil.example", "file://localhost", "http://["]


@pytest.mark.parametrize("origin", ["http://localhost", "http://localhost:8000"])
async def test_own_pages_are_let_in(alice, open_page, settings, origin):
    settings.STUDIO_URL = "http://localhost:8000"
    assert 'id="balance"' in (await open_page(alice, origin=origin)).snapshot


@pytest.mark.parametrize("origin", ELSEWHERE)
async def test_every_other_page_is_denied(alice, client_of, settings, origin):
    settings.STUDIO_URL = "http://localhost:8000"
    assert await Page(await in_thread(client_of, alice), "view=create", origin).connect() is False


async def test_a_host_that_is_not_ours_is_denied(alice, client_of, settings):
    settings.STUDIO_URL, settings.ALLOWED_HOSTS = "https://studio.example", ["studio.example"]
    assert await Page(await in_thread(client_of, alice), "view=create", "http://localhost").connect() is False

"""No more bytes than an upload may have, declared or not. (The real server's own limit is tested in tests/processes.)"""

import json

import pytest

from studio.live.body_limit import FRAMING, BodyLimit

SENT = {"type": "http.request", "body": b"x" * 1024 * 1024, "more_body": True}
END = {"type": "http.request", "body": b"", "more_body": False}


@pytest.fixture(autouse=True)
def small(settings):
    settings.MAX_UPLOAD_BYTES = 2 * 1024 * 1024
    assert FRAMING == 1024 * 1024  # so three messages of SENT fit, and a fourth does not


class Site:
    """An application that reads all and answers with how much it was, and what it was asked through."""

    def __init__(self):
        self.read = None
        self.sent = []

    async def app(self, scope, receive, send):
        read = 0
        while (message := await receive())["more_body"]:
            read += len(message["body"])
        self.read = read
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    async def ask(self, messages, path="/create/", **headers):
        scope = {
            "type": "http",
            "path": path,
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        }
        queue = iter(messages)

        async def receive():
            return next(queue, {"type": "http.disconnect"})

        async def send(message):
            self.sent.append(message)

        await BodyLimit(self.app)(scope, receive, send)
        return self.sent[0]["status"], dict(self.sent[0]["headers"]), self.sent[1]["body"]


async def test_what_fits_passes():
    site = Site()
    status, _, body = await site.ask([SENT, SENT, SENT, END], content_length=str(3 * 1024 * 1024))
    assert (status, body, site.read) == (200, b"ok", 3 * 1024 * 1024)


async def test_a_declared_length_over_the_limit_is_refused_before_a_byte_is_read():
    site = Site()
    status, headers, body = await site.ask([], content_length=str(3 * 1024 * 1024 + 1))
    assert (status, site.read) == (413, None)
    assert headers[b"content-type"] == b"text/html; charset=utf-8"
    assert b"That is too large: 2 MB is the most" in body
    assert [message.get("more_body") for message in site.sent] == [None, True, None]


@pytest.mark.parametrize(("messages", "unread"), [([SENT, SENT, END, SENT], 1), ([SENT] * 30, 6)])
async def test_what_is_refused_is_read_to_its_end_or_to_eight_times_the_limit(messages, unread):
    """Else the connection would be closed with bytes unread, and reset before the browser has looked for the answer."""
    left = iter(messages)
    assert (await Site().ask(left, content_length=str(30 * 1024 * 1024)))[0] == 413
    assert len(list(left)) == unread


async def test_chunks_without_a_length_are_counted():
    site = Site()
    status, headers, body = await site.ask([SENT] * 5 + [END], accept="application/json")
    assert (status, site.read) == (413, None)
    assert headers[b"content-type"] == b"application/json"
    assert json.loads(body)["error"].startswith("That is too large")


async def test_the_own_api_says_it_as_a_problem():
    status, headers, body = await Site().ask([SENT] * 4 + [END], path="/api/v1/inputs")
    assert (status, headers[b"content-type"]) == (413, b"application/problem+json")
    told = json.loads(body)
    assert (told["status"], told["code"]) == (413, "too_large")
    assert "3 MiB is the most" in told["detail"]


async def test_an_address_of_the_stability_api_has_the_limit_of_its_contract():
    site = Site()
    status, headers, body = await site.ask([SENT] * 11 + [END], path="/v2beta/stable-image/edit/erase")
    assert (status, site.read) == (413, None)
    told = json.loads(body)
    assert told["errors"] == ["body: payloads cannot be larger than 10MiB in size"]
    assert (told["name"], len(told["id"])) == ("payload_too_large", 32)
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"x-request-id"] == told["id"].encode()


@pytest.mark.parametrize(
    ("path", "mebibytes"),
    [
        ("/v2beta/stable-image/generate/core", 10),
        ("/v2beta/audio/stable-audio-2/inpaint", 50),
        ("/v2beta/audio/stable-audio/audio-to-audio", 100),
        ("/v2beta/nothing/here", 10),
        ("/v2alpha/generation/stable-image/upscale", 10),
        ("/v1/generation/any/image-to-image", 3),
    ],
)
async def test_what_fits_an_address_passes(path, mebibytes):
    """3: the settings of these tests and their framing; of v1 no limit is recorded."""
    assert (await Site().ask([SENT] * mebibytes + [END], path=path))[0] == 200
    assert (await Site().ask([SENT] * (mebibytes + 1) + [END], path=path))[0] == (400 if path.startswith("/v1/") else 413)


async def test_v1_says_it_in_its_own_words():
    _, _, body = await Site().ask([], path="/v1/generation/any/image-to-image", content_length=str(9 * 1024 * 1024))
    told = json.loads(body)
    assert told["name"] == "invalid_file_size"
    assert told["message"] == "The file size of one or more of the provided files is invalid: 2 MiB is the most"


@pytest.mark.parametrize("length", ["-1", "many", ""])
async def test_a_length_that_is_no_number_is_refused(length):
    site = Site()
    status, _, _ = await site.ask([], content_length=length)
    assert (status, site.read) == (413, None)


async def test_websockets_pass_untouched():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    await BodyLimit(app)({"type": "websocket", "headers": []}, None, None)
    assert seen == ["websocket"]
